"""The input gradient of few channels: a row of g, times a banded matrix, is what it adds to a row of x.

For each tap ``scatter`` makes a product with a matrix of only C columns, which BLAS does at a quarter of its speed
where C is 6, and adds it to rows of pixels. Here the taps of a kernel's row are one matrix: it has a row for each
number in a row of g, a column for each in a row of x, and weights where a tap connects the two. Most of it is zeros,
but where rows are short the product takes less time all the same (``kernels: conv 5x5 6-16``: .55).

A zero times an infinity is NaN, so the caller looks whether the result is finite, and if not computes it by the
definition.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.lib.stride_tricks import as_strided

from minicnn.backend.cpu.scratch import scratch
from minicnn.backend.cpu.threads import run
from minicnn.backend.cpu.windows import Block, image_blocks, pieces_of
from minicnn.shapes.conv import ConvGeometry, Pair

Array = Any

FEW = 12  # channels: with 16 they fill a vector
SHARE = 3  # of the matrix's columns, one at least is a tap's
MANY, MOST = 4, 1 << 20  # numbers in the matrices, for each of g's, and at most: making them takes time and memory, too


def fits(g: Array, w: Array, size: Pair) -> bool:
    """Whether it is the faster way to the gradient of images of ``size``; g (N, OH, OW, O), w (G, O/G, C/G, KH, KW)."""
    (_, _, OW, O), (G, _, C, KH, KW), W = g.shape, w.shape, size[1]
    return G == 1 and C < FEW and W <= SHARE * KW and min(MANY * g.size, MOST) >= KH * OW * O * W * C


def input_grad(g: Array, w: Array, geometry: ConvGeometry, size: Pair) -> Array:
    """g (N, OH, OW, O), w (1, O, C, KH, KW) → dx (N, *size, C)."""
    (N, OH, OW, O), (_, _, C, KH, KW), row = g.shape, w.shape, size[1] * w.shape[2]
    bands = _bands(w[0], geometry, OW, size[1])
    dx = np.zeros((N, size[0], row), g.dtype)
    taps = geometry.taps(size, (OH, OW), (KH, KW))[::KW]  # the first of each row of the kernel

    def work(block: Block) -> None:
        images = g[block[0]]
        part = scratch("block", (len(images), OH, row), g.dtype)
        for (i, _), (pixels, _), (places, _) in taps:
            np.matmul(images.reshape(-1, OW * O), bands[i], out=part.reshape(-1, row))
            dx[block[0], pixels] += part[:, places]

    run(work, image_blocks(N, OH * row * g.itemsize, pieces=pieces_of(g.size * C * KH * KW)))
    return dx.reshape(N, *size, C)


def _bands(w: Array, geometry: ConvGeometry, OW: int, W: int) -> Array:
    """w (O, C, KH, KW) → (KH, OW·O, W·C)."""
    (O, C, KH, KW), stride, dilation = w.shape, geometry.stride[1], geometry.dilation[1]
    left, _ = geometry.padding[1]
    bands = np.zeros((KH, OW, O, max((OW - 1) * stride + (KW - 1) * dilation + 1, left + W), C), w.dtype)
    i, k, o, p, c = bands.strides
    taps = as_strided(bands, (KH, OW, O, KW, C), (i, k + stride * p, o, dilation * p, c))
    taps[...] = w.transpose(2, 0, 3, 1)[:, None]
    return bands[:, :, :, left : left + W].reshape(KH, OW * O, W * C)
