"""Convolution kernels, portable and CPU: against loops that spell the definition out, and against PyTorch."""

import itertools
import tracemalloc
from contextlib import ExitStack
from types import SimpleNamespace
from unittest import mock

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minicnn.backend.cpu import conv as cpu_conv
from minicnn.backend.cpu import depthwise, scatter, threads, tiles, windows, winograd
from minicnn.backend.numpy import NumpyBackend
from minicnn.backend.portable import Backend
from minicnn.shapes import ConvGeometry, conv_geometry

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


def naive(x, w, g, geometry):
    """y, dx, dw by the definition: one product at a time."""
    (N, _, H, W), (O, C_, KH, KW), (OH, OW) = x.shape, w.shape, g.shape[2:]
    (sh, sw), ((top, _), (left, _)), (dh, dw_) = geometry.stride, geometry.padding, geometry.dilation
    y, dx, dw = np.zeros(g.shape), np.zeros(x.shape), np.zeros(w.shape)
    for n, o, r, s, c, i, j in itertools.product(*map(range, (N, O, OH, OW, C_, KH, KW))):
        row, column = r * sh + i * dh - top, s * sw + j * dw_ - left
        if 0 <= row < H and 0 <= column < W:
            channel = o // (O // geometry.groups) * C_ + c
            y[n, o, r, s] += x[n, channel, row, column] * w[o, c, i, j]
            dx[n, channel, row, column] += g[n, o, r, s] * w[o, c, i, j]
            dw[o, c, i, j] += g[n, o, r, s] * x[n, channel, row, column]
    return y, dx, dw


def triad(backend, x, w, g, geometry, b=None):
    return (
        backend.conv(x, w, b, geometry),
        backend.conv_input_grad(g, w, geometry, x.shape[2:]),
        backend.conv_weight_grad(x, g, geometry, w.shape[2:]),
    )


def constants(*places):
    """A context in which (module, name, value) hold; convolutions are planned anew in it, and after it."""
    patches = ExitStack()
    for plan in (cpu_conv._forward, cpu_conv._backward, cpu_conv._weights):
        plan.cache_clear()
        patches.callback(plan.cache_clear)
    for module, name, value in places:
        patches.enter_context(mock.patch.object(module, name, value))
    return patches


def small_blocks(size):
    """Blocks as small as ``size`` says, of all methods."""
    few = 128 if size > 1000 else 1  # channels, of which either form of a depthwise weight gradient is for some
    return constants((windows, "BLOCK_BYTES", size), (depthwise, "BLOCK_NUMBERS", size), (winograd, "WORTH", 0),
                     (depthwise, "FEW_CHANNELS", few), (depthwise, "PIECE_NUMBERS", size))


def draw_arrays(rng, N, size, C_, O_, kernel, geometry, dtype="float64"):
    G = geometry.groups
    x = rng.standard_normal((N, G * C_, *size)).astype(dtype)
    w = rng.standard_normal((G * O_, C_, *kernel)).astype(dtype)
    g = rng.standard_normal((N, G * O_, *geometry.output_size(size, kernel))).astype(dtype)
    return x, w, g


@st.composite
def problems(draw, largest=6):
    pairs = lambda low, high: st.tuples(st.integers(low, high), st.integers(low, high))  # noqa: E731 (a formula with a name)
    kernel, size = draw(pairs(1, 4)), draw(pairs(1, largest))
    geometry = ConvGeometry(draw(pairs(1, 3)), draw(st.tuples(pairs(0, 4), pairs(0, 4))), draw(pairs(1, 3)),
                            draw(st.sampled_from([1, 1, 2, 3])))
    return SimpleNamespace(
        kernel=kernel, size=size, geometry=geometry, N=draw(st.integers(0, 3)), C_=draw(st.integers(1, 4)),
        O_=draw(st.integers(1, 4)), orders=draw(st.tuples(*[st.sampled_from(sorted(ORDERS))] * 3)),
        block=draw(st.sampled_from([1, 200, 3000, 1 << 20])), seed=draw(st.integers(0, 2**16)),
    )  # fmt: skip


