"""3×3 convolution by Winograd's method in both directions: 16 products for four output pixels, where there were 36.

``winograd`` has the formulas, for rows; here they are applied along rows and columns. A tile of 4×4 inputs becomes 16
numbers, so do the weights, and each of the 16 is multiplied by its own (and summed over channels: 16 matrix products
over all tiles). Columns are copied apart once, so that the sums of a direction are one call over a whole block.

The sums cost what they save at 16 channels; ``kernels: conv 3x3 64-64`` takes .75 to .85 of the time of ``winograd``.
"""

# ruff: noqa: ARG001 (the methods of a convolution take the same arguments; see conv.py)
from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.lib.stride_tricks import as_strided

from minicnn.backend.cpu import transforms
from minicnn.backend.cpu.narrow import multiply_rows, sum_products
from minicnn.backend.cpu.products import multiply
from minicnn.backend.cpu.runs import as_runs, contiguous
from minicnn.backend.cpu.scratch import remembered, scratch
from minicnn.backend.cpu.strips import Strips
from minicnn.backend.cpu.threads import run
from minicnn.backend.cpu.transforms import Steps, do, input_sums, products
from minicnn.backend.cpu.windows import BLOCK_BYTES, Block, Layer, Part, Walk, part_of
from minicnn.backend.cpu.windows import blocks as blocks_of
from minicnn.backend.cpu.winograd import is_plain

Array = Any

FEWEST = 20  # products that the channels save for each sum, C·O / (C + O), at least
TILES = 128  # at a time, at least: the transformed weights are read again for each block
CHUNK = 64  # channels that are summed in one product: with more, float32 errors were above PyTorch's own by half
ROWS = 32  # channels whose weights are transformed at a time: .94 of the time of all (``inference ResNet-18 b8``)
FILTERS = 1 << 15  # that are worth a thread, for half a millisecond

_WEIGHTS = np.kron(transforms.HALVES, transforms.HALVES)
_BACK_WEIGHTS = np.ascontiguousarray(_WEIGHTS[:, ::-1])
_SIGNS = np.kron(transforms.SIGNED, transforms.SIGNED)
_CORNERS = (0, 0), (0, 1), (1, 0), (1, 1)
_OUTPUTS = np.kron(transforms.OUTPUTS, transforms.OUTPUTS)


def fits(layer: Layer) -> bool:
    """Whether the method is for convolutions like this one."""
    return layer.G == 1 and is_plain(layer) and FEWEST * (layer.C_ + layer.O_) <= layer.C_ * layer.O_


