"""Convolution on a CPU: which method computes one, and how its work is cut into blocks.

Three things make it fast. Memory order: arrays come out channels-last, so a window is KH runs of KW·C adjacent numbers,
and the next layer's ReLU or norm runs along C. Blocks: what a method copies fits the cache and is thrown away. BLAS:
nearly all arithmetic is in matrix products.

A method is a module: ``tiles`` and ``winograd`` for 3×3 kernels at stride 1, ``depthwise`` for one channel a
group, and ``columns`` for everything. Each has

    fits(layer)                                  whether the method is for such a convolution
    blocks(layer, pieces)                        slices of images and rows
    packed(w, layer)                             the weights as its products want them
    correlate(x, packed, layer, block, out)      a block of the result
    sums_shape(layer)                            the shape of a weight gradient in the method's own layout
    weight_grad(x, g, layer, block, out)         what a block adds to it
    as_weights(sums, layer)                      the sum of these as a gradient

How the work is cut depends on sizes alone, and sums over blocks are taken in a fixed order, so whichever thread runs
which block, the result has the same bits.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from minicnn.backend.cpu import columns, depthwise, tiles, winograd
from minicnn.backend.cpu.scatter import scatter, scatter_planes
from minicnn.backend.cpu.scratch import scratch
from minicnn.backend.cpu.threads import run
from minicnn.backend.cpu.windows import Block, Layer, Walk, backwards, forwards
from minicnn.backend.portable.arrays import wide
from minicnn.backend.portable.conv import ConvKernels
from minicnn.shapes.conv import ConvGeometry, Pair

Array = Any
Method = Any  # one of the four modules
WINOGRADS = tiles, winograd

FEW_CHANNELS = 4  # to go along planes of pixels instead of along channels
FEW_PIXELS = 384  # for a block: with fewer, reading the weights takes longest
PARTS = 4  # of a weight gradient's sum, for as many threads
PART_BYTES = 1 << 20  # of such a part; a larger gradient is cut by its output channels instead


class CpuConvKernels(ConvKernels):
    """The convolution triad for NumPy arrays; shapes and formulas are those of ``ConvKernels``."""

    def conv(self, x: Array, w: Array, b: Array | None, geometry: ConvGeometry) -> Array:
        walk = forwards(geometry, w.shape[2:], geometry.output_size(x.shape[2:], w.shape[2:]))
        y = _correlated(_channels_last(x), _by_group(w, geometry.groups), b, walk, back=False)
        return y.transpose(0, 3, 1, 2).astype(x.dtype, copy=False)

    def conv_input_grad(self, g: Array, w: Array, geometry: ConvGeometry, size: Pair) -> Array:
        g_last, weights = _channels_last(g), _by_group(w, geometry.groups)
        G, O_, C_, *kernel = weights.shape
        walk = backwards(geometry, w.shape[2:], size)
        # For each pixel of g correlating copies KH·KW·O numbers and scattering adds KH·KW·C; one tap needs neither,
        # and neither do Winograd's methods.
        cheap = O_ <= C_ or kernel == [1, 1] or _method(Layer(len(g), G, O_, C_, walk, g_last.dtype)) is not columns
        if geometry.stride == (1, 1) and cheap:
            dx = _correlated(g_last, weights, None, walk, back=True)
        elif C_ < FEW_CHANNELS and O_ > 1:
            return scatter_planes(g_last, weights, geometry, size).astype(g.dtype, copy=False)
        else:
            dx = scatter(g_last, weights, geometry, size)
        return dx.transpose(0, 3, 1, 2).astype(g.dtype, copy=False)

    def conv_weight_grad(self, x: Array, g: Array, geometry: ConvGeometry, kernel: Pair) -> Array:
        x_last, g_last, G = _channels_last(x), _channels_last(g), geometry.groups
        walk = forwards(geometry, kernel, g.shape[2:])
        layer = Layer(len(x), G, x.shape[1] // G, g.shape[1] // G, walk, x_last.dtype)
        method = _method(layer)
        dw = _summed(method, x_last, g_last, layer)
        if method in WINOGRADS and not _is_finite(dw):
            dw = _summed(columns, x_last, g_last, layer)
        return np.ascontiguousarray(dw, x.dtype)


def _method(layer: Layer) -> Method:
    """The fastest method for a convolution."""
    return next(method for method in (depthwise, tiles, winograd, columns) if method.fits(layer))


def _correlated(x: Array, w: Array, b: Array | None, walk: Walk, *, back: bool) -> Array:
    """x (N, H, W, C), w (G, O/G, C/G, KH, KW) → y (N, OH, OW, O).

    With ``back``, w is (G, C/G, O/G, KH, KW), and its taps are taken from last to first.
    """
    G, C_, O_ = len(w), x.shape[3] // len(w), w.shape[2 if back else 1]
    layer = Layer(len(x), G, C_, O_, walk, x.dtype, back)
    y = np.empty((len(x), *walk.size, G * O_), x.dtype)
    method = _method(layer)
    weights = method.packed(w, layer)
    if b is not None:
        b = np.ascontiguousarray(np.broadcast_to(b, y.shape[2:]))  # a sum of long rows costs a quarter of one of short

    def work(piece: tuple[Block, slice]) -> None:
        block, outs = piece
        out = y[block][..., outs]
        method.correlate(x, weights[..., outs], layer, block, out)
        if method in WINOGRADS and not _is_finite(out):
            columns.correlate(x, columns.packed(w, layer)[..., outs], layer, block, out)
        if b is not None:
            out += b[:, outs]

    cut = method.blocks(layer, max(1, min(layer.pieces, layer.pixels // FEW_PIXELS)))
    halves = 2 if len(cut) == 1 < layer.pieces and G == 1 else 1
    channels = _cut_channels(O_, halves)  # each reads half of the weights, but copies all windows
    run(work, [(block, outs) for block in cut for outs in channels])
    return y


def _cut_channels(O: int, count: int) -> list[slice]:
    """At most ``count`` slices of at least 64 channels."""
    step = -(-O // max(1, min(count, O // 64)))
    return [slice(o, o + step) for o in range(0, O, step)] if step < O else [slice(None)]


def _summed(method: Method, x: Array, g: Array, layer: Layer) -> Array:
    """The weight gradient: its parts, of blocks or of output channels, are added in their order."""
    total = np.zeros(method.sums_shape(layer), x.dtype)
    channels = _cut_channels(layer.O_, min(PARTS, total.nbytes // PART_BYTES)) if layer.G == 1 else [slice(None)]
    cut = method.blocks(layer, max(1, layer.pieces // len(channels)))
    parts = max(1, min(PARTS // len(channels), len(cut)))

    def work(piece: tuple[list[Block], slice]) -> Array:
        (first, *others), outs = piece
        sums = np.empty_like(total[..., outs, :])
        method.weight_grad(x, g[first][..., outs], layer, first, sums)
        for block in others:
            more = scratch("more sums", sums.shape, x.dtype)
            method.weight_grad(x, g[block][..., outs], layer, block, more)
            sums += more
        return sums

    pieces = [(cut[i::parts], outs) for i in range(parts if cut else 0) for outs in channels]
    for (_, outs), sums in zip(pieces, run(work, pieces), strict=True):
        total[..., outs, :] += sums
    return method.as_weights(total, layer)


def _is_finite(a: Array) -> bool:
    """Whether all numbers are finite and below 10¹⁹: one dot product, a tenth of the time of looking at each."""
    flat = a.reshape(-1)
    return bool(np.isfinite(flat @ flat))


def _channels_last(x: Array) -> Array:
    """x (N, C, H, W) → view (N, H, W, C)."""
    return wide(x).transpose(0, 2, 3, 1)


def _by_group(w: Array, groups: int) -> Array:
    """w (O, C/G, KH, KW) → (G, O/G, C/G, KH, KW)."""
    O, *rest = w.shape
    return wide(w).reshape(groups, O // groups, *rest)
