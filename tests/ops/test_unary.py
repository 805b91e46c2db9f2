"""Functions of one tensor, pointwise functions of several, and rounding, against PyTorch and by hand."""

import math

import numpy as np
import pytest

import minicnn as mc
from tests.ops.compared import agree, both, both_refuse, torch

INF, NAN = math.inf, math.nan
ANY = np.array([-2.3, -1.2, -0.7, -0.1, 0.2, 0.6, 1.1, 3.4])
POSITIVE = np.array([0.01, 0.3, 0.9, 1.0, 1.7, 12.0])
INSIDE = np.array([-0.95, -0.4, -0.01, 0.02, 0.5, 0.97])
ABOVE_1 = np.array([1.01, 1.7, 4.0])

SMOOTH = {
    **dict.fromkeys(["exp", "exp2", "expm1", "sin", "cos", "tan", "atan", "sinh", "cosh", "tanh", "asinh", "sigmoid",
                     "erf", "erfc", "square", "abs", "reciprocal", "deg2rad", "rad2deg", "nan_to_num"], ANY),
    **dict.fromkeys(["log", "log2", "log10", "log1p", "sqrt", "rsqrt"], POSITIVE),
    **dict.fromkeys(["asin", "acos", "atanh", "erfinv"], INSIDE), "acosh": ABOVE_1, "logit": (INSIDE + 1) / 2,
}  # fmt: skip
SPECIAL = np.array([-INF, -2.0, -1.0, -0.5, -0.0, 0.0, 0.5, 1.0, 2.0, INF, NAN])


def first(expression, *arrays, **tolerance):
    """Values and first gradients agree, where second ones say nothing."""
    found = []
    for lib, grad in ((mc, mc.grad), (torch, torch.autograd.grad)):
        leaves = [lib.as_tensor(a.copy()).requires_grad_() for a in arrays]
        with np.errstate(all="ignore"):  # inf times 0 in a product of the rule
            out = expression(lib, *leaves)
            seed = lib.as_tensor((np.cos(np.arange(out.numel())) + 2).reshape(tuple(out.shape)))
            found.append((out.detach(), [g.detach() for g in grad(out, leaves, seed)]))
    agree(*found, **tolerance)


@pytest.mark.parametrize("name", SMOOTH)
def test_values_first_and_second_gradients(name):
    both(lambda lib, x: getattr(lib, name)(x), SMOOTH[name], rtol=1e-14, atol=1e-15)


@pytest.mark.parametrize("name", [*SMOOTH, "sign"])
def test_special_values_and_their_gradients(name):
    x = SPECIAL + 0.0 if name == "logit" else SPECIAL  # PyTorch's slope there has no sign at -0.0
    first(lambda lib, x: getattr(lib, name)(x), x, rtol=1e-14, atol=1e-15)


