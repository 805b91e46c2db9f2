"""Convolution on a CPU: windows copied into columns a block of images at a time, one BLAS product for each block.

Three things make it fast. Memory order: arrays come out channels-last, so a window is KH runs of KW·C adjacent numbers,
and the next layer's ReLU or norm runs along C. Blocks: the columns of a block fit the cache and are thrown away, so the
KH·KW-fold copy of the input never reaches main memory. BLAS: a block's whole arithmetic is one matrix product.

How the work is cut depends on sizes alone, and sums over blocks are taken in a fixed order, so whichever thread runs
which block, the result has the same bits.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.lib.stride_tricks import as_strided

from minicnn.backend.cpu.threads import run
from minicnn.backend.portable.arrays import wide
from minicnn.backend.portable.conv import ConvKernels
from minicnn.shapes.conv import ConvGeometry, Pair

Array = Any
Block = tuple[slice, slice]  # of images, of output rows

BLOCK_BYTES = 1 << 20  # of columns in a block: what a core's own cache holds
PARTS = 4  # of a weight gradient, for as many threads
FEW_CHANNELS = 4  # to go along planes of pixels instead of along channels


class Walk(NamedTuple):
    """Where windows lie: tap (i, j) of output pixel (k, l) reads input origin + stride·(k, l) + dilation·(i, j)."""

    kernel: Pair
    stride: Pair
    dilation: Pair
    origin: Pair
    size: Pair


class CpuConvKernels(ConvKernels):
    """The convolution triad for NumPy arrays; shapes and formulas are those of ``ConvKernels``."""

    def conv(self, x: Array, w: Array, b: Array | None, geometry: ConvGeometry) -> Array:
        kernel = w.shape[2:]
        walk = _walk(geometry, kernel, geometry.output_size(x.shape[2:], kernel))
        y = _correlate(_channels_last(x), _by_group(w, geometry.groups), b, walk)
        return y.transpose(0, 3, 1, 2).astype(x.dtype, copy=False)

    def conv_input_grad(self, g: Array, w: Array, geometry: ConvGeometry, size: Pair) -> Array:
        weights = _by_group(w, geometry.groups)
        O_, C_ = weights.shape[1:3]
        # For each pixel of g correlating copies KH·KW·O numbers and scattering adds KH·KW·C; one tap needs neither.
        if geometry.stride == (1, 1) and (O_ <= C_ or w.shape[2:] == (1, 1)):
            dx = _correlate(_channels_last(g), _reversed(weights), None, _reversed_walk(geometry, w.shape[2:], size))
        elif C_ < FEW_CHANNELS and O_ > 1:
            return _scatter_planes(_channels_last(g), weights, geometry, size).astype(g.dtype, copy=False)
        else:
            dx = _scatter(_channels_last(g), weights, geometry, size)
        return dx.transpose(0, 3, 1, 2).astype(g.dtype, copy=False)

    def conv_weight_grad(self, x: Array, g: Array, geometry: ConvGeometry, kernel: Pair) -> Array:
        walk = _walk(geometry, kernel, g.shape[2:])
        dw = _weight_grad(_channels_last(x), _channels_last(g), geometry.groups, walk)
        return dw.astype(x.dtype, copy=False)


def _correlate(x: Array, w: Array, b: Array | None, walk: Walk) -> Array:
    """x (N, H, W, C), w (G, O/G, C/G, KH, KW) → y (N, OH, OW, O)."""
    G, O_, C_, KH, KW = w.shape
    N, OW = x.shape[0], walk.size[1]
    y = np.empty((N, *walk.size, G * O_), x.dtype)
    depthwise = O_ == C_ == 1
    if depthwise:
        weights = _tap_rows(w, OW)
    else:
        weights = w.transpose(0, 1, 3, 4, 2).reshape(G, O_, KH * KW * C_).transpose(0, 2, 1)

    def work(block: Block) -> None:
        out = y[block]
        if depthwise:
            _sum_of_taps(_windows(x, walk, block, planar=False), weights, out)
        else:
            columns = _columns(x, walk, block, G)
            np.matmul(columns, weights, out=out.reshape(columns.shape[1], G, O_).transpose(1, 0, 2))
        if b is not None:
            out += b

    run(work, [*_blocks(N, walk, (1 if depthwise else KH * KW) * x.shape[3] * x.itemsize)])
    return y


def _weight_grad(x: Array, g: Array, G: int, walk: Walk) -> Array:
    """x (N, H, W, C), g (N, OH, OW, O) → dw (O, C/G, KH, KW), C-ordered as parameters are."""
    (KH, KW), C_, O_ = walk.kernel, x.shape[3] // G, g.shape[3] // G
    depthwise = O_ == C_ == 1

    def work(blocks: list[Block]) -> Array:
        part = np.zeros((G, KH * KW * C_, O_), x.dtype)
        for block in blocks:
            part += one(block)
        return part

    def one(block: Block) -> Array:
        if depthwise:
            return _tap_products(_windows(x, walk, block, planar=False), g[block])
        columns = _columns(x, walk, block, G)
        return np.matmul(columns.transpose(0, 2, 1), g[block].reshape(columns.shape[1], G, O_).transpose(1, 0, 2))

    blocks = [*_blocks(x.shape[0], walk, (1 if depthwise else KH * KW) * x.shape[3] * x.itemsize)]
    parts = run(work, [blocks[i::PARTS] for i in range(min(PARTS, len(blocks)))])
    dw = sum(parts[1:], start=parts[0]) if parts else np.zeros((G, KH * KW * C_, O_), x.dtype)
    return dw.reshape(G, KH, KW, C_, O_).transpose(0, 4, 3, 1, 2).reshape(G * O_, C_, KH, KW)


def _scatter(g: Array, w: Array, geometry: ConvGeometry, size: Pair) -> Array:
    """g (N, OH, OW, O), w (G, O/G, C/G, KH, KW) → dx (N, *size, C); a tap's product is added where it read."""
    (N, OH, OW, _), (G, O_, C_, *kernel) = g.shape, w.shape
    dx = np.zeros((N, *size, G * C_), g.dtype)
    taps = geometry.taps(size, (OH, OW), kernel)
    weights = np.ascontiguousarray(w.transpose(3, 4, 0, 1, 2))

    def work(block: Block) -> None:
        g_block, dx_block = g[block[0]], dx[block[0]]
        rows = g_block.reshape(len(g_block) * OH * OW, G, O_).transpose(1, 0, 2)
        part = np.empty((len(g_block), OH, OW, G * C_), g.dtype)
        for tap, pixels, places in taps:
            if O_ == C_ == 1:
                np.multiply(g_block, weights[tap].reshape(G), out=part)
            else:
                np.matmul(rows, weights[tap], out=part.reshape(rows.shape[1], G, C_).transpose(1, 0, 2))
            dx_block[:, *pixels] += part[:, *places]

    run(work, [*_image_blocks(N, OH * OW * G * C_ * g.itemsize)])
    return dx


