"""Products with a small matrix, whichever way they are cut, against products in float64."""

from __future__ import annotations

from unittest import mock

import numpy as np
import pytest

from minicnn.backend.cpu import narrow
from minicnn.backend.cpu.products import multiply

rng = np.random.default_rng(0)


def numbers(*shape: int) -> np.ndarray:
    return rng.standard_normal(shape).astype("float32")


def close(found: np.ndarray, one: np.ndarray, other: np.ndarray) -> None:
    exact = one.astype("float64") @ other.astype("float64")
    bound = np.abs(one).astype("float64") @ np.abs(other).astype("float64")
    assert found.shape == exact.shape
    assert (np.abs(found - exact) <= 1e-6 * bound).all()


@pytest.mark.parametrize(
    ("rows", "parts"), [(1302, (1, 1302)), (1408, (2, 704)), (3906, (3, 1302)), (1303, (1, 652)), (3909, (3, 978))]
)
def test_rows_are_cut_evenly_where_that_can_be(rows: int, parts: tuple[int, int]) -> None:
    assert narrow.UNPACKED // (48 * 16) == 1302
    assert narrow._parts(rows, 48 * 16) == parts  # of 1303 and 3909 rows fewer than a part's are left


@pytest.mark.parametrize(("k", "n", "small"), [
    (100, 100, True), (101, 100, False), (200, 50, True), (625, 64, True), (626, 64, False), (2500, 16, True),
    (2501, 16, False), (201, 50, False),
])  # fmt: skip
def test_small_matrices_may_be_larger_where_their_columns_fill_vectors(k: int, n: int, small: bool) -> None:
    assert narrow.is_small(np.empty((2, k, n))) == small


@pytest.mark.parametrize(("k", "n", "calls"), [(625, 64, 2), (626, 64, 1)])
def test_only_rows_times_a_small_matrix_are_cut(k: int, n: int, calls: int) -> None:
    x, y, out = numbers(1303, k), numbers(k, n), np.empty((1303, n), "float32")
    with mock.patch.object(narrow.np, "matmul", side_effect=np.matmul) as products:
        narrow.multiply_rows(x, y, out)
    assert products.call_count == calls
    close(out, x, y)


@pytest.mark.parametrize("rows", [100, 1408, 1303, 5000, 0])
@pytest.mark.parametrize("lead", [(), (3,), (2, 3)])
def test_rows_times_a_small_matrix(rows: int, lead: tuple[int, ...]) -> None:
    x, y, out = numbers(*lead, rows, 48), numbers(*lead, 48, 16), np.empty((*lead, rows, 16), "float32")
    narrow.multiply_rows(x, y, out)
    close(out, x, y)


def test_rows_times_matrices_of_which_some_are_the_same() -> None:
    x, y, out = numbers(4, 3, 1500, 48), numbers(4, 1, 48, 16), np.empty((4, 3, 1500, 16), "float32")
    narrow.multiply_rows(x, y, out)
    close(out, x, y)


@pytest.mark.parametrize("k", [5, 1408, 1303, 25088, 0])
@pytest.mark.parametrize(("m", "n"), [(6, 25), (25, 6), (16, 48), (64, 48), (32, 96), (128, 200)])
@pytest.mark.parametrize("planar", [False, True])
def test_a_sum_of_products(k: int, m: int, n: int, planar: bool) -> None:
    x, y, out = numbers(k, m), numbers(k, n), np.full((m, n), np.nan, "float32")
    narrow.sum_products(x, np.asfortranarray(y) if planar else y, out)
    close(out, x.T, y)


@pytest.mark.parametrize("k", [40, 1303])
def test_a_sum_over_turns_too(k: int) -> None:
    x, y, out = numbers(4, 2, 3, k, 16), numbers(4, 2, 3, k, 48), np.empty((4, 2, 16, 48), "float32")
    narrow.sum_products(x, y, out, turns=1)
    rows = [a.reshape(4, 2, 3 * k, -1) for a in (x, y)]
    close(out, rows[0].swapaxes(2, 3), rows[1])


@pytest.mark.parametrize("shape", [(8, 2048, 1000), (64, 1024, 256), (2, 300, 4096), (49, 512, 1024)])
def test_few_rows_times_weights(shape: tuple[int, int, int]) -> None:
    m, k, n = shape
    x, w = numbers(m, k), numbers(n, k)
    assert narrow.is_better_turned(x, w.T)
    close(multiply(x, w.T), x, w.T)
    out = np.empty((2, m, n), "float32")
    narrow.multiply_rows(np.stack([x, 2 * x]), np.stack([w, w]).swapaxes(1, 2), out)
    close(out[1], 2 * x, w.T)


def test_what_is_not_better_turned() -> None:
    x, w = numbers(8, 2048), numbers(1000, 2048)
    assert not narrow.is_better_turned(x, np.ascontiguousarray(w.T))  # it lies row by row
    assert not narrow.is_better_turned(x[:1], w.T)  # one row: a matrix times a vector
    assert not narrow.is_better_turned(numbers(500, 2048), w.T)  # many rows
    assert not narrow.is_better_turned(x[:, :50], w[:, :50].T)  # few numbers
