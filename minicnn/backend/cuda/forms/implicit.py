"""Convolution by implicit GEMM: tiles of a product whose columns are never stored; see ``kernels/implicit.cu``.

It moves few bytes, where columns are written and read at KH·KW times the image's size; but its products are those of a
short kernel, without the matrix units, not cuBLAS's. So it is for few channels, whose products take less time than
their columns would.
"""

from __future__ import annotations

import functools
import math
from typing import Any

from minicnn.backend.cuda.launch import THREADS, optional, source
from minicnn.backend.cuda.layer import Layer

Array = Any

HEIGHTS = 16, 32, 64  # of a tile
RESULTS = 16 * THREADS  # of a tile: 4×4 a thread
BLOCKS = 512  # for a weight gradient, about: enough to occupy the largest device
PART = 256  # pixels at least in a part of its sum


def fits(layer: Layer) -> bool:  # noqa: ARG001 (of the forms' interface)
    """Every convolution."""
    return True


def forward(device: Any, x: Array, w: Array, b: Array | None, y: Array, layer: Layer, relu: bool = False) -> None:
    """Rows o, columns (n, p, q), depth (c, i, j)."""
    count = tiles(layer.O, layer.N * layer.pixels) * layer.G
    _launch(device, "implicit_conv", layer.O, x, count, (x, w, *optional(b, w), relu, y), layer)


def input_grad(device: Any, g: Array, w: Array, dx: Array, layer: Layer) -> None:
    """Rows c, columns (n, h, w), depth (o, i, j)."""
    count = tiles(layer.C, layer.N * math.prod(layer.size)) * layer.G
    _launch(device, "implicit_input_grad", layer.C, g, count, (g, w, dx), layer)


def weight_grad(device: Any, x: Array, g: Array, dw: Array, layer: Layer) -> None:
    """Rows o, columns (c, i, j), depth (n, p, q), which is cut into parts; how depends on sizes alone, as bits do."""
    count, pixels = tiles(layer.O, layer.C * layer.taps) * layer.G, layer.N * layer.pixels
    length = max(PART, -(-pixels * count // BLOCKS))
    parts = -(-pixels // length)
    partial = device.xp.empty((parts, *dw.shape), "float64" if layer.char == "d" else "float32")
    _launch(device, "implicit_weight_grad", layer.O, x, count * parts, (x, g, partial, length), layer)
    device.launch("implicit", "sum_parts", x, dw.size, partial, dw, parts)


def tiles(rows: int, columns: int) -> int:
    """How many tiles make a matrix."""
    height = _height(rows)
    return -(-rows // height) * -(-columns // (RESULTS // height))


def _height(rows: int) -> int:
    """The lowest tile that holds all rows; the highest where none does."""
    return next((height for height in HEIGHTS if height >= rows), HEIGHTS[-1])


@functools.cache
def _source(height: int) -> str:
    """The kernels for tiles of a height."""
    return f"#define ROWS {height}\n{source('implicit')}"


def _launch(
    device: Any, name: str, rows: int, like: Array, count: int, arguments: tuple[Any, ...], layer: Layer
) -> None:
    G = layer.G
    sizes = (layer.N, G * layer.C, *layer.size, G * layer.O, *layer.out, *layer.kernel, *layer.walk, G)
    device.launch_source(_source(_height(rows)), name, like, count, (*arguments, *sizes), block_each=True)
