"""Pooling kernels, portable and CPU: against loops that spell the definition out, and against PyTorch."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from minicnn.backend.numpy import NumpyBackend
from minicnn.backend.portable import Backend
from minicnn.shapes import PoolGeometry, adaptive_bins

CPU = NumpyBackend()


class Portable(Backend):
    xp = np


PORTABLE = Portable()
BACKENDS = pytest.mark.parametrize("backend", [PORTABLE, CPU], ids=["portable", "cpu"])

ORDERS = {
    "C": np.ascontiguousarray,
    "Fortran": np.asfortranarray,
    "channels-last": lambda a: np.ascontiguousarray(a.transpose(0, 2, 3, 1)).transpose(0, 3, 1, 2),
    "negative strides": lambda a: np.ascontiguousarray(a[::-1, ::-1, ::-1, ::-1])[::-1, ::-1, ::-1, ::-1],
    "every other": lambda a: np.repeat(np.repeat(a, 2, axis=1), 2, axis=3)[:, ::2, :, ::2],
}
TWO_BY_TWO = PoolGeometry((2, 2), (2, 2))
OVERLAPPING = PoolGeometry((3, 3), (2, 2), (1, 1))


@st.composite
def geometries(draw, dilated=True):
    """(geometry, (H, W)) with at least one window, and padding of at most half a window."""
    kernel = draw(st.tuples(*[st.integers(1, 4)] * 2))
    dilation = draw(st.tuples(*[st.integers(1, 2)] * 2)) if dilated else (1, 1)
    padding = tuple(draw(st.integers(0, (d * (k - 1) + 1) // 2)) for k, d in zip(kernel, dilation, strict=True))
    stride = draw(st.tuples(*[st.integers(1, 4)] * 2))
    size = draw(st.tuples(*[st.integers(1, 8)] * 2))
    geometry = PoolGeometry(kernel, stride, padding, dilation, draw(st.booleans()))
    assume(min(geometry.output_size(size)) >= 1)
    return geometry, size


def window(geometry, size, i, j):
    """The pixels (h, w) inside the image that window (i, j) sees, in order."""
    rows, columns = (
        [at * s - p + k * d for k in range(n)]
        for at, n, s, p, d in zip(
            (i, j), geometry.kernel, geometry.stride, geometry.padding, geometry.dilation, strict=True
        )
    )
    return [(h, w) for h in rows for w in columns if 0 <= h < size[0] and 0 <= w < size[1]]


def best_of(plane, pixels):
    """(the maximum, its flat index): the first of equals, the last NaN, nobody of no pixels."""
    best, winner = -math.inf if plane.dtype.kind == "f" else np.iinfo(plane.dtype).min, -1
    for h, w in pixels:
        if winner < 0 or plane[h, w] > best or np.isnan(plane[h, w]):
            best, winner = plane[h, w], h * plane.shape[1] + w
    return best, winner


def naive_max_pool(x, out_size, pixels_of):
    y, winners = np.zeros((*x.shape[:2], *out_size), x.dtype), np.zeros((*x.shape[:2], *out_size), np.int64)
    for n, c, i, j in np.ndindex(y.shape):
        y[n, c, i, j], winners[n, c, i, j] = best_of(x[n, c], pixels_of(i, j))
    return y, winners


def naive_avg_pool(x, geometry, include, override):
    """(y, the average's transpose applied to y's shape of counting numbers)."""
    size = x.shape[2:]
    y = np.zeros((*x.shape[:2], *geometry.output_size(size)))
    g, dx = np.arange(1.0, y.size + 1).reshape(y.shape), np.zeros(x.shape)
    for n, c, i, j in np.ndindex(y.shape):
        pixels, divisor = window(geometry, size, i, j), override
        if divisor is None and include:
            starts = [at * s - p for at, s, p in zip((i, j), geometry.stride, geometry.padding, strict=True)]
            divisor = math.prod(
                min(start + k, n_ + p) - start
                for start, k, n_, p in zip(starts, geometry.kernel, size, geometry.padding, strict=True)
            )
        divisor = divisor or len(pixels)
        for h, w in pixels:
            y[n, c, i, j] += x[n, c, h, w] / divisor
            dx[n, c, h, w] += g[n, c, i, j] / divisor
    return y, g, dx


def few_values(size, seed, special=True):
    """An image full of ties, infinities and some NaN."""
    values = [-1.0, 0.0, 1.0, 2.0] + [-np.inf, np.nan] * special
    return np.random.default_rng(seed).choice(values, (2, 2, *size))


@settings(max_examples=200, deadline=None)
@given(geometries(), st.integers(0, 10**6), st.booleans(), st.booleans())
def test_max_pool_is_its_definition(drawn, seed, special, channels_last):
    geometry, size = drawn
    x = few_values(size, seed, special)
    if channels_last:
        x = ORDERS["channels-last"](x)
    want, winners = naive_max_pool(x, geometry.output_size(size), lambda i, j: window(geometry, size, i, j))
    for backend in (PORTABLE, CPU):
        y, found = backend.max_pool(x, geometry)
        np.testing.assert_array_equal(found, winners)
        assert found.dtype == np.int64
        np.testing.assert_array_equal(y, want)
        np.testing.assert_array_equal(backend.max_pool_values(x, geometry), want)


@settings(max_examples=100, deadline=None)
@given(geometries(), st.integers(0, 10**6), st.booleans())
def test_scatter_and_gather_are_their_definition_and_each_others_transpose(drawn, seed, special):
    geometry, size = drawn
    x, rng = few_values(size, seed, special), np.random.default_rng(seed)
    _, winners = PORTABLE.max_pool(x, geometry)
    g, v = rng.standard_normal(winners.shape).astype("float32"), rng.standard_normal(x.shape)
    dx, gathered = np.zeros(x.shape, "float32"), np.zeros(winners.shape)
    for n, c, i, j in np.ndindex(winners.shape):
        if (winner := winners[n, c, i, j]) >= 0:
            dx[n, c].reshape(-1)[winner] += g[n, c, i, j]
            gathered[n, c, i, j] = v[n, c].reshape(-1)[winner]
    for backend, hint in itertools.product((PORTABLE, CPU), (None, geometry)):
        np.testing.assert_array_equal(backend.pool_scatter(g, winners, size, hint), dx)
        np.testing.assert_array_equal(backend.pool_gather(v, winners), gathered)


@settings(max_examples=150, deadline=None)
@given(geometries(dilated=False), st.integers(0, 10**6), st.booleans(), st.sampled_from([None, 1, 7]))
def test_avg_pool_and_its_gradient_are_their_definition(drawn, seed, include, override):
    geometry, size = drawn
    x = np.random.default_rng(seed).standard_normal((2, 2, *size))
    want, g, dx = naive_avg_pool(x, geometry, include, override)
    for backend in (PORTABLE, CPU):
        np.testing.assert_allclose(backend.avg_pool(x, geometry, include, override), want, rtol=1e-12, atol=1e-14)
        np.testing.assert_allclose(backend.avg_pool_grad(g, geometry, size, include, override), dx, rtol=1e-12)


@settings(max_examples=100, deadline=None)
@given(*[st.tuples(st.integers(1, 9), st.integers(1, 9))] * 2, st.integers(0, 10**6))
def test_adaptive_pools_are_their_definition(size, out_size, seed):
    rows, columns = (
        [(math.floor(i * n / m), math.ceil((i + 1) * n / m)) for i in range(m)]
        for n, m in zip(size, out_size, strict=True)
    )
    x = few_values(size, seed)
    want, winners = naive_max_pool(x, out_size, lambda i, j: itertools.product(range(*rows[i]), range(*columns[j])))
    v = np.random.default_rng(seed).standard_normal(x.shape)
    g = np.random.default_rng(seed + 1).standard_normal(want.shape)
    mean, dv = np.zeros(want.shape), np.zeros(x.shape)
    for (i, (top, bottom)), (j, (left, right)) in itertools.product(enumerate(rows), enumerate(columns)):
        mean[:, :, i, j] = v[:, :, top:bottom, left:right].mean(axis=(2, 3))
        count = (bottom - top) * (right - left)
        dv[:, :, top:bottom, left:right] += g[:, :, i : i + 1, j : j + 1] / count
    for backend in (PORTABLE, CPU):
        y, found = backend.adaptive_max_pool(x, out_size)
        np.testing.assert_array_equal(y, want)
        np.testing.assert_array_equal(found, winners)
        np.testing.assert_allclose(backend.adaptive_avg_pool(v, out_size), mean, rtol=1e-12, atol=1e-14)
        np.testing.assert_allclose(backend.adaptive_avg_pool_grad(g, size), dv, rtol=1e-12, atol=1e-14)


def every_kernel(backend, x, g, geometry):
    """Each kernel's result on an image and a gradient of its pooled size."""
    size, out_size = x.shape[2:], g.shape[2:]
    y, winners = backend.max_pool(x, geometry)
    adaptive, adaptive_winners = backend.adaptive_max_pool(x, out_size)
    return {
        "max_pool": y,
        "winners": winners,
        "max_pool_values": backend.max_pool_values(x, geometry),
        "pool_gather": backend.pool_gather(x, winners),
        "pool_scatter": backend.pool_scatter(g, winners, size, geometry),
        "pool_scatter without a hint": backend.pool_scatter(g, winners, size),
        "avg_pool": backend.avg_pool(x, geometry, False),
        "avg_pool_grad": backend.avg_pool_grad(g, geometry, size, False),
        "adaptive_avg_pool": backend.adaptive_avg_pool(x, out_size),
        "adaptive_avg_pool_grad": backend.adaptive_avg_pool_grad(g, size),
        "adaptive_max_pool": adaptive,
        "adaptive winners": adaptive_winners,
    }


