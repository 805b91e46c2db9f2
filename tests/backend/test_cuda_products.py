"""Stacks of matrices as calls of cuBLAS: what it is told of memory, on a host that reads memory as it would."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from minicnn.backend.cuda.products import COMPUTE_32F, COMPUTE_32F_FAST_TF32, COMPUTE_64F
from minicnn.backend.switches import switches
from tests.backend.hostcuda import COMPILER, HostCuda


def numbers(*shape: int, seed: int = 0, dtype: Any = "float64") -> Any:
    return np.random.default_rng(seed).normal(size=shape).astype(dtype)


class Counting(HostCuda):
    """Notes what is copied."""

    def __init__(self) -> None:
        super().__init__()
        self.copied = 0

    def packed(self, x: Any) -> Any:
        self.copied += 1
        return super().packed(x)


PRODUCTS: dict[str, tuple[Any, Any, int, int]] = {
    "matrices": (numbers(3, 4), numbers(4, 5), 1, 0),
    "turned": (numbers(4, 3).T, numbers(5, 4).T, 1, 0),
    "a stack": (numbers(6, 3, 4), numbers(6, 4, 5), 1, 0),
    "a stack of turned ones": (numbers(6, 4, 3).transpose(0, 2, 1), numbers(6, 4, 5), 1, 0),
    "two axes in one walk": (numbers(2, 3, 3, 4), numbers(2, 3, 4, 5), 1, 0),
    "one matrix for all": (numbers(3, 4), numbers(6, 4, 5), 1, 0),
    "one for all of two axes": (numbers(3, 4), numbers(2, 6, 4, 5), 1, 0),
    "groups of images": (numbers(3, 2, 4), numbers(5, 3, 4, 7), 3, 0),
    "images in groups": (numbers(5, 1, 2, 4), numbers(1, 3, 4, 7), 3, 0),
    "parts of rows": (numbers(3, 8)[:, 2:6], numbers(4, 9)[:, :5], 1, 0),
    "every other number": (numbers(3, 8)[:, ::2], numbers(4, 5), 1, 1),
    "backwards": (numbers(6, 3, 4)[::-1], numbers(4, 5)[:, ::-1], 1, 2),
    "repeated numbers": (np.broadcast_to(numbers(3, 1), (3, 4)), numbers(4, 5), 1, 1),
    "one row": (numbers(1, 4), numbers(4, 5), 1, 0),
    "one column": (numbers(3, 4), numbers(4, 1), 1, 0),
    "a column of a matrix": (numbers(3, 4), numbers(4, 7)[:, 2:3], 1, 0),
    "one number": (numbers(1, 4), numbers(1, 4).T, 1, 0),
}


@pytest.mark.parametrize("name", PRODUCTS)
@pytest.mark.parametrize("dtype", ["float64", "float32", "float16"])
def test_products(name: str, dtype: str) -> None:
    x, y, calls, copies = PRODUCTS[name]
    x, y = _cast(x, dtype), _cast(y, dtype)
    device = Counting()
    found = device.matmul(x, y)
    assert found.dtype == dtype and (len(device.computes), device.copied) == (calls, copies)
    tolerance = {"float64": 1e-14, "float32": 1e-5, "float16": 2e-2}[dtype]
    np.testing.assert_allclose(found, x.astype("float64") @ y.astype("float64"), rtol=tolerance, atol=tolerance)


def _cast(x: Any, dtype: str) -> Any:
    """``x`` in another dtype, with as many numbers between its elements."""
    made = np.lib.stride_tricks.as_strided(
        np.zeros(1000, dtype)[500:], x.shape, [s // 8 * np.dtype(dtype).itemsize for s in x.strides])  # fmt: skip
    made[...] = x
    return made


def test_into_an_array_and_onto_it() -> None:
    x, y, out = numbers(3, 4, dtype="float16"), numbers(4, 5, dtype="float16"), np.full((3, 5), 2, "float32")
    device, exact = HostCuda(), x.astype("float32") @ y.astype("float32")
    assert device.product(x, y, out, add=True) is out
    np.testing.assert_allclose(out, exact + 2, rtol=1e-6)
    device.product(x, y, out)
    np.testing.assert_allclose(out, exact, rtol=1e-6)


def test_products_of_nothing() -> None:
    device = HostCuda()
    assert device.matmul(np.ones((2, 0)), np.ones((0, 3))).tolist() == [[0.0] * 3] * 2
    assert device.matmul(np.ones((0, 4)), np.ones((4, 3))).shape == (0, 3)
    assert device.product(np.ones((1, 0)), np.ones((0, 1)), np.ones((1, 1)), add=True).tolist() == [[1.0]]
    assert device.computes == []


def test_integers_are_left_to_the_arrays() -> None:
    device = HostCuda()
    assert device.matmul(np.array([[1, 2]]), np.array([[3], [4]])).tolist() == [[11]] and device.computes == []


def test_linear_layers_are_one_product() -> None:
    device, x, w, b = HostCuda(), numbers(2, 3, 4), numbers(5, 4), numbers(5)
    np.testing.assert_allclose(device.linear(x, w, b), x @ w.T + b, rtol=1e-14)
    assert device.computes == [COMPUTE_64F]
    half = device.linear(x.astype("float16"), w.astype("float16"), None)
    assert half.dtype == "float16" and device.computes[-1] == COMPUTE_32F


@pytest.mark.skipif(COMPILER is None, reason="no C++ compiler here to build the kernels for the host")
@pytest.mark.parametrize("dtype", ["float64", "float32", "float16"])
def test_a_linear_layers_relu_is_computed_with_its_bias(dtype: str) -> None:
    x, w, b = (numbers(*shape, seed=seed, dtype=dtype) for seed, shape in enumerate([(2, 3, 4), (5, 4), (5,)]))
    x[0, 0, 0], b[1], b[2] = np.nan, np.inf, -np.inf
    for bias in (b, b[::-1], None):
        device = HostCuda()
        found, expected = device.linear_relu(x, w, bias), np.maximum(device.linear(x, w, bias), 0)
        np.testing.assert_array_equal(found, expected)
        assert found.dtype == dtype and device.launched == {"bias_relu"}
    for shapes in (((0, 4), (5, 4)), ((2, 4), (0, 4)), ((2, 0), (5, 0))):  # without images, results or features
        device = HostCuda()
        x, w = (numbers(*shape, dtype=dtype) for shape in shapes)
        assert (device.linear_relu(x, w, None) == np.zeros((len(x), len(w)))).all() and not device.launched
    assert (HostCuda().linear_relu(np.eye(2, dtype=int), -np.eye(2, dtype=int), None) == 0).all()


def test_tf32_is_asked_for_where_it_is_allowed_and_only_for_float32(monkeypatch: pytest.MonkeyPatch) -> None:
    x = np.full((1, 1), 1 + 2**-12, "float32")
    device = HostCuda()
    assert device.matmul(x, x)[0, 0] == x[0, 0] * x[0, 0]
    monkeypatch.setattr(switches, "float32_precision", "medium")
    assert device.matmul(x, x)[0, 0] == 1
    device.matmul(x.astype("float64"), x.astype("float64"))
    device.matmul(x.astype("float16"), x.astype("float16"))
    assert device.computes == [COMPUTE_32F, COMPUTE_32F_FAST_TF32, COMPUTE_64F, COMPUTE_32F]
