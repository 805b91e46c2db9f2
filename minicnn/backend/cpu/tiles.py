"""3×3 convolution by Winograd's method in both directions: 16 products for four output pixels, where there were 36.

``winograd`` has the formulas, for rows; here they are applied along rows and columns. A tile of 4×4 inputs becomes 16
numbers, so do the weights, and each of the 16 is multiplied by its own (and summed over channels: 16 matrix products
over all tiles). Columns are copied apart once, so that each sum or difference is one call over a whole block.

The sums cost what they save at 16 channels; ``kernels: conv 3x3 64-64`` takes .75 to .85 of the time of ``winograd``.
"""

# ruff: noqa: ARG001 (the methods of a convolution take the same arguments; see conv.py)
from __future__ import annotations

from typing import Any

import numpy as np
from numpy.lib.stride_tricks import as_strided

from minicnn.backend.cpu.products import multiply
from minicnn.backend.cpu.scratch import scratch
from minicnn.backend.cpu.strips import strip
from minicnn.backend.cpu.windows import BLOCK_BYTES, Block, Layer, Walk
from minicnn.backend.cpu.windows import blocks as blocks_of
from minicnn.backend.cpu.winograd import HALVES, SIGNED, add_up, is_plain, outputs

Array = Any

FEWEST = 20  # products that the channels save for each sum, C·O / (C + O), at least
TILES = 128  # at a time, at least: the transformed weights are read again for each block
CHUNK = 64  # channels that are summed in one product: with more, float32 errors were above PyTorch's own by half

_WEIGHTS = np.kron(HALVES, HALVES)
_SIGNS = np.kron(SIGNED, SIGNED)


def fits(layer: Layer) -> bool:
    """Whether the method is for convolutions like this one."""
    return layer.G == 1 and is_plain(layer) and FEWEST * (layer.C_ + layer.O_) <= layer.C_ * layer.O_


def blocks(layer: Layer, pieces: int) -> list[Block]:
    """Some images, or an even number of rows of one."""
    pixel_bytes = 4 * max(layer.C_, layer.O_) * layer.dtype.itemsize
    return blocks_of(layer, min(pixel_bytes, BLOCK_BYTES // (4 * TILES)), pieces, unit=2)


def packed(w: Array, layer: Layer) -> Array:
    """w (1, O, C, 3, 3) → (16, C, O), or with ``back`` (16, O, C)."""
    _, O, C, *_ = w.shape
    u = multiply(_WEIGHTS[:, ::-1] if layer.back else _WEIGHTS, w.reshape(O * C, 9).T).reshape(16, O, C)
    return u if layer.back else u.transpose(0, 2, 1)


def correlate(x: Array, u: Array, layer: Layer, block: Block, out: Array) -> None:
    """x (N, H, W, C), u as ``packed`` → out (n, rows, OW, O), the block's part of the result."""
    tiles = _transformed(x, layer.walk, block)
    C, O = u.shape[1:]
    m = np.matmul(tiles[..., :CHUNK], u[:, :CHUNK], out=scratch("products", (*tiles.shape[:2], O), x.dtype))
    for c in range(CHUNK, C, CHUNK):
        m += np.matmul(tiles[..., c : c + CHUNK], u[:, c : c + CHUNK], out=scratch("more products", m.shape, x.dtype))
    n, rows, OW, _ = out.shape
    m = m.reshape(4, 4, -(-rows // 2), n, -(-OW // 2), O)
    outputs(outputs(m).swapaxes(0, 1))
    for i, j in np.ndindex(2, 2):
        target = out[:, i::2, j::2].transpose(1, 0, 2, 3)
        target[...] = m[i, j, : len(target), :, : target.shape[2]]


def sums_shape(layer: Layer) -> tuple[int, ...]:
    """The shape of what ``weight_grad`` gives."""
    return 16, layer.O_, layer.C_


def weight_grad(x: Array, g: Array, layer: Layer, block: Block, out: Array) -> None:
    """x (N, H, W, C), g (n, rows, OW, O), the block's part of it → out (16, O, C), its part of dw, transformed."""
    np.matmul(_transformed_gradients(g).transpose(0, 2, 1), _transformed(x, layer.walk, block), out=out)


def as_weights(sums: Array, layer: Layer) -> Array:
    """What ``weight_grad`` gave, summed (16, O, C) → dw (O, C, 3, 3)."""
    O, C = sums.shape[1:]
    return multiply(sums.reshape(16, O * C).T, _SIGNS).reshape(O, C, 3, 3)


def _transformed(x: Array, walk: Walk, block: Block) -> Array:
    """x (N, H, W, C) → (16, tiles of the block, C)."""
    across = -(-walk.size[1] // 2)
    pixels = strip(x, walk, block, 2 * across + 2)
    pairs, n, C, pixel = pixels.pairs, pixels.images, pixels.channels, pixels.channels * x.itemsize
    row = n * pixels.pitch * pixel
    d, columns = (scratch(name, (4, 2, pairs + 1, n, across, C), x.dtype) for name in ("products", "more products"))
    strides = (pixel, (pairs + 1) * row, row, pixels.pitch * pixel, 2 * pixel, x.itemsize)
    np.copyto(d, as_strided(pixels.flat, d.shape, strides))
    add_up(d, columns)
    tiles = scratch("tiles", (4, 4, pairs, n, across, C), x.dtype)
    even, odd = columns[:, 0], columns[:, 1]
    add_up((even[:, :-1], odd[:, :-1], even[:, 1:], odd[:, 1:]), tiles)
    return tiles.reshape(16, pairs * n * across, C)


def _transformed_gradients(g: Array) -> Array:
    """g (n, rows, OW, O) → (16, tiles, O): h0, h0 + h1, h0 − h1, h1 along both axes (``SIGNED`` has the rest)."""
    g = g.transpose(1, 0, 2, 3)
    rows, n, OW, O = g.shape
    tiles = scratch("gradient tiles", (4, 4, -(-rows // 2), n, -(-OW // 2), O), g.dtype)
    if rows % 2 or OW % 2:
        tiles[::3, ::3] = 0
    for i, j in np.ndindex(2, 2):
        part = g[i::2, :, j::2]
        tiles[3 * i, 3 * j, : len(part), :, : part.shape[2]] = part
    np.add(tiles[::3, 0], tiles[::3, 3], out=tiles[::3, 1])
    np.subtract(tiles[::3, 0], tiles[::3, 3], out=tiles[::3, 2])
    np.add(tiles[0], tiles[3], out=tiles[1])
    np.subtract(tiles[0], tiles[3], out=tiles[2])
    return tiles.reshape(16, -1, O)