@pytest.mark.parametrize("geometry", [TWO_BY_TWO, OVERLAPPING], ids=["2x2", "3x3 s2 p1"])
@pytest.mark.parametrize("order", ORDERS)
def test_any_memory_order_gives_the_portable_result_bit_for_bit(order, geometry):
    rng = np.random.default_rng(0)
    x = rng.standard_normal((3, 5, 9, 8)).astype("float32")
    g = rng.standard_normal((3, 5, *geometry.output_size((9, 8)))).astype("float32")
    want = every_kernel(PORTABLE, x, g, geometry)
    for backend in (PORTABLE, CPU):
        xs, gs = x.copy(), g.copy()
        found = every_kernel(backend, ORDERS[order](xs), ORDERS[order](gs), geometry)
        for name, values in want.items():
            assert found[name].dtype == values.dtype, name
            np.testing.assert_array_equal(found[name], values, err_msg=name)


@pytest.mark.parametrize("geometry", [TWO_BY_TWO, OVERLAPPING], ids=["2x2", "3x3 s2 p1"])
def test_blocks_of_images_do_not_show(monkeypatch, geometry):
    rng = np.random.default_rng(1)
    x = ORDERS["channels-last"](rng.standard_normal((7, 3, 6, 6)).astype("float32"))
    g = rng.standard_normal((7, 3, *geometry.output_size((6, 6)))).astype("float32")
    want = every_kernel(CPU, x, g, geometry)
    monkeypatch.setattr("minicnn.backend.cpu.pool.BLOCK_BYTES", 2 * x[0].nbytes)
    for name, values in every_kernel(CPU, x, g, geometry).items():
        np.testing.assert_array_equal(values, want[name], err_msg=name)


