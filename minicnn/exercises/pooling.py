"""Chapter 3, pooling."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from minicnn.exercises.exercise import Draw, Exercise, agree

Array = Any


def _windows(image: Array, kernel: int, stride: int) -> Array:
    """(H, W) → (OH, OW, kernel, kernel), a view."""
    views = np.lib.stride_tricks.sliding_window_view(image, (kernel, kernel), writeable=True)
    return views[::stride, ::stride]


def max_pool(image: Array, kernel: int, stride: int) -> Array:
    """(H, W) → (OH, OW)."""
    return _windows(image, kernel, stride).max((2, 3))


def avg_pool(image: Array, kernel: int, stride: int) -> Array:
    """(H, W) → (OH, OW)."""
    return _windows(image, kernel, stride).mean((2, 3))


def max_pool_backward(g: Array, image: Array, kernel: int, stride: int) -> Array:
    """(OH, OW), (H, W) → (H, W): all of g to the first of the largest."""
    dx = np.zeros(image.shape)
    for i, j in np.ndindex(g.shape):
        window = image[i * stride : i * stride + kernel, j * stride : j * stride + kernel]
        row, column = divmod(int(window.argmax()), kernel)
        dx[i * stride + row, j * stride + column] += g[i, j]
    return dx


def avg_pool_backward(g: Array, height: int, width: int, kernel: int, stride: int) -> Array:
    """(OH, OW) → (height, width): to each pixel of a window its share."""
    dx = np.zeros((height, width))
    for i, j in np.ndindex(g.shape):
        dx[i * stride : i * stride + kernel, j * stride : j * stride + kernel] += g[i, j] / kernel**2
    return dx


def global_average(x: Array) -> Array:
    """(N, C, H, W) → (N, C)."""
    return x.mean((2, 3))


def adaptive_bins(size: int, bins: int) -> list[tuple[int, int]]:
    """The (start, end) of each bin: ⌊i · size / bins⌋ to ⌈(i + 1) · size / bins⌉."""
    return [(i * size // bins, -(-(i + 1) * size // bins)) for i in range(bins)]


def _images(draw: Draw, *sizes: tuple[int, int, int, int], low: int = -20) -> Iterator[tuple[Array, int, int]]:
    """Images of whole numbers of which no two are equal."""
    for height, width, kernel, stride in sizes:
        values = draw.permutation(np.arange(low, low + height * width)).astype(float)
        yield values.reshape(height, width), kernel, stride


def _arriving(draw: Draw, *sizes: tuple[int, int, int, int]) -> Iterator[tuple[Array, Array, int, int]]:
    for image, kernel, stride in _images(draw, *sizes):
        yield draw.integers(1, 10, max_pool(image, kernel, stride).shape).astype(float), image, kernel, stride


def _ties(draw: Draw) -> Iterator[tuple[Array, Array, int, int]]:
    for size, kernel, stride in ((2, 2, 2), (4, 2, 2), (4, 3, 1)):
        image = draw.integers(0, 2, (size, size)).astype(float)
        image[:2, :2] = [[0, 1], [1, 1]]
        yield np.ones(max_pool(image, kernel, stride).shape), image, kernel, stride


def _shares(draw: Draw, *sizes: tuple[int, int, int, int]) -> Iterator[tuple[Array, int, int, int, int]]:
    for g, image, kernel, stride in _arriving(draw, *sizes):
        yield g * kernel**2, *image.shape, kernel, stride


def _maps(draw: Draw, *shapes: tuple[int, int, int, int]) -> Iterator[tuple[Array]]:
    for shape in shapes:
        yield (draw.integers(0, 9, shape).astype(float),)


_APART = ((1, 1, 1, 1), (2, 2, 2, 2), (4, 6, 2, 2), (6, 6, 3, 3))
_OVER = ((3, 3, 2, 1), (5, 5, 3, 2), (4, 5, 3, 1))
_REST = ((3, 3, 2, 2), (5, 4, 2, 2), (7, 7, 2, 3))

EXERCISES = [
    Exercise("3.1", "max_pool", "the largest of each window", (
        ("windows side by side", agree(max_pool, lambda d: _images(d, *_APART))),
        ("windows that overlap", agree(max_pool, lambda d: _images(d, *_OVER), "a window starts every stride pixels")),
        ("rows that are left over", agree(max_pool, lambda d: _images(d, *_REST), "a window must fit as a whole")),
        ("numbers below 0", agree(max_pool, lambda d: _images(d, *_APART, low=-99),
                                  "what is the largest of −3 and −5, and where did your maximum begin?")),
    )),
    Exercise("3.2", "avg_pool", "the mean of each window", (
        ("windows side by side", agree(avg_pool, lambda d: _images(d, *_APART))),
        ("windows that overlap", agree(avg_pool, lambda d: _images(d, *_OVER))),
        ("rows that are left over", agree(avg_pool, lambda d: _images(d, *_REST))),
    )),
    Exercise("3.3", "max_pool_backward", "send the gradient to the pixel that won", (
        ("windows side by side", agree(max_pool_backward, lambda d: _arriving(d, *_APART))),
        ("windows that overlap", agree(max_pool_backward, lambda d: _arriving(d, *_OVER),
                                       "a pixel that wins twice gets both")),
        ("rows that are left over", agree(max_pool_backward, lambda d: _arriving(d, *_REST),
                                          "the gradient has the image's shape")),
        ("equal pixels", agree(max_pool_backward, _ties, "one of them gets all: the first, row by row")),
    )),
    Exercise("3.4", "avg_pool_backward", "share the gradient among the pixels of a window", (
        ("windows side by side", agree(avg_pool_backward, lambda d: _shares(d, *_APART))),
        ("windows that overlap", agree(avg_pool_backward, lambda d: _shares(d, *_OVER),
                                       "a pixel of several windows gets a share of each")),
        ("rows that are left over", agree(avg_pool_backward, lambda d: _shares(d, *_REST))),
    )),
    Exercise("3.5", "global_average", "one number for each channel of each image", (
        ("one image", agree(global_average, lambda d: _maps(d, (1, 1, 2, 2), (1, 3, 2, 3)))),
        ("a batch", agree(global_average, lambda d: _maps(d, (2, 1, 2, 2), (3, 2, 4, 1)),
                          "images and channels are kept apart")),
    )),
    Exercise("3.6", "adaptive_bins", "cut a line into a number of bins, as adaptive pooling does", (
        ("sizes that divide", agree(adaptive_bins, [(1, 1), (4, 2), (12, 3)])),
        ("sizes that do not", agree(adaptive_bins, [(3, 2), (5, 3), (10, 4)],
                                    "a bin begins at i · size / bins, rounded down; how is its end rounded?")),
        ("more bins than pixels", agree(adaptive_bins, [(1, 2), (2, 3), (7, 10)])),
    )),
]  # fmt: skip
