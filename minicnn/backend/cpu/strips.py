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

from typing import Any, NamedTuple

from numpy.lib.stride_tricks import as_strided

from minicnn.backend.cpu.scratch import scratch
from minicnn.backend.cpu.windows import Block, Walk

Array = Any


class Strip(NamedTuple):
    """A block's pixels, and the shape in which its windows lie, some of them across the ends of rows."""

    flat: Array  # (strips, *), of which each begins with (2, pairs + 1, images, pitch, C); zeros follow
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
        return tuple(self.flat[:, start : start + size] for start in (0, odd, row, odd + row))

    def windows(self, rows: Array) -> Array:
        """(4, strips, size of ``rows``) → view (4, strips, turns, length / turns, turns·C)."""
        turns, step, item = self.turns, self.channels * rows.itemsize, rows.itemsize
        shape = (*rows.shape[:2], turns, self.length // turns, turns * self.channels)
        return as_strided(rows, shape, (*rows.strides[:2], step, turns * step, item))

    def in_turns(self, pixels: Array) -> Array:
        """(4, strips, length, O), a row for each window → view (4, strips, turns, length / turns, O)."""
        shape = (*pixels.shape[:2], self.length // self.turns, self.turns, pixels.shape[3])
        return pixels.reshape(shape).swapaxes(2, 3)

    def inside(self, pixels: Array, across: int) -> Array:
        """(strips, length, O), a row for each window → view (images, pairs, across, strips, O) of those that straddle
        nothing."""
        shape = (len(pixels), self.pairs, self.images, self.pitch, pixels.shape[2])
        whole = pixels[:, : self.pairs * self.images * self.pitch].reshape(shape)
        return whole[:, :, :, :across].transpose(2, 1, 3, 0, 4)


def strip(x: Array, walk: Walk, block: Block, width: int, count: int = 1) -> Strip:
    """x (N, H, W, count·C) → the strips of the block's pixels, from row and column ``walk.origin`` on and ``width``
    wide."""
    first, last, _ = block[1].indices(walk.size[0])
    x, pairs, turns = separate(x[block[0]], count).transpose(3, 1, 0, 2, 4), -(-(last - first) // 2), walk.kernel[1]
    _, H, images, W, C = x.shape
    top, left = walk.origin[0] + first, walk.origin[1]
    before, after = max(0, -left), max(0, left + width - W)
    pitch = width - min(before, after, turns - 1)  # the zeros before a row are also those after the last
    numbers = 2 * (pairs + 1) * images * pitch * C
    flat = scratch("strip", (count, numbers + (2 * turns + width) * C), x.dtype)
    flat[:] = 0
    room = flat[:, :numbers].reshape(count, 2, pairs + 1, images, pitch, C)
    into, out_of = max(left, 0), min(W, left + width)
    for parity in range(2):
        start = top + parity
        a, b = max(0, -(start // 2)), min(pairs + 1, -((start - H) // 2))
        if b > a and out_of > into:
            part = room[:, parity, a:b, :, into - left : out_of - left]
            part[...] = x[:, start + 2 * a : start + 2 * b - 1 : 2, :, into:out_of]
    return Strip(flat, pairs, images, pitch, C, turns)


def separate(pixels: Array, count: int) -> Array:
    """(n, rows, columns, count·C) → view (n, rows, columns, count, C)."""
    return pixels.reshape(*pixels.shape[:3], count, pixels.shape[3] // count)
