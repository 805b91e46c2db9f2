"""Chapter 2, padding, stride, dilation, and what a layer sees."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from minicnn.exercises.exercise import Draw, Exercise, agree

Array = Any


def output_size(size: int, kernel: int, stride: int, padding: int, dilation: int) -> int:
    """⌊(size + 2 · padding − dilation · (kernel − 1) − 1) / stride⌋ + 1."""
    return (size + 2 * padding - dilation * (kernel - 1) - 1) // stride + 1


def zero_pad(image: Array, padding: int) -> Array:
    """(H, W) → (H + 2 · padding, W + 2 · padding)."""
    return np.pad(image, padding)


def correlate_with(image: Array, kernel: Array, stride: int, padding: int) -> Array:
    """(H, W), (KH, KW) → (OH, OW)."""
    windows = np.lib.stride_tricks.sliding_window_view(np.pad(image, padding), kernel.shape)
    return np.einsum("ijkl,kl->ij", windows[::stride, ::stride], kernel)


def same_padding(kernel: int, dilation: int) -> int:
    """The padding that keeps the size at stride 1; the kernel is odd."""
    return dilation * (kernel - 1) // 2


def unread(size: int, kernel: int, stride: int, padding: int) -> int:
    """How many pixels at the end of a line no window reaches."""
    windows = output_size(size, kernel, stride, padding, 1)
    return max(0, size - ((windows - 1) * stride + kernel - padding))


def field_size(layers: list[tuple[int, int, int]]) -> int:
    """(kernel, stride, dilation) of each layer, the first first → pixels that one output of the last depends on."""
    size, jump = 1, 1
    for kernel, stride, dilation in layers:
        size += dilation * (kernel - 1) * jump
        jump *= stride
    return size


def _drawn_sizes(draw: Draw) -> Iterator[tuple[int, int, int, int, int]]:
    for _ in range(20):
        kernel, stride, padding, dilation = (int(draw.integers(low, high)) for low, high in
                                             ((1, 6), (1, 5), (0, 4), (1, 4)))  # fmt: skip
        yield int(draw.integers(dilation * (kernel - 1) + 1, 60)), kernel, stride, padding, dilation


def _images(draw: Draw, *sizes: tuple[int, int, int, int]) -> Iterator[tuple[Array, Array, int, int]]:
    for size, taps, stride, padding in sizes:
        image = draw.integers(-4, 5, (size, size + 1)).astype(float)
        yield image, np.arange(1.0, taps * taps + 1).reshape(taps, taps), stride, padding


def _plain_images(draw: Draw) -> Iterator[tuple[Array, int]]:
    for shape, padding in (((1, 1), 1), ((1, 2), 2), ((2, 1), 0), ((3, 4), 3)):
        yield draw.integers(1, 9, shape).astype(float), padding


def _stacks(draw: Draw) -> Iterator[tuple[list[tuple[int, int, int]]]]:
    for depth in (2, 3, 4, 5):
        kernels, strides, dilations = (draw.integers(1, high, depth).tolist() for high in (8, 4, 4))
        yield (list(zip(kernels, strides, dilations, strict=True)),)


EXERCISES = [
    Exercise("2.1", "output_size", "how many places a window has along one axis", (
        ("kernel alone", agree(output_size, [(1, 1, 1, 0, 1), (4, 2, 1, 0, 1), (28, 5, 1, 0, 1)])),
        ("padding", agree(output_size, [(1, 1, 1, 1, 1), (28, 5, 1, 2, 1)], "zeros come at both ends")),
        ("stride", agree(output_size, [(2, 1, 2, 0, 1), (7, 2, 2, 0, 1), (224, 11, 4, 2, 1)],
                         "a window that would hang over the end is left out")),
        ("dilation", agree(output_size, [(3, 2, 1, 0, 2), (32, 3, 1, 2, 2)],
                           "how many pixels lie between the first tap and the last?")),
        ("all together", agree(output_size, _drawn_sizes)),
    )),
    Exercise("2.2", "zero_pad", "lay a frame of zeros around an image", (
        ("the new size, and the image in its middle", agree(zero_pad, _plain_images)),
    )),
    Exercise("2.3", "correlate_with", "slide a kernel with a stride, over a padded image", (
        ("stride", agree(correlate_with, lambda d: _images(d, (2, 1, 2, 0), (4, 2, 2, 0), (6, 2, 3, 0)))),
        ("padding", agree(correlate_with, lambda d: _images(d, (1, 3, 1, 1), (4, 3, 1, 1), (4, 2, 1, 2)))),
        ("both", agree(correlate_with, lambda d: _images(d, (3, 3, 2, 1), (7, 4, 3, 2)))),
    )),
    Exercise("2.4", "same_padding", "the padding that keeps the size, for an odd kernel at stride 1", (
        ("without dilation", agree(same_padding, [(1, 1), (3, 1), (5, 1), (11, 1)])),
        ("with dilation", agree(same_padding, [(3, 2), (3, 4), (5, 3)],
                                "padding makes up for what the size formula takes away")),
    )),
    Exercise("2.5", "unread", "count the pixels at the end that no window reaches", (
        ("without padding", agree(unread, [(3, 2, 2, 0), (28, 5, 1, 0), (7, 1, 4, 0), (11, 3, 5, 0)],
                                  "where does the last window end?")),
        ("with padding", agree(unread, [(3, 3, 2, 1), (6, 3, 2, 1), (9, 2, 4, 1)],
                               "windows begin before the image; fewer than none is none")),
    )),
    Exercise("2.6", "field_size", "how many pixels an output sees through a stack of layers", (
        ("one layer", agree(field_size, [([(1, 1, 1)],), ([(3, 1, 1)],), ([(3, 2, 1)],)])),
        ("stride 1", agree(field_size, [([(3, 1, 1)] * 2,), ([(3, 1, 1)] * 3,), ([(5, 1, 1), (2, 1, 1)],)])),
        ("strides", agree(field_size, [([(2, 2, 1), (2, 2, 1)],), ([(5, 1, 1), (2, 2, 1), (5, 1, 1), (2, 2, 1)],)],
                          "a step of a later layer is as many pixels as all strides before it, multiplied")),
        ("dilation and all", agree(field_size, _stacks)),
    )),
]  # fmt: skip
