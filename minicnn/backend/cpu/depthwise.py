"""Depthwise convolution: one channel in, one out, so there is no matrix product in it, only taps.

Each tap is a product of whole rows with the tap's weights, repeated along the row, in blocks that stay in the cache.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from minicnn.backend.cpu.scratch import scratch
from minicnn.backend.cpu.threads import run
from minicnn.backend.cpu.windows import Block, Walk, views

Array = Any

BLOCK_NUMBERS = 1 << 15  # in a block of the result: with its taps and products it fits a core's second-level cache


def correlate(x: Array, w: Array, b: Array | None, walk: Walk) -> Array:
    """x (N, H, W, C), w (C, 1, 1, KH, KW) → y (N, OH, OW, C)."""
    N, OW, C = x.shape[0], walk.size[1], x.shape[3]
    y = np.empty((N, *walk.size, C), x.dtype)
    taps = w.transpose(3, 4, 1, 2, 0)[:, :, 0]
    taps = np.ascontiguousarray(np.broadcast_to(taps, (*taps.shape[:2], OW, C)))

    def work(block: Block) -> None:
        windows, out = views(x, walk, block), y[block]
        product = scratch("block", out.shape, out.dtype)
        np.multiply(windows[:, :, :, 0, 0], taps[0, 0], out=out)
        for i, j in list(np.ndindex(*walk.kernel))[1:]:
            np.multiply(windows[:, :, :, i, j], taps[i, j], out=product)
            np.add(out, product, out=out)
        if b is not None:
            np.add(out, b, out=out)

    run(work, blocks(N, walk, C))
    return y


def weight_grad(x: Array, g: Array, walk: Walk) -> Array:
    """x (N, H, W, C), g (N, OH, OW, C) → dw (C, 1, KH, KW); a block's sums are products with ones (BLAS)."""
    C = x.shape[3]

    def work(block: Block) -> Array:
        windows, part = views(x, walk, block), g[block]
        product, ones = scratch("block", part.shape, g.dtype), np.ones(part.size // C, g.dtype)
        sums = np.empty((*walk.kernel, C), g.dtype)
        for i, j in np.ndindex(*walk.kernel):
            np.multiply(windows[:, :, :, i, j], part, out=product)
            np.matmul(ones, product.reshape(len(ones), C), out=sums[i, j])
        return sums

    dw = np.zeros((*walk.kernel, C), "float64" if x.dtype.kind == "f" else x.dtype)
    for part in run(work, blocks(x.shape[0], walk, C)):
        dw += part
    return dw.astype(x.dtype).transpose(2, 0, 1)[:, None]


def blocks(N: int, walk: Walk, C: int) -> list[Block]:
    """Rows of one image, of about BLOCK_NUMBERS."""
    rows = max(1, BLOCK_NUMBERS // max(1, walk.size[1] * C))
    if rows >= walk.size[0]:
        images = max(1, rows // max(1, walk.size[0]))
        return [(slice(n, min(n + images, N)), slice(None)) for n in range(0, N, images)]
    return [(slice(n, n + 1), slice(r, min(r + rows, walk.size[0])))
            for n in range(N) for r in range(0, walk.size[0], rows)]  # fmt: skip
