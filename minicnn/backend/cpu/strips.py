"""Images as strips of pixels, from which BLAS takes a row of windows as it lies; what Winograd's methods work on.

A block's rows lie one after the other with zeros between them, (2, pairs of rows, images, pitch, C), even rows apart
from odd ones: so whole blocks are added or subtracted in one call, whatever their sizes. (NumPy starts a sum anew at
each gap in memory, which takes as long as 500 of its numbers.)

Read on regardless of where rows end, window q is KW·C adjacent numbers from pixel q on. The next window overlaps it,
which BLAS forbids a matrix's rows; but every KW-th does not, so KW matrices hold all windows without a copy:

    turns[i, j] = numbers (j·KW + i)·C to (j·KW + i + KW)·C of the strip        y[j·KW + i] = turns[i, j] @ w

Windows that straddle two rows are computed, and dropped: one column beside 32, or 16, or 8.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from numpy.lib.stride_tricks import as_strided

from minicnn.backend.cpu.scratch import scratch
from minicnn.backend.cpu.windows import Block, Walk

Array = Any


class Strip(NamedTuple):
    """A block's pixels, and the shape in which its windows lie, some of them across the ends of rows."""

    flat: Array  # whose beginning is (2, pairs + 1, images, pitch, C); zeros follow
    pairs: int
    images: int
    pitch: int
    channels: int
    turns: int  # pixels that a window is wide

    @property
    def length(self) -> int:
        """Windows, one for each pixel of every second row, and as many more as make their number divisible."""
        return -(-self.pairs * self.images * self.pitch // self.turns) * self.turns

    @property
    def rows(self) -> tuple[Array, ...]:
        """d0 … d3: the numbers from the first row on, from the second, third and fourth, as many as windows read."""
        row, size = self.images * self.pitch * self.channels, (self.length + self.turns - 1) * self.channels
        odd = (self.pairs + 1) * row
        return tuple(self.flat[start : start + size] for start in (0, odd, row, odd + row))

    def windows(self, rows: Array) -> Array:
        """(4, size of ``rows``) → view (4, turns, length / turns, turns·C)."""
        turns, step, item = self.turns, self.channels * rows.itemsize, rows.itemsize
        shape = (len(rows), turns, self.length // turns, turns * self.channels)
        return as_strided(rows, shape, (rows.strides[0], step, turns * step, item))

    def in_turns(self, pixels: Array) -> Array:
        """(4, length, O), a row for each window → view (4, turns, length / turns, O)."""
        shape = (len(pixels), self.length // self.turns, self.turns, pixels.shape[2])
        return pixels.reshape(shape).swapaxes(1, 2)

    def inside(self, pixels: Array, across: int) -> Array:
        """(length, O), a row for each window → view (images, pairs, across, O) of those that straddle nothing."""
        shape = (self.pairs, self.images, self.pitch, pixels.shape[1])
        return pixels[: self.pairs * self.images * self.pitch].reshape(shape)[:, :, :across].transpose(1, 0, 2, 3)


def strip(x: Array, walk: Walk, block: Block, width: int) -> Strip:
    """x (N, H, W, C) → the strip of the block's pixels, from row and column ``walk.origin`` on and ``width`` wide."""
    first, last, _ = block[1].indices(walk.size[0])
    x, pairs, turns = x[block[0]].transpose(1, 0, 2, 3), -(-(last - first) // 2), walk.kernel[1]
    H, images, W, C = x.shape
    top, left = walk.origin[0] + first, walk.origin[1]
    before, after = max(0, -left), max(0, left + width - W)
    pitch = width - min(before, after, turns - 1)  # the zeros before a row are also those after the last
    numbers = 2 * (pairs + 1) * images * pitch * C
    flat = scratch("strip", (numbers + (2 * turns + width) * C,), x.dtype)
    flat[:] = 0
    room = flat[:numbers].reshape(2, pairs + 1, images, pitch, C)
    into, out_of = max(left, 0), min(W, left + width)
    for parity, rows in enumerate(room):
        start = top + parity
        a, b = max(0, -(start // 2)), min(pairs + 1, -((start - H) // 2))
        if b > a and out_of > into:
            rows[a:b, :, into - left : out_of - left] = x[start + 2 * a : start + 2 * b - 1 : 2, :, into:out_of]
    return Strip(flat, pairs, images, pitch, C, turns)
