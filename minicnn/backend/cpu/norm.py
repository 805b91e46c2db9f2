"""Normalisation on a CPU, in blocks that stay in the cache and that threads share.

Batch norm goes over rows of a matrix, whose sums are added in float64; the other norms take a few samples at a time.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from minicnn.backend.cpu.row_norm import layer_norm, layer_norm_grad
from minicnn.backend.cpu.rows import BLOCK, SUMMED, Rows, blocks_of, is_far, rows_of
from minicnn.backend.cpu.sample_norm import group_norm, group_norm_grad
from minicnn.backend.cpu.scratch import scratch
from minicnn.backend.cpu.threads import run
from minicnn.backend.portable.norm import Axes, NormKernels

Array = Any


class CpuNormKernels(NormKernels):
    """Normalisation of NumPy arrays; shapes and formulas are those of ``NormKernels``."""

    def normalise(
        self, x: Array, weight: Array | None, bias: Array | None, axes: Axes, eps: float, groups: int | None = None
    ) -> tuple[Array, Array, Array]:
        if _by_channel(x, axes, weight):
            return _batch_norm(x, weight, bias, eps)
        if _by_group(x, axes, weight):
            y, mean, var = group_norm(x, weight, bias, groups or x.shape[1], eps)
            kept = (*x.shape[:2], *[1] * len(axes))
            return y, mean.reshape(kept), var.reshape(kept)
        if _by_row(x, axes, weight, bias):
            return layer_norm(x, weight, bias, len(axes), eps)
        if not _by_sample(x, axes, weight):
            return super().normalise(x, weight, bias, axes, eps, groups)
        y, some = np.empty_like(x), super().normalise

        def work(part: slice) -> tuple[Array, Array]:
            y[part], mean, var = some(x[part], weight, bias, axes, eps, groups)
            return mean, var

        means, variances = zip(*run(work, blocks_of(x)), strict=True)
        return y, np.concatenate(means), np.concatenate(variances)

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
        if _by_channel(x, axes, weight):
            return _batch_norm_grad(g, x, weight, mean, var, eps)
        if _by_group(x, axes, weight):
            mean, var = (t.reshape(x.shape[:2]) for t in (mean, var))
            dx, *sums = group_norm_grad(g, x, weight, mean, var, groups or x.shape[1], eps)
        elif _by_row(x, axes, weight):
            dx, *sums = layer_norm_grad(g, x, weight, mean, var, len(axes), eps)
        elif _by_sample(x, axes, weight):
            dx, sums = self._by_samples_grad(g, x, weight, mean, var, axes, eps, groups)
        else:
            return super().normalise_grad(g, x, weight, mean, var, axes, eps, groups)
        if weight is None:
            return dx, None, g
        dweight, dbias = (total.astype(weight.dtype).reshape(weight.shape) for total in sums)
        return dx, dweight, dbias

    def _by_samples_grad(self, g: Array, x: Array, weight: Array | None, mean: Array, var: Array, *options: Any) -> Any:
        """dx, and the other two gradients in float64; a few samples at a time."""
        dx, some = np.empty_like(x), super().normalise_grad

        def work(part: slice) -> tuple[Array, Array]:
            dx[part], dweight, dbias = some(g[part], x[part], weight, mean[part], var[part], *options)
            return dweight, dbias

        parts = run(work, blocks_of(x))
        return dx, () if weight is None else _totals(parts)

    def sum(self, x: Array, axes: Axes | None, dtype: Any) -> Array:
        """Sums of channels (a bias's gradient) by blocks; NumPy's own go through memory row by row."""
        if x.size <= SUMMED or dtype != x.dtype or axes is None or not _by_channel(x, tuple(axes), None):
            return super().sum(x, axes, dtype)
        rows = rows_of(x)
        parts = run(lambda block: rows.sums(rows.matrix[block]), rows.blocks(), each=4)
        return rows.fold(parts).astype(dtype)

    def scale_shift(self, x: Array, scale: Array, shift: Array) -> Array:
        if scale.shape != shift.shape or not _by_channel(x, (0, *range(2, x.ndim)), scale):
            return super().scale_shift(x, scale, shift)
        rows = rows_of(x)
        y = np.empty_like(rows.matrix)
        _scale_shift(rows, rows.matrix, scale.reshape(-1), shift.reshape(-1), y)
        return rows.tensor(y)


def _batch_norm(x: Array, weight: Array | None, bias: Array | None, eps: float) -> tuple[Array, Array, Array]:
    """x → y, mean and var, as ``normalise`` defines them."""
    rows = rows_of(x)
    y = np.empty_like(rows.matrix)
    centred, pivot, offset, var = _moments(rows, y)
    scale = (var + eps) ** -0.5
    if weight is not None:
        scale = scale * weight.reshape(-1)
    shift = -offset * scale
    _scale_shift(rows, centred, scale, shift if bias is None else bias.reshape(-1) + shift, y)
    kept, mean = (1, -1, *[1] * (x.ndim - 2)), pivot + offset
    return rows.tensor(y), mean.astype(x.dtype).reshape(kept), var.astype(x.dtype).reshape(kept)


def _batch_norm_grad(
    g: Array, x: Array, weight: Array | None, mean: Array, var: Array, eps: float
) -> tuple[Array, Array | None, Array]:
    """g → dx, dweight and dbias, as ``normalise_grad`` defines them."""
    rows = rows_of(x)
    gradients = rows_of(g, rows.channels_last).matrix
    centre, spread = mean.reshape(-1).astype("float64"), var.reshape(-1).astype("float64")
    rstd = (spread + eps) ** -0.5
    total, product = _gradient_sums(rows, gradients, centre, is_far(centre, spread))
    slope = rstd if weight is None else weight.reshape(-1) * rstd
    # dx = slope·(g − total/n − (x − mean)·rstd²·product/n), gathered into slope·g + bend·x + shift
    n = x.size // x.shape[1]
    bend = -slope * rstd**2 * product / n
    shift = -slope * total / n - bend * centre
    slopes, bends, shifts = rows.spread(slope), rows.spread(bend), rows.spread(shift)
    dx = np.empty_like(rows.matrix)

    def work(block: slice) -> None:
        out = np.multiply(rows.matrix[block], bends, out=dx[block])
        out += shifts
        out += np.multiply(gradients[block], slopes, out=scratch("block", out.shape, out.dtype))

    run(work, rows.blocks())
    if weight is None:
        return rows.tensor(dx), None, g
    dweight = (product * rstd).astype(x.dtype).reshape(weight.shape)
    return rows.tensor(dx), dweight, total.astype(x.dtype).reshape(weight.shape)


def _scale_shift(rows: Rows, x: Array, scale: Array, shift: Array, out: Array) -> None:
    """x·scale + shift → out, by channel; matrices like that of ``rows``."""
    scales, shifts = rows.spread(scale), rows.spread(shift)

    def work(block: slice) -> None:
        np.multiply(x[block], scales, out=out[block])
        out[block] += shifts

    run(work, rows.blocks())


def _by_channel(x: Array, axes: Axes, weight: Array | None) -> bool:
    """Whether this is batch norm, of something, in a dtype that BLAS has."""
    if x.ndim < 2 or axes != (0, *range(2, x.ndim)) or x.size == 0 or x.dtype not in (np.float32, np.float64):
        return False
    return weight is None or weight.shape == (1, x.shape[1], *[1] * (x.ndim - 2))


def _by_group(x: Array, axes: Axes, weight: Array | None) -> bool:
    """Whether this is group or instance norm, of something, in a dtype that BLAS has."""
    if x.ndim < 3 or axes != tuple(range(2, x.ndim)) or x.size == 0 or x.dtype not in (np.float32, np.float64):
        return False
    return weight is None or weight.shape == (1, x.shape[1], *[1] * (x.ndim - 2))


def _by_row(x: Array, axes: Axes, *given: Array | None) -> bool:
    """Whether this is layer norm, of something, in a dtype that BLAS has."""
    if not axes or axes != tuple(range(x.ndim - len(axes), x.ndim)) or not x.size:
        return False
    sizes = x.shape[-len(axes) :]
    return x.dtype in (np.float32, np.float64) and all(t is None or t.shape == sizes for t in given)


def _moments(rows: Rows, spare: Array) -> tuple[Array, Array, Array, Array]:
    """x − pivot, a pivot near the mean of each channel, the mean's offset from it, and the variance; (C,).

    Sums of squares about 0 lose digits where the mean is far from 0, as behind a convolution of what a ReLU left (two
    of three layers in ``steps: ResNet-20``). There the first row's mean is taken off, into ``spare``, or 0 where that
    is near enough. Should a first row have told nothing of the others, it is done again with the mean itself.
    """
    first = rows.matrix[:1]
    offset, var = _mean_and_variance(rows, [(rows.sums(first), rows.squares(first))], first.size)
    pivot = offset if is_far(offset, var) else np.zeros_like(offset)
    for last in (False, True):
        pivot = pivot.astype(first.dtype)  # as it is taken off
        centred = spare if pivot.any() else rows.matrix
        offset, var = _moments_about(rows, pivot, centred)
        if last or not is_far(offset, var):
            break
        pivot = pivot + offset
    return centred, pivot, offset, var


def _moments_about(rows: Rows, pivot: Array, centred: Array) -> tuple[Array, Array]:
    """Mean and variance of x − pivot, which ``centred`` is filled with unless it is x."""
    pivots = None if centred is rows.matrix else rows.spread(pivot)

    def work(block: slice) -> tuple[Array, Array]:
        x = centred[block]
        if pivots is not None:
            np.subtract(rows.matrix[block], pivots, out=x)
        return rows.sums(x), rows.squares(x)

    return _mean_and_variance(rows, run(work, rows.blocks()), centred.size)


def _mean_and_variance(rows: Rows, sums: list[tuple[Array, Array]], size: int) -> tuple[Array, Array]:
    """From Σ x and Σ x² of blocks, ``size`` numbers in all: as accurate as 0 is near the mean."""
    n = size // rows.shape[1]
    total, squares = (rows.fold(some) / n for some in zip(*sums, strict=True))
    return total, np.maximum(squares - total**2, 0)


def _gradient_sums(rows: Rows, g: Array, mean: Array, far: bool) -> tuple[Array, Array]:
    """Σ g and Σ g·(x − mean) for each channel, (C,) float64; the mean is taken off at the end unless it is ``far``."""
    means = rows.spread(mean) if far else None

    def work(block: slice) -> tuple[Array, Array]:
        x, product = rows.matrix[block], scratch("block", rows.matrix[block].shape, rows.matrix.dtype)
        if means is not None:
            x = np.subtract(x, means, out=product)
        return rows.sums(g[block]), rows.sums(np.multiply(x, g[block], out=product))

    total, product = (rows.fold(sums) for sums in zip(*run(work, rows.blocks()), strict=True))
    return total, product if far else product - mean * total


def _totals(parts: list[tuple[Array, Array]]) -> tuple[Array, Array]:
    """The blocks' two sums, added in their order in float64."""
    total, other = np.float64(0), np.float64(0)
    for one, two in parts:
        total, other = total + one, other + two
    return total, other


def _by_sample(x: Array, axes: Axes, weight: Array | None) -> bool:
    """Whether samples are normalised each by itself, and there is enough to cut."""
    if 0 in axes or not axes or len(x) < 2 or x.size <= BLOCK:
        return False
    return weight is None or weight.ndim < x.ndim or len(weight) == 1
