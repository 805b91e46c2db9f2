"""Chapter 5, the backward pass of convolution."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from minicnn.exercises.engine import gradients
from minicnn.exercises.exercise import Draw, Exercise, agree
from minicnn.nn import functional as F
from minicnn.ops.creation import tensor
from minicnn.shapes.conv import conv_output_size
from minicnn.tensor import Tensor

Array = Any


def coverage(size: int, kernel: int, stride: int, padding: int) -> list[int]:
    """How many windows read each of ``size`` pixels."""
    windows = conv_output_size(size, kernel, stride, padding)
    starts = [i * stride - padding for i in range(windows)]
    return [sum(start <= pixel < start + kernel for start in starts) for pixel in range(size)]


def conv1d_backward(g: Array, x: Array, w: Array) -> tuple[Array, ...]:
    """(L − K + 1,), (L,), (K,) → dx (L,), dw (K,), db."""

    def line(x: Tensor, w: Tensor, b: Tensor) -> Tensor:
        return F.conv1d(x.reshape(1, 1, -1), w.reshape(1, 1, -1), b.reshape(1)).flatten()

    return gradients(line, g, x, w, np.zeros(()))


def fold_columns(columns: Array, height: int, width: int, kernel: int, stride: int) -> Array:
    """(OH·OW, K·K) → (height, width): each pixel is the sum of its places in the columns."""
    folded = F.fold(tensor(columns.T[None]), (height, width), kernel, stride=stride)
    return folded.numpy()[0, 0]


def input_gradient(g: Array, w: Array, stride: int, height: int, width: int) -> Array:
    """(OH, OW), (KH, KW) → (height, width)."""
    kernel = tensor(w[None, None])

    def layer(x: Tensor) -> Tensor:
        return F.conv2d(x, kernel, stride=stride)

    return gradients(layer, g[None, None], np.zeros((1, 1, height, width)))[0][0, 0]


def depthwise_backward(g: Array, x: Array, w: Array) -> tuple[Array, ...]:
    """(N, C, OH, OW), (N, C, H, W), (C, KH, KW) → dx, dw."""
    return gradients(lambda x, w: F.conv2d(x, w.unsqueeze(1), groups=len(w)), g, x, w)


def _whole(draw: Draw, *shape: int) -> Array:
    return draw.integers(-4, 5, shape).astype(float)


def _lines(draw: Draw, *sizes: tuple[int, int]) -> Iterator[tuple[Array, Array, Array]]:
    for length, taps in sizes:
        yield 1 + _whole(draw, length - taps + 1).cumsum(), _whole(draw, length), 1 + np.arange(float(taps))


def _columns(draw: Draw, *sizes: tuple[int, int, int, int]) -> Iterator[tuple[Array, int, int, int, int]]:
    for height, width, kernel, stride in sizes:
        places = conv_output_size(height, kernel, stride) * conv_output_size(width, kernel, stride)
        yield 1 + _whole(draw, places, kernel * kernel), height, width, kernel, stride


def _slopes(draw: Draw, *sizes: tuple[int, int, int, int, int]) -> Iterator[tuple[Array, Array, int, int, int]]:
    for height, width, high, wide, stride in sizes:
        g = _whole(draw, conv_output_size(height, high, stride), conv_output_size(width, wide, stride))
        yield g + 5, _whole(draw, high, wide) + np.arange(high * wide).reshape(high, wide), stride, height, width


def _depthwise(draw: Draw, *sizes: tuple[int, int]) -> Iterator[tuple[Array, Array, Array]]:
    for n, c in sizes:
        yield _whole(draw, n, c, 2, 3) + 5, _whole(draw, n, c, 3, 4) + 5, 1 + np.arange(c * 4.0).reshape(c, 2, 2)


EXERCISES = [
    Exercise("5.1", "coverage", "count the windows that read each pixel", (
        ("windows side by side", agree(coverage, lambda _: [(1, 1, 1, 0), (4, 2, 2, 0), (6, 3, 3, 0)])),
        ("windows that overlap", agree(coverage, lambda _: [(2, 2, 1, 0), (3, 2, 1, 0), (6, 3, 1, 0), (7, 3, 2, 0)],
                                       "the pixel at the end is in one window, whatever the kernel")),
        ("pixels that none reads", agree(coverage, lambda _: [(3, 2, 2, 0), (5, 1, 3, 0), (8, 3, 4, 0)],
                                         "a window that would hang over the end is left out")),
        ("padding", agree(coverage, lambda _: [(1, 3, 1, 1), (4, 3, 1, 1), (6, 3, 2, 1), (7, 5, 2, 2)],
                          "windows begin before the image; the zeros there are not counted")),
    )),
    Exercise("5.2", "conv1d_backward", "the three gradients of a convolution along a line", (
        ("one window", agree(conv1d_backward, lambda d: _lines(d, (1, 1), (2, 2), (3, 3)))),
        ("windows side by side", agree(conv1d_backward, lambda d: _lines(d, (2, 1), (4, 1)))),
        ("windows that overlap", agree(conv1d_backward, lambda d: _lines(d, (3, 2), (5, 3), (9, 4)),
                                       "a pixel of two windows hears from both")),
    )),
    Exercise("5.3", "fold_columns", "put columns back where they came from, with a stride", (
        ("one window", agree(fold_columns, lambda d: _columns(d, (1, 1, 1, 1), (2, 2, 2, 1)))),
        ("windows side by side", agree(fold_columns, lambda d: _columns(d, (2, 4, 2, 2), (6, 3, 3, 3)))),
        ("windows that overlap", agree(fold_columns, lambda d: _columns(d, (2, 3, 2, 1), (4, 4, 2, 1), (7, 5, 3, 2)),
                                       "what arrives at a pixel is added")),
        ("pixels that no window reads", agree(fold_columns, lambda d: _columns(d, (2, 3, 2, 2), (5, 6, 2, 3)),
                                              "their gradient is 0, and the image keeps its size")),
    )),
    Exercise("5.4", "input_gradient", "the gradient of the image as a correlation with the turned kernel", (
        ("one window", agree(input_gradient, lambda d: _slopes(d, (1, 1, 1, 1, 1), (2, 2, 2, 2, 1)))),
        ("stride 1", agree(input_gradient, lambda d: _slopes(d, (2, 3, 2, 2, 1), (5, 4, 3, 2, 1)),
                           "pad by the kernel's size less one, and turn the kernel by half a turn")),
        ("larger strides", agree(input_gradient, lambda d: _slopes(d, (1, 3, 1, 1, 2), (5, 5, 3, 3, 2),
                                                                     (7, 4, 1, 1, 3)),
                                 "zeros go between the entries, not behind the last")),
        ("pixels that no window reaches", agree(input_gradient, lambda d: _slopes(d, (2, 2, 1, 1, 2), (6, 8, 3, 3, 2)),
                                                "the result has the image's height and width")),
    )),
    Exercise("5.5", "depthwise_backward", "the gradients of a convolution that keeps channels apart", (
        ("one image, one channel", agree(depthwise_backward, lambda d: _depthwise(d, (1, 1)))),
        ("channels are separate", agree(depthwise_backward, lambda d: _depthwise(d, (1, 2), (1, 3)))),
        ("images share the kernels", agree(depthwise_backward, lambda d: _depthwise(d, (2, 1), (3, 2)),
                                           "dw is the sum over the batch")),
    )),
]  # fmt: skip
