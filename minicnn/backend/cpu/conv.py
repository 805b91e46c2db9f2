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

The input gradient at stride 1 is a correlation, too; at others ``depthwise`` has one of its own, ``bands`` that of few
channels in short rows, and ``scatter`` that of the rest.

How the work is cut depends on sizes alone, and sums over blocks are taken in a fixed order, so whichever thread runs
which block, the result has the same bits.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np

from minicnn.backend.cpu import bands, columns, depthwise, tiles, winograd
from minicnn.backend.cpu.scatter import scatter, scatter_planes
from minicnn.backend.cpu.scratch import scratch
from minicnn.backend.cpu.threads import run, shares
from minicnn.backend.cpu.windows import Block, Layer, backwards, forwards
from minicnn.backend.portable.arrays import wide
from minicnn.backend.portable.conv import ConvKernels
from minicnn.shapes.conv import ConvGeometry, Pair

Array = Any
Method = Any  # one of the four modules
Sizes = tuple[int, ...]
WINOGRADS = tiles, winograd

FEW_CHANNELS = 4  # to go along planes of pixels instead of along channels
FEW_PIXELS = 384  # for a block: with fewer, reading the weights takes longest
PARTS = 4  # of a weight gradient's sum, for as many threads
PART_BYTES = 3 << 19  # of such a part; a larger gradient is cut by its output channels: ``memory AlexNet``


class Plan(NamedTuple):
    """How a convolution is computed; made once for its sizes, since many layers take less time than that."""

    layer: Layer
    method: Method
    pieces: list[tuple[list[Block], slice]]  # of work: blocks, and channels of the result


class CpuConvKernels(ConvKernels):
    """The convolution triad for NumPy arrays; shapes and formulas are those of ``ConvKernels``."""

    def conv(self, x: Array, w: Array, b: Array | None, geometry: ConvGeometry) -> Array:
        x_last = _channels_last(x)
        # Before the plan, so that a result that no memory holds is refused before anybody counts its blocks.
        y = np.empty((len(x), *geometry.output_size(x.shape[2:], w.shape[2:]), len(w)), x_last.dtype)
        plan = _forward(x.shape, w.shape, geometry, x_last.dtype)
        _correlate(x_last, _by_group(w, geometry.groups), b, plan, y)
        return y.transpose(0, 3, 1, 2).astype(x.dtype, copy=False)

    def conv_input_grad(self, g: Array, w: Array, geometry: ConvGeometry, size: Pair) -> Array:
        g_last, weights = _channels_last(g), _by_group(w, geometry.groups)
        if geometry.stride == (1, 1):
            dx = np.empty((len(g), *size, weights.shape[2] * geometry.groups), g_last.dtype)  # as in conv
            plan = _backward(g.shape, w.shape, geometry, (size[0], size[1]), g_last.dtype)
            if plan is not None:
                _correlate(g_last, weights, None, plan, dx)
                return dx.transpose(0, 3, 1, 2).astype(g.dtype, copy=False)
        if weights.shape[1] == weights.shape[2] == 1:
            dx = depthwise.input_grad(g_last, weights, geometry, size)
            return dx.transpose(0, 3, 1, 2).astype(g.dtype, copy=False)
        if weights.shape[2] < FEW_CHANNELS:
            return scatter_planes(g_last, weights, geometry, size).astype(g.dtype, copy=False)
        if bands.fits(g_last, weights, size) and _is_finite(dx := bands.input_grad(g_last, weights, geometry, size)):
            return dx.transpose(0, 3, 1, 2).astype(g.dtype, copy=False)
        return scatter(g_last, weights, geometry, size).transpose(0, 3, 1, 2).astype(g.dtype, copy=False)

    def conv_weight_grad(self, x: Array, g: Array, geometry: ConvGeometry, kernel: Pair) -> Array:
        x_last, g_last = _channels_last(x), _channels_last(g)
        plan = _weights(x.shape, g.shape, geometry, (kernel[0], kernel[1]), x_last.dtype)
        dw = _summed(x_last, g_last, plan)
        if plan.method in WINOGRADS and not _is_finite(dw):
            dw = _summed(x_last, g_last, _weight_plan(plan.layer, columns))
        return np.ascontiguousarray(dw, x.dtype)


