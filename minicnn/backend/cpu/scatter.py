"""The input gradient of a strided convolution: a product for each tap, added to the pixels that the tap read."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any

import numpy as np

from minicnn.backend.cpu.narrow import multiply_rows
from minicnn.backend.cpu.runs import copy_runs
from minicnn.backend.cpu.scratch import scratch
from minicnn.backend.cpu.threads import run
from minicnn.backend.cpu.windows import Block, image_blocks, pieces_of
from minicnn.shapes.conv import ConvGeometry, Pair

Array = Any


def scatter(g: Array, w: Array, geometry: ConvGeometry, size: Pair) -> Array:
    """g (N, OH, OW, O), w (G, O/G, C/G, KH, KW) → dx (N, *size, C).

    The taps that meet the same pixels of each stride are added up by rows of these, and laid between the others once.
    """
    (N, OH, OW, _), (G, O_, C_, *kernel), (down, across) = g.shape, w.shape, geometry.stride
    dx = np.zeros((N, *size, G * C_), g.dtype)
    phases = _phases(geometry, (size[0], size[1]), (OH, OW), (kernel[0], kernel[1]))
    weights = np.ascontiguousarray(w.transpose(3, 4, 0, 1, 2))

    def work(block: Block) -> None:
        g_block = g[block[0]]
        rows = g_block.reshape(len(g_block) * OH * OW, G, O_).transpose(1, 0, 2)
        part = scratch("block", (len(g_block), OH, OW, G * C_), g.dtype)
        for (top, left), taps in phases.items():
            target = dx[block[0], top::down, left::across]
            if apart := geometry.stride != (1, 1):
                pixels = scratch("phase", target.shape, g.dtype)
                pixels.fill(0)
            else:
                pixels = target
            for tap, here, places in taps:
                multiply_rows(rows, weights[tap], part.reshape(rows.shape[1], G, C_).transpose(1, 0, 2))
                pixels[:, *here] += part[:, *places]
            if apart:
                copy_runs(target, pixels)

    run(work, image_blocks(N, OH * OW * G * C_ * g.itemsize, pieces=pieces_of(g.size * C_ * math.prod(kernel))))
    return dx


@lru_cache(maxsize=256)
def _phases(geometry: ConvGeometry, size: Pair, out_size: Pair, kernel: Pair) -> dict[Pair, list[Any]]:
    """By the first pixels they meet, within a stride: taps, which pixels of that phase they meet, and of which windows.
    """
    phases: dict[Pair, list[Any]] = {}
    for tap, pixels, places in geometry.taps(size, out_size, kernel):
        first = [axis.start % stride for axis, stride in zip(pixels, geometry.stride, strict=True)]
        here = [slice(axis.start // stride, axis.start // stride + (place.stop - place.start))
                for axis, place, stride in zip(pixels, places, geometry.stride, strict=True)]
        phases.setdefault((first[0], first[1]), []).append((tap, here, places))
    return phases


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
        parts = scratch("windows", (G, KH * KW * C_, rows.shape[2]), g.dtype)
        parts = np.matmul(weights, rows, out=parts).reshape(G, KH, KW, C_, n, OH, OW)
        for (i, j), pixels, places in taps:
            target[..., *pixels] += parts[:, i, j][..., *places]

    run(work, image_blocks(N, OH * OW * KH * KW * G * C_ * g.itemsize))
    return dx.reshape(N, G * C_, *size)
