"""Chapter 10, Inception, DenseNet, MobileNet, NASNet."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from minicnn.exercises.exercise import Draw, Exercise, agree
from minicnn.nn import functional as F
from minicnn.ops.creation import tensor
from minicnn.shapes.conv import conv_output_size

Array = Any


def dense_channels(first: int, growth: int, blocks: list[int]) -> list[int]:
    """Behind each block; a transition halves before each but the first."""
    channels = [first + growth * blocks[0]]
    for layers in blocks[1:]:
        channels.append(channels[-1] // 2 + growth * layers)
    return channels


def dense_forward(x: Array, weights: tuple[Array, ...]) -> Array:
    """(C, H, W), n of (k, C + i·k) → (C + n·k, H, W)."""
    for w in weights:
        x = np.concatenate([x, np.maximum(np.einsum("kc,chw->khw", w, x), 0)])
    return x


def dense_gradient(g: Array, weights: tuple[Array, ...]) -> Array:
    """(C + n·k,), n of (k, C + i·k) → (C,)."""
    for w in reversed(weights):
        read = w.shape[1]
        g = g[:read] + g[read:] @ w
    return g


def depthwise_conv(x: Array, w: Array, padding: int) -> Array:
    """(C, H, W), (C, K, K) → (C, H', W')."""
    return F.conv2d(tensor(x), tensor(w[:, None]), padding=padding, groups=len(x)).numpy()


def inverted_cost(channels: int, out: int, expand: int, stride: int, size: int) -> int:
    """Multiply-adds of the expansion, the depthwise convolution and the projection."""
    hidden, small = channels * expand, conv_output_size(size, 3, stride, 1)
    expansion = channels * hidden * size**2 if expand != 1 else 0
    return expansion + (9 * hidden + hidden * out) * small**2


def _signed(draw: Draw, *shape: int) -> Array:
    return draw.integers(1, 5, shape) * draw.choice([-1.0, 1.0], shape)


def _weights(draw: Draw, channels: int, growth: int, layers: int) -> tuple[Array, ...]:
    return tuple(_signed(draw, growth, channels + i * growth) for i in range(layers))


def _blocks(draw: Draw, *sizes: tuple[int, int, int, int]) -> Iterator[tuple[Array, tuple[Array, ...]]]:
    for channels, growth, layers, pixels in sizes:
        yield _signed(draw, channels, pixels, pixels + 1), _weights(draw, channels, growth, layers)


def _gradients(draw: Draw, *sizes: tuple[int, int, int]) -> Iterator[tuple[Array, tuple[Array, ...]]]:
    for channels, growth, layers in sizes:
        yield _signed(draw, channels + growth * layers), _weights(draw, channels, growth, layers)


def _images(draw: Draw, *sizes: tuple[int, int, int, int, int]) -> Iterator[tuple[Array, Array, int]]:
    for c, h, w, k, padding in sizes:
        yield 5 + _signed(draw, c, h, w), np.arange(1.0, 1 + c * k * k).reshape(c, k, k), padding


EXERCISES = [
    Exercise("10.1", "dense_channels", "the channels behind each dense block", (
        ("one block", agree(dense_channels, [(1, 1, [1]), (64, 32, [6]), (24, 12, [40])], "the input counts too")),
        ("transitions", agree(dense_channels, [(4, 2, [1, 1]), (64, 32, [6, 12, 24, 16]), (96, 48, [6, 12, 36, 24])],
                              "a transition halves everything, and stands between blocks only")),
        ("odd numbers", agree(dense_channels, [(2, 1, [1, 1]), (5, 3, [2, 2, 2])])),
    )),
    Exercise("10.2", "dense_forward", "a dense block of 1 × 1 convolutions", (
        ("one layer", agree(dense_forward, lambda d: _blocks(d, (1, 1, 1, 1), (2, 3, 1, 2)),
                            "the result begins with the input, as it came")),
        ("several layers", agree(dense_forward, lambda d: _blocks(d, (1, 1, 2, 1), (2, 1, 3, 2), (3, 2, 3, 2)),
                                 "a layer reads all channels before it, the oldest first")),
    )),
    Exercise("10.3", "dense_gradient", "backward through a dense block", (
        ("one layer", agree(dense_gradient, lambda d: _gradients(d, (1, 1, 1), (2, 2, 1)),
                            "the input is also a part of the result")),
        ("several layers", agree(dense_gradient, lambda d: _gradients(d, (1, 1, 2), (2, 1, 3), (3, 2, 4)),
                                 "the last layer first: what it read gets a share, results of other layers too")),
    )),
    Exercise("10.4", "depthwise_conv", "a kernel for each channel", (
        ("one channel", agree(depthwise_conv, lambda d: _images(d, (1, 1, 1, 1, 0), (1, 2, 3, 2, 0)))),
        ("channels", agree(depthwise_conv, lambda d: _images(d, (2, 2, 2, 2, 0), (3, 4, 3, 3, 0)),
                           "no channel hears of another")),
        ("padding", agree(depthwise_conv, lambda d: _images(d, (1, 1, 1, 3, 1), (2, 4, 3, 3, 1)))),
    )),
    Exercise("10.5", "inverted_cost", "the multiply-adds of an inverted bottleneck", (
        ("stride 1", agree(inverted_cost, [(1, 1, 2, 1, 1), (16, 24, 6, 1, 8)],
                           "a depthwise kernel reads one channel")),
        ("stride 2", agree(inverted_cost, [(1, 1, 2, 2, 2), (16, 24, 6, 2, 112), (8, 8, 6, 2, 7)],
                           "which of the three works at which size?")),
        ("no expansion", agree(inverted_cost, [(1, 1, 1, 1, 1), (32, 16, 1, 1, 112)])),
    )),
]  # fmt: skip
