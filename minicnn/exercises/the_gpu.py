"""Chapter 18, the GPU."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from minicnn.exercises.exercise import Draw, Exercise, agree

Array = Any


def elements(block: int, thread: int, blocks: int, threads: int, count: int) -> Array:
    """A thread's elements, in order."""
    return np.arange(block * threads + thread, count, blocks * threads)


def halvings(values: Array) -> tuple[Array, ...]:
    """(2ⁿ,) → arrays (2ⁿ,), (2ⁿ⁻¹,), …, (1,)."""
    rounds = [values]
    while len(rounds[-1]) > 1:
        left, right = np.split(rounds[-1], 2)
        rounds.append(left + right)
    return tuple(rounds)


def gather_fold(columns: Array, height: int, width: int, stride: int) -> Array:
    """(OH, OW, K, K) → (height, width)."""
    OH, OW, K, _ = columns.shape
    image = np.zeros((height, width))
    for i in range(K):
        for j in range(K):
            image[i : i + OH * stride : stride, j : j + OW * stride : stride] += columns[:, :, i, j]
    return image


def depthwise_intensity(n: int, channels: int, size: int, kernel: int) -> float:
    """Operations for each byte."""
    pixels = n * channels * size**2
    return 2 * pixels * kernel**2 / (4 * (2 * pixels + channels * kernel**2))


def scales(start: float, overflows: list[bool], interval: int) -> Array:
    """The scale after each step."""
    found, good, scale = [], 0, start
    for overflow in overflows:
        good = 0 if overflow else good + 1
        if overflow:
            scale /= 2
        elif good == interval:
            scale, good = scale * 2, 0
        found.append(scale)
    return np.array(found)


def _folds(draw: Draw, sizes: list[tuple[int, int, int, int]]) -> Iterator[tuple[Array, int, int, int]]:
    for rows, columns, kernel, stride in sizes:
        windows = draw.integers(1, 10, (rows, columns, kernel, kernel)).astype(float)
        yield windows, (rows - 1) * stride + kernel, (columns - 1) * stride + kernel, stride


EXERCISES = [
    Exercise("18.1", "elements", "the elements that one of many threads works on", (
        ("one each", agree(elements, [(0, 0, 1, 1, 1), (0, 1, 1, 2, 2), (1, 1, 2, 4, 8)],
                           "a thread's number is block · threads + thread")),
        ("more elements than threads", agree(elements, lambda d: [(0, 0, 1, 1, 3), (1, 2, 2, 4, 20),
                                                                 (*d.integers(0, 3, 2).tolist(), 3, 4, 50)],
                                             "the next one is as far away as there are threads in all")),
        ("fewer elements than threads", agree(elements, [(0, 1, 1, 2, 1), (3, 0, 4, 8, 20)])),
    )),
    Exercise("18.2", "halvings", "what is left after each halving of a block's sum", (
        ("one and two values", agree(halvings, [(np.array([3.0]),), (np.array([1.0, 5.0]),)])),
        ("more", agree(halvings, lambda d: [(np.arange(4.0),), (d.integers(0, 9, 16).astype(float),)],
                       "value t gets the value half the length further on, not its neighbour")),
    )),
    Exercise("18.3", "gather_fold", "fold columns into an image, pixel by pixel", (
        ("one window", agree(gather_fold, lambda d: _folds(d, [(1, 1, 1, 1), (1, 1, 2, 1)]))),
        ("windows side by side", agree(gather_fold, lambda d: _folds(d, [(1, 2, 2, 2), (2, 3, 2, 2)]))),
        ("windows that overlap", agree(gather_fold, lambda d: _folds(d, [(1, 2, 2, 1), (3, 2, 3, 1), (2, 3, 3, 2)]),
                                       "pixel p is tap k of window (p − k) / stride, where that is a whole number")),
        ("windows with gaps", agree(gather_fold, lambda d: _folds(d, [(2, 2, 1, 2), (2, 3, 2, 3)]))),
    )),
    Exercise("18.4", "depthwise_intensity", "operations for each byte of a depthwise convolution", (
        ("one channel", agree(depthwise_intensity, [(1, 1, 1, 1), (1, 1, 4, 3)])),
        ("batches of channels", agree(depthwise_intensity, lambda d: [(2, 3, 5, 3), (*d.integers(1, 9, 3).tolist(), 5)],
                                      "x is read, w is read, y is written")),
    )),
    Exercise("18.5", "scales", "the loss scale over a training", (
        ("overflows", agree(scales, [(8.0, [True], 9), (8.0, [True, False, True], 9)])),
        ("growth", agree(scales, [(1.0, [False] * 2, 2), (1.0, [False] * 7, 3)])),
        ("both", agree(scales, lambda d: [(4.0, [False, True, False, False], 2),
                                          (64.0, (d.random(20) < 0.3).tolist(), 3)],
                       "an overflow begins the count of good steps anew")),
    )),
]  # fmt: skip
