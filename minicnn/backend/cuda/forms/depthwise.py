"""Depthwise convolution: a thread for each result, since with one channel a group there is no product for a BLAS."""

from __future__ import annotations

from typing import Any

from minicnn.backend.cuda.launch import optional
from minicnn.backend.cuda.layer import Layer

Array = Any


def fits(layer: Layer) -> bool:
    """One channel a group, and more than one group."""
    return layer.C == 1 < layer.G


def forward(device: Any, x: Array, w: Array, b: Array | None, y: Array, layer: Layer, relu: bool = False) -> None:
    """y[n, c·O + o] = Σ_ij w[c·O + o, i, j] · window[n, c, i, j] + b[c·O + o]."""
    device.launch("depthwise", "depthwise", x, y.size, x, w, *optional(b, w), relu, y, *_numbers(layer))


def input_grad(device: Any, g: Array, w: Array, dx: Array, layer: Layer) -> None:
    """Each pixel gathers from the windows that it was in."""
    device.launch("depthwise", "depthwise_input_grad", g, dx.size, g, w, dx, *_numbers(layer))


def weight_grad(device: Any, x: Array, g: Array, dw: Array, layer: Layer) -> None:
    """A block for each number of dw adds over the batch."""
    device.launch("depthwise", "depthwise_weight_grad", x, dw.size, x, g, dw, layer.N, *_numbers(layer),
                  block_each=True)  # fmt: skip


def _numbers(layer: Layer) -> tuple[int, ...]:
    """C, M, H, W, KH, KW, OH, OW and the walk."""
    return (layer.G, layer.O, *layer.size, *layer.kernel, *layer.out, *layer.walk)