@BACKENDS
def test_broadcast_images(backend):
    x = np.broadcast_to(np.arange(16.0).reshape(1, 1, 4, 4), (3, 2, 4, 4))
    g = np.broadcast_to(np.float64(1), (3, 2, 2, 2))
    found, want = (every_kernel(backend, *pair, TWO_BY_TWO) for pair in ((x, g), (x.copy(), g.copy())))
    for name, values in want.items():
        np.testing.assert_array_equal(found[name], values, err_msg=name)


@BACKENDS
def test_no_images(backend):
    found = every_kernel(backend, np.zeros((0, 3, 4, 4)), np.zeros((0, 3, 2, 2)), TWO_BY_TWO)
    assert {name: values.shape for name, values in found.items()} == {
        name: (0, 3, 4, 4) if "scatter" in name or "grad" in name else (0, 3, 2, 2) for name in found
    }


@pytest.mark.parametrize("name", ["max_pool", "max_pool_values", "winners", "pool_scatter", "avg_pool"])
def test_channels_last_stays_channels_last_on_the_cpu(name):
    x = ORDERS["channels-last"](np.random.default_rng(2).standard_normal((2, 5, 6, 6)))
    g = ORDERS["channels-last"](np.ones((2, 5, 3, 3)))
    assert every_kernel(CPU, x, g, TWO_BY_TWO)[name].transpose(0, 2, 3, 1).flags.c_contiguous


