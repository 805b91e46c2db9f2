"""Depthwise convolution: one channel in, one out, so there is no matrix product in it, only taps.

``einsum`` adds each tap's products to the result in one pass, where a product and a sum took two; the weights are
repeated along the row, so that it goes along whole rows. ``kernels: depthwise 3x3`` takes .55 to .7 of the time.
"""

# ruff: noqa: ARG001 (the methods of a convolution take the same arguments; see conv.py)
from __future__ import annotations

from typing import Any

import numpy as np

from minicnn.backend.cpu.windows import BLOCK_BYTES, Block, Layer, turned, views
from minicnn.backend.cpu.windows import blocks as blocks_of

Array = Any

BLOCK_NUMBERS = 1 << 16  # in a block of the result; a quarter of them took .2 longer, for the rows that blocks share


def fits(layer: Layer) -> bool:
    """Whether the method is for convolutions like this one."""
    return layer.C_ == layer.O_ == 1


def blocks(layer: Layer, pieces: int) -> list[Block]:
    """Some images, or some rows of one, of about BLOCK_NUMBERS."""
    return blocks_of(layer, layer.G * (BLOCK_BYTES // BLOCK_NUMBERS), pieces)


def packed(w: Array, layer: Layer) -> Array:
    """w (C, 1, 1, KH, KW) → (KH, KW, OW, C)."""
    taps = (turned(w) if layer.back else w).transpose(3, 4, 1, 2, 0)[:, :, 0]
    return np.ascontiguousarray(np.broadcast_to(taps, (*taps.shape[:2], layer.walk.size[1], len(w))))


def correlate(x: Array, taps: Array, layer: Layer, block: Block, out: Array) -> None:
    """x (N, H, W, C), taps as ``packed`` → out (n, rows, OW, C), the block's part of the result."""
    walk = layer.walk
    windows, rows = views(x, walk, block).transpose(0, 1, 3, 4, 2, 5), out.shape[:2]
    if walk.stride[1] == 1:  # a row's windows at one tap lie side by side
        windows = windows.reshape(*rows, *walk.kernel, -1)
        np.einsum("nrijk,ijk->nrk", windows, taps.reshape(*walk.kernel, -1), out=out.reshape(*rows, -1))
    else:
        np.einsum("nrijwc,ijwc->nrwc", windows, taps, out=out)


def sums_shape(layer: Layer) -> tuple[int, ...]:
    """The shape of what ``weight_grad`` gives."""
    return *layer.walk.kernel, layer.G


def weight_grad(x: Array, g: Array, layer: Layer, block: Block, out: Array) -> None:
    """x (N, H, W, C), g (n, rows, OW, C), the block's part of it → out (KH, KW, C), its part of dw."""
    np.einsum("nrwijc,nrwc->ijc", views(x, layer.walk, block), g, out=out)


def as_weights(sums: Array, layer: Layer) -> Array:
    """What ``weight_grad`` gave, summed (KH, KW, C) → dw (C, 1, KH, KW)."""
    return sums.transpose(2, 0, 1)[:, None]
