"""Depthwise convolution: one channel in, one out, so there is no matrix product in it, only taps.

Each tap is a product of whole rows with the tap's weights, repeated along the row, in blocks that stay in the cache.
"""

# ruff: noqa: ARG001 (the methods of a convolution take the same arguments; see conv.py)
from __future__ import annotations

from typing import Any

import numpy as np

from minicnn.backend.cpu.scratch import scratch
from minicnn.backend.cpu.windows import Block, Walk, turned, views

Array = Any

BLOCK_NUMBERS = 1 << 15  # in a block of the result: with its taps and products it fits a core's second-level cache


def blocks(N: int, walk: Walk, C: int, O: int, itemsize: int) -> list[Block]:
    """Rows of one image, of about BLOCK_NUMBERS."""
    rows = max(1, BLOCK_NUMBERS // max(1, walk.size[1] * C))
    if rows >= walk.size[0]:
        images = max(1, rows // max(1, walk.size[0]))
        return [(slice(n, min(n + images, N)), slice(None)) for n in range(0, N, images)]
    return [(slice(n, n + 1), slice(r, min(r + rows, walk.size[0])))
            for n in range(N) for r in range(0, walk.size[0], rows)]  # fmt: skip


def packed(w: Array, walk: Walk, *, back: bool) -> Array:
    """w (C, 1, 1, KH, KW) → (KH, KW, OW, C)."""
    taps = (turned(w) if back else w).transpose(3, 4, 1, 2, 0)[:, :, 0]
    return np.ascontiguousarray(np.broadcast_to(taps, (*taps.shape[:2], walk.size[1], len(w))))


def correlate(x: Array, taps: Array, walk: Walk, block: Block, out: Array) -> None:
    """x (N, H, W, C), taps as ``packed`` → out (n, rows, OW, C), the block's part of the result."""
    windows = views(x, walk, block)
    product = scratch("block", out.shape, out.dtype)
    np.multiply(windows[:, :, :, 0, 0], taps[0, 0], out=out)
    for i, j in list(np.ndindex(*walk.kernel))[1:]:
        np.multiply(windows[:, :, :, i, j], taps[i, j], out=product)
        np.add(out, product, out=out)


def sums_shape(walk: Walk, G: int, C_: int, O_: int) -> tuple[int, ...]:
    """The shape of what ``weight_grad`` gives."""
    return *walk.kernel, G


def weight_grad(x: Array, g: Array, walk: Walk, block: Block, out: Array) -> None:
    """x (N, H, W, C), g (n, rows, OW, C), the block's part of it → out (KH, KW, C), its part of dw; sums are products
    with ones (BLAS)."""
    windows = views(x, walk, block)
    product, ones = scratch("block", g.shape, g.dtype), np.ones(g.size // max(1, g.shape[3]), g.dtype)
    for i, j in np.ndindex(*walk.kernel):
        np.multiply(windows[:, :, :, i, j], g, out=product)
        np.matmul(ones, product.reshape(len(ones), g.shape[3]), out=out[i, j])


def as_weights(sums: Array, walk: Walk) -> Array:
    """What ``weight_grad`` gave, summed (KH, KW, C) → dw (C, 1, KH, KW)."""
    return sums.transpose(2, 0, 1)[:, None]
