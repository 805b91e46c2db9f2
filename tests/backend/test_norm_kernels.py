"""Kernels of gates, softmax and normalisation: CPU against portable, portable against the definition in float64."""

import numpy as np
import pytest

from minicnn.backend.numpy import NumpyBackend
from minicnn.backend.portable import Backend

CPU = NumpyBackend()


class Portable(Backend):
    xp = np


PORTABLE = Portable()
BACKENDS = pytest.mark.parametrize("backend", [PORTABLE, CPU], ids=["portable", "cpu"])


def channels_last(a):
    return np.moveaxis(np.ascontiguousarray(np.moveaxis(a, 1, -1)), -1, 1)


ORDERS = {
    "C": np.ascontiguousarray,
    "Fortran": np.asfortranarray,
    "channels-last": channels_last,
    "reversed": lambda a: np.ascontiguousarray(np.flip(a))[(slice(None, None, -1),) * a.ndim],
    "every other": lambda a: np.repeat(a, 2, axis=-1)[..., ::2],
    "broadcast": lambda a: np.broadcast_to(a[:1], a.shape),
}
ORDER = pytest.mark.parametrize("order", ORDERS.values(), ids=ORDERS.keys())
SHAPES = pytest.mark.parametrize(
    "shape", [(6, 3), (4, 3, 5), (5, 3, 4, 7), (2, 700, 2, 2), (2, 3, 2, 2, 3), (9, 1, 300, 301)]
)


def problem(shape, dtype="float64"):
    rng = np.random.default_rng(3)
    x, g = rng.standard_normal((2, *shape)).astype(dtype)
    weight, bias = rng.standard_normal((2, 1, shape[1], *[1] * (len(shape) - 2))).astype(dtype)
    return x * 2 + 3, g, weight, bias, (0, *range(2, len(shape)))


def norm_by_definition(x, weight, bias, axes, eps):
    normal = (x - x.mean(axes, keepdims=True)) / np.sqrt(x.var(axes, keepdims=True) + eps)
    return normal * weight + bias


@BACKENDS
@ORDER
@SHAPES
def test_batch_norm_is_its_definition_in_every_memory_order(backend, order, shape):
    x, g, weight, bias, axes = problem(shape)
    x, g = order(x), order(g)
    y, mean, var = backend.normalise(x, weight, bias, axes, 1e-5)
    np.testing.assert_allclose(y, norm_by_definition(x, weight, bias, axes, 1e-5), rtol=1e-9, atol=1e-10)
    np.testing.assert_allclose(mean, x.mean(axes, keepdims=True), rtol=1e-12)
    np.testing.assert_allclose(var, x.var(axes, keepdims=True), rtol=1e-9, atol=1e-13)


@ORDER
@SHAPES
@pytest.mark.parametrize("affine", [True, False])
def test_cpu_gradient_equals_portable(order, shape, affine):
    x, g, weight, _, axes = problem(shape)
    weight = weight if affine else None
    _, mean, var = PORTABLE.normalise(x, weight, None, axes, 1e-5)
    ours = CPU.normalise_grad(order(g), ORDERS["channels-last"](x), weight, mean, var, axes, 1e-5)
    spec = PORTABLE.normalise_grad(order(g), x, weight, mean, var, axes, 1e-5)
    for a, b in zip(ours, spec, strict=True):
        assert (a is None) == (b is None)
        if a is not None:
            np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-10)


@pytest.mark.parametrize("offset", [0, 1.4, 1.5, 100])
def test_batch_norms_float32_gradient_far_from_zero_is_as_good_as_near_it(offset):
    rng = np.random.default_rng(0)
    x, g = (channels_last(rng.standard_normal((16, 8, 32, 32)).astype("float32")) for _ in range(2))
    x += np.float32(offset)
    weight, axes = np.full((1, 8, 1, 1), 2, "float32"), (0, 2, 3)
    _, mean, var = CPU.normalise(x, weight, None, axes, 1e-5)
    dx, dweight, dbias = CPU.normalise_grad(g, x, weight, mean, var, axes, 1e-5)
    exact = [a.astype("float64") for a in (g, x, weight)]
    _, mean, var = PORTABLE.normalise(exact[1], exact[2], None, axes, 1e-5)
    for ours, wanted in zip((dx, dweight, dbias), PORTABLE.normalise_grad(*exact, mean, var, axes, 1e-5), strict=True):
        assert abs(ours - wanted).max() <= 3e-7 * max(offset, 1) * abs(wanted).max()