@BACKENDS
def test_float16_is_summed_in_float32(backend):
    x = np.full((1, 1, 64, 64), 100, "float16")  # the sum, 409600, is beyond float16
    g = np.ones((1, 1, 1, 1), "float16")
    whole = PoolGeometry((64, 64), (64, 64))
    for y in (backend.avg_pool(x, whole), backend.adaptive_avg_pool(x, (1, 1))):
        assert (y.dtype, y.item()) == (np.float16, 100)
    for dx in (backend.avg_pool_grad(g, whole, (64, 64)), backend.adaptive_avg_pool_grad(g, (64, 64))):
        assert dx.dtype == np.float16
        assert (dx == np.float16(1 / 4096)).all()
    winners = np.zeros((1, 1, 1, 4097), np.int64)
    dx = backend.pool_scatter(np.ones(winners.shape, "float16"), winners, (2, 2))
    assert (dx.dtype, dx[0, 0, 0, 0]) == (np.float16, np.float16(4097))


@BACKENDS
@pytest.mark.parametrize("dtype", ["int64", "int32", "int8", "uint8", "float16"])
def test_max_pool_of_other_types(backend, dtype):
    low = 0 if dtype == "float16" else np.iinfo(dtype).min
    x = np.array([[[[low, low, 3], [low, low, 100]]]], dtype)
    y, winners = backend.max_pool(x, PoolGeometry((2, 2), (1, 1), (1, 1)))
    assert y.dtype == dtype
    np.testing.assert_array_equal(y[0, 0], [[low, low, 3, 3], [low, low, 100, 100], [low, low, 100, 100]])
    np.testing.assert_array_equal(winners[0, 0], [[0, 0, 2, 2], [0, 0, 5, 5], [3, 3, 5, 5]])


@BACKENDS
def test_a_window_wholly_in_the_padding_has_no_winner(backend):
    geometry = PoolGeometry((2, 2), (1, 1), (1, 1), (2, 2))
    y, winners = backend.max_pool(np.array([[[[5.0]]]]), geometry)
    assert (y.item(), winners.item()) == (-np.inf, -1)
    assert backend.pool_scatter(np.ones((1, 1, 1, 1)), winners, (1, 1), geometry).item() == 0
    assert backend.pool_gather(np.full((1, 1, 1, 1), np.nan), winners).item() == 0


@BACKENDS
@pytest.mark.parametrize("geometry", [TWO_BY_TWO, PoolGeometry((2, 2), (1, 1))], ids=["disjoint", "overlapping"])
def test_an_infinite_gradient_goes_to_the_winner_only(backend, geometry):
    x = np.arange(9.0).reshape(1, 1, 3, 3)
    y, winners = backend.max_pool(x, geometry)
    dx = backend.pool_scatter(np.full(y.shape, np.inf), winners, (3, 3), geometry)
    assert (np.sort(dx.reshape(-1))[-y.size :] == np.inf).all()
    assert np.count_nonzero(dx) == y.size


def test_sizes():
    def last_window_may_hang_over(n, k, s, p=0):
        return PoolGeometry((k, k), (s, s), (p, p), ceil_mode=True).output_size((n, n))[0]

    assert last_window_may_hang_over(6, 1, 2) == 3
    assert last_window_may_hang_over(6, 3, 2) == 3
    assert last_window_may_hang_over(4, 3, 2, 1) == 3
    assert last_window_may_hang_over(2, 2, 3, 1) == 1
    assert PoolGeometry((3, 2), (2, 2), (1, 0)).unpooled_size((4, 4)) == (7, 8)
    assert adaptive_bins(5, 3) == [(0, 2), (1, 4), (3, 5)]


@BACKENDS
def test_average_counts_padding_but_not_the_ceil_overhang(backend):
    geometry = PoolGeometry((1, 3), (1, 2), (0, 1), ceil_mode=True)
    y = backend.avg_pool(np.ones((1, 1, 1, 4)), geometry)
    np.testing.assert_allclose(y[0, 0, 0], [2 / 3, 1, 0.5], rtol=1e-15)


GRID = [
    (k, s, p, d, ceil)
    for k, s, p, d, ceil in itertools.product((1, 2, 3, (3, 2)), (1, 2, 3), (0, 1), (1, 2), (False, True))
    if p <= (min(k) if isinstance(k, tuple) else k) // 2
]


