"""Depthwise convolution: one channel in, one out, so there is no matrix product in it, only taps.

``einsum`` adds each tap's products to the result in one pass, where a product and a sum took two; the weights are
repeated along the row, so that it goes along whole rows: begun anew at each pixel it takes up to four times as long.
For the same reason columns that a stride keeps apart lie apart here, one phase of them after the other, and the input
gradient of a stride is a correlation of g for each phase of x (``kernels: depthwise 3x3 s2``: .8 of the time of windows
as they lie, and .5 of that of a product and a sum for each tap).
"""

# ruff: noqa: ARG001 (the methods of a convolution take the same arguments; see conv.py)
from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from minicnn.backend.cpu.scratch import scratch
from minicnn.backend.cpu.threads import run
from minicnn.backend.cpu.windows import BLOCK_BYTES, PIECES, Block, Layer, Walk, forwards, turned
from minicnn.backend.cpu.windows import blocks as blocks_of
from minicnn.shapes.conv import ConvGeometry, Pair

Array = Any

BLOCK_NUMBERS = 1 << 18  # in a block of the result; a quarter of them took .15 longer, for the rows that blocks share
PIECE_NUMBERS = 1 << 16  # that are worth a piece of their own
FEW_CHANNELS = 128  # with fewer a weight gradient's sums go along whole rows, too: .8 of the time of 32@112


class Taps(NamedTuple):
    """Taps of one axis whose pixels lie evenly apart within one phase."""

    phase: int
    which: slice  # of the kernel's taps
    number: int
    start: int  # the pixel that the first of them reads for the first output
    apart: int  # pixels between what two neighbours read


def fits(layer: Layer) -> bool:
    """Whether the method is for convolutions like this one."""
    return layer.C_ == layer.O_ == 1


