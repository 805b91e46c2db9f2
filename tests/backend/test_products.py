"""Large results of products begin with a cache line, and are handed on without a copy."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import minicnn as mc
from minicnn.backend.cpu import products

Array = Any


def address(array: Array) -> int:
    return int(array.__array_interface__["data"][0])


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("before", [1, 17, 5000])
def test_a_large_result_begins_with_a_cache_line(dtype: str, before: int) -> None:
    kept = np.empty(before * 16 + 8, np.uint8)  # moves whatever is asked for next
    x, y = (np.random.default_rng(0).standard_normal(shape).astype(dtype) for shape in ((1024, 2), (2, 1025)))
    out = products.multiply(x, y)
    assert out.nbytes >= products.LARGE and address(out) % products.LINE == 0
    assert out.flags.c_contiguous and out.dtype == dtype and out.shape == (1024, 1025)
    np.testing.assert_allclose(out, x.astype("float64") @ y, rtol=1e-5, atol=1e-5)
    del kept


@pytest.mark.host("looks at the memory of the CPU's arrays")
def test_the_gradient_of_large_weights_is_no_copy(monkeypatch: pytest.MonkeyPatch) -> None:
    places: list[int] = []  # and not the arrays: somebody else's are copied

    def empty(shape: tuple[int, ...], dtype: Any) -> Array:
        array = own(shape, dtype)
        if array.nbytes >= products.LARGE:
            places.append(address(array))
        return array

    own = products._empty
    layer = mc.nn.Linear(1024, 1025, bias=False)
    y = layer(mc.ones(2, 1024)).sum()
    monkeypatch.setattr(products, "_empty", empty)
    y.backward()
    assert places == [address(layer.weight.grad.numpy())]
    np.testing.assert_array_equal(layer.weight.grad.numpy(), np.full((1025, 1024), 2, "float32"))