@settings(max_examples=120, deadline=None)
@given(problems())
def test_the_definition(p):
    if min(p.geometry.output_size(p.size, p.kernel)) < 1:
        return
    x, w, g = draw_arrays(np.random.default_rng(p.seed), p.N, p.size, p.C_, p.O_, p.kernel, p.geometry)
    expected = naive(x, w, g, p.geometry)
    x, w, g = (ORDERS[order](a) for order, a in zip(p.orders, (x, w, g), strict=True))
    with small_blocks(p.block):
        for backend in (PORTABLE, CPU):
            for got, wanted in zip(triad(backend, x, w, g, p.geometry), expected, strict=True):
                assert got.shape == wanted.shape and got.dtype == np.float64
                np.testing.assert_allclose(got, wanted, rtol=0, atol=1e-12)


@BACKENDS
@pytest.mark.parametrize("groups", [1, 2, 4])
@pytest.mark.parametrize("dilation", [1, (2, 3)])
@pytest.mark.parametrize("stride", [1, 2, (3, 1)])
@pytest.mark.parametrize("kernel, padding", [((1, 1), 0), ((3, 3), 1), ((2, 5), (0, 2)), ((4, 1), 5)])
def test_equals_pytorch(backend, groups, dilation, stride, kernel, padding):
    torch = pytest.importorskip("torch", reason="compares with PyTorch live")
    geometry = conv_geometry(stride, padding, dilation, groups)
    rng = np.random.default_rng(0)
    for C_, O_ in [(1, 1), (2, 3), (5, 2)]:
        x, w, g = draw_arrays(rng, 3, (13, 17), C_, O_, kernel, geometry)
        b = rng.standard_normal(w.shape[0])
        X, W, G, B = (torch.tensor(a) for a in (x, w, g, b))
        options = {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups}
        y, dx, dw = triad(backend, x, w, g, geometry, b)
        np.testing.assert_allclose(y, torch.conv2d(X, W, B, **options), rtol=1e-7, atol=1e-12)
        np.testing.assert_allclose(dx, torch.nn.grad.conv2d_input(x.shape, W, G, **options), rtol=1e-7, atol=1e-12)
        np.testing.assert_allclose(dw, torch.nn.grad.conv2d_weight(X, w.shape, G, **options), rtol=1e-7, atol=1e-12)


@BACKENDS
@pytest.mark.parametrize(
    "stride, dilation, output_padding", [(1, 1, 0), (2, 1, 1), (3, 2, 2), (1, 3, 2), ((1, 2), 3, (2, 1))]
)
@pytest.mark.parametrize("padding", [0, 1, 4])
def test_transposed_convolution(backend, stride, dilation, output_padding, padding):
    """output_padding may leave room for more windows than x has pixels; the weight gradient takes as many as x."""
    torch = pytest.importorskip("torch", reason="compares with PyTorch live")
    rng = np.random.default_rng(1)
    for groups, C_, O_ in [(1, 5, 2), (2, 1, 4), (3, 1, 1), (2, 4, 3)]:
        geometry = conv_geometry(stride, padding, dilation, groups)
        x, w = rng.standard_normal((2, groups * O_, 7, 6)), rng.standard_normal((groups * O_, C_, 3, 4))
        extra = output_padding if isinstance(output_padding, tuple) else (output_padding, output_padding)
        size = geometry.transposed_size((7, 6), (3, 4), extra)
        X, W = (torch.tensor(a, requires_grad=True) for a in (x, w))
        Y = torch.nn.functional.conv_transpose2d(X, W, None, stride, padding, output_padding, groups, dilation)
        y = backend.conv_input_grad(x, w, geometry, size)
        np.testing.assert_allclose(y, Y.detach(), rtol=1e-7, atol=1e-12)
        g = rng.standard_normal(y.shape)
        Y.backward(torch.tensor(g))
        np.testing.assert_allclose(backend.conv_weight_grad(g, x, geometry, (3, 4)), W.grad, rtol=1e-7, atol=1e-12)
        np.testing.assert_allclose(backend.conv(g, w, None, geometry)[..., :7, :6], X.grad, rtol=1e-7, atol=1e-12)


