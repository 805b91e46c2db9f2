"""Products with a small matrix, in parts that BLAS multiplies as they lie.

Before it multiplies, BLAS copies both matrices into an order of its own. That pays where numbers are used often; a
window's numbers meet no more than the 6 or 64 channels of a result. Up to UNPACKED multiplications OpenBLAS leaves the
copies out (where it has AVX-512), and two such products take less time than one of twice the size: .55 to .8 of it for
the weight gradients of ``steps: ResNet-20``, .2 for the first of ``steps: LeNet``. A BLAS that always copies takes
about as long either way, for it copies the small matrix a few times more.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np

from minicnn.backend.cpu.scratch import scratch

Array = Any

UNPACKED = 10**6  # multiplications; OpenBLAS's own limit
SMALL = 10**4  # numbers of the small matrix; with more, parts have fewer than 100 rows and take longer than the whole
FULL, LARGER = (16, 32, 64), 4 * 10**4  # columns that fill vectors, and how many numbers then: ``conv 11x11 s4 3-64``
MUCH, FEW = 1 << 16, 128  # numbers of a matrix whose product with few rows is computed the other way round; and rows
VECTOR = 16  # numbers of a row that a processor multiplies at once


def is_small(y: Array) -> bool:
    """Whether y (*, k, n) is a small matrix, or several; it should lie row by row."""
    return bool(y.shape[-2] * y.shape[-1] <= (LARGER if y.shape[-1] in FULL else SMALL))


def multiply_rows(x: Array, y: Array, out: Array) -> None:
    """x (*, m, k) @ y (*, k, n) → out (*, m, n), some rows at a time where y is small."""
    rows, columns = x.shape[-2], y.shape[-1]
    parts, each = _parts(rows, x.shape[-1] * columns) if is_small(y) else (1, rows)
    if parts == 1:
        product = multiply_turned if is_better_turned(x, y) else np.matmul
        product(x, y, out=out)
        return
    whole = parts * each
    np.matmul(_cut(x[..., :whole, :], parts), y[..., None, :, :], out=_cut(out[..., :whole, :], parts))
    if whole < rows:
        np.matmul(x[..., whole:, :], y, out=out[..., whole:, :])


def sum_products(x: Array, y: Array, out: Array, turns: int = 0) -> None:
    """x (*, k, m), y (*, k, n) → out (*, m, n) = xᵀ · y, as a sum over some of k at a time where the result is small.
    The last ``turns`` of the leading dimensions are summed over, too, and not in ``out``."""
    few, (k, m), n = min(x.shape[-1], y.shape[-1]), x.shape[-2:], y.shape[-1]
    parts, each = _parts(k, m * n) if m * n <= SMALL else (1, k)
    if parts == 1 and not turns:
        np.matmul(x.swapaxes(-2, -1), y, out=out)
        return
    # Long rows of the result are better, but not where short ones fill a vector, or numbers lie along k.
    if (n > m) == (few > VECTOR or y.strides[-1] != y.itemsize):
        x, y, out = y, x, out.swapaxes(-2, -1)
    whole, across = parts * each, x.swapaxes(-2, -1)
    lead = (*x.shape[:-2], parts + (whole < k))
    sums = scratch("products", (*lead, *out.shape[-2:]), out.dtype)
    cuts = _cut(x[..., :whole, :], parts).swapaxes(-2, -1), _cut(y[..., :whole, :], parts)
    np.matmul(*cuts, out=sums[..., :parts, :, :])
    if whole < k:
        np.matmul(across[..., whole:], y[..., whole:, :], out=sums[..., parts, :, :])
    sums.sum(tuple(range(-3 - turns, -2)), out=out)


def is_better_turned(x: Array, y: Array) -> bool:
    """Whether x (*, m, k) @ y (*, k, n) is few rows with a large matrix that lies column by column, as a linear layer's
    weights do: ``steps: AlexNet``, where the first such layer took 1.5 times as long as now."""
    (k, n), (down, along) = y.shape[-2:], y.strides[-2:]
    return down == y.itemsize < along and 1 < x.shape[-2] <= min(FEW, n // 2) and k * n >= MUCH


def multiply_turned(x: Array, y: Array, out: Array) -> None:
    """x (*, m, k) @ y (*, k, n) → out (*, m, n), as (yᵀ @ xᵀ)ᵀ."""
    turned = scratch("turned", out.swapaxes(-2, -1).shape, out.dtype)
    np.matmul(y.swapaxes(-2, -1), x.swapaxes(-2, -1), out=turned)
    np.copyto(out, turned.swapaxes(-2, -1))


def _cut(rows: Array, parts: int) -> Array:
    """(*, rows, n) → view (*, parts, rows of each, n)."""
    return rows.reshape(*rows.shape[:-2], parts, rows.shape[-2] // parts, rows.shape[-1])


@lru_cache(maxsize=1024)
def _parts(rows: int, small: int) -> tuple[int, int]:
    """Into how many parts of how many rows each a product is cut whose other matrix has ``small`` numbers; evenly,
    unless twice as many parts would not be even, either."""
    most = UNPACKED // max(1, small)
    if rows <= most:
        return 1, rows
    fewest = -(-rows // most)
    parts = next((count for count in range(fewest, 2 * fewest) if rows % count == 0), 0)
    return (parts, rows // parts) if parts else (rows // -(-rows // fewest), -(-rows // fewest))
