"""Images as strips of pixels, from which BLAS takes a row of windows as it lies; what Winograd's methods work on.

A block's rows lie one after the other with zeros between them, (2, pairs of rows, images, pitch, C), even rows apart
from odd ones: so whole blocks are added or subtracted in one call, whatever their sizes. (NumPy starts a sum anew at
each gap in memory, which takes as long as 500 of its numbers.)

Read on regardless of where rows end, window q is KW·C adjacent numbers from pixel q on. The next window overlaps it,
which BLAS forbids a matrix's rows; but every KW-th does not, so KW matrices hold all windows without a copy:

    turns[i, j] = numbers (j·KW + i)·C to (j·KW + i + KW)·C of the strip        y[j·KW + i] = turns[i, j] @ w

Windows that straddle two rows are computed, and dropped: one column beside 32, or 16, or 8. Of a grouped convolution,
some groups' channels make a strip, and the strips lie one after the other.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.lib.stride_tricks import as_strided

from minicnn.backend.cpu.runs import copy_runs
from minicnn.backend.cpu.scratch import scratch
from minicnn.backend.cpu.windows import Part, Walk

Array = Any


class Strips:
    """Scratch memory for a block's pixels, ``width`` of them from ``walk.origin`` on, in ``count`` strips."""

    def __init__(self, walk: Walk, part: Part, width: int, count: int = 1) -> None:
        self.count, self.images, self.channels, self.turns = count, part.images, part.C // count, walk.kernel[1]
        self.pairs = -(-part.rows // 2)
        left = walk.origin[1]
        before, after = max(0, -left), max(0, left + width - part.W)
        self.pitch = width - min(before, after, self.turns - 1)  # zeros before a row are also those after the last
        self.row = self.images * self.pitch * self.channels
        numbers = 2 * (self.pairs + 1) * self.row
        self.flat = scratch("strip", (count, numbers + (2 * self.turns + width) * self.channels), part.dtype)
        room = self.flat[:, :numbers].reshape(count, 2, self.pairs + 1, self.images, self.pitch, self.channels)
        self._columns = slice(max(left, 0), max(left, 0, min(part.W, left + width)))
        self._places = []
        for parity in range(2):
            start = walk.origin[0] + part.first + parity
            a, b = max(0, -(start // 2)), min(self.pairs + 1, -((start - part.H) // 2))
            if b > a:
                place = room[:, parity, a:b, :, before : before + self._columns.stop - self._columns.start]
                self._places.append((place.transpose(2, 1, 3, 0, 4), slice(start + 2 * a, start + 2 * b - 1, 2)))

    def fill(self, x: Array) -> None:
        """x (n, H, W, count·C), the block's images: their pixels, with zeros around."""
        self.flat.fill(0)
        pixels, copy = separate(x[:, :, self._columns], self.count), copy_runs if self.count > 1 else np.copyto
        for place, rows in self._places:
            copy(place, pixels[:, rows])

    @property
    def length(self) -> int:
        """Windows, one for each pixel of every second row, and as many more as make their number divisible."""
        return -(-self.pairs * self.images * self.pitch // self.turns) * self.turns

    @property
    def shifted(self) -> Array:
        """d0 … d3: the numbers from the first row on, from the second, third and fourth, as many as windows read, as
        a view (2, 2, count, size)."""
        size, item = (self.length + self.turns - 1) * self.channels, self.flat.itemsize
        strides = (self.row * item, (self.pairs + 1) * self.row * item, *self.flat.strides)
        return as_strided(self.flat, (2, 2, self.count, size), strides)

    def windows(self, rows: Array) -> Array:
        """(4, count, size of a row of ``shifted``) → view (4, count, turns, length / turns, turns·C)."""
        turns, step, item = self.turns, self.channels * rows.itemsize, rows.itemsize
        shape = (*rows.shape[:2], turns, self.length // turns, turns * self.channels)
        return as_strided(rows, shape, (*rows.strides[:2], step, turns * step, item))

    def in_turns(self, pixels: Array) -> Array:
        """(4, count, length, O), a row for each window → view (4, count, turns, length / turns, O)."""
        shape = (*pixels.shape[:2], self.length // self.turns, self.turns, pixels.shape[3])
        return pixels.reshape(shape).swapaxes(2, 3)

    def inside(self, pixels: Array, across: int) -> Array:
        """(count, length, O), a row for each window → view (images, pairs, across, count, O) of those that straddle
        nothing."""
        shape = (len(pixels), self.pairs, self.images, self.pitch, pixels.shape[2])
        whole = pixels[:, : self.pairs * self.images * self.pitch].reshape(shape)
        return whole[:, :, :, :across].transpose(2, 1, 3, 0, 4)


def separate(pixels: Array, count: int) -> Array:
    """(n, rows, columns, count·C) → view (n, rows, columns, count, C)."""
    return pixels.reshape(*pixels.shape[:3], count, pixels.shape[3] // count)
