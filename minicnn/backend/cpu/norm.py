"""Batch norm on a CPU: a matrix in memory order, walked in blocks that stay in the cache.

Sums of a block are products with a vector of ones (BLAS, five times faster than ``sum(axis=0)``); those of the blocks
are added in float64.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from minicnn.backend.cpu.blas import one_thread
from minicnn.backend.portable.norm import Axes, NormKernels

Array = Any

BLOCK = 1 << 15  # numbers in a block: with its two temporaries it fits a core's second-level cache
WIDTH = 512  # narrower rows cost NumPy more in starting its inner loops than in arithmetic


class Rows(NamedTuple):
    """x (N, C, *) seen in its memory order: channels-last as (rows, k·C), k pixels a row, else as (N, C, pixels)."""

    matrix: Array
    shape: tuple[int, ...]

    @property
    def channels_last(self) -> bool:
        """Which of the two memory orders this is."""
        return bool(self.matrix.ndim == 2)

    def sums(self, block: Array) -> Array:
        """A block of rows → its sums over rows (and pixels); ``fold`` makes them sums of channels."""
        if self.channels_last:
            return np.ones(len(block), block.dtype) @ block
        return (block @ np.ones(block.shape[2], block.dtype)).sum(0)

    def fold(self, sums: Array) -> Array:
        """What ``sums`` gave → (C,)."""
        return sums.reshape(-1, self.shape[1]).sum(0)

    def spread(self, channels: Array) -> Array:
        """(C,) → each channel's value beside its numbers in a row, in the matrix's dtype."""
        channels = channels.astype(self.matrix.dtype)
        return np.tile(channels, self.matrix.shape[1] // len(channels)) if self.channels_last else channels[:, None]

    def blocks(self) -> Iterator[slice]:
        """Slices of rows that hold about BLOCK numbers."""
        rows = len(self.matrix)
        step = max(1, BLOCK * rows // self.matrix.size)
        return (slice(start, min(start + step, rows)) for start in range(0, rows, step))

    def tensor(self, matrix: Array) -> Array:
        """A matrix like this one → (N, C, *)."""
        N, C, *rest = self.shape
        return np.moveaxis(matrix.reshape(N, *rest, C), -1, 1) if self.channels_last else matrix.reshape(self.shape)


def rows_of(x: Array, channels_last: bool | None = None) -> Rows:
    """x (N, C, *) → Rows; a copy only where memory is in neither order, or not in the one asked for."""
    last = np.moveaxis(x, 1, -1)
    if channels_last is None:
        channels_last = last.flags.c_contiguous or not x.flags.c_contiguous
    N, C = x.shape[:2]
    if not channels_last:
        return Rows(np.ascontiguousarray(x).reshape(N, C, -1), x.shape)
    pixels = x.size // C
    k = next(k for k in range(max(1, min(WIDTH // C, pixels)), 0, -1) if pixels % k == 0)
    return Rows(np.ascontiguousarray(last).reshape(-1, k * C), x.shape)


class CpuNormKernels(NormKernels):
    """Batch norm for NumPy arrays; shapes and formulas are those of ``NormKernels``."""

    def normalise(
        self, x: Array, weight: Array | None, bias: Array | None, axes: Axes, eps: float, groups: int | None = None
    ) -> tuple[Array, Array, Array]:
        if not _by_channel(x, axes, weight):
            return super().normalise(x, weight, bias, axes, eps, groups)
        rows = rows_of(x)
        with one_thread():
            mean, var = _moments(rows)
        scale = (var + eps) ** -0.5
        if weight is not None:
            scale = scale * weight.reshape(-1)
        y = _scale_shift(rows, scale, None if bias is None else bias.reshape(-1), mean)
        kept = (1, -1, *[1] * (x.ndim - 2))
        return y, mean.astype(x.dtype).reshape(kept), var.astype(x.dtype).reshape(kept)

    def normalise_grad(
        self,
        g: Array,
        x: Array,
        weight: Array | None,
        mean: Array,
        var: Array,
        axes: Axes,
        eps: float,
        groups: int | None = None,
    ) -> tuple[Array, Array | None, Array]:
        if not _by_channel(x, axes, weight):
            return super().normalise_grad(g, x, weight, mean, var, axes, eps, groups)
        rows = rows_of(x)
        gradients = rows_of(g, rows.channels_last).matrix
        centre, rstd = mean.reshape(-1).astype("float64"), (var.reshape(-1) + np.float64(eps)) ** -0.5
        with one_thread():
            total, product = _gradient_sums(rows, gradients, centre)
        slope = rstd if weight is None else weight.reshape(-1) * rstd
        # dx = slope·(g − total/n − (x − mean)·rstd²·product/n), gathered into slope·g + bend·x + shift
        n = x.size // x.shape[1]
        bend = -slope * rstd**2 * product / n
        shift = -slope * total / n - bend * centre
        slopes, bends, shifts = rows.spread(slope), rows.spread(bend), rows.spread(shift)
        dx, part = np.empty_like(rows.matrix), np.empty_like(rows.matrix[next(rows.blocks())])
        for block in rows.blocks():
            out = np.multiply(rows.matrix[block], bends, out=dx[block])
            out += shifts
            out += np.multiply(gradients[block], slopes, out=part[: len(out)])
        if weight is None:
            return rows.tensor(dx), None, g
        dweight = (product * rstd).astype(x.dtype).reshape(weight.shape)
        return rows.tensor(dx), dweight, total.astype(x.dtype).reshape(weight.shape)

    def scale_shift(self, x: Array, scale: Array, shift: Array) -> Array:
        if scale.shape != shift.shape or not _by_channel(x, (0, *range(2, x.ndim)), scale):
            return super().scale_shift(x, scale, shift)
        return _scale_shift(rows_of(x), scale.reshape(-1), shift.reshape(-1))


def _scale_shift(rows: Rows, scale: Array, shift: Array | None, centre: Array | None = None) -> Array:
    """(x − centre)·scale + shift (N, C, *), by channel."""
    scales, y = rows.spread(scale), np.empty_like(rows.matrix)
    centres, shifts = (values if values is None else rows.spread(values) for values in (centre, shift))
    for block in rows.blocks():
        x, out = rows.matrix[block], y[block]
        np.multiply(x if centres is None else np.subtract(x, centres, out=out), scales, out=out)
        if shifts is not None:
            out += shifts
    return rows.tensor(y)


def _by_channel(x: Array, axes: Axes, weight: Array | None) -> bool:
    """Whether this is batch norm, of something, in a dtype that BLAS has."""
    if x.ndim < 2 or axes != (0, *range(2, x.ndim)) or x.size == 0 or x.dtype == "float16":
        return False
    return weight is None or weight.shape == (1, x.shape[1], *[1] * (x.ndim - 2))


def _moments(rows: Rows) -> tuple[Array, Array]:
    """Mean and biased variance of each channel, (C,) float64.

    Sums are of x − pivot, the mean of the first block. Its block being part of the whole, the pivot is at most
    √blocks standard deviations from the mean, so mean(square) − square(mean) loses next to nothing.
    """
    matrix, n = rows.matrix, rows.matrix.size // rows.shape[1]
    first = matrix[next(rows.blocks())]
    part = np.empty_like(first)
    pivot = (rows.fold(rows.sums(first)) * (rows.shape[1] / first.size)).astype(matrix.dtype)
    pivots, total, squares = rows.spread(pivot), np.float64(0), np.float64(0)
    for block in rows.blocks():
        centred = np.subtract(matrix[block], pivots, out=part[: len(matrix[block])])
        total = total + rows.sums(centred)
        squares = squares + rows.sums(np.square(centred, out=centred))
    offset = rows.fold(total) / n
    return pivot + offset, np.maximum(rows.fold(squares) / n - offset**2, 0)


def _gradient_sums(rows: Rows, g: Array, mean: Array) -> tuple[Array, Array]:
    """Σ g and Σ g·(x − mean) for each channel, (C,) float64."""
    centre, part = rows.spread(mean), np.empty_like(rows.matrix[next(rows.blocks())])
    total, product = np.float64(0), np.float64(0)
    for block in rows.blocks():
        centred = np.subtract(rows.matrix[block], centre, out=part[: len(g[block])])
        centred *= g[block]
        total = total + rows.sums(g[block])
        product = product + rows.sums(centred)
    return rows.fold(total), rows.fold(product)