@BACKENDS
@pytest.mark.parametrize("order", ["C", "channels-last"])
def test_pools_agree_with_pytorch(backend, order):
    torch = pytest.importorskip("torch", reason="compares with PyTorch live")
    F = torch.nn.functional
    rng = np.random.default_rng(3)
    x = ORDERS[order](np.round(rng.standard_normal((2, 3, 9, 7)) * 2))  # ties
    x[1, 2, 4, 3] = x[1, 2, 4, 4] = np.nan
    tx = torch.from_numpy(x).requires_grad_()
    for k, s, p, d, ceil in GRID:
        both = [v if isinstance(v, tuple) else (v, v) for v in (k, s, p, d)]
        geometry = PoolGeometry(*both, ceil)
        want, indices = F.max_pool2d(tx, k, s, p, d, ceil, return_indices=True)
        g = rng.standard_normal(want.shape)
        (dx,) = torch.autograd.grad(want, tx, torch.from_numpy(g))
        y, winners = backend.max_pool(x, geometry)
        np.testing.assert_array_equal(y, want.detach())
        np.testing.assert_array_equal(winners, indices)
        np.testing.assert_allclose(backend.pool_scatter(g, winners, x.shape[2:], geometry), dx, rtol=1e-7, atol=1e-7)
        for include, override in ((True, None), (False, None), (True, 5)) if d == 1 else ():
            want = F.avg_pool2d(tx, k, s, p, ceil, include, override)
            (dx,) = torch.autograd.grad(want, tx, torch.from_numpy(g))
            options = {"count_include_pad": include, "divisor_override": override}
            y, dx_ = backend.avg_pool(x, geometry, **options), backend.avg_pool_grad(g, geometry, (9, 7), **options)
            np.testing.assert_allclose(y, want.detach(), rtol=1e-7, atol=1e-7)
            np.testing.assert_allclose(dx_, dx, rtol=1e-7, atol=1e-7)


@BACKENDS
@pytest.mark.parametrize("out_size", [(1, 1), (3, 7), (9, 2), (4, 5), (12, 8)])
def test_adaptive_pools_agree_with_pytorch(backend, out_size):
    torch = pytest.importorskip("torch", reason="compares with PyTorch live")
    F = torch.nn.functional
    rng = np.random.default_rng(4)
    x = np.round(rng.standard_normal((2, 3, 9, 7)) * 2)
    tx, g = torch.from_numpy(x).requires_grad_(), rng.standard_normal((2, 3, *out_size))
    want, indices = F.adaptive_max_pool2d(tx, out_size, return_indices=True)
    y, winners = backend.adaptive_max_pool(x, out_size)
    np.testing.assert_array_equal(y, want.detach())
    np.testing.assert_array_equal(winners, indices)
    (dx,) = torch.autograd.grad(want, tx, torch.from_numpy(g))
    np.testing.assert_allclose(backend.pool_scatter(g, winners, (9, 7)), dx, rtol=1e-7, atol=1e-7)
    want = F.adaptive_avg_pool2d(tx, out_size)
    (dx,) = torch.autograd.grad(want, tx, torch.from_numpy(g))
    np.testing.assert_allclose(backend.adaptive_avg_pool(x, out_size), want.detach(), rtol=1e-7, atol=1e-7)
    np.testing.assert_allclose(backend.adaptive_avg_pool_grad(g, (9, 7)), dx, rtol=1e-7, atol=1e-7)


@pytest.mark.parametrize("geometry", [TWO_BY_TWO, OVERLAPPING], ids=["apart", "overlapping"])
def test_recorded_winners_lead_where_positions_do(geometry):
    rng = np.random.default_rng(0)
    x, v = (ORDERS["channels-last"](rng.integers(0, 4, (3, 5, 7, 8)).astype("float32")) for _ in range(2))
    y, winners = CPU.max_pool(x, geometry)
    same, recorded = CPU.max_pool_recorded(x, geometry)
    g = rng.standard_normal(y.shape).astype("float32")
    assert recorded.nbytes * 4 <= same.nbytes
    np.testing.assert_array_equal(same, y)
    np.testing.assert_array_equal(CPU.pool_gather(v, recorded, geometry), CPU.pool_gather(v, winners))
    scattered = CPU.pool_scatter(g, recorded, (7, 8), geometry)
    np.testing.assert_array_equal(scattered, CPU.pool_scatter(g, winners, (7, 8), geometry))
