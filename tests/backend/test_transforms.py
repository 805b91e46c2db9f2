"""Winograd's sums of results as products, in chunks that BLAS does not copy: every number once, whatever the size."""

from __future__ import annotations

import numpy as np
import pytest

from minicnn.backend.cpu.transforms import OUTPUTS, SHORT, in_chunks, multiply_chunks


@pytest.mark.parametrize("size", [1, 5, SHORT - 1, SHORT, SHORT + 1, 3 * SHORT, 5 * SHORT + 2, 67584, 2 * 8209, 104729])
def test_chunks_hold_every_number_once(size: int) -> None:
    numbers = np.random.default_rng(size).standard_normal((4, size)).astype("float32")
    results = np.full((2, size), np.nan, "float32")
    chunks = in_chunks(numbers, results)
    assert len(chunks) <= 2
    assert all(some.shape[2] <= SHORT and some.shape[1:] == (4, some.shape[2]) for some, _ in chunks)
    assert sum(some.shape[0] * some.shape[2] for some, _ in chunks) == size
    multiply_chunks(OUTPUTS, chunks)
    exact = numbers.astype("float64")
    np.testing.assert_allclose(results[0], exact[0] + exact[1] + exact[2], rtol=0, atol=1e-6)
    np.testing.assert_allclose(results[1], exact[1] - exact[2] - exact[3], rtol=0, atol=1e-6)
