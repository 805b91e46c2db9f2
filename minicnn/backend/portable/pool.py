"""Pooling: max, average and adaptive, and the gather and scatter that are max-pooling's derivatives.

Shapes: x and dx (N, C, H, W), y, g and winners (N, C, OH, OW). A window is a rectangle, and both a maximum and a sum
over a rectangle can be taken one axis at a time: KH + KW steps over strided slices instead of KH·KW.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from minicnn.backend.portable.arrays import ArrayKernels, wide
from minicnn.shapes.conv import Pair
from minicnn.shapes.pool import PoolGeometry, adaptive_bins

Array = Any


class PoolKernels(ArrayKernels):
    """Max, average and adaptive pooling, forward and backward."""

    def max_pool_values(self, x: Array, geometry: PoolGeometry) -> Array:
        """x → y[i, j] = max of x over window (i, j); -inf where it lies wholly in the padding."""
        columns = _running_max(self.xp, x, 3, geometry)
        return _running_max(self.xp, columns, 2, geometry)

    def max_pool(self, x: Array, geometry: PoolGeometry) -> tuple[Array, Array]:
        """x → y as ``max_pool_values``, and winners: where in its plane (h·W + w, int64) each maximum was found.

        The first of equal values wins, the last NaN, and in a window wholly in the padding nobody: -1.
        """
        columns, column = _running_argmax(self.xp, x, 3, geometry)
        y, row = _running_argmax(self.xp, columns, 2, geometry)
        column = self.xp.take_along_axis(column, self.xp.maximum(row, 0), axis=2)
        winners = self.xp.where((row < 0) | (column < 0), -1, row * x.shape[3] + column)
        return y, winners

    def max_pool_recorded(self, x: Array, geometry: PoolGeometry) -> tuple[Array, Array]:
        """``max_pool``, for none but ``pool_gather`` and ``pool_scatter`` with this ``geometry`` to see the winners: a
        backend may note them in a shorter way."""
        return self.max_pool(x, geometry)

    def pool_gather(self, x: Array, winners: Array, geometry: PoolGeometry | None = None) -> Array:  # noqa: ARG002 (for backends with another note of winners)
        """x → y[n, c, i, j] = x[n, c].flat[winners[n, c, i, j]], and 0 where the winner is -1."""
        N, C, H, W = x.shape
        flat = self.xp.maximum(winners, 0).reshape(N, C, winners.shape[2] * winners.shape[3])
        y = self.xp.take_along_axis(x.reshape(N, C, H * W), flat, axis=2).reshape(winners.shape)
        return self.xp.where(winners < 0, x.dtype.type(0), y)

    def pool_scatter(self, g: Array, winners: Array, size: Pair, geometry: PoolGeometry | None = None) -> Array:  # noqa: ARG002 (for backends that use it)
        """g → dx[n, c].flat[winners[n, c, i, j]] += g[n, c, i, j]; windows that overlap accumulate, -1 goes nowhere.

        ``geometry`` is that of the pooling that chose the winners, for backends that are faster when they know it.
        """
        N, C, OH, OW = g.shape
        values, flat = wide(g).reshape(N, C, OH * OW), winners.reshape(N, C, OH * OW)
        dx = self.xp.zeros((N, C, size[0] * size[1]), values.dtype)
        n, c = self.xp.arange(N)[:, None, None], self.xp.arange(C)[:, None]
        self.scatter_add(dx, (n, c, self.xp.maximum(flat, 0)), self.xp.where(flat < 0, values.dtype.type(0), values))
        return dx.reshape(N, C, *size).astype(g.dtype, copy=False)

    def avg_pool(
        self, x: Array, geometry: PoolGeometry, count_include_pad: bool = True, divisor_override: int | None = None
    ) -> Array:
        """x → y[i, j] = (sum of x over window (i, j)) / (its pixels, or divisor_override)."""
        total = _window_sums(self.xp, wide(x), 3, geometry)
        total = _window_sums(self.xp, total, 2, geometry)
        total /= self._divisors(total, geometry, x.shape[2:], count_include_pad, divisor_override)
        return total.astype(x.dtype, copy=False)

    def avg_pool_grad(
        self,
        g: Array,
        geometry: PoolGeometry,
        size: Pair,
        count_include_pad: bool = True,
        divisor_override: int | None = None,
    ) -> Array:
        """g → dx[h, w] = Σ of g[i, j] / (its pixels) over the windows that hold (h, w): ``avg_pool`` transposed."""
        share = wide(g)
        share = share / self._divisors(share, geometry, size, count_include_pad, divisor_override)
        rows = _spread_over_windows(self.xp, share, 2, geometry, size[0])
        return _spread_over_windows(self.xp, rows, 3, geometry, size[1]).astype(g.dtype, copy=False)

    def _divisors(
        self, like: Array, geometry: PoolGeometry, size: Pair, count_include_pad: bool, divisor_override: int | None
    ) -> Array:
        """What each window's sum is divided by: one number, or (OH, OW) of them."""
        if divisor_override is not None:
            return like.dtype.type(divisor_override)
        heights, widths = (geometry.divisors(axis, size[axis], count_include_pad) for axis in (0, 1))
        if len({*heights}) == len({*widths}) == 1:
            return like.dtype.type(heights[0] * widths[0])
        return self.table(heights, like.dtype)[:, None] * self.table(widths, like.dtype)

    def adaptive_avg_pool(self, x: Array, output_size: Pair) -> Array:
        """x → y[i, j] = mean of x over adaptive bin (i, j)."""
        total = wide(x)
        for axis, out_size in ((3, output_size[1]), (2, output_size[0])):
            bins = adaptive_bins(x.shape[axis], out_size)
            means = _filled(self.xp, total, axis, out_size, 0)
            for i, (start, end) in enumerate(bins):
                part = total[along(axis, slice(start, end))]
                self.xp.sum(part, axis=axis, keepdims=True, out=means[along(axis, slice(i, i + 1))])
            means /= self._bin_sizes(means, axis, bins)
            total = means
        return total.astype(x.dtype, copy=False)

    def adaptive_avg_pool_grad(self, g: Array, size: Pair) -> Array:
        """g → dx[h, w] = Σ of g[i, j] / (its pixels) over the bins that hold (h, w): the mean, transposed."""
        share = wide(g)
        for axis, full_size in ((2, size[0]), (3, size[1])):
            bins = adaptive_bins(full_size, g.shape[axis])
            share = share / self._bin_sizes(share, axis, bins)
            spread = _filled(self.xp, share, axis, full_size, 0)
            for i, (start, end) in enumerate(bins):
                spread[along(axis, slice(start, end))] += share[along(axis, slice(i, i + 1))]
            share = spread
        return share.astype(g.dtype, copy=False)

    def _bin_sizes(self, like: Array, axis: int, bins: list[Pair]) -> Array:
        """How many pixels each bin holds, shaped to divide along ``axis``."""
        return self.table((end - start for start, end in bins), like.dtype).reshape(-1, *[1] * (3 - axis))

    def adaptive_max_pool(self, x: Array, output_size: Pair) -> tuple[Array, Array]:
        """x → y[i, j] = max of x over adaptive bin (i, j), and winners as of ``max_pool``.

        Bins of unequal length, each repeating its last pixel until all are as long, tile a wider image without
        overlap: an ordinary max-pooling, whose winners are then led back to the pixels they repeat.
        """
        (rows, row_kernel), (columns, column_kernel) = (
            _tiled_bins(x.shape[2 + axis], output_size[axis]) for axis in (0, 1)
        )
        if 0 in output_size:
            empty = self.xp.zeros((*x.shape[:2], *output_size), x.dtype)
            return empty, empty.astype("int64")
        wide = x[:, :, self.table(rows)][:, :, :, self.table(columns)]
        kernel = row_kernel, column_kernel
        y, winners = self.max_pool(wide, PoolGeometry(kernel, kernel))
        row, column = winners // len(columns), winners % len(columns)
        return y, self.table(rows)[row] * x.shape[3] + self.table(columns)[column]