@BACKENDS
@pytest.mark.parametrize("order", sorted(ORDERS))
def test_float32_error_is_like_pytorchs(backend, order):
    """One long BLAS sum is up to 1.4 times as far off as oneDNN's blocked one, our weight gradient half as far."""
    torch = pytest.importorskip("torch", reason="compares with PyTorch live")
    geometry = conv_geometry(1, 1)
    x, w, g = draw_arrays(np.random.default_rng(2), 4, (16, 16), 32, 48, (3, 3), geometry, "float32")
    exact = triad(PORTABLE, *(a.astype("float64") for a in (x, w, g)), geometry)
    X, W, G = (torch.tensor(a) for a in (x, w, g))
    theirs = (torch.conv2d(X, W, padding=1), torch.nn.grad.conv2d_input(x.shape, W, G, padding=1),
              torch.nn.grad.conv2d_weight(X, w.shape, G, padding=1))
    ours = triad(backend, *(ORDERS[order](a) for a in (x, w, g)), geometry)
    rms = lambda error: np.sqrt(np.mean(error**2))  # noqa: E731 (a formula with a name)
    for got, reference, wanted, factor in zip(ours, theirs, exact, (1.5, 1.5, 1), strict=True):
        assert got.dtype == np.float32
        assert rms(got - wanted) <= factor * rms(reference.numpy() - wanted)


@BACKENDS
@pytest.mark.parametrize("stride, groups, C_", [(1, 1, 3), (2, 1, 4), (1, 4, 1), (2, 4, 1)])
def test_float16_is_summed_in_float32(backend, stride, groups, C_):
    geometry = conv_geometry(stride, 1, 1, groups)
    x, w, g = draw_arrays(np.random.default_rng(3), 2, (9, 9), C_, C_, (3, 3), geometry, "float16")
    exact = triad(PORTABLE, *(a.astype("float64") for a in (x, w, g)), geometry)
    for got, wanted in zip(triad(backend, x, w, g, geometry), exact, strict=True):
        assert got.dtype == np.float16
        # one rounding to half precision, whose spacing is 2**-11 of the value
        np.testing.assert_allclose(got, wanted, rtol=2**-11 * 1.01, atol=1e-5)


@BACKENDS
@pytest.mark.parametrize("dtype", ["int64", "int32", "uint8"])
@pytest.mark.parametrize("stride", [1, 2])
def test_integers_are_exact_and_wrap(backend, dtype, stride):
    torch = pytest.importorskip("torch", reason="compares with PyTorch live")
    rng = np.random.default_rng(4)
    x, w = (rng.integers(0, 200, shape).astype(dtype) for shape in [(2, 3, 6, 6), (4, 3, 3, 3)])
    y = backend.conv(x, w, None, conv_geometry(stride, 1))
    assert y.dtype == dtype
    np.testing.assert_array_equal(y, torch.conv2d(torch.tensor(x), torch.tensor(w), stride=stride, padding=1))


@BACKENDS
def test_a_broadcast_gradient(backend):
    """What the backward of a sum hands on: every stride is zero."""
    geometry = conv_geometry(2, 1)
    x, w, g = draw_arrays(np.random.default_rng(5), 2, (7, 7), 3, 4, (3, 3), geometry)
    ones = np.broadcast_to(np.float64(1), g.shape)
    for got, wanted in zip(triad(backend, x, w, ones, geometry), naive(x, w, ones, geometry), strict=True):
        np.testing.assert_allclose(got, wanted, atol=1e-12)


@BACKENDS
@pytest.mark.parametrize("N, C, O", [(0, 3, 4), (2, 0, 4), (2, 3, 0), (0, 0, 0)])
@pytest.mark.parametrize("stride", [1, 2])
def test_empty_sizes(backend, N, C, O, stride):
    geometry = conv_geometry(stride, 1)
    x, w, g = draw_arrays(np.random.default_rng(6), N, (5, 5), C, O, (3, 3), geometry)
    y, dx, dw = triad(backend, x, w, g, geometry, np.arange(float(O)))
    np.testing.assert_array_equal(y, np.broadcast_to(np.arange(float(O)).reshape(1, O, 1, 1), g.shape))
    assert dx.shape == x.shape and not dx.any()
    assert dw.shape == w.shape and not dw.any()


