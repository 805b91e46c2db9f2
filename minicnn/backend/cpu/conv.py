"""Convolution on a CPU: windows copied into columns a block of images at a time, one BLAS product for each block.

Three things make it fast. Memory order: arrays come out channels-last, so a window is KH runs of KW·C adjacent numbers,
and the next layer's ReLU or norm runs along C. Blocks: the columns of a block fit the cache and are thrown away, so the
KH·KW-fold copy of the input never reaches main memory. BLAS: a block's whole arithmetic is one matrix product.

Three forms have files of their own: 3×3 kernels at stride 1 (``winograd``), one channel a group (``depthwise``), and
the input gradient of strided kernels (``scatter``).

How the work is cut depends on sizes alone, and sums over blocks are taken in a fixed order, so whichever thread runs
which block, the result has the same bits.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from minicnn.backend.cpu import depthwise, winograd
from minicnn.backend.cpu.scatter import scatter, scatter_planes
from minicnn.backend.cpu.scratch import scratch
from minicnn.backend.cpu.threads import run
from minicnn.backend.cpu.windows import Block, Walk, backwards, blocks, columns, forwards
from minicnn.backend.portable.arrays import wide
from minicnn.backend.portable.conv import ConvKernels
from minicnn.shapes.conv import ConvGeometry, Pair

Array = Any

FEW_CHANNELS = 4  # to go along planes of pixels instead of along channels
PARTS = 4  # of a weight gradient's sum, for as many threads
PART_BYTES = 1 << 20  # of such a part; a larger gradient is cut by its output channels instead


class CpuConvKernels(ConvKernels):
    """The convolution triad for NumPy arrays; shapes and formulas are those of ``ConvKernels``."""

    def conv(self, x: Array, w: Array, b: Array | None, geometry: ConvGeometry) -> Array:
        kernel = w.shape[2:]
        walk = forwards(geometry, kernel, geometry.output_size(x.shape[2:], kernel))
        y = _correlate(_channels_last(x), _by_group(w, geometry.groups), b, walk, back=False)
        return y.transpose(0, 3, 1, 2).astype(x.dtype, copy=False)

    def conv_input_grad(self, g: Array, w: Array, geometry: ConvGeometry, size: Pair) -> Array:
        weights = _by_group(w, geometry.groups)
        O_, C_ = weights.shape[1:3]
        walk = backwards(geometry, w.shape[2:], size)
        # For each pixel of g correlating copies KH·KW·O numbers and scattering adds KH·KW·C; one tap needs neither.
        if geometry.stride == (1, 1) and (
            O_ <= C_ or w.shape[2:] == (1, 1) or (geometry.groups == 1 and winograd.fits(len(g), walk, C_, O_, g.dtype))
        ):
            dx = _correlate(_channels_last(g), weights, None, walk, back=True)
        elif C_ < FEW_CHANNELS and O_ > 1:
            return scatter_planes(_channels_last(g), weights, geometry, size).astype(g.dtype, copy=False)
        else:
            dx = scatter(_channels_last(g), weights, geometry, size)
        return dx.transpose(0, 3, 1, 2).astype(g.dtype, copy=False)

    def conv_weight_grad(self, x: Array, g: Array, geometry: ConvGeometry, kernel: Pair) -> Array:
        walk = forwards(geometry, kernel, g.shape[2:])
        dw = _weight_grad(_channels_last(x), _channels_last(g), geometry.groups, walk)
        return dw.astype(x.dtype, copy=False)


def _correlate(x: Array, w: Array, b: Array | None, walk: Walk, *, back: bool) -> Array:
    """x (N, H, W, C), w (G, O/G, C/G, KH, KW) → y (N, OH, OW, O).

    With ``back``, w is (G, C/G, O/G, KH, KW), and its taps are taken from last to first.
    """
    G, O_, C_ = len(w), w.shape[2 if back else 1], w.shape[1 if back else 2]
    if O_ == C_ == 1:
        return depthwise.correlate(x, _reversed(w) if back else w, b, walk)
    y = np.empty((x.shape[0], *walk.size, G * O_), x.dtype)
    fill = _by_columns(x, w, walk, back, y)
    cut = blocks(x.shape[0], walk, w.shape[3] * w.shape[4] * x.shape[3] * x.itemsize)
    if G == 1 and winograd.fits(len(x), walk, C_, O_, x.dtype):
        u, exact = winograd.transformed_weights(w[0], back=back), fill
        cut = winograd.blocks(x.shape[0], walk, C_ + O_)

        def fill(block: Block) -> None:
            if not winograd.correlate(x, u, walk, block, y[block]):
                exact(block)

    def work(block: Block) -> None:
        fill(block)
        if b is not None:
            out = y[block]
            out += b

    run(work, cut)
    return y


def _by_columns(x: Array, w: Array, walk: Walk, back: bool, y: Array) -> Callable[[Block], None]:
    """The function that fills a block of y, as ``_correlate`` defines it."""
    packed: list[Array] = []

    def fill(block: Block) -> None:
        if not packed:
            packed.append(_packed(_reversed(w) if back else w))
        rows = columns(x, walk, block, len(w))
        out = y[block].reshape(rows.shape[1], len(w), packed[0].shape[2])
        np.matmul(rows, packed[0], out=out.transpose(1, 0, 2))

    return fill


def _weight_grad(x: Array, g: Array, G: int, walk: Walk) -> Array:
    """x (N, H, W, C), g (N, OH, OW, O) → dw (O, C/G, KH, KW), C-ordered as parameters are."""
    (KH, KW), C_, O_ = walk.kernel, x.shape[3] // G, g.shape[3] // G
    if O_ == C_ == 1:
        return depthwise.weight_grad(x, g, walk)
    if G == 1 and winograd.fits(len(x), walk, C_, O_, x.dtype):
        cut = winograd.blocks(x.shape[0], walk, C_ + O_)

        def part(block: Block, outs: slice, out: Array) -> None:
            winograd.weight_grad(x, g[..., outs], walk, block, out)

        sums = _summed(part, (16, O_, C_), cut, 1, x.dtype)
        dw = winograd.as_weights(sums)
        if np.isfinite(dw).all():
            return dw

    def exact_part(block: Block, outs: slice, out: Array) -> None:
        rows, gradients = columns(x, walk, block, G), g[block][..., outs]
        gradients = gradients.reshape(rows.shape[1], G, gradients.shape[3] // G).transpose(1, 0, 2)
        np.matmul(rows.transpose(0, 2, 1), gradients, out=out)

    cut = blocks(x.shape[0], walk, KH * KW * x.shape[3] * x.itemsize)
    dw = _summed(exact_part, (G, KH * KW * C_, O_), cut, 2 if G == 1 else None, x.dtype)
    return dw.reshape(G, KH, KW, C_, O_).transpose(0, 4, 3, 1, 2).reshape(G * O_, C_, KH, KW)


def _summed(
    part: Callable[[Block, slice, Array], None],
    shape: tuple[int, ...],
    cut: list[Block],
    channels: int | None,
    dtype: Any,
) -> Array:
    """Σ over the blocks of what part(block, channels, out) writes to out, of ``shape``; axis ``channels`` is that of
    the output channels, if it may be cut."""
    total = np.zeros(shape, dtype)
    slices = 1 if channels is None else max(1, min(PARTS, total.nbytes // PART_BYTES, shape[channels] // 64))
    step = 1 if channels is None else -(-shape[channels] // slices)
    parts = max(1, PARTS // slices)
    before = (slice(None),) * (channels or 0)

    def work(piece: tuple[list[Block], slice]) -> Array:
        mine, outs = piece
        sums = np.empty_like(total[*before, outs])
        part(mine[0], outs, sums)
        for block in mine[1:]:
            more = scratch("more sums", sums.shape, dtype)
            part(block, outs, more)
            sums += more
        return sums

    pieces = [
        (cut[i::parts], slice(None) if slices == 1 else slice(o * step, (o + 1) * step))
        for i in range(min(parts, len(cut)))
        for o in range(slices)
    ]
    for (_, outs), sums in zip(pieces, run(work, pieces), strict=True):
        total[*before, outs] += sums
    return total


def _packed(w: Array) -> Array:
    """w (G, O/G, C/G, KH, KW) → (G, KH·KW·C/G, O/G), as columns are laid out."""
    G, O_, C_, KH, KW = w.shape
    return w.transpose(0, 1, 3, 4, 2).reshape(G, O_, KH * KW * C_).transpose(0, 2, 1)


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
