"""3×3 convolution by Winograd's method along the rows' direction: four products for two output rows, not six.

Two neighbouring outputs of a 3-tap filter share their inputs d and weights g:

    m1 = (d0 − d2)·g0    m2 = (d1 + d2)·(g0 + g1 + g2)/2    m3 = (d2 − d1)·(g0 − g1 + g2)/2    m4 = (d1 − d3)·g2
    y0 = m1 + m2 + m3    y1 = m2 − m3 − m4

Here d0 … d3 are rows of pixels below each other and g0 … g2 those of a kernel, whose own width is that of a strip's
windows (``strips``). Odd and even rows lie apart there, so each sum or difference is one call over a whole block. As
everything is linear, the same sums and differences, transposed, give the weight gradient; the input gradient is a
correlation again. ``tiles`` saves products in both directions, where there are channels enough. Of a grouped
convolution each strip has the channels of one group, or of two small ones that are multiplied as if they were one, with
zeros as the weights between them, for which BLAS takes no longer.

S. Winograd, Arithmetic Complexity of Computations (1980); A. Lavin and S. Gray, Fast Algorithms for Convolutional
Neural Networks, https://arxiv.org/abs/1509.09308. More outputs at a time (four rows of six products) save more
and lose digits: the float32 error was 1.5 to 3 times PyTorch's. ``kernels: conv 3x3 16-16`` takes .65 to .8 of the
time of columns, ``kernels: conv grouped 3x3 256-256`` .85 to 1, larger groups less.

Outputs share sums, so an infinity or a NaN in one window would spoil the one beside it: the caller looks whether a
result is finite, and computes it by the definition if not.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from minicnn.backend.cpu.narrow import multiply_rows, sum_products
from minicnn.backend.cpu.products import multiply
from minicnn.backend.cpu.runs import copy_runs
from minicnn.backend.cpu.scratch import remembered, scratch
from minicnn.backend.cpu.strips import Strips, separate
from minicnn.backend.cpu.transforms import HALVES, OUTPUTS, SIGNED, Steps, do, products, sums
from minicnn.backend.cpu.windows import Block, Layer, Part, Walk, part_of, turned
from minicnn.backend.cpu.windows import blocks as blocks_of

Array = Any

TILES_TO_CHANNELS = 8  # channels for 2×2 pixels, at most: with fewer transforming the weights takes longest
WORTH = 1 << 21  # multiplications, at least: a smaller layer is no faster than the calls of its sums
FEWEST = 8  # channels, on either side: with fewer, products are too short for BLAS
TOGETHER = 16  # channels of groups that are multiplied as one; with 8 or 32 ``grouped 3x3 256-256`` took .15 longer
GROUPED_PIXELS = 128  # at least, for groups: with fewer, transforming the weights takes longest
CHUNK = 96  # numbers that are summed in one product: with more, float32 errors were above PyTorch's own by half


def fits(layer: Layer) -> bool:
    """Whether the method is for convolutions like this one."""
    return is_plain(layer) and min(layer.C_, layer.O_) >= FEWEST and (layer.G == 1 or layer.pixels >= GROUPED_PIXELS)


def is_plain(layer: Layer) -> bool:
    """3×3, stride 1, no dilation, float32; pixels enough, in more than one row; and work enough."""
    walk, (OH, OW) = layer.walk, layer.walk.size
    plain = walk.kernel == (3, 3) and walk.stride == walk.dilation == (1, 1)
    tiles = layer.N * -(-OH // 2) * -(-OW // 2)
    much = layer.products >= WORTH and min(layer.C_, layer.O_) <= TILES_TO_CHANNELS * tiles
    return plain and much and layer.dtype == np.float32 and OH > 1


def blocks(layer: Layer, pieces: int) -> list[Block]:
    """Some images, or an even number of rows of one."""
    return blocks_of(layer, layer.G * (3 * layer.C_ + 2 * layer.O_) * layer.dtype.itemsize, pieces, unit=2)


def packed(w: Array, layer: Layer) -> Array:
    """w (G, O/G, C/G, 3, 3) → (4, strips, 1, 3·C, O), C and O of a strip; with ``back`` O and C."""
    w = turned(w) if layer.back else w
    k, (G, O_, C_, *taps) = _as_one(layer), w.shape
    if k > 1:
        apart, w = w, np.zeros((G // k, k * O_, k * C_, *taps), w.dtype)
        _blocks(w, k)[...] = apart.reshape(G // k, k, O_, C_, *taps)
    S, O, C = w.shape[:3]
    rows = np.ascontiguousarray(w.transpose(3, 0, 4, 2, 1)).reshape(3, S * 3 * C * O)
    return multiply(HALVES, rows).reshape(4, S, 1, 3 * C, O)


def correlate(x: Array, u: Array, layer: Layer, block: Block, out: Array) -> None:
    """x (N, H, W, C), u as ``packed`` → out (n, rows, OW, O), the block's part of the result."""
    _, S, _, K, O = u.shape
    part = part_of(x, layer.walk, block)
    windows, m = _transformed(x[block[0]], layer.walk, part, S), _products(layer.walk, part, S, O)
    multiply_rows(windows[..., :CHUNK], u[..., :CHUNK, :], m.in_turns)
    for k in range(CHUNK, K, CHUNK):
        more = _products(layer.walk, part, S, O, "more products")
        multiply_rows(windows[..., k : k + CHUNK], u[..., k : k + CHUNK, :], more.in_turns)
        np.add(m.all, more.all, out=m.all)
    _outputs(m, separate(out, S))