@BACKENDS
@pytest.mark.parametrize("order", sorted(ORDERS))
def test_inputs_are_left_alone(backend, order):
    geometry = conv_geometry(1, 0)
    x, w, g = (ORDERS[order](a) for a in draw_arrays(np.random.default_rng(7), 2, (5, 5), 3, 3, (1, 1), geometry))
    before = [a.copy() for a in (x, w, g)]
    for result in (*triad(backend, x, w, g, geometry, np.ones(3)), backend.unfold(x, (1, 1), geometry)):
        assert not any(np.shares_memory(result, a) for a in (x, w, g))
    for a, kept in zip((x, w, g), before, strict=True):
        np.testing.assert_array_equal(a, kept)


@BACKENDS
@pytest.mark.parametrize(
    "kernel, stride, padding, dilation",
    [((1, 1), 1, 0, 1), ((3, 2), (2, 1), (1, 3), (1, 2)), ((2, 4), 3, 0, 1)],
)
def test_unfold_and_fold_equal_pytorch(backend, kernel, stride, padding, dilation):
    torch = pytest.importorskip("torch", reason="compares with PyTorch live")
    geometry = conv_geometry(stride, padding, dilation)
    x = np.random.default_rng(8).standard_normal((2, 3, 9, 8))
    options = {"dilation": dilation, "padding": padding, "stride": stride}
    columns = torch.nn.functional.unfold(torch.tensor(x), kernel, **options)
    back = torch.nn.functional.fold(columns, (9, 8), kernel, **options)
    for order in ORDERS.values():
        got = backend.unfold(order(x), kernel, geometry)
        np.testing.assert_array_equal(got, columns)
        np.testing.assert_allclose(backend.fold(got, (9, 8), kernel, geometry), back, atol=1e-14)


def test_blocks_may_run_in_any_order():
    """What lets a pool of threads have them: the same bits whichever block ends first."""
    rng = np.random.default_rng(9)
    for stride, groups, C_, O_ in [(1, 1, 3, 8), (1, 1, 8, 3), (2, 1, 8, 8), (2, 1, 2, 8), (1, 8, 1, 1), (2, 8, 1, 1),
                                   (1, 1, 32, 64)]:  # fmt: skip
        geometry = conv_geometry(stride, 1, 1, groups)
        arrays = draw_arrays(rng, 8, (12, 12), C_, O_, (3, 3), geometry, "float32")
        for block in (1000, 20000):
            with small_blocks(block):
                forwards = triad(CPU, *arrays, geometry)
                backwards = lambda work, blocks, each=1: [work(b) for b in reversed(blocks)][::-1]  # noqa: E731 (a formula with a name)
                with ExitStack() as patches:
                    for module in (cpu_conv, scatter, tiles):
                        patches.enter_context(mock.patch.object(module, "run", backwards))
                    again = triad(CPU, *arrays, geometry)
                for a, b in zip(forwards, again, strict=True):
                    np.testing.assert_array_equal(a, b)