def _running_max(xp: Any, x: Array, axis: int, geometry: PoolGeometry) -> Array:
    """The maximum over windows along one axis, tap by tap."""
    best, taps = first_tap(xp, x, axis, geometry, lowest(xp, x.dtype))
    for inputs, outputs in taps:
        kept = best[along(axis, outputs)]
        xp.maximum(kept, x[along(axis, inputs)], out=kept)
    return best


def _running_argmax(xp: Any, x: Array, axis: int, geometry: PoolGeometry) -> tuple[Array, Array]:
    """The maximum over windows along one axis, and its position on that axis; -1 where there is only padding."""
    best = _filled(xp, x, axis, geometry.axis_size(axis - 2, x.shape[axis]), lowest(xp, x.dtype))
    winner = xp.full_like(best, -1, dtype="int64")
    for inputs, outputs in geometry.taps(axis - 2, x.shape[axis]):
        value, kept, position = x[along(axis, inputs)], best[along(axis, outputs)], winner[along(axis, outputs)]
        # Any pixel beats the padding, even -inf; of equal values the first stays; a NaN always wins.
        wins = (value > kept) | xp.isnan(value) | (position < 0)
        here = xp.arange(x.shape[axis])[inputs].reshape(-1, *[1] * (3 - axis))
        kept[...] = xp.where(wins, value, kept)
        position[...] = xp.where(wins, here, position)
    return best, winner


