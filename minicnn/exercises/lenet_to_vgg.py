"""Chapter 8, LeNet to VGG."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from minicnn.exercises.exercise import Draw, Exercise, agree
from minicnn.shapes.conv import conv_output_size

Array = Any


def conv_cost(channels: int, out: int, kernel: int, size: int, stride: int, padding: int) -> tuple[int, int]:
    """O(CK² + 1) parameters, OCK² · H'W' multiply-adds."""
    weights = out * channels * kernel**2
    return weights + out, weights * conv_output_size(size, kernel, stride, padding) ** 2


def vgg_cost(blocks: list[int], channels: list[int], linear: list[int], size: int) -> tuple[int, int]:
    """Parameters and multiply-adds of blocks of 3 × 3 convolutions and linear layers."""
    wide, costs = 3, []
    for convolutions, out in zip(blocks, channels, strict=True):
        for _ in range(convolutions):
            costs.append(conv_cost(wide, out, 3, size, 1, 1))
            wide = out
        size //= 2
    wide *= size * size
    for out in linear:
        costs.append(conv_cost(wide, out, 1, 1, 1, 0))
        wide = out
    return sum(c[0] for c in costs), sum(c[1] for c in costs)


def per_pixel(x: Array, w: Array, b: Array) -> Array:
    """(C, H, W), (O, C), (O,) → (O, H, W)."""
    return np.einsum("oc,chw->ohw", w, x) + b[:, None, None]


def two_as_one(first: Array, second: Array) -> Array:
    """(A, B), (D, E) → (A + D − 1, B + E − 1): the full convolution of the kernels."""
    result = np.zeros(np.add(first.shape, second.shape) - 1)
    for (i, j), tap in np.ndenumerate(second):
        result[i : i + first.shape[0], j : j + first.shape[1]] += tap * first
    return result


def collapse(weights: tuple[Array, ...], biases: tuple[Array, ...]) -> tuple[Array, Array]:
    """Linear layers as one: W₃W₂W₁, and W₃(W₂b₁ + b₂) + b₃."""
    weight, bias = weights[0], biases[0]
    for w, b in zip(weights[1:], biases[1:], strict=True):
        weight, bias = w @ weight, w @ bias + b
    return weight, bias


def _whole(draw: Draw, *shape: int) -> Array:
    return draw.integers(-4, 5, shape).astype(float)


def _pixels(draw: Draw, *sizes: tuple[int, int, int, int]) -> Iterator[tuple[Array, Array, Array]]:
    for c, o, h, w in sizes:
        yield 5 + _whole(draw, c, h, w), np.arange(1.0, 1 + o * c).reshape(o, c), 100 * np.arange(1.0, 1 + o)


def _kernels(draw: Draw, *sizes: tuple[int, int, int, int]) -> Iterator[tuple[Array, Array]]:
    for a, b, d, e in sizes:
        yield 6 + _whole(draw, a, b), np.arange(1.0, 1 + d * e).reshape(d, e)


def _layers(draw: Draw, *widths: tuple[int, ...], bias: float = 1.0) -> Iterator[tuple[Any, Any]]:
    for sizes in widths:
        pairs = list(zip(sizes[1:], sizes[:-1], strict=True))
        weights = tuple(5 + _whole(draw, *pair) for pair in pairs)
        yield weights, tuple(bias * (1 + np.arange(float(out))) for out, _ in pairs)


EXERCISES = [
    Exercise("8.1", "conv_cost", "the parameters and multiply-adds of a convolution", (
        ("1 × 1", agree(conv_cost, [(1, 1, 1, 1, 1, 0), (3, 2, 1, 4, 1, 0)], "each output channel has one bias")),
        ("larger kernels", agree(conv_cost, [(1, 6, 3, 28, 1, 1), (6, 16, 5, 14, 1, 0)],
                                 "a kernel has a weight for each input channel and place")),
        ("stride", agree(conv_cost, [(1, 1, 2, 4, 2, 0), (3, 64, 11, 224, 4, 2)],
                         "count the places of the output, not of the input")),
    )),
    Exercise("8.2", "vgg_cost", "the parameters and multiply-adds of a VGG", (
        ("one block", agree(vgg_cost, [([1], [1], [], 2), ([1], [4], [], 8), ([2], [4], [], 8)],
                            "the second convolution of a block begins with the block's channels")),
        ("blocks", agree(vgg_cost, [([1, 1], [2, 4], [], 8), ([2, 2, 3], [8, 16, 32], [], 32)],
                         "a pooling halves height and width")),
        ("linear layers", agree(vgg_cost, [([1], [1], [1], 2), ([1, 1], [2, 4], [5, 3], 8)],
                                "the first of them reads all pixels of all channels")),
        ("VGG 11 and 16", agree(vgg_cost, [
            ([1, 1, 2, 2, 2], [64, 128, 256, 512, 512], [4096, 4096, 1000], 224),
            ([2, 2, 3, 3, 3], [64, 128, 256, 512, 512], [4096, 4096, 1000], 224)])),
    )),
    Exercise("8.3", "per_pixel", "a 1 × 1 convolution as a linear layer of each pixel", (
        ("one pixel", agree(per_pixel, lambda d: _pixels(d, (1, 1, 1, 1), (2, 3, 1, 1)))),
        ("an image", agree(per_pixel, lambda d: _pixels(d, (1, 2, 2, 2), (3, 2, 2, 3), (2, 2, 2, 2)),
                           "no pixel hears of another")),
    )),
    Exercise("8.4", "two_as_one", "one kernel for two, one after the other", (
        ("single numbers", agree(two_as_one, lambda d: _kernels(d, (1, 1, 1, 1), (2, 2, 1, 1), (1, 1, 2, 2)))),
        ("along a line", agree(two_as_one, lambda d: _kernels(d, (1, 2, 1, 2), (1, 3, 1, 3)),
                               "which pixels does each place of the result reach, and by which products?")),
        ("3 × 3 and others", agree(two_as_one, lambda d: _kernels(d, (2, 2, 2, 2), (3, 3, 3, 3), (2, 3, 4, 1)))),
    )),
    Exercise("8.5", "collapse", "linear layers without activations as one", (
        ("one layer", agree(collapse, lambda d: _layers(d, (1, 1), (3, 2)))),
        ("the weight", agree(collapse, lambda d: _layers(d, (1, 1, 1), (2, 3, 1), (3, 4, 2, 5), bias=0.0),
                             "the last layer's weight stands leftmost")),
        ("the bias", agree(collapse, lambda d: _layers(d, (1, 1, 1), (2, 3, 1), (3, 4, 2, 5)),
                           "an early bias goes through the later layers")),
    )),
]  # fmt: skip