@ORDER
@pytest.mark.parametrize("groups", [None, 1, 3])
@pytest.mark.parametrize("offset", [0, 40])
@pytest.mark.parametrize("shape", [(5, 3, 7), (4, 6, 5, 7), (2, 3, 201, 202), (300, 12, 5, 5)])
def test_cpu_norms_of_samples_equal_portable(order, groups, offset, shape):
    rng = np.random.default_rng(5)
    x, g = order(rng.standard_normal(shape) + offset), order(rng.standard_normal(shape))
    weight, bias = rng.standard_normal((2, 1, shape[1], *[1] * (len(shape) - 2)))
    axes = tuple(range(2, len(shape)))
    for w, shift in ((weight, bias), (None, None)):
        found = CPU.normalise(x, w, shift, axes, 1e-5, groups)
        _, mean, var = wanted = PORTABLE.normalise(x, w, shift, axes, 1e-5, groups)
        found += CPU.normalise_grad(g, x, w, mean, var, axes, 1e-5, groups)
        wanted += PORTABLE.normalise_grad(g, x, w, mean, var, axes, 1e-5, groups)
        for a, b in zip(found, wanted, strict=True):
            assert (a is None) == (b is None)
            if a is not None:
                np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-9)


@ORDER
@pytest.mark.parametrize("offset", [0, 40])
@pytest.mark.parametrize(("shape", "dims"), [((5, 3), 1), ((700, 130), 1), ((3, 4, 5, 7), 2), ((2, 8, 5), 2)])
def test_cpu_norm_of_rows_equals_portable(order, offset, shape, dims):
    rng = np.random.default_rng(5)
    x, g = order(rng.standard_normal(shape) + offset), order(rng.standard_normal(shape))
    weight, bias = rng.standard_normal((2, *shape[-dims:]))
    axes = tuple(range(len(shape) - dims, len(shape)))
    for w, shift in ((weight, bias), (weight, None), (None, None)):
        found = CPU.normalise(x, w, shift, axes, 1e-5)
        _, mean, var = wanted = PORTABLE.normalise(x, w, shift, axes, 1e-5)
        found += CPU.normalise_grad(g, x, w, mean, var, axes, 1e-5)
        wanted += PORTABLE.normalise_grad(g, x, w, mean, var, axes, 1e-5)
        for a, b in zip(found, wanted, strict=True):
            assert (a is None) == (b is None)
            if a is not None:
                np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-9)


@BACKENDS
@pytest.mark.parametrize("order", [np.ascontiguousarray, channels_last], ids=["C", "channels-last"])
@pytest.mark.parametrize("offset", [0, 100])
def test_float32_statistics_are_as_good_as_float32_can_hold(backend, order, offset):
    rng = np.random.default_rng(0)
    x = order((rng.standard_normal((64, 8, 32, 32)) + offset).astype("float32"))
    exact = x.astype("float64")
    y, mean, var = backend.normalise(x, None, None, (0, 2, 3), 1e-5)
    np.testing.assert_allclose(mean, exact.mean((0, 2, 3), keepdims=True), rtol=3e-7, atol=3e-7)
    np.testing.assert_allclose(var, exact.var((0, 2, 3), keepdims=True), rtol=3e-6)
    assert y.dtype == mean.dtype == var.dtype == "float32"


def test_a_first_block_far_from_the_rest_costs_no_accuracy():
    x = np.random.default_rng(0).standard_normal((64, 8, 32, 32)).astype("float32")
    x[0] = 1000
    _, mean, var = CPU.normalise(channels_last(x), None, None, (0, 2, 3), 1e-5)
    exact = x.astype("float64")
    np.testing.assert_allclose(mean, exact.mean((0, 2, 3), keepdims=True), rtol=1e-6)
    np.testing.assert_allclose(var, exact.var((0, 2, 3), keepdims=True), rtol=1e-5)


