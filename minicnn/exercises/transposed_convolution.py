"""Chapter 13, transposed convolution."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from minicnn.exercises.exercise import Draw, Exercise, agree
from minicnn.nn import functional as F
from minicnn.ops.creation import tensor
from minicnn.shapes.conv import conv_transpose_output_size

Array = Any


def stamp_line(x: Array, w: Array, stride: int) -> Array:
    """(L,), (K,) → ((L − 1)·stride + K,)."""
    return F.conv_transpose1d(tensor(x[None]), tensor(w[None, None]), stride=stride).numpy()[0]


def output_padding_for(size: int, target: int, kernel: int, stride: int, padding: int) -> int:
    """The output padding that leads from size to target, or −1."""
    missing = target - conv_transpose_output_size(size, kernel, stride, padding)
    return missing if 0 <= missing < stride else -1


def enlarge(x: Array, w: Array, bias: Array, stride: int, padding: int, output_padding: int) -> Array:
    """(C, H, W), (C, O, KH, KW), (O,) → (O, OH, OW)."""
    return F.conv_transpose2d(tensor(x), tensor(w), tensor(bias), stride, padding, output_padding).numpy()


def tent_kernel(stride: int) -> Array:
    """s, even → (2s,): linear interpolation."""
    distance = np.abs(np.arange(2 * stride) - (stride - 0.5))
    return 1 - distance / stride


def shuffled_weight(w: Array) -> Array:
    """(C, O, s, s) → (O·s², C, 1, 1)."""
    return w.transpose(1, 2, 3, 0).reshape(-1, w.shape[0], 1, 1)


def _whole(draw: Draw, *shape: int) -> Array:
    return draw.integers(-4, 5, shape).astype(float)


def _lines(draw: Draw, *sizes: tuple[int, int, int]) -> Iterator[tuple[Array, Array, int]]:
    for length, taps, stride in sizes:
        yield 5 + _whole(draw, length), 1 + np.arange(float(taps)), stride


def _images(draw: Draw, *sizes: tuple[int, int, int, int, int, int, int, int, int]) -> Iterator[tuple[Any, ...]]:
    for c, o, h, w, kh, kw, stride, padding, extra in sizes:
        kernel = _whole(draw, c, o, kh, kw) + np.arange(c * o * kh * kw).reshape(c, o, kh, kw)
        yield 5 + _whole(draw, c, h, w), kernel, 1 + np.arange(float(o)), stride, padding, extra


def _weights(draw: Draw, *sizes: tuple[int, int, int]) -> Iterator[tuple[Array]]:
    for c, o, s in sizes:
        yield (10 * draw.integers(1, 9) + np.arange(float(c * o * s * s)).reshape(c, o, s, s),)


EXERCISES = [
    Exercise("13.1", "stamp_line", "stamp a kernel along a line", (
        ("one stamp", agree(stamp_line, lambda d: _lines(d, (1, 1, 1), (1, 3, 2)))),
        ("stamps side by side", agree(stamp_line, lambda d: _lines(d, (2, 1, 1), (3, 2, 2), (3, 3, 3)))),
        ("stamps that overlap", agree(stamp_line, lambda d: _lines(d, (2, 2, 1), (2, 3, 2), (5, 4, 2)),
                                      "the ink adds up")),
        ("gaps between stamps", agree(stamp_line, lambda d: _lines(d, (2, 1, 2), (3, 2, 5)),
                                      "the result ends with the last stamp")),
    )),
    Exercise("13.2", "output_padding_for", "find the output padding for a size", (
        ("none is needed", agree(output_padding_for, [(1, 1, 1, 1, 0), (4, 8, 4, 2, 1), (4, 7, 3, 2, 1)])),
        ("some is needed", agree(output_padding_for, [(4, 8, 3, 2, 1), (5, 15, 4, 3, 1), (3, 16, 5, 5, 2)],
                                 "a padding is cut off on both sides")),
        ("too small", agree(output_padding_for, [(4, 6, 3, 2, 1), (2, 2, 3, 1, 0)],
                            "it cannot be negative")),
        ("too large", agree(output_padding_for, [(4, 9, 3, 2, 1), (2, 5, 3, 1, 0), (3, 11, 2, 3, 0)],
                            "it is less than the stride")),
    )),
    Exercise("13.3", "enlarge", "the transposed convolution of an image", (
        ("one channel", agree(enlarge, lambda d: _images(d, (1, 1, 1, 1, 1, 1, 1, 0, 0), (1, 1, 2, 2, 2, 2, 1, 0, 0),
                                                         (1, 1, 2, 3, 3, 2, 2, 0, 0)),
                              "the bias is added once to each pixel, not with each stamp")),
        ("channels", agree(enlarge, lambda d: _images(d, (2, 1, 1, 2, 2, 2, 2, 0, 0), (1, 2, 2, 1, 2, 2, 1, 0, 0),
                                                      (3, 2, 2, 2, 3, 3, 2, 0, 0)),
                           "the weight is (in, out, KH, KW)")),
        ("padding", agree(enlarge, lambda d: _images(d, (1, 1, 2, 2, 3, 3, 1, 1, 0), (2, 1, 3, 2, 4, 4, 2, 1, 0)),
                          "it takes rows and columns away")),
        ("output padding", agree(enlarge, lambda d: _images(d, (1, 1, 2, 2, 3, 3, 2, 1, 1), (1, 1, 2, 2, 2, 2, 3, 0, 2),
                                                            (2, 3, 2, 3, 3, 3, 2, 1, 1)),
                                 "what padding has cut off at the end comes back before zeros do")),
    )),
    Exercise("13.4", "tent_kernel", "the kernel of linear interpolation", (
        ("twice as large", agree(tent_kernel, [(2,)])),
        ("four and six times", agree(tent_kernel, [(4,), (6,)],
                                     "the weight falls in a straight line from the middle, and ends half a step on")),
    )),
    Exercise("13.5", "shuffled_weight", "a transposed convolution as a pixel shuffle", (
        ("one channel in, one out", agree(shuffled_weight, lambda d: _weights(d, (1, 1, 1), (1, 1, 2)))),
        ("channels in", agree(shuffled_weight, lambda d: _weights(d, (2, 1, 2), (3, 1, 3)),
                              "a convolution's weight has the output channels first")),
        ("channels out", agree(shuffled_weight, lambda d: _weights(d, (1, 2, 2), (2, 3, 2)),
                               "the places of one output channel are neighbours")),
    )),
]  # fmt: skip