def _window_sums(xp: Any, x: Array, axis: int, geometry: PoolGeometry) -> Array:
    """The sum over windows along one axis, tap by tap."""
    total, taps = first_tap(xp, x, axis, geometry, 0)
    for inputs, outputs in taps:
        total[along(axis, outputs)] += x[along(axis, inputs)]
    return total


def first_tap(
    xp: Any, x: Array, axis: int, geometry: PoolGeometry, pad: float, copy: Callable[[Array, Array], None] | None = None
) -> tuple[Array, list[tuple[slice, slice]]]:
    """What each window's first tap reads along one axis, ``pad`` where that is padding; and the taps still to come.

    ``copy(target, source)`` copies it, if a backend has something faster than an assignment.
    """
    (inputs, outputs), *others = geometry.taps(axis - 2, x.shape[axis])
    out_size = geometry.axis_size(axis - 2, x.shape[axis])
    values = xp.empty_like(x, shape=(*x.shape[:axis], out_size, *x.shape[axis + 1 :]))
    (copy or _assign)(values[along(axis, outputs)], x[along(axis, inputs)])
    for outside in (slice(None, outputs.start), slice(outputs.stop, None)):
        values[along(axis, outside)] = pad
    return values, others


def _assign(target: Array, source: Array) -> None:
    target[...] = source


def _spread_over_windows(xp: Any, g: Array, axis: int, geometry: PoolGeometry, size: int) -> Array:
    """``_window_sums`` transposed: each output's value added to every pixel of its window."""
    spread = _filled(xp, g, axis, size, 0)
    for inputs, outputs in geometry.taps(axis - 2, size):
        spread[along(axis, inputs)] += g[along(axis, outputs)]
    return spread


def _tiled_bins(size: int, out_size: int) -> tuple[list[int], int]:
    """The pixels of each adaptive bin, its last one repeated until all bins are as long; and that length."""
    bins = adaptive_bins(size, out_size)
    length = max((end - start for start, end in bins), default=1)
    return [min(start + i, end - 1) for start, end in bins for i in range(length)], length


def _filled(xp: Any, like: Array, axis: int, size: int, value: float) -> Array:
    """An array like another, memory order too, with another size along one axis, all ``value``."""
    return xp.full_like(like, value, shape=(*like.shape[:axis], size, *like.shape[axis + 1 :]))


def lowest(xp: Any, dtype: Any) -> Any:
    """What no value is below: -inf, or the least integer."""
    return -xp.inf if dtype.kind == "f" else xp.iinfo(dtype).min


def along(axis: int, key: slice) -> tuple[slice, ...]:
    """The index that takes ``key`` along one axis, and all of the axes before it."""
    return (slice(None),) * axis + (key,)