@pytest.mark.parametrize("name", [n for n in SMOOTH if n not in ("abs", "square", "nan_to_num")])
def test_integers_are_taken_as_floats(name):
    whole = np.array([1, 2, 3])
    both(lambda lib, x: getattr(x, name)(), whole, rtol=1e-6, atol=1e-7)
    both(lambda lib, x: getattr(x, name)(), whole > 1, rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("name", SMOOTH)
def test_float16_and_float32_stay_and_are_as_near(name):
    for dtype, tolerance in ((np.float16, 2e-3), (np.float32, 3e-7)):
        x = SMOOTH[name].astype(dtype)
        both(lambda lib, t: getattr(t, name)(), x, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("name", ["abs", "square", "sign", "nan_to_num", "floor", "ceil", "round", "trunc"])
def test_integers_stay_integers(name):
    both(lambda lib, x: getattr(lib, name)(x), np.array([-7, 0, 3]))


def test_aliases_and_operators():
    x = mc.tensor([-0.5, 0.5])
    assert mc.absolute is mc.abs and mc.arcsin is mc.asin and mc.fix is mc.trunc and mc.clip is mc.clamp
    assert abs(x).tolist() == [0.5, 0.5]
    assert mc.arctan2(x, x.abs()).tolist() == pytest.approx([-math.pi / 4, math.pi / 4])


@pytest.mark.parametrize("name", ["exp_", "sin_", "abs_", "square_", "sigmoid_", "atan_"])
def test_in_place_forms_are_recorded(name):
    both(lambda lib, x: getattr(x * 1, name)(), ANY, rtol=1e-14, atol=1e-15)


def test_in_place_forms_write():
    x = mc.tensor([4.0, 9.0])
    assert x.sqrt_() is x
    assert x.tolist() == [2.0, 3.0]


def test_erf_is_correct_to_the_last_digits():
    x = np.concatenate([np.linspace(-6.5, 6.5, 4001), np.array([1e-300, 1e-9])])
    expected = np.array([math.erf(v) for v in x])
    np.testing.assert_allclose(mc.erf(mc.as_tensor(x)).cpu().numpy(), expected, rtol=5e-16)
    far = np.linspace(0, 26, 2001)
    np.testing.assert_allclose(mc.erfc(mc.as_tensor(far)).cpu().numpy(), [math.erfc(v) for v in far], rtol=2e-15)


def test_erf_of_float32_is_within_six_tenths_of_the_last_unit():
    """Half a unit is perfect rounding; PyTorch's own is within seven tenths."""
    x = np.concatenate([np.linspace(-6.5, 6.5, 4001), np.logspace(-37, 0, 1000)]).astype(np.float32)
    exact = np.array([math.erf(v) for v in x.tolist()])
    error = np.abs(mc.erf(mc.as_tensor(x)).cpu().numpy().astype(float) - exact)
    assert (error / np.spacing(np.abs(exact).astype(np.float32))).max() < 0.6


def test_erfinv_undoes_erf_up_to_its_ends():
    x = np.concatenate([np.linspace(-0.999, 0.999, 2001), 1 - np.logspace(-15, -3, 50), np.array([1e-200])])
    found = mc.erfinv(mc.as_tensor(x)).cpu().numpy()
    np.testing.assert_allclose(found, torch.erfinv(torch.from_numpy(x)).numpy(), rtol=4e-15)
    np.testing.assert_allclose([math.erf(v) for v in found], x, rtol=1e-15)
    single = np.concatenate([x, -x, np.array([1, -1, 2, math.nan])]).astype(np.float32)
    found = mc.erfinv(mc.as_tensor(single)).cpu().numpy()
    np.testing.assert_array_max_ulp(found, torch.erfinv(torch.from_numpy(single)).numpy(), 1)
    assert mc.erfinv(mc.tensor([1.0, -1.0, 2.0])).tolist()[:2] == [INF, -INF]


LEFT = np.array([-2.5, -1.5, -0.5, 0.0, 0.5, 1.5, 2.5, INF, NAN, 0.0, 0.0, NAN, 1.0, -INF])
RIGHT = np.array([1.0, 1.0, 1.0, 1.0, -0.5, 0.5, -2.0, 3.0, 4.0, 0.0, NAN, NAN, NAN, -INF])
GENERIC = (np.array([[-2.3, 0.4, 1.3], [0.9, 3.1, -0.2]]), np.array([0.7, 1.9, 2.2]))

OF_TWO = ["maximum", "minimum", "fmax", "fmin", "atan2", "hypot", "logaddexp", "xlogy", "fmod", "remainder"]


@pytest.mark.parametrize("name", OF_TWO)
def test_of_two_tensors_that_broadcast(name):
    both(lambda lib, x, y: getattr(lib, name)(x, y), *GENERIC, rtol=1e-14, atol=1e-15)


@pytest.mark.parametrize("name", OF_TWO)
def test_of_two_at_ties_zeros_and_infinities(name):
    first(lambda lib, x, y: getattr(lib, name)(x, y), LEFT, RIGHT, rtol=1e-14, atol=1e-15)


@pytest.mark.parametrize("name", ["atan2", "maximum", "minimum", "fmod", "remainder", "floor_divide", "xlogy"])
def test_of_two_integer_tensors(name):
    both(lambda lib, x, y: getattr(x, name)(y), np.array([7, -7, 8, 0]), np.array([2, 2, -3, 5]), rtol=1e-6, atol=1e-6)


CLAMPS = {
    "both": lambda lib, x, lo, hi: x.clamp(-1, 1.1),
    "min": lambda lib, x, lo, hi: x.clamp(min=0.2),
    "max": lambda lib, x, lo, hi: lib.clamp_max(x, 0.2),
    "crossed": lambda lib, x, lo, hi: x.clamp(1, 0),
    "tensors": lambda lib, x, lo, hi: x.clamp(lo, hi),
    "low": lambda lib, x, lo, hi: lib.clamp_min(x, lo),
    "high": lambda lib, x, lo, hi: x.clip(max=hi),
}


@pytest.mark.parametrize("name", CLAMPS)
def test_clamp(name):
    low = np.array([-1.0, -1.2, -1.0, 0.5, 0.1, 0.6, 1.0, 4.0])
    high = np.array([3.0, -1.2, -0.9, 0.7, 0.1, 0.2, 1.0, 3.0])
    for x in (ANY, np.where(ANY == 0.2, NAN, ANY)):
        first(lambda lib, a, lo, hi: CLAMPS[name](lib, a, lo, hi) + 0 * (lo + hi), x, low, high)


def test_clamp_promotes_and_refuses():
    whole = np.array([1, 2, 3])
    both(lambda lib, x: x.clamp(min=1.5), whole)
    both(lambda lib, x: x.clamp(lib.tensor(2), lib.tensor(2.5)), whole)
    both(lambda lib, x: x.clamp(max=2), whole)
    both_refuse(lambda lib: lib.ones(2).clamp())
    both_refuse(lambda lib: lib.ones(2).maximum(3))
    both_refuse(lambda lib: lib.ones(2).long().lerp(lib.ones(2).long(), 0.5))
    both_refuse(lambda lib: (lib.ones(2) > 0).abs())


def test_lerp_addcmul_addcdiv_nan_to_num():
    x, y = GENERIC
    z = np.array([[0.1, 0.8, 0.5]])
    both(lambda lib, a, b: lib.lerp(a, b, 0.3), x, y, rtol=1e-15)
    both(lambda lib, a, b: a.lerp(b, 0.8), x, y, rtol=1e-15)
    both(lambda lib, a, b, w: lib.lerp(a, b, w), x, y, z, rtol=1e-14)
    both(lambda lib, a, b, w: lib.addcmul(a, b, w, value=0.5), x, y, z, rtol=1e-15)
    both(lambda lib, a, b, w: a.addcdiv(b, w, value=-2), x, y, z, rtol=1e-14)
    first(lambda lib, a: a.nan_to_num(1.0, posinf=5.0), SPECIAL)
    both(lambda lib, a: lib.logit(a, eps=0.1), np.array([0.03, 0.4, 0.95]), rtol=1e-13)


ROUNDED = np.array([-2.5, -1.5, -0.5, 0.0, 0.5, 1.5, 2.5, 123.456, INF, NAN])


@pytest.mark.parametrize("name", ["floor", "ceil", "round", "trunc", "frac"])
def test_rounding(name):
    first(lambda lib, x: getattr(lib, name)(x), ROUNDED)


@pytest.mark.parametrize("decimals", [-2, -1, 1, 2])
def test_round_to_decimals(decimals):
    first(lambda lib, x: x.round(decimals=decimals), ROUNDED * 1.15, rtol=1e-15)


@pytest.mark.parametrize("mode", ["trunc", "floor"])
def test_whole_quotients(mode):
    first(lambda lib, x, y: lib.div(x, y, rounding_mode=mode), LEFT, RIGHT)
    both(lambda lib, x, y: lib.div(x, y, rounding_mode=mode), np.array([7, -7, 8, -8]), np.array([2, 2, -3, -3]))


def test_quotient_operators():
    x = np.array([-7.5, 7.5, 3.0, 0.0])
    whole = np.array([-7, 7, 3])
    for values in (x.astype(np.float32), whole):
        both(lambda lib, t: t // 2, values)
        both(lambda lib, t: t % 3, values)
        both(lambda lib, t: 8 // t[:3], values)
        both(lambda lib, t: 8 % t[:3], values)
        both(lambda lib, t: t // lib.tensor(2.0), values)
    q, r = divmod(mc.tensor([-7, 7]), 2)
    assert (q.tolist(), r.tolist()) == ([-4, 3], [1, 1])
    t = mc.tensor([9, -9])
    t //= 2
    t %= 3
    assert t.tolist() == [1, 1]


def test_integers_have_no_quotient_by_zero():
    for name in ("floor_divide", "remainder", "fmod"):
        both_refuse(lambda lib, name=name: getattr(lib, name)(lib.tensor([1, 2]), 0))
        both_refuse(lambda lib, name=name: getattr(lib, name)(lib.tensor([1, 2]), lib.tensor([1, 0])))
    assert (mc.tensor([3.0, -3.0]) // 0).tolist() == [INF, -INF]
