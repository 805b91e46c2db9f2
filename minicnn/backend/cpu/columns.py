"""Windows copied into the columns of a matrix, a block at a time: for any kernel, stride, dilation and groups.

The columns of a block fit the cache and are thrown away, so the KH·KW-fold copy of the input never reaches main
memory. A block's whole arithmetic is one matrix product a group.
"""

# ruff: noqa: ARG001 (the methods of a convolution take the same arguments; see conv.py)
from __future__ import annotations

from typing import Any

import numpy as np

from minicnn.backend.cpu.narrow import is_small, multiply_rows, sum_products
from minicnn.backend.cpu.runs import copy_runs
from minicnn.backend.cpu.scratch import scratch
from minicnn.backend.cpu.windows import Block, Layer, turned, views
from minicnn.backend.cpu.windows import blocks as blocks_of

Array = Any

CHANNELS_A_PIXEL = 2  # output channels a pixel, at least, for columns in the weights' order


def fits(layer: Layer) -> bool:
    """Whether the method is for convolutions like this one: all are."""
    return True


def blocks(layer: Layer, pieces: int) -> list[Block]:
    """Some images, or some rows of one, whose columns take about ``windows.BLOCK_BYTES``."""
    KH, KW = layer.walk.kernel
    return blocks_of(layer, KH * KW * layer.G * layer.C_ * layer.dtype.itemsize, pieces)


def packed(w: Array, layer: Layer) -> Array:
    """w (G, O/G, C/G, KH, KW) → (G, C/G·KH·KW, O/G), as columns are laid out."""
    w = turned(w) if layer.back else w
    G, O_, C_, KH, KW = w.shape
    if not _keeps_weights(layer):
        w = w.transpose(0, 1, 3, 4, 2)
    laid_out = w.reshape(G, O_, KH * KW * C_).transpose(0, 2, 1)
    return np.ascontiguousarray(laid_out) if is_small(laid_out) else laid_out


def correlate(x: Array, w: Array, layer: Layer, block: Block, out: Array) -> None:
    """x (N, H, W, C), w as ``packed`` → out (n, rows, OW, O), the block's part of the result."""
    G, _, O_ = w.shape
    rows = columns(x, layer, block)
    multiply_rows(rows, w, out.reshape(rows.shape[1], G, O_).transpose(1, 0, 2))  # (a view: pixels lie evenly apart)


def sums_shape(layer: Layer) -> tuple[int, ...]:
    """The shape of what ``weight_grad`` gives."""
    return layer.G, layer.O_, layer.walk.kernel[0] * layer.walk.kernel[1] * layer.C_


def weight_grad(x: Array, g: Array, layer: Layer, block: Block, out: Array) -> None:
    """x (N, H, W, C), g (n, rows, OW, O), the block's part of it → out (G, O/G, C/G·KH·KW), its part of dw."""
    G, rows = len(out), columns(x, layer, block)
    sum_products(g.reshape(rows.shape[1], G, g.shape[3] // G).transpose(1, 0, 2), rows, out)


def as_weights(sums: Array, layer: Layer) -> Array:
    """What ``weight_grad`` gave, summed (G, O/G, C/G·KH·KW) → dw (O, C/G, KH, KW)."""
    G, O_, _ = sums.shape
    KH, KW = layer.walk.kernel
    if not _keeps_weights(layer):
        sums = sums.reshape(G, O_, KH, KW, layer.C_).transpose(0, 1, 4, 2, 3)
    return sums.reshape(G * O_, layer.C_, KH, KW)


def _keeps_weights(layer: Layer) -> bool:
    """Whether columns have the weights' order, C/G·KH·KW, in which they take longer to copy: where weights would take
    longest (``inference ResNet-18 b1``: .82 of the time of its last layers). Else they have KH·KW·C/G."""
    return not layer.back and CHANNELS_A_PIXEL * layer.pixels <= layer.O_


def columns(x: Array, layer: Layer, block: Block) -> Array:
    """x (N, H, W, C) → (G, pixels of the block, KH·KW·C/G); a copy, or a view where one is enough.

    The copy goes fastest along its longest run of adjacent numbers: KW·C within a window, or OW from window to window
    (a first layer, with one or three channels); BLAS takes either memory order.
    """
    walk, groups, C_ = layer.walk, layer.G, layer.C_
    run = C_ * (walk.kernel[1] if groups == walk.dilation[1] == 1 else 1)
    if walk.kernel == (1, 1):
        planar = bool(x.strides[3] != x.itemsize)
    else:
        planar = (walk.stride[1] == 1 and walk.size[1] > run) or _keeps_weights(layer)
    windows = views(x, walk, block, planar=planar)
    n, r, OW, KH, KW, _ = windows.shape
    windows = windows.reshape(n, r, OW, KH, KW, groups, C_)
    if _keeps_weights(layer) and planar:
        windows = windows.transpose(5, 6, 3, 4, 0, 1, 2)
    else:
        windows = windows.transpose((5, 3, 4, 6, 0, 1, 2) if planar else (5, 0, 1, 2, 3, 4, 6))
    if walk.kernel != (1, 1) or walk.stride != (1, 1):
        copy = scratch("windows", windows.shape, windows.dtype)
        _copy(copy, windows)
        windows = copy
    if planar:
        return windows.reshape(groups, KH * KW * C_, n * r * OW).transpose(0, 2, 1)
    return windows.reshape(groups, n * r * OW, KH * KW * C_)


def _copy(target: Array, source: Array) -> None:
    """``target[...] = source``, along the longest runs of the source."""
    if source.ndim > 1 and source.strides[-2] == source.shape[-1] * source.strides[-1]:
        shape = *source.shape[:-2], source.shape[-2] * source.shape[-1]
        target, source = target.reshape(shape), source.reshape(shape)
    copy_runs(target, source)