def _correlate(x: Array, w: Array, b: Array | None, plan: Plan, y: Array) -> None:
    """x (N, H, W, C), w (G, O/G, C/G, KH, KW) → y (N, OH, OW, O), which is filled.

    Of an input gradient, w is (G, C/G, O/G, KH, KW), and its taps are taken from last to first.
    """
    layer, method, pieces = plan
    weights = method.packed(w, layer)
    if b is not None:
        row = np.empty(y.shape[2:], y.dtype)
        row[:] = b  # a sum of long rows takes a quarter of the time of one of short

    def work(piece: tuple[list[Block], slice]) -> None:
        (block,), outs = piece
        out = y[block][..., outs]
        method.correlate(x, weights[..., outs], layer, block, out)
        if method in WINOGRADS and not _is_finite(out):
            columns.correlate(x, columns.packed(w, layer)[..., outs], layer, block, out)
        if b is not None:
            out += row[:, outs]

    run(work, pieces, layer.each(len(pieces)))


def _summed(x: Array, g: Array, plan: Plan) -> Array:
    """The weight gradient: its parts, of blocks or of output channels, are added in their order."""
    layer, method, pieces = plan
    total = np.zeros(method.sums_shape(layer), x.dtype)
    alone = len({outs.start for _, outs in pieces}) == len(pieces)  # with its channels: no other part adds to them

    def work(piece: tuple[list[Block], slice]) -> Array:
        (first, *others), outs = piece
        sums = total[..., outs, :] if alone else np.empty_like(total[..., outs, :])
        method.weight_grad(x, g[first][..., outs], layer, first, sums)
        for block in others:
            more = scratch("more sums", sums.shape, x.dtype)
            method.weight_grad(x, g[block][..., outs], layer, block, more)
            sums += more
        return sums

    for (_, outs), sums in zip(pieces, run(work, pieces, layer.each(len(pieces))), strict=True):
        if not alone:
            total[..., outs, :] += sums
    return method.as_weights(total, layer)


@lru_cache(maxsize=1024)
def _forward(x: Sizes, w: Sizes, geometry: ConvGeometry, dtype: Any) -> Plan:
    """The plan of y, for the shapes of x and w."""
    walk, G = forwards(geometry, w[2:], geometry.output_size(x[2:], w[2:])), geometry.groups
    return _plan(Layer(x[0], G, w[1], w[0] // G, walk, dtype))


@lru_cache(maxsize=1024)
def _backward(g: Sizes, w: Sizes, geometry: ConvGeometry, size: Pair, dtype: Any) -> Plan | None:
    """The plan of dx at stride 1, for the shapes of g and w; None where products are better scattered than collected.

    For each pixel of g correlating copies KH·KW·O numbers and scattering adds KH·KW·C; one tap needs neither, and
    neither do Winograd's methods.
    """
    layer = Layer(g[0], geometry.groups, w[0] // geometry.groups, w[1], backwards(geometry, w[2:], size), dtype, True)
    plan = _plan(layer)
    cheap = layer.C_ <= layer.O_ or w[2:] == (1, 1) or plan.method is not columns
    return plan if cheap else None


@lru_cache(maxsize=1024)
def _weights(x: Sizes, g: Sizes, geometry: ConvGeometry, kernel: Pair, dtype: Any) -> Plan:
    """The plan of dw, for the shapes of x and g."""
    G = geometry.groups
    layer = Layer(x[0], G, x[1] // G, g[1] // G, forwards(geometry, kernel, g[2:]), dtype)
    return _weight_plan(layer, _method(layer))


def _plan(layer: Layer) -> Plan:
    """The plan of a correlation: its blocks, one for each piece of work."""
    method = _method(layer)
    cut = method.blocks(layer, max(1, min(layer.pieces, layer.pixels // FEW_PIXELS)))
    halves = 2 if len(cut) == 1 < layer.pieces and layer.G == 1 else 1
    channels = _cut_channels(layer.O_, halves)  # each reads half of the weights, but copies all windows
    return Plan(layer, method, [([block], outs) for block in cut for outs in channels])


def _weight_plan(layer: Layer, method: Method) -> Plan:
    """The plan of a weight gradient: parts of its sum."""
    size = math.prod(method.sums_shape(layer)) * layer.dtype.itemsize
    channels = _cut_channels(layer.O_, min(PARTS, size // PART_BYTES)) if layer.G == 1 else [slice(None)]
    cut = method.blocks(layer, max(1, layer.pieces // len(channels)))
    parts = max(1, min(PARTS // len(channels), len(cut)))
    return Plan(layer, method, [(part, outs) for part in shares(cut, parts) if part for outs in channels])


def _method(layer: Layer) -> Method:
    """The fastest method for a convolution."""
    return next(method for method in (depthwise, tiles, winograd, columns) if method.fits(layer))


def _cut_channels(O: int, count: int) -> list[slice]:
    """At most ``count`` slices of at least 64 channels."""
    step = -(-O // max(1, min(count, O // 64)))
    return [slice(o, o + step) for o in range(0, O, step)] if step < O else [slice(None)]


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
