"""Resizing: PyTorch's weights, taps and gradients for every mode, and the maps' own laws."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minicnn.backend.numpy import NumpyBackend
from minicnn.backend.portable import Backend
from minicnn.errors import OptionError
from minicnn.shapes import AxisWeights, axis_weights


class Portable(Backend):
    xp = np


BACKENDS = pytest.mark.parametrize("backend", [Portable(), NumpyBackend()], ids=["portable", "cpu"])
PYTORCH = {"linear": "bilinear", "cubic": "bicubic"}
SIZES = [(5, 8), (8, 5), (4, 4), (2, 4), (7, 1), (1, 3), (32, 100), (100, 32), (3, 13)]
MODES = [
    *((mode, False, False) for mode in ("nearest", "nearest-exact", "area")),
    *itertools.product(("linear", "cubic"), (False, True), (False, True)),
]


def dense(table):
    """A table as a matrix (out, in)."""
    matrix = np.zeros((len(table.taps), table.size))
    for i, taps in enumerate(table.taps):
        for position, weight in taps:
            matrix[i, position] += weight
    return matrix


@BACKENDS
@pytest.mark.parametrize(("mode", "align_corners", "antialias"), MODES)
@pytest.mark.parametrize(("dtype", "rtol", "atol"), [("float32", 1.3e-6, 1e-5), ("float64", 1e-7, 1e-7)])
def test_interpolate_agrees_with_pytorch(backend, mode, align_corners, antialias, dtype, rtol, atol):
    torch = pytest.importorskip("torch", reason="compares with PyTorch live")
    rng = np.random.default_rng(0)
    named = {"align_corners": align_corners, "antialias": antialias} if mode in PYTORCH else {}
    for (size, out), (width, out_width) in zip(SIZES, SIZES[1:] + SIZES[:1], strict=True):
        if antialias and out_width == 1:
            continue  # PyTorch 2.13 repeats the first row there: see the next test
        x = rng.standard_normal((2, 3, size, width)).astype(dtype)
        tx, g = torch.from_numpy(x).requires_grad_(), rng.standard_normal((2, 3, out, out_width)).astype(dtype)
        want = torch.nn.functional.interpolate(tx, (out, out_width), mode=PYTORCH.get(mode, mode), **named)
        (dx,) = torch.autograd.grad(want, tx, torch.from_numpy(g))
        rows, columns = (
            axis_weights(*sizes, mode, align_corners=align_corners, antialias=antialias, double=dtype == "float64")
            for sizes in ((size, out), (width, out_width))
        )
        y, back = backend.resize(x, rows, columns), backend.resize_grad(g, rows, columns)
        assert y.dtype == back.dtype == dtype
        np.testing.assert_allclose(y, want.detach(), rtol=rtol, atol=atol)
        np.testing.assert_allclose(back, dx, rtol=rtol, atol=atol)


@BACKENDS
def test_antialiasing_an_image_one_pixel_wide(backend):
    torch = pytest.importorskip("torch", reason="compares with PyTorch live")
    x = np.arange(8.0).reshape(1, 1, 8, 1)
    wider = torch.from_numpy(np.repeat(x, 2, axis=3))  # PyTorch is right when the image is wider
    want = torch.nn.functional.interpolate(wider, (3, 2), mode="bilinear", antialias=True)[..., :1]
    rows, columns = (axis_weights(*sizes, "linear", antialias=True, double=True) for sizes in ((8, 3), (1, 1)))
    np.testing.assert_allclose(backend.resize(x, rows, columns), want, rtol=1e-7)


@pytest.mark.parametrize(("mode", "align_corners", "antialias"), [m for m in MODES if m[0] != "area"])
@pytest.mark.parametrize("scale", [0.3, 0.55, 1.3, 1.9, 2.2, 2.0, 3.4])
def test_a_given_scale_is_the_one_of_the_coordinates(mode, align_corners, antialias, scale):
    torch = pytest.importorskip("torch", reason="compares with PyTorch live")
    x = np.random.default_rng(1).standard_normal((1, 2, 9, 23))
    named = {"align_corners": align_corners, "antialias": antialias} if mode in PYTORCH else {}
    want = torch.nn.functional.interpolate(
        torch.from_numpy(x), scale_factor=scale, mode=PYTORCH.get(mode, mode), **named
    )
    rows, columns = (
        axis_weights(n, math.floor(n * scale), mode, align_corners=align_corners, scale_factor=scale,
                     antialias=antialias, double=True)
        for n in (9, 23)
    )  # fmt: skip
    np.testing.assert_allclose(NumpyBackend().resize(x, rows, columns), want, rtol=1e-7, atol=1e-7)


@pytest.mark.parametrize("mode", ["nearest", "nearest-exact"])
def test_nearest_picks_pytorchs_pixel_at_every_size(mode):
    torch = pytest.importorskip("torch", reason="compares with PyTorch live")
    for size, out in itertools.product(range(1, 30), range(1, 60)):
        image = torch.arange(float(size)).reshape(1, 1, 1, size)
        want = torch.nn.functional.interpolate(image, (1, out), mode=mode).flatten().int().tolist()
        assert [taps[0][0] for taps in axis_weights(size, out, mode).taps] == want, (size, out)


@settings(max_examples=100, deadline=None)
@given(st.sampled_from(MODES), st.integers(1, 20), st.integers(1, 20))
def test_a_constant_stays_constant_and_the_transpose_is_one(options, size, out):
    mode, align_corners, antialias = options
    table = axis_weights(size, out, mode, align_corners=align_corners, antialias=antialias, double=True)
    assert (table.size, len(table.taps)) == (size, out)
    np.testing.assert_allclose(dense(table).sum(axis=1), 1, rtol=1e-12)
    np.testing.assert_array_equal(dense(table.transposed()), dense(table).T)
    assert all(len(set(outputs)) == len(outputs) for outputs, _, _ in table.layers())


def test_weights_known_by_hand():
    linear = dense(axis_weights(2, 4, "linear"))
    np.testing.assert_array_equal(linear, [[1, 0], [0.75, 0.25], [0.25, 0.75], [0, 1]])
    np.testing.assert_allclose(dense(axis_weights(2, 3, "linear", align_corners=True)), [[1, 0], [0.5, 0.5], [0, 1]])
    thirds = np.array([[1, 1, 1, 0, 0], [0, 0, 1, 1, 1]]) / 3
    np.testing.assert_allclose(dense(axis_weights(5, 2, "area")), thirds)
    halfway = [-0.09375, 0.59375, 0.59375, -0.09375]  # Keys' cubic with a = -0.75, half a pixel off
    np.testing.assert_array_equal(dense(axis_weights(4, 1, "cubic", double=True)), [halfway])


@BACKENDS
@pytest.mark.parametrize("mode", ["nearest", "linear", "cubic", "area"])
def test_any_memory_order(backend, mode):
    x = np.random.default_rng(2).standard_normal((2, 3, 5, 7)).astype("float32")
    rows, columns = axis_weights(5, 8, mode), axis_weights(7, 3, mode)
    want = np.einsum("nchw,ih,jw->ncij", x.astype("float64"), dense(rows), dense(columns))
    flipped = np.ascontiguousarray(x[::-1, ::-1, ::-1, ::-1])[::-1, ::-1, ::-1, ::-1]
    last = np.ascontiguousarray(x.transpose(0, 2, 3, 1)).transpose(0, 3, 1, 2)
    first = backend.resize(x, rows, columns)
    np.testing.assert_allclose(first, want, rtol=1.3e-6, atol=1e-5)
    for same in (np.asfortranarray(x), flipped, last, np.repeat(x, 2, axis=3)[..., ::2]):
        np.testing.assert_array_equal(backend.resize(same, rows, columns), first)
    shared = np.broadcast_to(x[:1, :1], x.shape)
    np.testing.assert_array_equal(backend.resize(shared, rows, columns), backend.resize(shared.copy(), rows, columns))
    assert backend.resize(x[:0], rows, columns).shape == (0, 3, 8, 3)
    assert backend.resize_grad(first[:0], rows, columns).shape == (0, 3, 5, 7)


@BACKENDS
def test_float16_is_mixed_in_float32_and_integers_are_picked(backend):
    rows, columns = axis_weights(300, 1, "area"), axis_weights(2, 2, "area")
    y = backend.resize(np.full((1, 1, 300, 2), 1000, "float16"), rows, columns)
    assert y.dtype == np.float16
    np.testing.assert_array_equal(y, np.full((1, 1, 1, 2), 1000))
    twice = axis_weights(2, 4, "nearest")
    picked = backend.resize(np.array([[[[1, 2], [3, 255]]]], "uint8"), twice, twice)
    assert picked.dtype == np.uint8
    np.testing.assert_array_equal(picked[0, 0], [[1, 1, 2, 2], [1, 1, 2, 2], [3, 3, 255, 255], [3, 3, 255, 255]])


@BACKENDS
def test_what_nobody_reads_gets_no_gradient(backend):
    half = axis_weights(4, 2, "nearest")
    dx = backend.resize_grad(np.full((1, 1, 2, 2), np.nan), half, half)
    np.testing.assert_array_equal(np.isnan(dx[0, 0]), np.outer([1, 0, 1, 0], [1, 0, 1, 0]))
    np.testing.assert_array_equal(dx[0, 0, 1], 0)


def test_an_unknown_mode_is_named():
    with pytest.raises(OptionError, match="'bilinear' is no mode of one axis"):
        axis_weights(2, 4, "bilinear")
    assert isinstance(axis_weights(2, 4, "linear"), AxisWeights)
