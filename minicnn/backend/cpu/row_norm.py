"""Layer norm on a CPU: the rows of a matrix, a few of which are summed, and scaled while they are in the cache.

A number for each row times one for each column is a product of two narrow matrices. BLAS makes it in two thirds of the
time that NumPy takes to repeat a number along a row (``kernels: layer norm``), if there are two columns and two rows.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from minicnn.backend.cpu.rows import blocks_of, is_far
from minicnn.backend.cpu.scratch import scratch
from minicnn.backend.cpu.threads import run

Array = Any


def layer_norm(
    x: Array, weight: Array | None, bias: Array | None, dims: int, eps: float
) -> tuple[Array, Array, Array]:
    """x (*, D) → y, and mean and var of each row (*, 1), as ``normalise`` defines them; D is ``dims`` dimensions."""
    matrix = _matrix(x, dims)
    y, factor = np.empty_like(matrix), _vector(weight, 1, matrix)
    shift = np.stack((factor[0], _vector(bias, 0, matrix)[0]))

    def work(block: slice) -> tuple[Array, Array]:
        rows, out = matrix[block], y[block]
        mean, var = _moments(rows)
        rstd, centre = (var + eps) ** -0.5, mean
        if is_far(mean, var):
            rows, centre = np.subtract(rows, _beside(mean, rows), out=out), 0 * mean
        np.multiply(rows, _products(rstd, 0 * rstd, factor), out=out)
        out += _products(-centre * rstd, np.ones_like(rstd), shift)
        return mean, var

    kept = (*x.shape[:-dims], *[1] * dims)
    parts = zip(*run(work, blocks_of(matrix)), strict=True)
    mean, var = (np.concatenate(t).astype(x.dtype).reshape(kept) for t in parts)
    return y.reshape(x.shape), mean, var


def layer_norm_grad(
    g: Array, x: Array, weight: Array | None, mean: Array, var: Array, dims: int, eps: float
) -> tuple[Array, Array, Array]:
    """g → dx; dweight and dbias (D,), in float64."""
    matrix, gradients = _matrix(x, dims), _matrix(g, dims)
    means, variances = mean.reshape(-1), var.reshape(-1)
    dx, factor, D = np.empty_like(matrix), _vector(weight, 1, matrix), matrix.shape[1]

    def work(block: slice) -> tuple[Array, Array]:
        rows, into, out = matrix[block], gradients[block], dx[block]
        centre, rstd = means[block].astype(np.float64), (variances[block] + np.float64(eps)) ** -0.5
        far = is_far(centre, variances[block])
        product = np.multiply(np.subtract(rows, _beside(centre, rows), out=out) if far else rows, into, out=out)
        rest = 0 * centre if far else centre  # of the mean, to be taken off the product's sums
        total, slope = into @ factor[0], rstd.astype(rows.dtype)
        along = product @ factor[0] - rest * total
        dweight = slope @ product - (rest * rstd).astype(rows.dtype) @ into
        dbias = np.ones_like(slope) @ into
        # dx = rstd·(h − mean(h) − x̂·mean(h·x̂)), h = g·weight, x̂ = (x − centre)·rstd: slope·h + bend·x + shift
        bend = -(rstd**3) * along / D
        np.multiply(rows, _beside(bend, rows), out=out)
        out += _beside(-rstd * total / D - bend * centre, rows)
        scaled = _products(rstd, 0 * rstd, factor)
        out += np.multiply(into, scaled, out=scaled)
        return dweight, dbias

    parts = zip(*run(work, blocks_of(matrix)), strict=True)
    dweight, dbias = (sum(sums, start=np.float64(0)) for sums in parts)
    return dx.reshape(x.shape), dweight, dbias


def _moments(rows: Array) -> tuple[Array, Array]:
    """Mean and biased variance of each row, in float64."""
    D = rows.shape[1]
    ones = np.ones(D, rows.dtype)
    mean = (rows @ ones).astype(np.float64) / D
    var = np.vecdot(rows, rows).astype(np.float64) / D - mean**2
    if is_far(mean, var):
        centred = np.subtract(rows, _beside(mean, rows), out=scratch("products", rows.shape, rows.dtype))
        offset = (centred @ ones).astype(np.float64) / D
        var = np.vecdot(centred, centred).astype(np.float64) / D - offset**2
        mean = mean.astype(rows.dtype) + offset
    return mean, np.maximum(var, 0)


def _products(one: Array, other: Array, columns: Array) -> Array:
    """one·columns[0] + other·columns[1], (rows, D) of (rows,) and (2, D); valid until the next call."""
    rows = np.stack((one, other), axis=1).astype(columns.dtype)
    return np.matmul(rows, columns, out=scratch("products", (len(rows), columns.shape[1]), columns.dtype))


def _beside(values: Array, rows: Array) -> Array:
    return values.astype(rows.dtype)[:, None]


def _matrix(x: Array, dims: int) -> Array:
    return np.ascontiguousarray(x).reshape(-1, math.prod(x.shape[-dims:]))


def _vector(values: Array | None, default: float, matrix: Array) -> Array:
    """(D,), or ``default`` D times, as the first of two rows, the other of zeros."""
    rows = np.zeros((2, matrix.shape[1]), matrix.dtype)
    rows[0] = default if values is None else values.reshape(-1)
    return rows