def _scatter_planes(g: Array, w: Array, geometry: ConvGeometry, size: Pair) -> Array:
    """g (N, OH, OW, O), w (G, O/G, C/G, KH, KW) → dx (N, C, *size). As ``_scatter``, but one product for all taps, and
    additions along rows of pixels: runs of one to three channels are too short for either."""
    (N, OH, OW, _), (G, O_, C_, KH, KW) = g.shape, w.shape
    dx = np.zeros((N, G, C_, *size), g.dtype)
    taps = geometry.taps(size, (OH, OW), (KH, KW))
    weights = w.transpose(0, 3, 4, 2, 1).reshape(G, KH * KW * C_, O_)

    def work(block: Block) -> None:
        target = dx[block[0]].transpose(1, 2, 0, 3, 4)
        n = target.shape[2]
        rows = g[block[0]].reshape(n * OH * OW, G, O_).transpose(1, 2, 0)
        parts = np.matmul(weights, rows).reshape(G, KH, KW, C_, n, OH, OW)
        for (i, j), pixels, places in taps:
            target[..., *pixels] += parts[:, i, j][..., *places]

    run(work, [*_image_blocks(N, OH * OW * KH * KW * G * C_ * g.itemsize)])
    return dx.reshape(N, G * C_, *size)


def _columns(x: Array, walk: Walk, block: Block, groups: int) -> Array:
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
    windows = _windows(x, walk, block, planar=planar)
    n, r, OW, KH, KW, _ = windows.shape
    windows = windows.reshape(n, r, OW, KH, KW, groups, C_)
    if planar:
        return windows.transpose(5, 3, 4, 6, 0, 1, 2).reshape(groups, KH * KW * C_, n * r * OW).transpose(0, 2, 1)
    return windows.transpose(5, 0, 1, 2, 3, 4, 6).reshape(groups, n * r * OW, KH * KW * C_)


def _windows(x: Array, walk: Walk, block: Block, *, planar: bool) -> Array:
    """x (N, H, W, C) → view (n, rows, OW, KH, KW, C) of the block's windows; outside of the image they read zeros."""
    (KH, KW), (sh, sw), (dh, dw), (top, left), (OH, OW) = walk
    first, last, _ = block[1].indices(OH)
    r = last - first
    height, width = (r - 1) * sh + (KH - 1) * dh + 1, (OW - 1) * sw + (KW - 1) * dw + 1
    area = _area(x[block[0]], top + first * sh, left, height, width, planar=planar)
    n, h, w, c = area.strides
    return as_strided(area, (area.shape[0], r, OW, KH, KW, area.shape[3]), (n, h * sh, w * sw, h * dh, w * dw, c))


