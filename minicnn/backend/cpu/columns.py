"""Windows copied into the columns of a matrix, a block at a time: for any kernel, stride, dilation and groups.

The columns of a block fit the cache and are thrown away, so the KH·KW-fold copy of the input never reaches main
memory. A block's whole arithmetic is one matrix product a group.
"""

# ruff: noqa: ARG001 (the methods of a convolution take the same arguments; see conv.py)
from __future__ import annotations

from typing import Any

import numpy as np

from minicnn.backend.cpu.scratch import scratch
from minicnn.backend.cpu.windows import Block, Walk, turned, views
from minicnn.backend.cpu.windows import blocks as blocks_of

Array = Any


def blocks(N: int, walk: Walk, C: int, O: int, itemsize: int) -> list[Block]:
    """Some images, or some rows of one, whose columns take about ``windows.BLOCK_BYTES``."""
    return blocks_of(N, walk, walk.kernel[0] * walk.kernel[1] * C * itemsize)


def packed(w: Array, walk: Walk, *, back: bool) -> Array:
    """w (G, O/G, C/G, KH, KW) → (G, KH·KW·C/G, O/G), as columns are laid out."""
    w = turned(w) if back else w
    G, O_, C_, KH, KW = w.shape
    return w.transpose(0, 1, 3, 4, 2).reshape(G, O_, KH * KW * C_).transpose(0, 2, 1)


def correlate(x: Array, w: Array, walk: Walk, block: Block, out: Array) -> None:
    """x (N, H, W, C), w as ``packed`` → out (n, rows, OW, O), the block's part of the result."""
    G, _, O_ = w.shape
    rows = columns(x, walk, block, G)
    np.matmul(rows, w, out=out.reshape(rows.shape[1], G, O_).transpose(1, 0, 2))


def sums_shape(walk: Walk, G: int, C_: int, O_: int) -> tuple[int, ...]:
    """The shape of what ``weight_grad`` gives."""
    return G, O_, walk.kernel[0] * walk.kernel[1] * C_


def weight_grad(x: Array, g: Array, walk: Walk, block: Block, out: Array) -> None:
    """x (N, H, W, C), g (n, rows, OW, O), the block's part of it → out (G, O/G, KH·KW·C/G), its part of dw."""
    G = len(out)
    rows = columns(x, walk, block, G)
    np.matmul(g.reshape(rows.shape[1], G, g.shape[3] // G).transpose(1, 2, 0), rows, out=out)


def as_weights(sums: Array, walk: Walk) -> Array:
    """What ``weight_grad`` gave, summed (G, O/G, KH·KW·C/G) → dw (O, C/G, KH, KW)."""
    G, O_, K = sums.shape
    KH, KW = walk.kernel
    C_ = K // (KH * KW)
    return sums.reshape(G, O_, KH, KW, C_).transpose(0, 1, 4, 2, 3).reshape(G * O_, C_, KH, KW)


def columns(x: Array, walk: Walk, block: Block, groups: int) -> Array:
    """x (N, H, W, C) → (groups, pixels of the block, KH·KW·C/groups); a copy, or a view where one is enough.

    The copy goes fastest along its longest run of adjacent numbers: KW·C within a window, or OW from window to window
    (a first layer, with one or three channels); BLAS takes either memory order.
    """
    KW, C_ = walk.kernel[1], x.shape[3] // groups
    run = C_ * (KW if groups == walk.dilation[1] == 1 else 1)
    if walk.kernel == (1, 1):
        planar = bool(x.strides[3] != x.itemsize)
    else:
        planar = walk.stride[1] == 1 and walk.size[1] > run
    windows = views(x, walk, block, planar=planar)
    n, r, OW, KH, KW, _ = windows.shape
    windows = windows.reshape(n, r, OW, KH, KW, groups, C_)
    windows = windows.transpose((5, 3, 4, 6, 0, 1, 2) if planar else (5, 0, 1, 2, 3, 4, 6))
    if walk.kernel != (1, 1):
        copy = scratch("columns", windows.shape, windows.dtype)
        np.copyto(copy, windows)
        windows = copy
    if planar:
        return windows.reshape(groups, KH * KW * C_, n * r * OW).transpose(0, 2, 1)
    return windows.reshape(groups, n * r * OW, KH * KW * C_)
