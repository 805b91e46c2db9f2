"""Pointwise kernels of the CPU: in blocks, in every memory order, against the definition."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

from minicnn.backend.cpu import elementwise
from minicnn.backend.numpy import NumpyBackend
from minicnn.backend.portable import Backend

CPU = NumpyBackend()
SHAPE = (8, 32, 30, 31)  # more than a block, and more than a piece for a thread


class Portable(Backend):
    xp = np


ORDERS = {
    "C": np.ascontiguousarray,
    "Fortran": np.asfortranarray,
    "channels-last": lambda a: np.ascontiguousarray(a.transpose(0, 2, 3, 1)).transpose(0, 3, 1, 2),
    "negative strides": lambda a: np.ascontiguousarray(a[::-1, ::-1])[::-1, ::-1],
    "every other": lambda a: np.repeat(a, 2, axis=3)[..., ::2],
}


def values(seed: int, dtype: str = "float32") -> np.ndarray:
    x = np.random.default_rng(seed).standard_normal(SHAPE).astype(dtype)
    x.flat[:6] = np.nan, np.inf, -np.inf, 0.0, -0.0, -np.nan
    return x


@pytest.mark.parametrize("other", sorted(ORDERS))
@pytest.mark.parametrize("order", sorted(ORDERS))
@pytest.mark.parametrize("dtype", ["float32", "float64", "float16"])
def test_gates_and_choices_are_exact(order: str, other: str, dtype: str) -> None:
    x, y = ORDERS[order](values(0, dtype)), ORDERS[other](values(1, dtype))
    open_ = x > 0
    np.testing.assert_array_equal(CPU.gate(y, open_), np.where(open_, y, 0))
    np.testing.assert_array_equal(CPU.choose(open_, x, y), np.where(open_, x, y))
    np.testing.assert_array_equal(CPU.relu(x), np.maximum(x, 0))
    out = np.empty_like(y)
    assert CPU.relu(x, out) is out
    np.testing.assert_array_equal(out, np.maximum(x, 0))


def test_gates_broadcast() -> None:
    x = values(0)
    np.testing.assert_array_equal(CPU.gate(x, x[:1] > 0), np.where(x[:1] > 0, x, 0))
    assert CPU.relu(np.array(-3, "int64")) == 0 and CPU.relu(np.zeros((0, 3), "float32")).shape == (0, 3)


@pytest.mark.parametrize("order", sorted(ORDERS))
def test_erf_is_rounded_once(order: str) -> None:
    x = ORDERS[order](values(2) * 2)
    with np.errstate(invalid="ignore"):
        found = CPU.erf(x)
    exact = np.array([math.erf(v) for v in x.ravel()]).reshape(SHAPE)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, exact, rtol=2**-24 * 1.1, atol=0)


def test_gelu_of_float32_is_that_of_float64_rounded() -> None:
    x = np.concatenate([np.linspace(-12, 12, 100_001), [-1e30, 1e30, np.inf, 0.0]]).astype("float32")
    g, exact = np.full_like(x, 1.5), x.astype("float64")
    with np.errstate(all="ignore"):
        for found, wanted in [(CPU.gelu(x), Portable().gelu(exact)),
                              (CPU.gelu_grad(g, x), Portable().gelu_grad(g.astype("float64"), exact))]:  # fmt: skip
            finite = np.isfinite(wanted)
            unit = np.spacing(np.maximum(abs(wanted[finite]), 1).astype("float32"))
            assert (abs(found[finite] - wanted[finite]) <= 3 * unit).all()  # PyTorch's: 9, and the slope's 3.2
            np.testing.assert_array_equal(np.isfinite(found), finite)


def test_erf_at_its_ends() -> None:
    x = np.array([0.0, -0.0, 1e-37, 3.9, 4.0, 5.0, 1e30, np.inf, -np.inf, np.nan], "float32")
    found = CPU.erf(x)
    np.testing.assert_allclose(found, [math.erf(v) for v in x], rtol=2**-24 * 1.1)
    assert np.signbit(found[1]) and (abs(found[:-1]) <= 1).all()


def test_pieces_cover_everything_once() -> None:
    for size in (1, elementwise.PIECE, 3 * elementwise.PIECE + 1, 50 * elementwise.PIECE + 7):
        pieces = elementwise.pieces(size)
        assert pieces[0].start == 0 and pieces[-1].stop == size
        assert all(a.stop == b.start for a, b in itertools.pairwise(pieces))
