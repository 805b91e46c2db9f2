"""Group and instance norm on a CPU: a few samples at a time are summed, and scaled while they are in the cache."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from minicnn.backend.cpu.rows import BLOCK, NARROW, WIDTH, in_order, is_far, pixels_a_row, tensor_of
from minicnn.backend.cpu.scratch import scratch
from minicnn.backend.cpu.threads import run

Array = Any


def group_norm(
    x: Array, weight: Array | None, bias: Array | None, groups: int, eps: float
) -> tuple[Array, Array, Array]:
    """x (N, C, *) → y, and mean and var of each channel's group (N, C), as ``normalise`` defines them."""
    samples, C = samples_of(x), x.shape[1]
    y = np.empty_like(samples.matrix)
    factor, shift = (one if t is None else t.reshape(-1) for t, one in ((weight, 1.0), (bias, 0.0)))

    def work(part: slice) -> tuple[Array, Array]:
        block, out = samples.matrix[part], y[part]
        mean, var = _moments(samples, block, groups)
        scale = (var + eps) ** -0.5 * factor
        if is_far(mean, var):
            block = np.subtract(block, samples.spread(mean), out=out)
            samples.scale_shift(block, scale, np.broadcast_to(shift, (len(block), C)), out)
        else:
            samples.scale_shift(block, scale, shift - mean * scale, out)
        return mean, var

    means, variances = zip(*run(work, samples.blocks()), strict=True)
    return samples.tensor(y), *(np.concatenate(t).astype(x.dtype) for t in (means, variances))


def group_norm_grad(
    g: Array, x: Array, weight: Array | None, mean: Array, var: Array, groups: int, eps: float
) -> tuple[Array, Array, Array]:
    """g → dx; dweight and dbias (C,), in float64; mean and var are (N, C)."""
    samples = samples_of(x)
    gradients = samples_of(g, samples.channels_last).matrix
    dx = np.empty_like(samples.matrix)
    factor, count = 1.0 if weight is None else weight.reshape(-1), x.size // (len(x) * groups)

    def work(part: slice) -> tuple[Array, Array]:
        block, into, out = samples.matrix[part], gradients[part], dx[part]
        centre, rstd = mean[part].astype(np.float64), (var[part] + np.float64(eps)) ** -0.5
        total, product = _gradient_sums(samples, block, into, centre, is_far(centre, var[part]))
        # dx = rstd·(h − mean(h) − x̂·mean(h·x̂)), h = g·weight, x̂ = (x − centre)·rstd: slope·g + bend·x + shift
        bend = -(rstd**3) * _by_group(product * factor, groups) / count
        shift = -rstd * _by_group(total * factor, groups) / count - bend * centre
        samples.scale_shift(block, bend, shift, out)
        out += np.multiply(into, samples.spread(rstd * factor), out=scratch("block", out.shape, out.dtype))
        return (product * rstd).sum(0), total.sum(0)

    parts = run(work, samples.blocks())
    dweight, dbias = (sum(sums, start=np.float64(0)) for sums in zip(*parts, strict=True))
    return samples.tensor(dx), dweight, dbias


class Samples(NamedTuple):
    """x (N, C, *) seen in its memory order: channels-last as (N, rows, k·C), k pixels a row, else as (N, C, pixels)."""

    matrix: Array
    shape: tuple[int, ...]
    channels_last: bool

    def sums(self, block: Array) -> Array:
        """A block of samples → its sums over pixels (n, C), in float64."""
        n, C = len(block), self.shape[1]
        if not self.channels_last:
            return (block @ np.ones(block.shape[2], block.dtype)).astype(np.float64)
        rows = block.reshape(n, -1, C * pixels_a_row(block.shape[2] // C, C, NARROW))
        return (np.ones(rows.shape[1], block.dtype) @ rows).reshape(n, -1, C).sum(1, dtype=np.float64)

    def spread(self, values: Array) -> Array:
        """(n, C) → each value beside its numbers, in the matrix's dtype."""
        values = values.astype(self.matrix.dtype)
        if not self.channels_last:
            return values[:, :, None]
        n, C = values.shape
        row = np.empty((n, 1, self.matrix.shape[2] // C, C), values.dtype)
        row[...] = values[:, None, None]
        return row.reshape(n, 1, -1)

    def scale_shift(self, block: Array, scale: Array, shift: Array, out: Array) -> None:
        """out = block·scale + shift, of each sample and channel (n, C)."""
        np.multiply(block, self.spread(scale), out=out)
        out += self.spread(shift)

    def blocks(self) -> list[slice]:
        """Slices of samples that hold about BLOCK numbers, or one that holds more."""
        step = max(1, BLOCK * len(self.matrix) // self.matrix.size)
        return [slice(start, start + step) for start in range(0, len(self.matrix), step)]

    def tensor(self, matrix: Array) -> Array:
        """A matrix like this one → (N, C, *)."""
        return tensor_of(matrix, self.shape, self.channels_last)


def samples_of(x: Array, channels_last: bool | None = None) -> Samples:
    """x (N, C, *) → Samples; a copy only where memory is in neither order, or not in the one asked for."""
    numbers, channels_last = in_order(x, channels_last)
    N, C, *rest = x.shape
    row = C * pixels_a_row(math.prod(rest), C, WIDTH) if channels_last else math.prod(rest)
    return Samples(numbers.reshape(N, -1, row), x.shape, channels_last)


def _moments(samples: Samples, block: Array, groups: int) -> tuple[Array, Array]:
    """Mean and biased variance of the group of each channel, (n, C) float64."""
    squares = scratch("block", block.shape, block.dtype)
    count = block[0].size // groups
    mean = _by_group(samples.sums(block), groups) / count
    var = _by_group(samples.sums(np.square(block, out=squares)), groups) / count - mean**2
    if is_far(mean, var):
        pivot = samples.spread(mean)
        np.subtract(block, pivot, out=squares)
        offset = _by_group(samples.sums(squares), groups) / count
        var = _by_group(samples.sums(np.square(squares, out=squares)), groups) / count - offset**2
        mean = mean.astype(block.dtype) + offset
    return mean, np.maximum(var, 0)


def _gradient_sums(samples: Samples, x: Array, g: Array, mean: Array, far: bool) -> tuple[Array, Array]:
    """Σ g and Σ g·(x − mean) over pixels, (n, C) float64; the mean is taken off at the end unless it is ``far``."""
    product = scratch("block", x.shape, x.dtype)
    total = samples.sums(g)
    if far:
        x = np.subtract(x, samples.spread(mean), out=product)
    sums = samples.sums(np.multiply(x, g, out=product))
    return total, sums if far else sums - mean * total


def _by_group(sums: Array, groups: int) -> Array:
    """(n, C) → the sum over each channel's group, (n, C)."""
    n, C = sums.shape
    return sums.reshape(n, groups, -1).sum(2).repeat(C // groups, axis=1)