def _area(x: Array, top: int, left: int, height: int, width: int, *, planar: bool) -> Array:
    """x (n, H, W, C) → (n, height, width, C) from (top, left) on, zeros outside; a view where memory order allows."""
    n, H, W, C = x.shape
    top_in, left_in = max(top, 0), max(left, 0)
    bottom_in, right_in = max(min(top + height, H), top_in), max(min(left + width, W), left_in)
    inside = x[:, top_in:bottom_in, left_in:right_in]
    whole = inside.shape[1:3] == (height, width)
    if whole and x.strides[2 if planar else 3] == x.itemsize:
        return inside
    if planar:
        area = np.zeros((n, C, height, width), x.dtype).transpose(0, 2, 3, 1)
    else:
        area = np.zeros((n, height, width, C), x.dtype)
    area[:, top_in - top : bottom_in - top, left_in - left : right_in - left] = inside
    return area


def _tap_rows(w: Array, OW: int) -> Array:
    """w (G, 1, 1, KH, KW) → (KH, KW, OW, G): repeated along a row, so that products run over OW·G adjacent numbers."""
    taps = w.transpose(3, 4, 1, 2, 0)[:, :, 0]
    return np.ascontiguousarray(np.broadcast_to(taps, (*taps.shape[:2], OW, taps.shape[3])))


def _sum_of_taps(windows: Array, weights: Array, out: Array) -> None:
    """windows (n, r, OW, KH, KW, C), weights (KH, KW, OW, C) → out (n, r, OW, C); a depthwise correlation."""
    out[...] = 0
    product = np.empty_like(out)
    for i, j in np.ndindex(*weights.shape[:2]):
        np.multiply(windows[:, :, :, i, j], weights[i, j], out=product)
        out += product


def _tap_products(windows: Array, g: Array) -> Array:
    """windows (n, r, OW, KH, KW, C), g (n, r, OW, C) → (C, KH·KW, 1); Σ over pixels, for each tap."""
    n, r, OW, KH, KW, C = windows.shape
    product, ones = np.empty(g.shape, g.dtype), np.ones(n * r * OW, g.dtype)
    sums = np.empty((KH, KW, C), g.dtype)
    for i, j in np.ndindex(KH, KW):
        np.multiply(windows[:, :, :, i, j], g, out=product)
        np.matmul(ones, product.reshape(n * r * OW, C), out=sums[i, j])
    return sums.reshape(KH * KW, C, 1).transpose(1, 0, 2)


def _blocks(N: int, walk: Walk, pixel_bytes: int) -> Iterator[Block]:
    """Slices of images and output rows that need about BLOCK_BYTES of ``pixel_bytes`` each: some images, or some rows
    of one."""
    OH, OW = walk.size
    rows = max(1, BLOCK_BYTES // max(1, OW * pixel_bytes))
    if rows >= OH:
        yield from _image_blocks(N, OH * OW * pixel_bytes)
        return
    for n in range(N):
        for r in range(0, OH, rows):
            yield slice(n, n + 1), slice(r, min(r + rows, OH))


def _image_blocks(N: int, image_bytes: int) -> Iterator[Block]:
    """Slices of images, and of all their rows, that need about BLOCK_BYTES."""
    images = max(1, BLOCK_BYTES // max(1, image_bytes))
    for n in range(0, N, images):
        yield slice(n, min(n + images, N)), slice(None)


def _walk(geometry: ConvGeometry, kernel: Pair, size: Pair) -> Walk:
    (top, _), (left, _) = geometry.padding
    return Walk((kernel[0], kernel[1]), geometry.stride, geometry.dilation, (-top, -left), (size[0], size[1]))


def _reversed_walk(geometry: ConvGeometry, kernel: Pair, size: Pair) -> Walk:
    """Where the input gradient's windows lie in g at stride 1: dx[p] = Σ g[p + before − tap·dilation] · w[tap]."""
    walk = _walk(geometry, kernel, size)
    row, column = (-o - d * (k - 1) for o, d, k in zip(walk.origin, walk.dilation, walk.kernel, strict=True))
    return walk._replace(origin=(row, column))


def _reversed(w: Array) -> Array:
    """w (G, O/G, C/G, KH, KW) → (G, C/G, O/G, KH, KW) with its taps from last to first."""
    return w.swapaxes(1, 2)[..., ::-1, ::-1]


def _channels_last(x: Array) -> Array:
    """x (N, C, H, W) → view (N, H, W, C)."""
    return wide(x).transpose(0, 2, 3, 1)


def _by_group(w: Array, groups: int) -> Array:
    """w (O, C/G, KH, KW) → (G, O/G, C/G, KH, KW)."""
    O, *rest = w.shape
    return wide(w).reshape(groups, O // groups, *rest)