def blocks(layer: Layer, pieces: int) -> list[Block]:
    """Some images, or an even number of rows of one."""
    pixel_bytes = 4 * max(layer.C_, layer.O_) * layer.dtype.itemsize
    return blocks_of(layer, min(pixel_bytes, BLOCK_BYTES // (4 * TILES)), pieces, unit=2)


def packed(w: Array, layer: Layer) -> Array:
    """w (1, O, C, 3, 3) → (16, C, O), or with ``back`` (16, O, C)."""
    taps = w.reshape(*w.shape[1:3], 9)
    taps, factors = (taps, _BACK_WEIGHTS) if layer.back else (taps.swapaxes(0, 1), _WEIGHTS)
    u = np.empty((16, *taps.shape[:2]), w.dtype)

    def work(rows: slice) -> None:
        np.matmul(factors, contiguous(taps[rows]).reshape(-1, 9).T, out=u[:, rows].reshape(16, -1))

    run(work, [slice(row, row + ROWS) for row in range(0, len(taps), ROWS)], -(-FILTERS // (ROWS * taps.shape[1])))
    return u


def correlate(x: Array, u: Array, layer: Layer, block: Block, out: Array) -> None:
    """x (N, H, W, C), u as ``packed`` → out (n, rows, OW, O), the block's part of the result."""
    part, (C, O) = part_of(x, layer.walk, block), u.shape[1:]
    tiles, m = _transformed(x[block[0]], layer.walk, part), _products(layer.walk, part, O)
    multiply_rows(tiles[..., :CHUNK], u[:, :CHUNK], m.all)
    for c in range(CHUNK, C, CHUNK):
        more = _products(layer.walk, part, O, "more products")
        multiply_rows(tiles[..., c : c + CHUNK], u[:, c : c + CHUNK], more.all)
        np.add(m.all, more.all, out=m.all)
    do(m.steps)
    for pixels, target in zip(m.pixels, _images(as_runs(out)), strict=True):
        np.copyto(target, pixels)


def sums_shape(layer: Layer) -> tuple[int, ...]:
    """The shape of what ``weight_grad`` gives."""
    return 16, layer.O_, layer.C_


def weight_grad(x: Array, g: Array, layer: Layer, block: Block, out: Array) -> None:
    """x (N, H, W, C), g (n, rows, OW, O), the block's part of it → out (16, O, C), its part of dw, transformed."""
    part = part_of(x, layer.walk, block)
    h = _transformed_gradients(g, _gradients(layer.walk, part, g.shape[3]))
    sum_products(h, _transformed(x[block[0]], layer.walk, part), out)


def as_weights(sums: Array, layer: Layer) -> Array:
    """What ``weight_grad`` gave, summed (16, O, C) → dw (O, C, 3, 3)."""
    O, C = sums.shape[1:]
    return multiply(sums.reshape(16, O * C).T, _SIGNS).reshape(O, C, 3, 3)


class _Inputs(NamedTuple):
    """A block's strips; their columns of pixels, copied apart; and what makes the tiles of them, (16, tiles, C)."""

    strips: Strips
    columns: tuple[Array, Array]  # to, and from
    steps: Steps
    tiles: Array


class _Products(NamedTuple):
    """16 numbers (16, tiles, O) for each tile and channel; what makes their four sums; and these as four images of
    pixels (images, rows, columns), in runs of O."""

    all: Array
    steps: Steps
    pixels: list[Array]


class _Gradients(NamedTuple):
    """Four images of pixels (images, rows, columns, O), in memory with room for whole tiles; what makes 16 numbers of
    a tile's; and these, (16, tiles, O)."""

    pixels: list[Array]
    room: Array
    steps: Steps
    all: Array


@remembered
def _inputs(walk: Walk, part: Part) -> _Inputs:
    across = -(-walk.size[1] // 2)
    strips = Strips(walk, part, 2 * across + 2)
    pairs, n, C = strips.pairs, strips.images, strips.channels
    shape, item = (4, pairs + 1, 2, n, across, C), part.dtype.itemsize
    d, columns = (scratch(name, shape, part.dtype) for name in ("products", "more products"))
    row, pixel, line = strips.row * item, C * item, n * across * C
    pixels = as_strided(strips.flat, shape, (pixel, row, (pairs + 1) * row, strips.pitch * pixel, 2 * pixel, item))
    rows = as_strided(columns, (4, 4, pairs, line), (*(item * line * k for k in (1, 2 * pairs + 2, 2)), item))
    tiles = scratch("windows", (4, 4, pairs, line), part.dtype)
    steps = [*input_sums(d.reshape(4, -1), columns.reshape(4, -1)), *input_sums(rows, tiles)]
    return _Inputs(strips, (as_runs(d), as_runs(pixels)), steps, tiles.reshape(16, -1, C))


@remembered
def _products(walk: Walk, part: Part, O: int, name: str = "products") -> _Products:
    shape = -(-part.rows // 2), part.images, -(-walk.size[1] // 2)
    count = shape[0] * shape[1] * shape[2]
    m, y = scratch(name, (16, count, O), part.dtype), scratch("sums", (4, count * O), part.dtype)
    return _Products(m, products(_OUTPUTS, m, y), _cut(as_runs(y.reshape(2, 2, *shape, O)), part.rows, walk.size[1]))


@remembered
def _gradients(walk: Walk, part: Part, O: int) -> _Gradients:
    rows, across = part.rows, walk.size[1]
    h = scratch("gradients", (4, 4, -(-rows // 2), part.images, -(-across // 2), O), part.dtype)
    steps: Steps = [(np.add, h[::3, 0], h[::3, 3], h[::3, 1]), (np.subtract, h[::3, 0], h[::3, 3], h[::3, 2]),
                    (np.add, h[0], h[3], h[1]), (np.subtract, h[0], h[3], h[2])]  # fmt: skip
    return _Gradients(_cut(as_runs(h[::3, ::3]), rows, across), h[::3, ::3], steps, h.reshape(16, -1, O))


def _cut(pixels: Array, rows: int, columns: int) -> list[Array]:
    """Runs (2, 2, pairs, n, across) → the views of ``_images``, without what goes beyond the last row and column."""
    return [pixels[i, j, : (rows + 1 - i) // 2, :, : (columns + 1 - j) // 2].swapaxes(0, 1)
            for i, j in _CORNERS]  # fmt: skip


def _images(pixels: Array) -> list[Array]:
    """Runs (n, rows, columns) → views: even rows' even and odd columns, and odd rows'."""
    return [pixels[:, i::2, j::2] for i, j in _CORNERS]


def _transformed_gradients(g: Array, gradients: _Gradients) -> Array:
    """g (n, rows, OW, O) → (16, tiles, O): h0, h0 + h1, h0 − h1, h1 along both axes (``SIGNED`` has the rest)."""
    if g.shape[1] % 2 or g.shape[2] % 2:
        gradients.room.fill(0)
    g = as_runs(g if g.strides[-1] == g.itemsize else contiguous(g))
    for pixels, part in zip(gradients.pixels, _images(g), strict=True):
        np.copyto(pixels, part)
    do(gradients.steps)
    return gradients.all


def _transformed(x: Array, walk: Walk, part: Part) -> Array:
    """x (n, H, W, C) → (16, tiles of the block, C)."""
    inputs = _inputs(walk, part)
    inputs.strips.fill(x)
    np.copyto(*inputs.columns)
    do(inputs.steps)
    return inputs.tiles
