"""Comparisons, logic, bits and where, against PyTorch and by hand."""

import numpy as np
import pytest

import minicnn as mc
from tests.ops.compared import both, both_refuse

NAN, INF = float("nan"), float("inf")
X = np.array([[1.0, NAN, -2.0], [INF, 0.0, 3.0]], np.float32)
Y = np.array([1.0, NAN, 2.0], np.float32)
WHOLE = np.array([[5, -3, 0], [2, 7, 1]])
BITS = np.array([3, 1, 2])
TRUE = np.array([True, False, True])

COMPARISONS = ["eq", "ne", "lt", "le", "gt", "ge", "not_equal", "less", "less_equal", "greater", "greater_equal"]


@pytest.mark.parametrize("name", COMPARISONS)
def test_comparisons(name):
    both(lambda lib, x, y: getattr(lib, name)(x, y), X, Y)
    both(lambda lib, x: getattr(x, name)(2.5), WHOLE)
    both(lambda lib, x, y: getattr(x, name)(y), WHOLE, Y)
    both(lambda lib, x: getattr(x, name)(True), TRUE)


def test_operators():
    both(lambda lib, x, y: (x == y, x != y, x < y, x <= y, x > y, x >= y), X, Y)
    both(lambda lib, x: (2 < x, 2 >= x, x == 1), X)  # noqa: SIM300 (what is tested)
    both(lambda lib, x: (x is None, x == None, x != "word"), X)  # noqa: E711 (what is tested)
    both_refuse(lambda lib: lib.ones(2) == lib.ones(3))


def test_a_tensor_contains_its_elements():
    x = mc.tensor([[1, 2], [3, 4]])
    assert 3 in x
    assert 5 not in x


@pytest.mark.parametrize("name", ["logical_and", "logical_or", "logical_xor"])
def test_logic(name):
    both(lambda lib, x, y: getattr(lib, name)(x, y), X, Y)
    both(lambda lib, x, y: getattr(x, name)(y), WHOLE, TRUE)
    both(lambda lib, x, y: getattr(x, f"{name}_")(y), WHOLE, TRUE)


@pytest.mark.parametrize("name", ["logical_not", "isnan", "isinf", "isposinf", "isneginf", "isfinite"])
def test_questions(name):
    for values in (X, WHOLE, TRUE):
        both(lambda lib, x: getattr(lib, name)(x), values)


def test_bits():
    both(lambda lib, x, y: (x & y, x | y, x ^ y, ~x, x << 2, x >> 1, x & 6, 6 | x), WHOLE, BITS)
    both(lambda lib, x: (x & True, x | x, ~x, True ^ x, x & 3), TRUE)
    both(lambda lib, x, y: x & y, WHOLE, TRUE)
    both(lambda lib, x: ~x, np.array([1, 2], np.uint8))
    both_refuse(lambda lib: lib.ones(2) & lib.ones(2))
    mask = mc.tensor([True, True, False])
    mask &= mc.tensor([True, False, True])
    mask |= mc.tensor([False, False, True])
    assert mask.tolist() == [True, False, True]


@pytest.mark.parametrize("name", ["any", "all"])
def test_any_and_all(name):
    for values in (WHOLE, WHOLE.astype(np.uint8), X, WHOLE > 1, np.zeros((2, 0), bool)):
        both(lambda lib, x: (getattr(lib, name)(x), getattr(x, name)(1)), values)
        both(lambda lib, x: getattr(x, name)(axis=0, keepdims=True), values)
    both(lambda lib, x: getattr(x, name)(dim=(0, 1)), WHOLE)


def test_count_nonzero():
    both(lambda lib, x: (x.count_nonzero(), x.count_nonzero(0), lib.count_nonzero(x, (0, 1))), WHOLE)


def test_where_values_and_gradients():
    condition = np.array([[True, False, True], [False, True, False]])
    x, y = np.array([[1.0, 2, 3], [4, 5, 6]]), np.array([-1.0, -2, -3])
    both(lambda lib, c, a, b: lib.where(c, a, b), condition, x, y)
    both(lambda lib, c, a, b: lib.where(c, a, a + b), condition, x, y)
    both(lambda lib, c, a: (lib.where(c, a, 0), a.where(c, 2.5)), condition, x)
    both(lambda lib, c: (lib.where(c, 1, 2), lib.where(c, 1.0, 2), lib.where(c)), condition)
    both(lambda lib, c, a: lib.where(c, a, 2.5), condition, WHOLE)
    both(lambda lib, c, a, b: lib.where(c, a, b), condition, WHOLE, Y)
    both_refuse(lambda lib: lib.where(lib.tensor([1, 0]), lib.ones(2), 0))
    both_refuse(lambda lib: lib.where(lib.ones(2) > 0, lib.ones(3), lib.ones(2)))


def test_where_leaks_nan_of_the_branch_not_taken():
    x = mc.tensor([0.0, 1.0], requires_grad=True)
    mc.where(x > 0, x.sqrt(), 0).sum().backward()
    assert x.grad.isnan().tolist() == [True, False]  # 0 · inf, as in PyTorch
    x.grad = None
    mc.where(x > 0, mc.where(x > 0, x, 1).sqrt(), 0).sum().backward()
    assert x.grad.tolist() == [0.0, 0.5]


def test_isclose_allclose_equal_isin():
    a = np.array([1.0, 1.0, INF, NAN, 2.0, INF])
    b = np.array([1.0 + 1e-6, 1.1, INF, NAN, 2.0, -INF])
    for equal_nan in (False, True):
        both(lambda lib, x, y, e=equal_nan: lib.isclose(x, y, equal_nan=e), a.astype(np.float32), b.astype(np.float32))
    both(lambda lib, x: (lib.allclose(x, x + 1e-9), lib.allclose(x, x + 1)), Y[[0, 2]])
    both(lambda lib, x: (lib.equal(x, x), lib.equal(x, x[:1]), lib.equal(x, x + 1)), Y[[0, 2]])
    both(lambda lib, x: (x.isclose(x), lib.equal(x, x * 1.0)), BITS)
    both(lambda lib, x, y: lib.isin(x, y), WHOLE, BITS)
    both_refuse(lambda lib: lib.isclose(lib.ones(2), lib.ones(2).long()))