@BACKENDS
@pytest.mark.parametrize("axes", [(1,), (1, 2), (2,), (0,)])
def test_normalise_over_other_axes(backend, axes):
    x = np.random.default_rng(1).standard_normal((4, 5, 6))
    y, _, _ = backend.normalise(x, np.float64(2), np.float64(1), axes, 0.1)
    np.testing.assert_allclose(y, norm_by_definition(x, 2, 1, axes, 0.1), rtol=1e-12)


@BACKENDS
@ORDER
def test_scale_shift(backend, order):
    x, _, scale, shift, _ = problem((5, 3, 4, 7))
    np.testing.assert_allclose(backend.scale_shift(order(x), scale, shift), order(x) * scale + shift, rtol=1e-12)


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
@ORDER
def test_cpu_gate_and_choice_equal_where(dtype, order):
    rng = np.random.default_rng(0)
    x, y = (order(rng.standard_normal((3, 4, 5)).astype(dtype)) for _ in range(2))
    x = x.copy()
    x[0, 0, :3] = [np.nan, np.inf, -np.inf]
    condition = order(rng.random((3, 4, 5)) < 0.5)
    for mask in (condition, ~condition):
        np.testing.assert_array_equal(CPU.gate(x, mask), np.where(mask, x, 0))
        np.testing.assert_array_equal(CPU.choose(mask, x, y), np.where(mask, x, y))
        assert CPU.gate(x, mask).dtype == CPU.choose(mask, x, y).dtype == dtype


def test_cpu_gate_of_a_scalar():
    x = np.array(2.0)
    assert CPU.gate(x, x > 1) == 2
    assert CPU.gate(x, x > 3) == 0
    assert CPU.choose(x > 3, x, x * 5) == 10


@BACKENDS
def test_softmax_nll_and_its_gradient_are_their_definition(backend):
    rng = np.random.default_rng(0)
    x, g = rng.standard_normal((4, 5, 3)), rng.standard_normal((4, 3))
    target, weight, kept = rng.integers(0, 5, (4, 3)), rng.uniform(0.5, 2, (4, 3)), rng.random((4, 3)) < 0.6
    softmax = np.exp(x) / np.exp(x).sum(1, keepdims=True)
    onehot = np.arange(5)[:, None] == target[:, None]
    losses, probabilities = backend.softmax_nll(x, target, weight, kept)
    np.testing.assert_allclose(losses, -(np.log(softmax) * onehot).sum(1) * weight * kept, rtol=1e-12)
    np.testing.assert_allclose(probabilities, softmax, rtol=1e-12)
    dx = backend.softmax_nll_grad(g, probabilities, target, weight, kept)
    np.testing.assert_allclose(dx, (softmax - onehot) * (g * weight * kept)[:, None], rtol=1e-12, atol=1e-15)


@ORDER
@pytest.mark.parametrize("scale", [1, 100])
@pytest.mark.parametrize(("shape", "axis"), [((700, 130), 1), ((30, 4, 15, 7), 1), ((30, 4, 5, 17), -1), ((6, 3), 0)])
def test_cpu_softmaxes_and_their_gradients_equal_portable(order, scale, shape, axis):
    rng = np.random.default_rng(2)
    x, g = order(rng.standard_normal(shape) * scale), order(rng.standard_normal(shape))
    for name in ("softmax", "log_softmax"):
        y, wanted = (getattr(backend, name)(x, axis) for backend in (CPU, PORTABLE))
        np.testing.assert_allclose(y, wanted, rtol=1e-12, atol=1e-14)
        dx, wanted = (getattr(backend, f"{name}_grad")(g, wanted, axis) for backend in (CPU, PORTABLE))
        np.testing.assert_allclose(dx, wanted, rtol=1e-11, atol=1e-13)


@pytest.mark.parametrize("last", [np.nan, np.inf, -np.inf, 29.0, 31.0, 1e4])
def test_cpu_softmax_of_extremes_is_portables(last):
    x = np.full((3000, 4), [1.0, -2.0, 3.0, last], "float32")
    with np.errstate(all="ignore"):
        for name in ("softmax", "log_softmax"):
            found, wanted = (getattr(backend, name)(x, 1) for backend in (CPU, PORTABLE))
            np.testing.assert_allclose(found, wanted, rtol=3e-7)
