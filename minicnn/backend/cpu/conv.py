"""Convolution on a CPU: which method computes one, and how its work is cut into blocks.

Three things make it fast. Memory order: arrays come out channels-last, so a window is KH runs of KW·C adjacent numbers,
and the next layer's ReLU or norm runs along C. Blocks: what a method copies fits the cache and is thrown away. BLAS:
nearly all arithmetic is in matrix products.

A method is a module: ``tiles`` and ``winograd`` for 3×3 kernels at stride 1, ``depthwise`` for one channel a
group, and ``columns`` for everything. Each has

    blocks(N, walk, C, O, itemsize)              slices of images and rows
    packed(w, walk, back)                        the weights as its products want them; ``back``: for the input gradient
    correlate(x, packed, walk, block, out)       a block of the result
    weight_grad(x, g, walk, block, out)          what a block adds to the weight gradient, in the method's own layout
    as_weights(sums, walk)                       the sum of these as a gradient

How the work is cut depends on sizes alone, and sums over blocks are taken in a fixed order, so whichever thread runs
which block, the result has the same bits.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from minicnn.backend.cpu import columns, depthwise, tiles, winograd
from minicnn.backend.cpu.scatter import scatter, scatter_planes
from minicnn.backend.cpu.scratch import scratch
from minicnn.backend.cpu.threads import run
from minicnn.backend.cpu.windows import Block, Walk, backwards, forwards
from minicnn.backend.portable.arrays import wide
from minicnn.backend.portable.conv import ConvKernels
from minicnn.shapes.conv import ConvGeometry, Pair

Array = Any
Method = Any  # one of the four modules
Work = Callable[[], None]

FEW_CHANNELS = 4  # to go along planes of pixels instead of along channels
PARTS = 4  # of a weight gradient's sum, for as many threads
PART_BYTES = 1 << 20  # of such a part; a larger gradient is cut by its output channels instead


class CpuConvKernels(ConvKernels):
    """The convolution triad for NumPy arrays; shapes and formulas are those of ``ConvKernels``."""

    def conv(self, x: Array, w: Array, b: Array | None, geometry: ConvGeometry) -> Array:
        kernel = w.shape[2:]
        walk = forwards(geometry, kernel, geometry.output_size(x.shape[2:], kernel))
        y = np.empty((x.shape[0], *walk.size, w.shape[0]), x.dtype if x.itemsize > 2 else np.float32)
        run(_call, _correlation(_channels_last(x), _by_group(w, geometry.groups), b, walk, y, back=False))
        return y.transpose(0, 3, 1, 2).astype(x.dtype, copy=False)

    def conv_input_grad(self, g: Array, w: Array, geometry: ConvGeometry, size: Pair) -> Array:
        g_last, weights = _channels_last(g), _by_group(w, geometry.groups)
        G, O_, C_, *kernel = weights.shape
        walk = backwards(geometry, (kernel[0], kernel[1]), size)
        # For each pixel of g correlating copies KH·KW·O numbers and scattering adds KH·KW·C; one tap needs neither,
        # and neither do Winograd's methods.
        cheap = O_ <= C_ or kernel == [1, 1] or _method(len(g), walk, G, O_, C_, g_last.dtype) in (tiles, winograd)
        if geometry.stride == (1, 1) and cheap:
            dx = np.empty((len(g), *size, G * C_), g_last.dtype)
            run(_call, _correlation(g_last, weights, None, walk, dx, back=True))
        elif C_ < FEW_CHANNELS and O_ > 1:
            return scatter_planes(g_last, weights, geometry, size).astype(g.dtype, copy=False)
        else:
            dx = scatter(g_last, weights, geometry, size)
        return dx.transpose(0, 3, 1, 2).astype(g.dtype, copy=False)

    def conv_weight_grad(self, x: Array, g: Array, geometry: ConvGeometry, kernel: Pair) -> Array:
        walk = forwards(geometry, kernel, g.shape[2:])
        dw = _weight_grad(_channels_last(x), _channels_last(g), geometry.groups, walk)
        return np.ascontiguousarray(dw, x.dtype)


def _method(N: int, walk: Walk, G: int, C_: int, O_: int, dtype: Any) -> Method:
    """The fastest method for a convolution of G groups."""
    if C_ == O_ == 1:
        return depthwise
    if G == 1:
        if tiles.fits(N, walk, C_, O_, dtype):
            return tiles
        if winograd.fits(N, walk, C_, O_, dtype):
            return winograd
    return columns


def _correlation(x: Array, w: Array, b: Array | None, walk: Walk, y: Array, *, back: bool) -> list[Work]:
    """x (N, H, W, C), w (G, O/G, C/G, KH, KW) → the pieces of work that fill y (N, OH, OW, O).

    With ``back``, w is (G, C/G, O/G, KH, KW), and its taps are taken from last to first.
    """
    G, C_, O_ = len(w), x.shape[3] // len(w), y.shape[3] // len(w)
    method = _method(len(x), walk, G, C_, O_, y.dtype)
    weights = method.packed(w, walk, back=back)
    if b is not None:
        b = np.ascontiguousarray(np.broadcast_to(b, y.shape[2:]))  # a sum of long rows costs a quarter of one of short

    def fill(block: Block) -> None:
        out = y[block]
        method.correlate(x, weights, walk, block, out)
        if method in (tiles, winograd) and not _is_finite(out):
            columns.correlate(x, columns.packed(w, walk, back=back), walk, block, out)
        if b is not None:
            out += b

    return [partial(fill, block) for block in method.blocks(len(x), walk, x.shape[3], y.shape[3], x.itemsize)]


def _weight_grad(x: Array, g: Array, G: int, walk: Walk) -> Array:
    """x (N, H, W, C), g (N, OH, OW, O) → dw (O, C/G, KH, KW)."""
    C_, O_ = x.shape[3] // G, g.shape[3] // G
    method = _method(len(x), walk, G, C_, O_, x.dtype)
    dw = _summed(method, x, g, G, walk)
    if method in (columns, depthwise) or _is_finite(dw):
        return dw
    return _summed(columns, x, g, G, walk)  # Winograd's sums spread infinities


def _summed(method: Method, x: Array, g: Array, G: int, walk: Walk) -> Array:
    """The weight gradient: its parts, of blocks or of output channels, are added in their order."""
    cut = method.blocks(len(x), walk, x.shape[3], g.shape[3], x.itemsize)
    total = np.zeros(method.sums_shape(walk, G, x.shape[3] // G, g.shape[3] // G), x.dtype)
    slices = max(1, min(PARTS, total.nbytes // PART_BYTES, g.shape[3] // 64)) if G == 1 else 1
    step, parts = -(-g.shape[3] // slices), max(1, min(PARTS // slices, len(cut)))

    def work(piece: tuple[list[Block], slice]) -> Array:
        (first, *others), outs = piece
        sums = np.empty_like(total[..., outs, :])
        method.weight_grad(x, g[first][..., outs], walk, first, sums)
        for block in others:
            more = scratch("more sums", sums.shape, x.dtype)
            method.weight_grad(x, g[block][..., outs], walk, block, more)
            sums += more
        return sums

    outs = [slice(None)] if slices == 1 else [slice(o, o + step) for o in range(0, g.shape[3], step)]
    pieces = [(cut[i::parts], channels) for i in range(parts if cut else 0) for channels in outs]
    for (_, channels), sums in zip(pieces, run(work, pieces), strict=True):
        total[..., channels, :] += sums
    return method.as_weights(total, walk)


def _is_finite(a: Array) -> bool:
    """Whether all numbers are finite and below 10¹⁹: one dot product, a tenth of the time of looking at each."""
    flat = a.reshape(-1)
    return bool(np.isfinite(flat @ flat))


def _call(work: Work) -> None:
    work()


def _channels_last(x: Array) -> Array:
    """x (N, C, H, W) → view (N, H, W, C)."""
    return wide(x).transpose(0, 2, 3, 1)


def _by_group(w: Array, groups: int) -> Array:
    """w (O, C/G, KH, KW) → (G, O/G, C/G, KH, KW)."""
    O, *rest = w.shape
    return wide(w).reshape(groups, O // groups, *rest)