def test_what_is_worth_a_thread_gets_one():
    """A product of a depthwise convolution takes ten times as long as one of a matrix product; of 5 million each, the
    first is shared. So are the weights of large layers for ``tiles``, which take as long as a small image's products.
    """
    for module, C, groups, H, shared in [(cpu_conv, 192, 192, 28, True), (cpu_conv, 8, 1, 50, False),
                                         (tiles, 64, 1, 16, False), (tiles, 256, 1, 16, True)]:  # fmt: skip
        x, w = np.ones((4, C, H, H), np.float32), np.ones((C, C // groups, 3, 3), np.float32)
        with mock.patch.object(module, "run", mock.Mock(wraps=threads.run)) as run:
            CPU.conv(x, w, None, conv_geometry(1, 1, 1, groups))
        _, pieces, each = run.call_args.args
        assert (len(pieces) // each > 1) == shared


METHODS = {
    "winograd": [(winograd, {"FEWEST": 1, "CHUNK": 5, "TOGETHER": 6, "GROUPED_PIXELS": 0}), (tiles, {"FEWEST": 1e9})],
    "tiles": [(tiles, {"FEWEST": 0, "CHUNK": 2, "ROWS": 2, "FILTERS": 1})],
}


@pytest.mark.parametrize("method", METHODS)
@settings(max_examples=60, deadline=None)
@given(p=problems(largest=9))
def test_winograds_methods(method, p):
    """On any sizes, paddings and memory orders; float32 alone has them."""
    geometry = ConvGeometry((1, 1), p.geometry.padding, (1, 1), p.geometry.groups)
    if min(geometry.output_size(p.size, (3, 3))) < 1:
        return
    x, w, g = draw_arrays(np.random.default_rng(p.seed), p.N, p.size, p.C_, p.O_, (3, 3), geometry, "float32")
    expected = naive(x, w, g, geometry)
    x, w, g = (ORDERS[order](a) for order, a in zip(p.orders, (x, w, g), strict=True))
    with small_blocks(p.block) as patches:
        for module, values in METHODS[method]:
            patches.enter_context(mock.patch.multiple(module, **values))
        for got, wanted in zip(triad(CPU, x, w, g, geometry), expected, strict=True):
            assert got.shape == wanted.shape and got.dtype == np.float32
            np.testing.assert_allclose(got, wanted, rtol=0, atol=5e-5)


@pytest.mark.parametrize("groups", [1, 4])
@pytest.mark.parametrize("bad", [np.inf, -np.inf, np.nan, 3e38])
def test_what_is_not_finite_stays_in_its_windows(bad, groups):
    """Winograd's tiles share sums; an infinity must not spoil the windows beside it."""
    torch = pytest.importorskip("torch", reason="compares with PyTorch live")
    geometry, channels = conv_geometry(1, 1, 1, groups), 32 // groups
    x, w, g = draw_arrays(np.random.default_rng(11), 2, (12, 12), channels, channels, (3, 3), geometry, "float32")
    x[1, 3, 5, 6] = bad
    X, W, G = (torch.tensor(a) for a in (x, w, g))
    theirs = (torch.conv2d(X, W, padding=1, groups=groups).numpy(),
              torch.nn.grad.conv2d_weight(X, w.shape, G, padding=1, groups=groups).numpy())
    with CPU.quiet():
        y, _, dw = triad(CPU, x, w, g, geometry)
    for got, wanted in zip((y, dw), theirs, strict=True):
        np.testing.assert_array_equal(np.isfinite(got), np.isfinite(wanted))
        np.testing.assert_array_equal(np.isnan(got), np.isnan(wanted))
        calm = np.isfinite(wanted) & (abs(wanted) < 1e6)
        np.testing.assert_allclose(got[calm], wanted[calm], rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("C, O, groups", [
    (16, 16, 1), (32, 32, 1), (64, 64, 1), (128, 24, 1), (128, 96, 1), (256, 256, 1), (8, 8, 6), (32, 32, 3),
])  # fmt: skip
def test_winograds_float32_error_is_like_pytorchs(C, O, groups):
    torch = pytest.importorskip("torch", reason="compares with PyTorch live")
    geometry = conv_geometry(1, 1, 1, groups)
    x, w, g = draw_arrays(np.random.default_rng(12), 2, (14, 14), C, O, (3, 3), geometry, "float32")
    exact = triad(PORTABLE, *(a.astype("float64") for a in (x, w, g)), geometry)
    X, W, G = (torch.tensor(a) for a in (x, w, g))
    options = {"padding": 1, "groups": groups}
    theirs = (torch.conv2d(X, W, **options), torch.nn.grad.conv2d_input(x.shape, W, G, **options),
              torch.nn.grad.conv2d_weight(X, w.shape, G, **options))
    rms = lambda error: np.sqrt(np.mean(error**2))  # noqa: E731 (a formula with a name)
    ratios = [rms(got - wanted) / rms(reference.numpy() - wanted)
              for got, reference, wanted in zip(triad(CPU, x, w, g, geometry), theirs, exact, strict=True)]
    assert max(ratios) <= 1.5, ratios


@pytest.mark.parametrize("kernel, stride, size", [(1, 1, 7), (3, 1, 7), (3, 2, 7), (3, 1, 1), (3, 1, 14)])
def test_few_pixels_are_cut_by_channels(kernel, stride, size):
    """One image of many channels is the work of several threads; the weights keep their order for a pixel or two."""
    geometry = conv_geometry(stride, kernel // 2)
    rng = np.random.default_rng(13)
    x, w, g = draw_arrays(rng, 1, (size, size), 64, 160, (kernel, kernel), geometry, "float32")
    b = rng.standard_normal(160).astype("float32")
    for bad in (0, np.inf):
        x[0, 3, 0, 0] += bad
        with CPU.quiet():
            expected = triad(PORTABLE, *(a.astype("float64") for a in (x, w, g)), geometry, b)
            whole = triad(CPU, x, w, g, geometry, b)
            with constants((windows, "PIECE", 1)):
                cut = triad(CPU, x, w, g, geometry, b)
        for got, other, wanted in zip(cut, whole, expected, strict=True):
            np.testing.assert_allclose(got, wanted, rtol=1e-4, atol=2e-4)
            np.testing.assert_allclose(got, other, rtol=1e-4, atol=2e-4)


def peak_bytes(call):
    tracemalloc.start()
    try:
        kept = call()
        return tracemalloc.get_traced_memory()[1] - kept.nbytes
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("N, size, stride", [(64, 32, 1), (64, 32, 2), (1, 256, 1), (1, 256, 2)])
@pytest.mark.parametrize("order", ["C", "channels-last"])
def test_the_columns_of_a_batch_never_exist(monkeypatch, N, size, stride, order):
    """The columns of 64 images (32, 32, 32), or of one (32, 256, 256), are 75 MB; 4 are allowed beside the result."""
    monkeypatch.setattr(threads._pool, "count", 1)  # others have blocks of their own
    geometry = conv_geometry(stride, 1)
    x, w, g = draw_arrays(np.random.default_rng(10), N, (size, size), 32, 32, (3, 3), geometry, "float32")
    x, g = ORDERS[order](x), ORDERS[order](g)
    image = g[0].nbytes + x[0].nbytes  # a strided input gradient takes images whole
    assert peak_bytes(lambda: CPU.conv(x, w, None, geometry)) < 4 << 20
    assert peak_bytes(lambda: CPU.conv_weight_grad(x, g, geometry, (3, 3))) < 4 << 20
    assert peak_bytes(lambda: CPU.conv_input_grad(g, w, geometry, (size, size))) < (4 << 20) + image


@pytest.mark.parametrize("kernel, stride", [((1, 1), 1), ((1, 1), 2), ((3, 3), 1), ((3, 3), 2), ((1, 3), 1)])
@pytest.mark.parametrize("order", ["C", "channels-last"])
def test_few_pixels_of_many_channels(kernel, stride, order):
    """Where there are fewer pixels than weights a channel, columns are laid out in the weights' order."""
    geometry = conv_geometry(stride, (kernel[0] // 2, kernel[1] // 2))
    x, w, g = draw_arrays(np.random.default_rng(3), 2, (7, 7), 24, 256, kernel, geometry, "float64")
    x, g = ORDERS[order](x), ORDERS[order](g)
    for name, arguments in {"conv": (x, w, None, geometry), "conv_input_grad": (g, w, geometry, (7, 7)),
                        "conv_weight_grad": (x, g, geometry, kernel)}.items():
        found, expected = getattr(CPU, name)(*arguments), getattr(PORTABLE, name)(*arguments)
        np.testing.assert_allclose(found, expected, rtol=1e-10, atol=1e-10)
