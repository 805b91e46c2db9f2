"""The input gradient of few channels by banded matrices: against the definition, PyTorch, and infinities."""

from __future__ import annotations

from typing import Any
from unittest import mock

import numpy as np
import pytest

from minicnn.backend.cpu import bands
from minicnn.backend.cpu import conv as cpu_conv
from minicnn.shapes import conv_geometry
from tests.backend.test_conv_kernels import CPU, PORTABLE, draw_arrays, naive

Array = Any


@pytest.mark.parametrize("padding", [0, (1, 2)])
@pytest.mark.parametrize("stride", [1, 2, (3, 2)])
@pytest.mark.parametrize("dilation", [1, (3, 2)])
@pytest.mark.parametrize("kernel", [(5, 5), (1, 3), (4, 2)])
def test_the_definition(kernel: Any, stride: Any, dilation: Any, padding: Any) -> None:
    geometry, size = conv_geometry(stride, padding, dilation), (13, 9)
    x, w, g = draw_arrays(np.random.default_rng(3), 2, size, 3, 4, kernel, geometry)
    dx = bands.input_grad(np.ascontiguousarray(g.transpose(0, 2, 3, 1)), w[None], geometry, size)
    np.testing.assert_allclose(dx.transpose(0, 3, 1, 2), naive(x, w, g, geometry)[1], rtol=1e-12, atol=1e-12)


LENET = conv_geometry(1, 0, 1), (14, 14), 6, 16, (5, 5)


def test_lenets_second_convolution_is_computed_so() -> None:
    geometry, size, C, O, kernel = LENET
    x, w, g = draw_arrays(np.random.default_rng(4), 12, size, C, O, kernel, geometry, "float32")
    with mock.patch.object(cpu_conv, "scatter", side_effect=AssertionError):
        dx = CPU.conv_input_grad(g, w, geometry, size)
    exact = PORTABLE.conv_input_grad(g.astype("float64"), w.astype("float64"), geometry, size)
    torch = pytest.importorskip("torch", reason="compares with PyTorch live")
    theirs = torch.nn.grad.conv2d_input(x.shape, torch.tensor(w), torch.tensor(g)).numpy()
    assert np.sqrt(np.mean((dx - exact) ** 2)) <= 1.2 * np.sqrt(np.mean((theirs - exact) ** 2))


@pytest.mark.parametrize("bad", [np.inf, -np.inf, np.nan, 3e38])
def test_what_is_not_finite_stays_in_its_windows(bad: float) -> None:
    geometry, size, C, O, kernel = LENET
    _, w, g = draw_arrays(np.random.default_rng(5), 12, size, C, O, kernel, geometry, "float32")
    g[1, 3, 5, 6] = bad
    with CPU.quiet():
        dx = CPU.conv_input_grad(g, w, geometry, size)
        wanted = PORTABLE.conv_input_grad(g, w, geometry, size)
    np.testing.assert_array_equal(np.isnan(dx), np.isnan(wanted))
    np.testing.assert_array_equal(np.isinf(dx), np.isinf(wanted))
    calm = abs(wanted) < 1e6
    assert calm.sum() >= dx.size - C * 25
    np.testing.assert_allclose(dx[calm], wanted[calm], rtol=1e-4, atol=1e-5)


def test_only_short_rows_of_few_channels() -> None:
    def fits(N: int, W: int, C: int, O: int = 16, G: int = 1) -> bool:
        return bands.fits(np.empty((N, 10, W - 4, O)), np.empty((G, O // G, C, 5, 5)), (14, W))

    assert fits(64, 14, 6) and fits(64, 15, 6)
    assert not fits(64, 16, 6) and not fits(64, 14, 12) and not fits(64, 14, 6, G=2)
    assert fits(11, 14, 6) and not fits(10, 14, 6)  # 67,200 numbers in the matrices, 1,600 in an image's gradient
    assert fits(999, 14, 6, O=249) and not fits(999, 14, 6, O=250)
