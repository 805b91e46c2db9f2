"""The input gradient of a strided convolution: a product for each tap, added to the pixels that the tap read."""

from __future__ import annotations

from typing import Any

import numpy as np

from minicnn.backend.cpu.narrow import multiply_rows
from minicnn.backend.cpu.scratch import scratch
from minicnn.backend.cpu.threads import run
from minicnn.backend.cpu.windows import Block, image_blocks, pieces_of
from minicnn.shapes.conv import ConvGeometry, Pair

Array = Any


def scatter(g: Array, w: Array, geometry: ConvGeometry, size: Pair) -> Array:
    """g (N, OH, OW, O), w (G, O/G, C/G, KH, KW) → dx (N, *size, C)."""
    (N, OH, OW, _), (G, O_, C_, *kernel) = g.shape, w.shape
    dx = np.zeros((N, *size, G * C_), g.dtype)
    taps = geometry.taps(size, (OH, OW), kernel)
    weights = np.ascontiguousarray(w.transpose(3, 4, 0, 1, 2))

    def work(block: Block) -> None:
        g_block, dx_block = g[block[0]], dx[block[0]]
        rows = g_block.reshape(len(g_block) * OH * OW, G, O_).transpose(1, 0, 2)
        part = scratch("block", (len(g_block), OH, OW, G * C_), g.dtype)
        for tap, pixels, places in taps:
            multiply_rows(rows, weights[tap], part.reshape(rows.shape[1], G, C_).transpose(1, 0, 2))
            dx_block[:, *pixels] += part[:, *places]

    run(work, image_blocks(N, OH * OW * G * C_ * g.itemsize, pieces=pieces_of(g.size * C_ * len(taps))))
    return dx


def scatter_planes(g: Array, w: Array, geometry: ConvGeometry, size: Pair) -> Array:
    """g (N, OH, OW, O), w (G, O/G, C/G, KH, KW) → dx (N, C, *size). As ``scatter``, but one product for all taps, and
    additions along rows of pixels: runs of one to three channels are too short for either."""
    (N, OH, OW, _), (G, O_, C_, KH, KW) = g.shape, w.shape
    dx = np.zeros((N, G, C_, *size), g.dtype)
    taps = geometry.taps(size, (OH, OW), (KH, KW))
    weights = w.transpose(0, 3, 4, 2, 1).reshape(G, KH * KW * C_, O_)

    def work(block: Block) -> None:
        target = dx[block[0]].transpose(1, 2, 0, 3, 4)
        n = target.shape[2]
        rows = g[block[0]].reshape(n * OH * OW, G, O_).transpose(1, 2, 0)
        parts = scratch("columns", (G, KH * KW * C_, rows.shape[2]), g.dtype)
        parts = np.matmul(weights, rows, out=parts).reshape(G, KH, KW, C_, n, OH, OW)
        for (i, j), pixels, places in taps:
            target[..., *pixels] += parts[:, i, j][..., *places]

    run(work, image_blocks(N, OH * OW * KH * KW * G * C_ * g.itemsize))
    return dx.reshape(N, G * C_, *size)
