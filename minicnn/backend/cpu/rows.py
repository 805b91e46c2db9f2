"""(N, C, *) as a matrix in memory order, for batch norm: a copy only where memory is in neither of the two orders.

Sums of a block of rows are products with a vector of ones (BLAS, five times faster than ``sum(axis=0)``), sums of
squares one pass of ``einsum``. (Of the products of two blocks it would be .7 of the time of a product and a sum, but a
weight's gradient had twice PyTorch's error.)
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np

from minicnn.backend.cpu.runs import as_runs, contiguous

Array = Any

BLOCK = 1 << 18  # numbers in a block; ``kernels: batch norm``: a quarter took .1 longer, and threads gained nothing
WIDTH = 1 << 14  # numbers in a row at most; of rows shorter than its buffer (8,192), NumPy copies what it repeats
SUMMED = 1 << 16  # numbers of which sums are made in float32; sums of those are added in float64
NARROW = 512  # numbers in a row whose sums over rows are wanted: few, since they are folded in float64


class Rows(NamedTuple):
    """x (N, C, *) seen in its memory order: channels-last as (rows, k·C), k pixels a row, else as (N, C, pixels)."""

    matrix: Array
    shape: tuple[int, ...]

    @property
    def channels_last(self) -> bool:
        """Which of the two memory orders this is."""
        return bool(self.matrix.ndim == 2)

    def sums(self, block: Array) -> Array:
        """A block of rows → sums over some of them (and pixels), one row each; ``fold`` adds them by channel."""
        if self.channels_last:
            return _sum_rows(self._narrow(block))
        return block @ np.ones(block.shape[2], block.dtype)

    def squares(self, block: Array) -> Array:
        """A block of rows → sums of squares, as ``sums`` gives those of its numbers."""
        if self.channels_last:
            return _sum_squares(self._narrow(block))
        return np.einsum("nci,nci->nc", block, block)

    def _narrow(self, block: Array) -> Array:
        """A block of rows, channels last, as more rows of at most about NARROW numbers."""
        C = self.shape[1]
        return block.reshape(-1, C * pixels_a_row(block.shape[1] // C, C, NARROW))

    def fold(self, sums: Iterable[Array]) -> Array:
        """What ``sums`` gave for all blocks → (C,) float64."""
        parts = [some.reshape(-1, self.shape[1]) for some in sums]
        return (parts[0] if len(parts) == 1 else np.concatenate(parts)).sum(0, np.float64)

    def spread(self, channels: Array) -> Array:
        """(C,) → each channel's value beside its numbers in a row, in the matrix's dtype."""
        channels = channels.astype(self.matrix.dtype)
        if not self.channels_last:
            return channels[:, None]
        row = np.empty((self.matrix.shape[1] // len(channels), len(channels)), channels.dtype)
        np.copyto(as_runs(row), as_runs(channels[None]))
        return row.reshape(-1)

    def blocks(self) -> list[slice]:
        """Slices of rows that hold about BLOCK numbers."""
        return blocks_of(self.matrix)

    def tensor(self, matrix: Array) -> Array:
        """A matrix like this one → (N, C, *)."""
        return tensor_of(matrix, self.shape, self.channels_last)


def _sum_rows(rows: Array) -> Array:
    """(rows, k) → sums over some rows each, (*, k)."""
    ones = np.ones(_together(rows), rows.dtype)
    rest = len(rows) % len(ones)
    whole = np.matmul(ones, rows[: len(rows) - rest].reshape(-1, len(ones), rows.shape[1]))
    return np.concatenate((whole, [ones[:rest] @ rows[-rest:]])) if rest else whole


def _sum_squares(rows: Array) -> Array:
    """(rows, k) → sums of squares over some rows each, (*, k)."""
    each = _together(rows)
    rest = len(rows) % each
    cut = rows[: len(rows) - rest].reshape(-1, each, rows.shape[1])
    whole = np.einsum("rik,rik->rk", cut, cut)
    return np.concatenate((whole, [np.einsum("ik,ik->k", rows[-rest:], rows[-rest:])])) if rest else whole


def _together(rows: Array) -> int:
    """Of how many rows sums are made in the rows' own dtype."""
    return max(1, min(SUMMED // rows.shape[1], len(rows)))


def tensor_of(matrix: Array, shape: tuple[int, ...], channels_last: bool) -> Array:
    """Numbers in either order → (N, C, *)."""
    if not channels_last:
        return matrix.reshape(shape)
    N, C, *rest = shape
    return matrix.reshape(N, *rest, C).transpose(0, -1, *range(1, len(rest) + 1))


def rows_of(x: Array, channels_last: bool | None = None) -> Rows:
    """x (N, C, *) → Rows; a copy only where memory is in neither order, or not in the one asked for."""
    numbers, channels_last = in_order(x, channels_last)
    N, C = x.shape[:2]
    if not channels_last:
        return Rows(numbers.reshape(N, C, -1), x.shape)
    return Rows(numbers.reshape(-1, C * pixels_a_row(x.size // C, C, WIDTH)), x.shape)


def in_order(x: Array, channels_last: bool | None) -> tuple[Array, bool]:
    """x (N, C, *) → contiguous (N, *, C), or (N, C, *), whichever is asked for or, if None, x's memory; and which."""
    last = x.transpose(0, *range(2, x.ndim), 1)
    if channels_last is None:
        channels_last = last.flags.c_contiguous or not x.flags.c_contiguous
    return contiguous(last if channels_last else x), channels_last


@lru_cache(maxsize=1024)
def pixels_a_row(pixels: int, C: int, width: int) -> int:
    """The most pixels of C channels that divide ``pixels`` and fit in a row of ``width`` numbers; at least one."""
    return next(k for k in range(max(1, min(width // C, pixels)), 0, -1) if pixels % k == 0)


def blocks_of(x: Array) -> list[slice]:
    """Slices along the first axis that hold about BLOCK numbers."""
    step = max(1, BLOCK * len(x) // max(1, x.size))
    return [slice(start, min(start + step, len(x))) for start in range(0, len(x), step)]


def is_far(mean: Array, var: Array) -> bool:
    """Whether a mean is so many standard deviations from 0 that sums about 0 would lose digits to it."""
    return bool((mean**2 > 2 * var).any())
