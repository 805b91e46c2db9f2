"""Chapter 6, batch normalisation."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from minicnn.exercises.engine import gradients
from minicnn.exercises.exercise import Draw, Exercise, agree
from minicnn.nn import functional as F
from minicnn.ops.creation import ones, tensor, zeros

Array = Any


def normalise_images(x: Array, gamma: Array, beta: Array, eps: float) -> Array:
    """(N, C, H, W), (C,), (C,) → (N, C, H, W)."""
    return F.batch_norm(tensor(x), None, None, tensor(gamma), tensor(beta), training=True, eps=eps).numpy()


def running_after(batches: tuple[Array, ...], momentum: float) -> tuple[float, float]:
    """Arrays (N,) → the running mean and variance after them."""
    mean, var = zeros(1).double(), ones(1).double()
    for batch in batches:
        F.batch_norm(tensor(batch[:, None]), mean, var, training=True, momentum=momentum)
    return mean.item(), var.item()


def normalise_images_backward(g: Array, x: Array, gamma: Array, eps: float) -> tuple[Array, ...]:
    """(N, C, H, W), (N, C, H, W), (C,) → dx, dgamma, dbeta."""
    return gradients(lambda x, gamma, beta: F.batch_norm(x, None, None, gamma, beta, training=True, eps=eps),
                     g, x, gamma, np.zeros(gamma.shape))  # fmt: skip


def fold_norm(
    weight: Array, bias: Array, gamma: Array, beta: Array, mean: Array, var: Array, eps: float
) -> tuple[Array, Array]:
    """(O, C, KH, KW), (O,), four of (O,) → weight and bias of one convolution."""
    scale = gamma / np.sqrt(var + eps)
    return weight * scale[:, None, None, None], (bias - mean) * scale + beta


def layernorm_backward(g: Array, x: Array, gamma: Array, eps: float) -> tuple[Array, ...]:
    """(N, D), (N, D), (D,) → dx, dgamma, dbeta."""
    return gradients(lambda x, gamma, beta: F.layer_norm(x, x.shape[1:], gamma, beta, eps),
                     g, x, gamma, np.zeros(gamma.shape))  # fmt: skip


def _values(draw: Draw, *shape: int) -> Array:
    return np.round(draw.normal(size=shape) * 3 + 2, 2)


def _images(draw: Draw, *sizes: tuple[int, int, int, int]) -> Iterator[tuple[Array, Array, Array, float]]:
    for size in sizes:
        yield _values(draw, *size), 1 + np.arange(float(size[1])), np.arange(float(size[1])), 1e-5


def _slopes(draw: Draw, *sizes: tuple[int, ...], plain: bool = False) -> Iterator[tuple[Array, Array, Array, float]]:
    for size in sizes:
        gamma = np.ones(size[1]) if plain else 2 + np.arange(float(size[1]))
        yield _values(draw, *size), _values(draw, *size), gamma, 1e-5


def _batches(draw: Draw, *sizes: tuple[int, ...], momentum: float) -> Iterator[tuple[tuple[Array, ...], float]]:
    for lengths in sizes:
        yield tuple(_values(draw, n) for n in lengths), momentum


def _layers(draw: Draw, *sizes: tuple[int, int], bias: bool) -> Iterator[tuple[Array, ...]]:
    for o, c in sizes:
        yield (_values(draw, o, c, 2, 2), _values(draw, o) * bias, 1 + np.arange(float(o)), _values(draw, o),
               _values(draw, o), 0.5 + np.arange(float(o)), 1e-5)  # fmt: skip


EXERCISES = [
    Exercise("6.1", "normalise_images", "batch norm of images, in training", (
        ("one pixel, one channel", agree(normalise_images, lambda d: _images(d, (2, 1, 1, 1), (5, 1, 1, 1)))),
        ("all pixels of a channel together", agree(normalise_images, lambda d: _images(d, (2, 1, 1, 2), (3, 1, 2, 4)),
                                                   "one mean and one variance for a channel's N · H · W values")),
        ("channels are separate", agree(normalise_images, lambda d: _images(d, (2, 2, 1, 1), (4, 3, 2, 2)))),
        ("a constant channel", agree(normalise_images, lambda _: [(np.full((3, 1, 1, 2), 7.0), np.ones(1),
                                                                   np.array([2.0]), 1e-3)],
                                     "eps is under the root")),
    )),
    Exercise("6.2", "running_after", "what batch norm remembers of its batches", (
        ("one batch, momentum 1", agree(running_after, lambda d: _batches(d, (2,), (5,), momentum=1.0),
                                        "the variance that is kept divides by one less than the number of values")),
        ("one batch", agree(running_after, lambda d: _batches(d, (2,), (6,), momentum=0.1),
                            "momentum is the weight of the new value")),
        ("several batches", agree(running_after, lambda d: _batches(d, (2, 2), (4, 5, 3), momentum=0.3))),
    )),
    Exercise("6.3", "normalise_images_backward", "the gradients of batch norm of images", (
        ("one pixel, gamma 1", agree(normalise_images_backward, lambda d: _slopes(d, (3, 1, 1, 1), plain=True),
                                     "mean and variance depend on x, too", rtol=1e-7)),
        ("all pixels of a channel", agree(normalise_images_backward, lambda d: _slopes(d, (2, 1, 1, 2), (2, 1, 3, 3)),
                                          "every mean is over batch, height and width", rtol=1e-7)),
        ("channels are separate", agree(normalise_images_backward, lambda d: _slopes(d, (3, 2, 1, 1), (4, 3, 2, 2)),
                                        rtol=1e-7)),
    )),
    Exercise("6.4", "fold_norm", "batch norm as part of the convolution before it", (
        ("without a bias", agree(fold_norm, lambda d: _layers(d, (1, 1), (2, 1), bias=False))),
        ("with a bias", agree(fold_norm, lambda d: _layers(d, (1, 1), (3, 2), bias=True),
                              "the convolution's bias is normalised, too")),
    )),
    Exercise("6.5", "layernorm_backward", "the gradients of layer norm", (
        ("one row, gamma 1", agree(layernorm_backward, lambda d: _slopes(d, (1, 3), plain=True), rtol=1e-7)),
        ("rows are separate", agree(layernorm_backward, lambda d: _slopes(d, (2, 3), (4, 5), plain=True), rtol=1e-7)),
        ("any gamma", agree(layernorm_backward, lambda d: _slopes(d, (1, 3), (4, 6)),
                            "gamma differs within a row, so it belongs inside of the means", rtol=1e-7)),
    )),
]  # fmt: skip
