"""1×1 convolution at stride 1 without padding: images are their own columns, so it is one product for each image."""

from __future__ import annotations

from typing import Any

from minicnn.backend.cuda.launch import optional
from minicnn.backend.cuda.layer import Layer

Array = Any


def fits(layer: Layer) -> bool:
    """A 1×1 kernel that moves pixel by pixel."""
    geometry = layer.geometry
    return (*layer.kernel, *geometry.stride) == (1, 1, 1, 1) and geometry.padding == ((0, 0), (0, 0))


def forward(device: Any, x: Array, w: Array, b: Array | None, y: Array, layer: Layer, relu: bool = False) -> None:
    """y[n] = w · x[n] + b."""
    device.product(_weights(w, layer), _images(x, layer), _images(y, layer))
    if relu:
        device.launch("conv", "bias_relu", y, y.size, *optional(b, w), y, y.shape[1], layer.pixels)
    elif b is not None:
        y += b.reshape(1, len(b), 1, 1)


def input_grad(device: Any, g: Array, w: Array, dx: Array, layer: Layer) -> None:
    """dx[n] = wᵀ · g[n]."""
    device.product(_weights(w, layer).transpose(0, 2, 1), _images(g, layer), _images(dx, layer))


def weight_grad(device: Any, x: Array, g: Array, dw: Array, layer: Layer) -> None:
    """dw = Σ_n g[n] · x[n]ᵀ, as one product over all pixels of the batch."""
    x, g = (device.packed(_images(a, layer).transpose(1, 2, 0, 3)).reshape(layer.G, -1, layer.N * layer.pixels)
            for a in (x, g))  # fmt: skip
    device.product(g, x.transpose(0, 2, 1), _weights(dw, layer))


def _images(a: Array, layer: Layer) -> Array:
    """(N, G·channels, H, W) → view (N, G, channels, pixels)."""
    return a.reshape(layer.N, layer.G, a.shape[1] // layer.G, layer.pixels)


def _weights(w: Array, layer: Layer) -> Array:
    """(G·O, C, 1, 1) → view (G, O, C)."""
    return w.reshape(layer.G, layer.O, layer.C)
