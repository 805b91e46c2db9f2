"""3×3 convolution by Winograd's method: 16 multiplications for four output pixels, where the definition takes 36.

Two neighbouring outputs of a 3-tap filter share their inputs d and weights g, and need four products, not six:

    m1 = (d0 − d2)·g0    m2 = (d1 + d2)·(g0 + g1 + g2)/2    m3 = (d2 − d1)·(g0 − g1 + g2)/2    m4 = (d1 − d3)·g2
    y0 = m1 + m2 + m3    y1 = m2 − m3 − m4

Applied along rows and columns: a tile of 4×4 inputs becomes 16 numbers, so do the weights, and each of the 16 is
multiplied by its own (and summed over channels: 16 matrix products over all tiles). As everything is linear, the same
sums and differences, transposed, give the weight gradient; the input gradient is a correlation again.

S. Winograd, Arithmetic Complexity of Computations (1980); A. Lavin and S. Gray, Fast Algorithms for Convolutional
Neural Networks, https://arxiv.org/abs/1509.09308. Larger tiles save more multiplications and lose digits; these do
not (``CHUNK``). ``kernels: conv 3x3`` takes .6 to .8 of the time of columns from 32 channels on.

A tile's outputs share sums, so an infinity or a NaN in one window would spoil the three beside it: the functions here
say whether a result is finite, and the caller computes it by the definition if not.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from minicnn.backend.cpu.products import multiply
from minicnn.backend.cpu.scratch import scratch
from minicnn.backend.cpu.windows import Block, Walk

Array = Any

FEWEST = 32  # channels, on either side: with fewer the sums and differences cost more than they save
TILES_TO_CHANNELS = 8  # channels a tile, at most: with fewer tiles transforming the weights takes longest
CHUNK = 64  # channels that are summed in one product: with more, float32 errors were above PyTorch's own by half
BYTES = 1 << 21  # of transformed tiles at a time; half and twice as many were no faster
TILES = 128  # at a time, at least: the transformed weights are read again for each block

_HALVES = np.array([[1, 0, 0], [0.5, 0.5, 0.5], [0.5, -0.5, 0.5], [0, 0, 1]], np.float32)
_WEIGHTS = np.kron(_HALVES, _HALVES)
_SIGNED = _HALVES * np.array([[1], [1], [1], [-1]], np.float32)
_SIGNS = np.kron(_SIGNED, _SIGNED)


def fits(N: int, walk: Walk, C: int, O: int, dtype: Any) -> bool:
    """Whether the method is for convolutions like this one."""
    if walk.kernel != (3, 3) or walk.stride != (1, 1) or walk.dilation != (1, 1) or dtype != np.float32:
        return False
    tiles = N * -(-walk.size[0] // 2) * -(-walk.size[1] // 2)
    return FEWEST <= min(C, O) <= TILES_TO_CHANNELS * tiles


def blocks(N: int, walk: Walk, channels: int) -> list[Block]:
    """Some images, or an even number of rows of one, whose transformed tiles take about BYTES."""
    OH, across = walk.size[0], -(-walk.size[1] // 2)
    rows = max(TILES, BYTES // (64 * channels)) // across
    down = -(-OH // 2)
    if rows >= down:
        images = max(1, rows // down)
        return [(slice(n, min(n + images, N)), slice(0, OH)) for n in range(0, N, images)]
    step = 2 * max(1, rows)
    return [(slice(n, n + 1), slice(r, min(r + step, OH))) for n in range(N) for r in range(0, OH, step)]


def transformed_weights(w: Array, *, back: bool) -> Array:
    """w (O, C, 3, 3) → (16, C, O), or with ``back`` (the taps from last to first) (16, O, C)."""
    O, C = w.shape[:2]
    u = multiply(_WEIGHTS[:, ::-1] if back else _WEIGHTS, w.reshape(O * C, 9).T).reshape(16, O, C)
    return u if back else u.transpose(0, 2, 1)


def correlate(x: Array, u: Array, walk: Walk, block: Block, out: Array) -> bool:
    """x (N, H, W, C), u (16, C, O) → out (n, rows, OW, O), the block's part of the result; whether it is finite."""
    tiles = transformed_inputs(x, walk, block)
    C, O = u.shape[1:]
    products = np.matmul(tiles[..., :CHUNK], u[:, :CHUNK], out=scratch("products", (*tiles.shape[:2], O), x.dtype))
    for c in range(CHUNK, C, CHUNK):
        more = scratch("more products", products.shape, x.dtype)
        products += np.matmul(tiles[..., c : c + CHUNK], u[:, c : c + CHUNK], out=more)
    n, rows, OW = out.shape[:3]
    m = products.reshape(4, 4, n, -(-rows // 2), -(-OW // 2), O)
    left, right = scratch("sides", (2, 4, *m.shape[2:]), x.dtype)
    np.add(m[:, 0], m[:, 1], out=left)
    np.subtract(m[:, 1], m[:, 2], out=right)
    left += m[:, 2]
    right -= m[:, 3]
    for side, columns in enumerate((left, right)):
        top, bottom = out[:, 0::2, side::2], out[:, 1::2, side::2]
        m1, m2, m3, m4 = columns[:, :, :, : top.shape[2]]
        m1 += m2
        np.add(m1, m3, out=top)
        m2 -= m3
        np.subtract(m2[:, : bottom.shape[1]], m4[:, : bottom.shape[1]], out=bottom)
    flat = out.reshape(-1)
    return bool(np.isfinite(flat @ flat))


def weight_grad(x: Array, g: Array, walk: Walk, block: Block, out: Array) -> None:
    """x (N, H, W, C), g (N, OH, OW, O) → out (16, O, C), the block's part of dw, still transformed."""
    np.matmul(_transformed_gradients(g, block).transpose(0, 2, 1), transformed_inputs(x, walk, block), out=out)


def as_weights(sums: Array) -> Array:
    """What ``weight_grad`` gave, summed (16, O, C) → dw (O, C, 3, 3)."""
    O, C = sums.shape[1:]
    return multiply(sums.reshape(16, O * C).T, _SIGNS).reshape(O, C, 3, 3)


def transformed_inputs(x: Array, walk: Walk, block: Block) -> Array:
    """x (N, H, W, C) → (16, tiles of the block, C)."""
    first, last, _ = block[1].indices(walk.size[0])
    down, across = -(-(last - first) // 2), -(-walk.size[1] // 2)
    part = _by_parity(x[block[0]], walk.origin[0] + first, walk.origin[1], 2 * down + 2, across + 1)
    n, _, _, _, C = part.shape
    d0, d1, d2, d3 = (part[:, i : i + 2 * down - 1 : 2] for i in range(4))
    rows = scratch("tile rows", (4, n, down, 2, across + 1, C), x.dtype)
    np.subtract(d0, d2, out=rows[0])
    np.add(d1, d2, out=rows[1])
    np.subtract(d2, d1, out=rows[2])
    np.subtract(d1, d3, out=rows[3])
    even, odd = rows[:, :, :, 0], rows[:, :, :, 1]
    d0, d1, d2, d3 = even[..., :-1, :], odd[..., :-1, :], even[..., 1:, :], odd[..., 1:, :]
    tiles = scratch("tiles", (4, 4, n, down, across, C), x.dtype)
    np.subtract(d0, d2, out=tiles[:, 0])
    np.add(d1, d2, out=tiles[:, 1])
    np.subtract(d2, d1, out=tiles[:, 2])
    np.subtract(d1, d3, out=tiles[:, 3])
    return tiles.reshape(16, n * down * across, C)


def _transformed_gradients(g: Array, block: Block) -> Array:
    """g (N, OH, OW, O) → (16, tiles of the block, O): h0, h0 + h1, h0 − h1, h1 along both axes (``_SIGNS`` has the
    rest)."""
    first, last, _ = block[1].indices(g.shape[1])
    down, across = -(-(last - first) // 2), -(-g.shape[2] // 2)
    part = _by_parity(g[block[0], first:last], 0, 0, 2 * down, across)
    n, _, _, _, O = part.shape
    top, bottom = part[:, 0::2], part[:, 1::2]
    tiles = scratch("gradient tiles", (4, 4, n, down, across, O), g.dtype)
    for i, rows in enumerate((top, top + bottom, top - bottom, bottom)):
        left, right = rows[:, :, 0], rows[:, :, 1]
        tiles[i, 0] = left
        np.add(left, right, out=tiles[i, 1])
        np.subtract(left, right, out=tiles[i, 2])
        tiles[i, 3] = right
    return tiles.reshape(16, n * down * across, O)


def _by_parity(x: Array, top: int, left: int, height: int, across: int) -> Array:
    """x (n, H, W, C) → (n, height, 2, across, C) from (top, left) on, zeros outside: even columns, then odd ones, so
    that all later steps go along adjacent numbers."""
    n, H, _, C = x.shape
    part = scratch("area", (n, height, 2, across, C), x.dtype)
    part[...] = 0
    above = max(-top, 0)
    end = max(above, min(H - top, height))
    for parity in range(2):
        before = max(0, (1 - left - parity) // 2)
        inside = x[:, max(top, 0) : top + end, left + parity + 2 * before :: 2][:, :, : across - before]
        part[:, above:end, parity, before : before + inside.shape[2]] = inside
    return part
