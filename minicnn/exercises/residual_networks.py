"""Chapter 9, residual networks."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from minicnn.exercises.exercise import Draw, Exercise, agree

Array = Any


def residual_forward(x: Array, w1: Array, w2: Array) -> Array:
    """(N, D), (D, H), (H, D) → (N, D)."""
    return x + np.maximum(x @ w1, 0) @ w2


def residual_backward(g: Array, x: Array, w1: Array, w2: Array) -> tuple[Array, Array, Array]:
    """(N, D), (N, D), (D, H), (H, D) → gradients of x, w1, w2."""
    hidden = x @ w1
    slope = (g @ w2.T) * (hidden > 0)
    return g + slope @ w1.T, x.T @ slope, np.maximum(hidden, 0).T @ g


def path_shares(slopes: Array) -> Array:
    """(n,) → (n + 1,): the coefficients of ∏ (1 + aᵢ t) by powers of t."""
    shares = np.ones(1)
    for slope in slopes:
        shares = np.convolve(shares, [1.0, slope])
    return shares


def subsampled(x: Array, channels: int) -> Array:
    """(C, H, W) → (channels, ⌈H / 2⌉, ⌈W / 2⌉)."""
    new = channels - len(x)
    return np.pad(x[:, ::2, ::2], ((new // 2, new - new // 2), (0, 0), (0, 0)))


def stage_parameters(before: int, channels: int, blocks: int, stride: int) -> int:
    """Of basic blocks with batch norm, and option B where shapes change."""
    convolutions = 9 * channels * (before + (2 * blocks - 1) * channels)
    norms = 2 * channels * 2 * blocks
    skip = before * channels + 2 * channels if stride != 1 or before != channels else 0
    return convolutions + norms + skip


def _layers(draw: Draw, *sizes: tuple[int, int, int], sign: int = 0) -> Iterator[tuple[Array, Array, Array]]:
    """Whole numbers; hidden units that are all above 0 (sign 1), or of both signs."""
    for n, d, h in sizes:
        x, w1, w2 = (draw.integers(1, 5, shape).astype(float) for shape in ((n, d), (d, h), (h, d)))
        if not sign:
            w1[:, ::2] *= -1
        yield x, w1, w2


def _slopes(draw: Draw, *sizes: tuple[int, int, int], sign: int = 0) -> Iterator[tuple[Array, ...]]:
    for x, w1, w2 in _layers(draw, *sizes, sign=sign):
        yield (draw.integers(1, 5, x.shape) * draw.choice([-1.0, 1.0], x.shape), x, w1, w2)


def _maps(draw: Draw, *sizes: tuple[int, int, int, int]) -> Iterator[tuple[Array, int]]:
    for c, h, w, channels in sizes:
        yield draw.integers(1, 9, (c, h, w)).astype(float), channels


EXERCISES = [
    Exercise("9.1", "residual_forward", "a residual block of linear layers", (
        ("hidden units above zero", agree(residual_forward, lambda d: _layers(d, (1, 1, 1), (2, 3, 2), sign=1))),
        ("hidden units below zero", agree(residual_forward, lambda d: _layers(d, (1, 1, 1), (2, 2, 3), (4, 3, 5)),
                                          "the ReLU is on the branch, not on the sum")),
    )),
    Exercise("9.2", "residual_backward", "the gradients of a residual block", (
        ("a branch that is shut", agree(residual_backward, lambda d: _slopes(d, (1, 1, 1), (2, 2, 1)),
                                        "what is left when the branch is shut?")),
        ("open branches", agree(residual_backward, lambda d: _slopes(d, (1, 1, 1), (1, 2, 2), (3, 2, 4), sign=1),
                                "a sum hands its gradient to both sides")),
        ("both", agree(residual_backward, lambda d: _slopes(d, (2, 2, 2), (3, 2, 5)))),
    )),
    Exercise("9.3", "path_shares", "the gradient's shares by the length of the path", (
        ("one branch", agree(path_shares, [(np.array([2.0]),), (np.array([0.0]),)])),
        ("two and three", agree(path_shares, [(np.array([2.0, 3.0]),), (np.array([0.5, 0.2, 0.1]),)],
                                "each path takes each branch, or goes around it")),
        ("none, and many", agree(path_shares, lambda d: [(np.zeros(0),), (d.integers(-3, 4, 12).astype(float),)],
                                 "2ⁿ paths need no 2ⁿ steps: add one branch after another", rtol=1e-7)),
    )),
    Exercise("9.4", "subsampled", "the skip that has no parameters", (
        ("sizes", agree(subsampled, lambda d: _maps(d, (1, 2, 2, 1), (1, 1, 1, 1), (2, 3, 5, 2)),
                        "the first row and column stay")),
        ("channels", agree(subsampled, lambda d: _maps(d, (1, 1, 1, 3), (2, 4, 4, 4), (1, 2, 2, 4)),
                           "new channels are zeros, before and after")),
    )),
    Exercise("9.5", "stage_parameters", "the parameters of a stage of basic blocks", (
        ("nothing changes", agree(stage_parameters, [(1, 1, 1, 1), (64, 64, 2, 1), (16, 16, 3, 1)],
                                  "two convolutions and two batch norms a block")),
        ("the size changes", agree(stage_parameters, [(4, 4, 1, 2), (16, 16, 2, 2)],
                                   "a stride alone needs option B, too")),
        ("the channels change", agree(stage_parameters, [(1, 2, 1, 1), (64, 128, 2, 2), (128, 256, 6, 2)],
                                      "only the first convolution sees the old channels; option B has a batch norm")),
    )),
]  # fmt: skip
