"""Convolution by columns: a kernel lays the windows out, cuBLAS multiplies, for as many images as the workspace holds.

The columns of a group of images stay below WORKSPACE bytes, so memory does not grow with the batch.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from minicnn.backend.cuda.launch import optional
from minicnn.backend.cuda.layer import Layer

Array = Any

WORKSPACE = 64 << 20  # bytes of columns at a time


def fits(layer: Layer) -> bool:  # noqa: ARG001 (of the forms' interface)
    """Every convolution."""
    return True


def forward(device: Any, x: Array, w: Array, b: Array | None, y: Array, layer: Layer, relu: bool = False) -> None:
    """y = w · columns(x) + b."""
    for part in images_at_a_time(layer.N, layer.G * layer.C * layer.taps * layer.pixels * x.itemsize):
        rows = device.product(_weights(w, layer), _columns(device, x[part], layer))
        device.launch("conv", "rows_to_images", x, y[part].size, rows, *optional(b, w), relu, y[part], len(y[part]),
                      y.shape[1], layer.pixels)  # fmt: skip


def input_grad(device: Any, g: Array, w: Array, dx: Array, layer: Layer) -> None:
    """dx = the images of columns wᵀ · g."""
    for part in images_at_a_time(layer.N, layer.G * layer.C * layer.taps * layer.pixels * g.itemsize):
        columns = device.product(_weights(w, layer).transpose(0, 2, 1), _rows(device, g[part], layer))
        device.launch("conv", "col2im", g, dx[part].size, columns, dx[part], *_numbers(len(dx[part]), layer))


def weight_grad(device: Any, x: Array, g: Array, dw: Array, layer: Layer) -> None:
    """dw = g · columns(x)ᵀ, added up over groups of images in their order; of float16, in float32."""
    sums = dw if layer.char != "e" else device.xp.empty(dw.shape, "float32")
    for part in images_at_a_time(layer.N, layer.G * layer.C * layer.taps * layer.pixels * x.itemsize):
        columns = _columns(device, x[part], layer)
        device.product(_rows(device, g[part], layer), columns.transpose(0, 2, 1), _weights(sums, layer),
                       add=part.start > 0)  # fmt: skip
    if sums is not dw:
        dw[...] = sums


def images_at_a_time(N: int, image_bytes: int) -> Iterator[slice]:
    """Slices of the batch that fit the workspace; one image at the least."""
    step = max(1, WORKSPACE // image_bytes)
    return (slice(start, start + step) for start in range(0, N, step))


def _columns(device: Any, x: Array, layer: Layer) -> Array:
    """x (N, G·C, H, W) → (G, C·KH·KW, N·OH·OW): what each tap reads for each output pixel."""
    pixels = len(x) * layer.pixels
    columns = device.xp.empty((layer.G, layer.C * layer.taps, pixels), x.dtype)
    device.launch("conv", "im2col", x, layer.G * layer.C * pixels, x, columns, *_numbers(len(x), layer))
    return columns


def _rows(device: Any, g: Array, layer: Layer) -> Array:
    """g (N, G·O, OH, OW) → (G, O, N·OH·OW)."""
    return device.packed(g.transpose(1, 0, 2, 3)).reshape(layer.G, layer.O, len(g) * layer.pixels)


def _weights(w: Array, layer: Layer) -> Array:
    """w (G·O, C, KH, KW) → view (G, O, C·KH·KW)."""
    return w.reshape(layer.G, layer.O, layer.C * layer.taps)


def _numbers(N: int, layer: Layer) -> tuple[int, ...]:
    """N, C, H, W, KH, KW, OH, OW and the walk: what the kernels of conv.cu need."""
    return (N, layer.G * layer.C, *layer.size, *layer.kernel, *layer.out, *layer.walk)