def sums_shape(layer: Layer) -> tuple[int, ...]:
    """The shape of what ``weight_grad`` gives."""
    k = _as_one(layer)
    return 4, layer.G // k, k * layer.O_, 3 * k * layer.C_


def weight_grad(x: Array, g: Array, layer: Layer, block: Block, out: Array) -> None:
    """x (N, H, W, C), g (n, rows, OW, O), the block's part of it → out (4, strips, O, 3·C), C and O of a strip: its
    part of dw, transformed."""
    _, S, O, _ = out.shape
    part = part_of(x, layer.walk, block)
    windows, h = _transformed(x[block[0]], layer.walk, part, S), _gradients(layer.walk, part, S, O)
    _transform_gradients(separate(g, S), h)
    sum_products(h.in_turns, windows, out, turns=1)


def as_weights(sums: Array, layer: Layer) -> Array:
    """What ``weight_grad`` gave, summed (4, strips, O, 3·C) → dw (O, C/G, 3, 3)."""
    S, O = sums.shape[1:3]
    dw = multiply(SIGNED.T, sums.reshape(4, -1)).reshape(3, S, O, 3, -1).transpose(1, 2, 4, 0, 3)
    return _blocks(dw, _as_one(layer)).reshape(layer.G * layer.O_, layer.C_, 3, 3)


def _as_one(layer: Layer) -> int:
    """How many groups are multiplied as one."""
    most = max(1, TOGETHER // max(layer.C_, layer.O_))
    return next(k for k in range(most, 0, -1) if layer.G % k == 0)


def _blocks(w: Array, k: int) -> Array:
    """w (S, k·O, k·C, KH, KW) → view (S, k, O, C, KH, KW) of the weights within a group."""
    S, O, C, *taps = w.shape
    whole = w.reshape(S, k, O // k, k, C // k, *taps)
    return np.einsum("sgogcij->sgocij", whole)


class _Inputs(NamedTuple):
    """A block's strips, the sums of their rows, and the windows of these."""

    strips: Strips
    steps: Steps
    windows: Array


class _Products(NamedTuple):
    """Four numbers for each window and output channel: all (4, strips, length, O), and as windows' turns lie; what
    makes their two sums; and of each sum those that straddle nothing."""

    all: Array
    in_turns: Array
    steps: Steps
    pixels: list[Array]


class _Gradients(NamedTuple):
    """Four numbers for each window and output channel: all (4, strips, length, O), as windows' turns lie, and of each
    of the four those that straddle nothing."""

    all: Array
    in_turns: Array
    inside: list[Array]


@remembered
def _inputs(walk: Walk, part: Part, count: int) -> _Inputs:
    strips = Strips(walk, part, walk.size[1] + 2, count)
    shifted = strips.shifted
    rows = scratch("windows", (4, *shifted.shape[2:]), part.dtype)
    return _Inputs(strips, sums(shifted[0], shifted[1], rows), strips.windows(rows))


@remembered
def _products(walk: Walk, part: Part, count: int, O: int, name: str = "products") -> _Products:
    strips = _inputs(walk, part, count).strips
    m, y = (scratch(n, (k, count, strips.length, O), part.dtype) for n, k in ((name, 4), ("sums", 2)))
    even, odd = (strips.inside(rows, walk.size[1]) for rows in y)
    return _Products(m, strips.in_turns(m), products(OUTPUTS, m, y), [even, odd[:, : part.rows // 2]])


@remembered
def _gradients(walk: Walk, part: Part, count: int, O: int) -> _Gradients:
    strips = _inputs(walk, part, count).strips
    h = scratch("gradients", (4, count, strips.length, O), part.dtype)
    return _Gradients(h, strips.in_turns(h), [strips.inside(rows, walk.size[1]) for rows in h])


def _transformed(x: Array, walk: Walk, part: Part, count: int) -> Array:
    """x (n, H, W, C) → the windows (4, strips, turns, length / turns, 3·C) of its sums."""
    strips, steps, windows = _inputs(walk, part, count)
    strips.fill(x)
    do(steps)
    return windows


def _outputs(m: _Products, out: Array) -> None:
    """m1 … m4 → even and odd rows of out (n, rows, OW, strips, O)."""
    do(m.steps)
    for i, pixels in enumerate(m.pixels):
        copy_runs(out[:, i::2], pixels)


def _transform_gradients(g: Array, h: _Gradients) -> None:
    """h1 and h4, even and odd rows of g (n, rows, OW, strips, O); h1 + h4; h1 − h4."""
    h.all[::3] = 0
    h.inside[0][...] = g[:, 0::2]
    h.inside[3][:, : g.shape[1] // 2] = g[:, 1::2]
    np.add(h.all[0], h.all[3], out=h.all[1])
    np.subtract(h.all[0], h.all[3], out=h.all[2])
