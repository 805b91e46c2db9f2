"""Winograd's sums, as NumPy's and as products: the definition, the same bits, and every number once."""

from __future__ import annotations

import os
import subprocess
import sys
from types import SimpleNamespace
from unittest import mock

import numpy as np
import pytest

from minicnn.backend.cpu import blas
from minicnn.backend.cpu.transforms import INPUTS, OUTPUTS, SHORT, do, input_sums, products


@pytest.mark.parametrize("size", [1, 5, SHORT - 1, SHORT, SHORT + 1, 3 * SHORT, 5 * SHORT + 2, 67584, 2 * 8209, 104729])
def test_products_in_chunks_hold_every_number_once(size: int) -> None:
    numbers = np.random.default_rng(size).standard_normal((4, size)).astype("float32")
    results = np.full((2, size), np.nan, "float32")
    steps = products(OUTPUTS, numbers, results)
    assert len(steps) <= 2
    assert all(some.shape[2] <= SHORT and some.shape[1:] == (4, some.shape[2]) for _, _, some, _ in steps)
    assert sum(some.shape[0] * some.shape[2] for _, _, some, _ in steps) == size
    do(steps)
    exact = numbers.astype("float64")
    np.testing.assert_allclose(results[0], exact[0] + exact[1] + exact[2], rtol=0, atol=1e-6)
    np.testing.assert_allclose(results[1], exact[1] - exact[2] - exact[3], rtol=0, atol=1e-6)


@pytest.mark.parametrize("shape", [(100,), (SHORT + 7,), (3, 2, 50)])
def test_sums_of_inputs_are_the_same_bits_either_way(shape: tuple[int, ...]) -> None:
    d = np.random.default_rng(1).standard_normal((4, *shape)).astype("float32")
    found = []
    for small in (False, True):
        with mock.patch.object(blas, "leaves_small_as_they_lie", lambda small=small: small):
            out = np.full_like(d, np.nan)
            do(input_sums(d, out))
            found.append(out)
    np.testing.assert_array_equal(found[0], np.einsum("jk,k...->j...", INPUTS, d))
    assert found[0].tobytes() == found[1].tobytes()


@pytest.mark.parametrize("core, small", [(b"SkylakeX", True), (b"Haswell", False), (None, False)])
def test_who_leaves_small_matrices_as_they_lie(core: bytes | None, small: bool) -> None:
    names = {} if core is None else {"scipy_openblas_get_corename64_": mock.Mock(return_value=core)}
    with mock.patch.object(blas, "_libraries", lambda: iter([SimpleNamespace(), SimpleNamespace(**names)])):
        assert blas.leaves_small_as_they_lie.__wrapped__() == small


def test_a_blas_without_avx_512_copies_them() -> None:
    program = "from minicnn.backend.cpu import blas; print(blas.leaves_small_as_they_lie())"
    environment = {**os.environ, "OPENBLAS_CORETYPE": "Haswell"}
    told = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, env=environment)
    assert told.stdout.strip() == "False"
