"""Chapter 1, convolution by hand."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from minicnn.exercises.exercise import Draw, Exercise, agree, shown

Array = Any


def correlate1d(signal: Array, kernel: Array) -> Array:
    """(L,), (K,) → (L − K + 1,): sliding sums of products."""
    windows = np.lib.stride_tricks.sliding_window_view(signal, len(kernel))
    return windows @ kernel


def correlate2d(image: Array, kernel: Array) -> Array:
    """(H, W), (KH, KW) → (H − KH + 1, W − KW + 1)."""
    windows = np.lib.stride_tricks.sliding_window_view(image, kernel.shape)
    return np.einsum("ijkl,kl->ij", windows, kernel)


def convolve2d(image: Array, kernel: Array) -> Array:
    """(H, W), (KH, KW) → (H − KH + 1, W − KW + 1), the kernel turned by half a turn."""
    return correlate2d(image, kernel[::-1, ::-1])


def conv_layer(x: Array, weight: Array, bias: Array) -> Array:
    """(N, C, H, W), (O, C, KH, KW), (O,) → (N, O, OH, OW)."""
    windows = np.lib.stride_tricks.sliding_window_view(x, weight.shape[2:], axis=(2, 3))
    return np.einsum("ncijkl,ockl->noij", windows, weight) + bias[:, None, None]


def parameters(in_channels: int, out_channels: int, kernel_height: int, kernel_width: int, bias: bool) -> int:
    """How many numbers a convolution learns."""
    return out_channels * (in_channels * kernel_height * kernel_width + bias)


def _whole(draw: Draw, *shape: int) -> Array:
    return draw.integers(-4, 5, shape).astype(float)


def _lines(draw: Draw, sizes: list[tuple[int, int]]) -> Iterator[tuple[Array, Array]]:
    for length, taps in sizes:
        yield _whole(draw, length), 1 + _whole(draw, taps).cumsum()


def _images(draw: Draw, sizes: list[tuple[tuple[int, int], tuple[int, int]]]) -> Iterator[tuple[Array, Array]]:
    for size, taps in sizes:
        yield _whole(draw, *size), _whole(draw, *taps) + np.arange(taps[0] * taps[1]).reshape(taps)


def _batches(draw: Draw, sizes: list[tuple[int, int, int]]) -> Iterator[tuple[Array, Array, Array]]:
    for n, c, o in sizes:
        yield _whole(draw, n, c, 3, 4), _whole(draw, o, c, 2, 3), 1 + np.arange(float(o))


def _response(answer: Any, image: Array) -> Array:
    given = np.asarray(answer(), dtype=float)
    if given.ndim == 0 and np.isnan(given):
        raise NotImplementedError("the starter is still to be filled")
    if given.shape != (3, 3):
        raise ValueError(f"a kernel (3, 3) is asked for, not {given.shape}")
    return correlate2d(image, given)


def _silent(answer: Any, image: Array) -> str:
    found = _response(answer, image)
    return "" if np.allclose(found, 0) else f"on {shown(image)} it answers {shown(found)}, not 0"


def _responds(answer: Any, draw: Draw, sign: int) -> str:
    image = np.tile([0.0, 0, 1, 1] if sign > 0 else [1.0, 1, 0, 0], (4, 1)) * draw.integers(1, 5)
    found = _response(answer, image)
    return "" if (found * sign > 0).all() else f"on {shown(image)} it answers {shown(found)}"


EXERCISES = [
    Exercise("1.1", "correlate1d", "slide a kernel over a signal, and sum the products", (
        ("one window", agree(correlate1d, lambda d: _lines(d, [(1, 1), (2, 2), (3, 3)]))),
        ("windows side by side", agree(correlate1d, lambda d: _lines(d, [(2, 1), (3, 2), (8, 3)]),
                                       "a window starts at 0, 1, … and the last one ends with the signal")),
    )),
    Exercise("1.2", "correlate2d", "slide a kernel over an image, and sum the products", (
        ("one window", agree(correlate2d, lambda d: _images(d, [((1, 1), (1, 1)), ((2, 2), (2, 2))]))),
        ("square images", agree(correlate2d, lambda d: _images(d, [((3, 3), (2, 2)), ((6, 6), (3, 3))]))),
        ("any heights and widths", agree(correlate2d, lambda d: _images(d, [((2, 4), (1, 2)), ((6, 4), (3, 2))]),
                                         "rows are counted by the height, columns by the width")),
    )),
    Exercise("1.3", "convolve2d", "the mathematician's convolution: the kernel turned by half a turn", (
        ("one window", agree(convolve2d, lambda d: _images(d, [((1, 2), (1, 2)), ((2, 2), (2, 2))]),
                             "the kernel's last number meets the window's first")),
        ("larger images", agree(convolve2d, lambda d: _images(d, [((2, 3), (2, 1)), ((5, 6), (3, 2))]),
                                "both axes are reversed")),
    )),
    Exercise("1.4", "vertical_edge", "a 3 × 3 kernel that finds where dark turns bright, from left to right", (
        ("answers dark to bright with more than 0", lambda a, d: _responds(a, d, 1)),
        ("answers bright to dark with less than 0", lambda a, d: _responds(a, d, -1)),
        ("says 0 to a flat image", lambda a, d: _silent(a, np.full((3, 3), float(d.integers(1, 5))))),
        ("says 0 to edges between rows", lambda a, _: _silent(a, np.repeat([[0.0], [0], [1], [1]], 4, axis=1))),
    )),
    Exercise("1.5", "conv_layer", "a convolution of a batch, with channels in and out, and a bias", (
        ("one channel in, one out", agree(conv_layer, lambda d: _batches(d, [(1, 1, 1)]))),
        ("channels in are summed", agree(conv_layer, lambda d: _batches(d, [(1, 2, 1), (1, 3, 1)]))),
        ("channels out are separate", agree(conv_layer, lambda d: _batches(d, [(1, 1, 2), (1, 2, 3)]))),
        ("images are separate", agree(conv_layer, lambda d: _batches(d, [(2, 1, 1), (3, 2, 4)]))),
    )),
    Exercise("1.6", "parameters", "count the numbers that a convolution learns", (
        ("with a bias", agree(parameters, [(1, 1, 1, 1, True), (1, 6, 5, 5, True), (3, 4, 3, 3, True)],
                              "one bias for each output channel")),
        ("without a bias", agree(parameters, [(1, 1, 1, 1, False), (6, 16, 5, 5, False)])),
        ("any heights and widths", agree(parameters, lambda d: [(2, 3, *d.integers(2, 9, 2).tolist(), True)])),
    )),
]  # fmt: skip