def blocks(layer: Layer, pieces: int) -> list[Block]:
    """Some images, or some rows of one, of at most about BLOCK_NUMBERS."""
    pieces = max(pieces, min(PIECES, layer.pixels * layer.G // PIECE_NUMBERS))
    return blocks_of(layer, layer.G * (BLOCK_BYTES // BLOCK_NUMBERS), pieces)


def packed(w: Array, layer: Layer) -> Array:
    """w (C, 1, 1, KH, KW) → (KH, KW, OW·C)."""
    return _spread(turned(w) if layer.back else w, layer.walk.size[1])


def correlate(x: Array, taps: Array, layer: Layer, block: Block, out: Array) -> None:
    """x (N, H, W, C), taps as ``packed`` → out (n, rows, OW, C), the block's part of the result."""
    out = out.reshape(*out.shape[:2], -1)
    for k, (columns, windows) in enumerate(_windows(x, layer.walk, block)):
        part = scratch("part", out.shape, out.dtype) if k else out
        np.einsum("nrijk,ijk->nrk", windows, taps[:, columns], out=part)
        if k:
            out += part


def sums_shape(layer: Layer) -> tuple[int, ...]:
    """The shape of what ``weight_grad`` gives."""
    return *layer.walk.kernel, layer.G


def weight_grad(x: Array, g: Array, layer: Layer, block: Block, out: Array) -> None:
    """x (N, H, W, C), g (n, rows, OW, C), the block's part of it → out (KH, KW, C), its part of dw."""
    for columns, windows in _windows(x, layer.walk, block):
        if layer.G >= FEW_CHANNELS:
            np.einsum("nrijwc,nrwc->ijc", windows.reshape(*windows.shape[:4], *g.shape[2:]), g, out=out[:, columns])
        else:
            sums = scratch("part", windows.shape[2:], x.dtype)
            np.einsum("nrijk,nrk->ijk", windows, g.reshape(*g.shape[:2], -1), out=sums)
            sums.reshape(*sums.shape[:2], *g.shape[2:]).sum(2, out=out[:, columns])


def as_weights(sums: Array, layer: Layer) -> Array:
    """What ``weight_grad`` gave, summed (KH, KW, C) → dw (C, 1, KH, KW)."""
    return sums.transpose(2, 0, 1)[:, None]


def input_grad(g: Array, w: Array, geometry: ConvGeometry, size: Pair) -> Array:
    """g (N, OH, OW, C), w (C, 1, 1, KH, KW) → dx (N, *size, C), for any stride: each phase of x by itself."""
    kernel, C = w.shape[3:], len(w)
    dx = np.empty((len(g), *size, C), g.dtype)  # before phases are counted, of which a stride may have any number
    down, across = (
        [taps for phase in range(min(s, n)) if (taps := _meeting(phase, k, s, d, before)).number]
        for n, k, s, d, (before, _) in zip(
            size, kernel, geometry.stride, geometry.dilation, geometry.padding, strict=True
        )
    )
    if len(down) * len(across) < math.prod(map(min, geometry.stride, size)):  # some phases, or most, meet no tap
        dx[...] = 0
    if not down or not across:
        return dx
    walk = forwards(geometry, kernel, tuple(-(-n // s) for n, s in zip(size, geometry.stride, strict=True)))
    taps = _spread(w, walk.size[1])
    top, left = (min(t.start for t in axis) for axis in (down, across))
    height, width = (max(t.start + t.apart * t.number for t in axis) for axis in (down, across))

    def work(block: Block) -> None:
        first, last, _ = block[1].indices(walk.size[0])
        area = _area(g[block[0]], top + first, left, (last - first + height - top, 1, walk.size[1] + width - left), 1)
        n, h, _, p, c = area.strides
        for rows in down:
            for columns in across:
                target = dx[block[0], first * walk.stride[0] + rows.phase : last * walk.stride[0] : walk.stride[0],
                            columns.phase :: walk.stride[1]]
                r, row = target.shape[1], target.shape[2] * C
                part = scratch("part", (len(target), r, row), g.dtype)
                windows = np.ndarray((len(target), r, rows.number, columns.number, row), g.dtype, area,
                                     (rows.start - top) * h + (columns.start - left) * p,
                                     (n, h, rows.apart * h, columns.apart * p, c))
                np.einsum("nrijk,ijk->nrk", windows, taps[rows.which, columns.which, :row], out=part)
                target[...] = part.reshape(target.shape)

    run(work, blocks(Layer(len(g), C, 1, 1, walk, g.dtype), 1))
    return dx


def _spread(w: Array, width: int) -> Array:
    """w (C, 1, 1, KH, KW) → (KH, KW, width·C)."""
    taps = w.transpose(3, 4, 1, 2, 0)[:, :, 0]
    spread = np.empty((*taps.shape[:2], width, len(w)), w.dtype)
    spread[...] = taps
    return spread.reshape(*taps.shape[:2], width * len(w))


def _windows(x: Array, walk: Walk, block: Block) -> list[tuple[slice, Array]]:
    """x (N, H, W, C) → views (n, rows, KH, columns, OW·C) of the block's windows, of some of the kernel's columns each:
    those that lie in one phase."""
    (KH, KW), (sh, sw), (dh, dw), (top, left), (OH, OW) = walk
    first, last, _ = block[1].indices(OH)
    r, x = last - first, x[block[0]]
    step = sw // math.gcd(sw, dw)
    size = (r - 1) * sh + (KH - 1) * dh + 1, min(sw, (KW - 1) * dw + 1), OW + (KW - 1) * dw // sw
    area = _area(x, top + first * sh, left, size, sw)
    n, h, f, p, c = area.strides
    return [
        (slice(j, None, step),
         np.ndarray((len(x), r, KH, len(range(j, KW, step)), OW * x.shape[3]), x.dtype, area,
                    j * dw % sw * f + j * dw // sw * p, (n, h * sh, h * dh, step * dw // sw * p, c)))
        for j in range(min(step, KW))
    ]  # fmt: skip


def _meeting(phase: int, kernel: int, stride: int, dilation: int, before: int) -> Taps:
    """The taps that connect pixels ``phase``, ``phase`` + stride, … of x to g, from last to first."""
    step = stride // math.gcd(stride, dilation)
    first = next((i for i in range(min(step, kernel)) if (phase + before - dilation * i) % stride == 0), kernel)
    count = len(range(first, kernel, step))
    last = first + (count - 1) * step
    stop = first - step if first >= step else None
    return Taps(phase, slice(last, stop, -step) if count else slice(0), count,
                (phase + before - dilation * last) // stride if count else 0, step * dilation // stride)


def _area(x: Array, top: int, left: int, size: tuple[int, int, int], stride: int) -> Array:
    """x (n, H, W, C) → (n, height, phases, width, C) from (top, left) on: a phase has every ``stride``-th column; zeros
    outside of the image."""
    (n, H, W, C), (height, phases, width) = x.shape, size
    area = scratch("area", (n, height, phases, width, C), x.dtype)
    a, b = min(max(-top, 0), height), max(min(H - top, height), 0)
    area[:, :a] = 0
    area[:, max(a, b) :] = 0
    for f in range(phases):
        start = left + f
        first, last = (min(max(-(-(edge - start) // stride), 0), width) for edge in (0, W))
        rows = area[:, a:b, f]
        rows[:, :, :first] = 0
        rows[:, :, last:] = 0
        if last > first:
            columns = slice(start + first * stride, start + (last - 1) * stride + 1, stride)
            rows[:, :, first:last] = x[:, top + a : top + b, columns]
    return area
