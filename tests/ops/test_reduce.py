"""Reductions, extrema, running sums and norms, against PyTorch and by hand."""

import math

import numpy as np
import pytest

import minicnn as mc
from tests.ops.compared import both, both_refuse
from tests.ops.test_unary import first

INF, NAN = math.inf, math.nan
X = np.random.default_rng(5).standard_normal((3, 4, 2))
WHOLE = np.array([[3, -1, 3], [2, 2, 0]])

OVER_DIMS = {
    "sum": lambda lib, x, **o: x.sum(**o),
    "mean": lambda lib, x, **o: lib.mean(x, **o),
    "var": lambda lib, x, **o: x.var(**o),
    "var biased": lambda lib, x, **o: lib.var(x, correction=0, **o),
    "std": lambda lib, x, **o: lib.std(x, **o),
    "std unbiased=False": lambda lib, x, **o: x.std(unbiased=False, **o),
    "var_mean": lambda lib, x, **o: lib.var_mean(x, **o),
    "std_mean": lambda lib, x, **o: lib.std_mean(x, correction=0.5, **o),
    "amax": lambda lib, x, **o: lib.amax(x, **o),
    "amin": lambda lib, x, **o: x.amin(**o),
    "logsumexp": lambda lib, x, **o: lib.logsumexp(x, **o),
    "nansum": lambda lib, x, **o: x.nansum(**o),
    "nanmean": lambda lib, x, **o: x.nanmean(**o),
    **{f"norm {p}": lambda lib, x, p=p, **o: x.norm(p, **o) for p in (1, 2, 3, 0.5, -1, INF, -INF)},
}
DIMS = {
    "one": {"dim": 1}, "last kept": {"dim": -1, "keepdim": True}, "several": {"dim": (0, 2)},
    "several kept": {"dim": (2, 1), "keepdim": True}, "all": {"dim": (0, 1, 2)},
}  # fmt: skip


@pytest.mark.parametrize("dims", DIMS)
@pytest.mark.parametrize("name", OVER_DIMS)
def test_values_first_and_second_gradients(name, dims):
    both(lambda lib, x: OVER_DIMS[name](lib, x, **DIMS[dims]), X, rtol=1e-13, atol=1e-14)


@pytest.mark.parametrize("name", [n for n in OVER_DIMS if n != "logsumexp"])
def test_of_all_elements(name):
    both(OVER_DIMS[name], X, rtol=1e-13, atol=1e-14)
    if name[:3] not in ("var", "std"):  # of one element, PyTorch warns
        both(OVER_DIMS[name], np.array(2.5, np.float32))


@pytest.mark.parametrize("order", ["F", "reversed", "broadcast", "strided"])
@pytest.mark.parametrize("name", OVER_DIMS)
def test_memory_order_does_not_matter(name, order):
    x = {"F": np.asfortranarray(X), "reversed": X[::-1, :, ::-1], "broadcast": np.broadcast_to(X[:, :1], X.shape),
         "strided": np.repeat(X, 2, axis=1)[:, ::2]}[order]  # fmt: skip
    ours = OVER_DIMS[name](mc, mc.as_tensor(x), dim=(0, 1))
    plain = OVER_DIMS[name](mc, mc.as_tensor(np.ascontiguousarray(x)), dim=(0, 1))
    for a, b in zip(*(t if isinstance(t, tuple) else (t,) for t in (ours, plain)), strict=True):
        np.testing.assert_allclose(a.cpu().numpy(), b.cpu().numpy(), rtol=1e-13)


def test_float16_is_summed_in_float32():
    x = np.full(5000, 1.1, np.float16)
    both(lambda lib, t: (t.sum(), t.mean(), t.cumsum(0)[-1], t.norm(), t.logsumexp(0)), x, rtol=1e-3)
    both(lambda lib, t: t.var(), np.linspace(0, 1, 2000).astype(np.float16), rtol=1e-3)


def test_integers_and_dtypes():
    both(lambda lib, x: (x.sum(), x.sum(0), x.prod(), x.cumsum(1), x.cumprod(0)), WHOLE)
    both(lambda lib, x: (x.sum(), x.cumsum(0), x.prod(1)), WHOLE > 1)
    both(lambda lib, x: (x.sum(dtype=lib.float64), x.mean(0, dtype=lib.float32), x.prod(0, dtype=lib.float32)), WHOLE)
    both(lambda lib, x: (x.sum(), x.prod(), x.nansum(), x.sum(dtype=lib.uint8)), WHOLE.astype(np.int8))
    both(lambda lib, x: x.logsumexp(0), WHOLE, rtol=1e-6)
    for name in ("mean", "var", "std", "norm", "nanmean"):
        both_refuse(lambda lib, name=name: getattr(lib.tensor([1, 2]), name)())


def test_numpys_names_and_refusals():
    both(lambda lib, x: (x.sum(axis=0), x.mean(axis=1, keepdims=True), x.argmax(axis=0), *lib.max(x, axis=0)),
         X.astype(np.float32), rtol=1e-6, atol=1e-6)
    both_refuse(lambda lib: lib.ones(2, 3).sum(2))
    both_refuse(lambda lib: lib.ones(2, 3).sum((0, 0)))
    both_refuse(lambda lib: lib.ones(2, 3).sum(0, 1))
    both_refuse(lambda lib: lib.ones(2, 3).sum(1.5))
    both_refuse(lambda lib: lib.ones(2, 3).norm("nuc", dim=0))


def test_sum_to_size():
    both(lambda lib, x: x.sum_to_size(1, 4, 1), X, rtol=1e-14)
    both(lambda lib, x: x.sum_to_size((4, 2)), X, rtol=1e-14)
    both(lambda lib, x: x.sum_to_size(3, 4, 2), X)
    assert mc.ones(2, 3).sum_to_size(()).item() == 6
    for size in ((3,), (2, 4, 2), (3, 4, 2, 1), (1, 3, 4, 2)):
        both_refuse(lambda lib, size=size: lib.ones(3, 4, 2).sum_to_size(size))


def test_empty():
    empty = np.zeros((2, 0), np.float32)
    both(lambda lib, x: (x.sum(), x.mean(), x.sum(1), x.mean(1), x.prod(), x.logsumexp(1), x.norm(), x.median()), empty)
    both(lambda lib, x: (x.amax(0), x.max(0), x.argmax(0), x.cumsum(1), x.cumprod(1), x.sum(0)), empty)
    for name in ("max", "min", "amax", "amin", "argmax"):
        both_refuse(lambda lib, name=name: getattr(lib.zeros(0), name)())
        both_refuse(lambda lib, name=name: getattr(lib.zeros(2, 0), name)(1))
    both_refuse(lambda lib: lib.zeros(2, 0).norm(INF, dim=1))
    both_refuse(lambda lib: lib.zeros(2, 0).median(1))


def test_without_dimensions():
    both(lambda lib, x: (x.sum(0), x.mean(-1), x.max(0), x.argmax(0), x.cumsum(0), x.cumprod(0), x.median(0), x.amax(0),
                         x.prod(0), x.logsumexp(0), x.norm(), x.sum(0, keepdim=True), x.max(0, keepdim=True)),
         np.array(3.0, np.float32))  # fmt: skip
    both(lambda lib, x: (x.sum(0), x.mean(-1), x.max(0)[0], x.cumsum(0), x.cumprod(0), x.median(0)[0], x.prod(0),
                         x.sort(0)[0], x.topk(1)[0]), np.array(3.0))  # fmt: skip


TIES = {"tie": [1.0, 3, 3, 1], "nan": [1.0, NAN, 3, NAN], "infinite": [INF, -INF, INF, 2], "zeros": [0.0, 0, -0.0, 0]}
EXTREMA = {
    "max": lambda lib, x: x.max(), "min": lambda lib, x: lib.min(x), "max dim": lambda lib, x: x.max(0).values,
    "min dim": lambda lib, x: x.min(0)[0], "amax": lambda lib, x: x.amax(0), "amin": lambda lib, x: x.amin(),
    "maximum": lambda lib, x: lib.max(x, lib.flip(x, (0,))), "median": lambda lib, x: x.median(),
    "nanmedian": lambda lib, x: lib.nanmedian(x), "median dim": lambda lib, x: x.median(0).values,
    "aminmax": lambda lib, x: sum(x.aminmax()), "logsumexp": lambda lib, x: x.logsumexp(0),
    "norm": lambda lib, x: x.norm(), "norm inf": lambda lib, x: x.norm(INF), "norm 1": lambda lib, x: x.norm(1),
    "std": lambda lib, x: x.std(), "norm 3": lambda lib, x: x.norm(3), "norm .5": lambda lib, x: x.norm(0.5),
}  # fmt: skip


@pytest.mark.parametrize("ties", TIES)
@pytest.mark.parametrize("name", EXTREMA)
def test_gradients_at_ties_and_special_values(name, ties):
    first(EXTREMA[name], np.array(TIES[ties]), rtol=1e-14, atol=1e-300)


def test_ties_by_hand():
    x = mc.tensor([1.0, 3.0, 3.0], requires_grad=True)
    assert mc.grad(x.max(), x)[0].tolist() == [0.0, 0.5, 0.5]
    assert mc.grad(x.max(0).values, x)[0].tolist() == [0.0, 1.0, 0.0]
    assert mc.grad(x.amax(0), x)[0].tolist() == [0.0, 0.5, 0.5]


def test_values_and_indices():
    x = np.array([[1.0, 5, 5], [NAN, 2, NAN]], np.float32)
    both(lambda lib, t: (t.max(1), t.min(1), t.argmax(1), t.argmin(), t.argmax(0, keepdim=True), t.max(0, True)), x)
    both(lambda lib, t: (t.argmax(keepdim=True), t.max(1), lib.min(t, 0), t.aminmax(), t.aminmax(dim=1)), WHOLE)
    both(lambda lib, t: (t.max(0), t.max(), t.min(1)), WHOLE > 1)
    found = mc.tensor([[1, 7], [9, 2]]).max(dim=1)
    assert found.values.tolist() == [7, 9] and found.indices.tolist() == [1, 0]
    both_refuse(lambda lib: (lib.ones(2) > 0).argmax())


def test_gradients_along_a_dimension():
    both(lambda lib, t: (t.max(1).values, t.min(-1, keepdim=True)[0], t.median(0).values), X)
    both(lambda lib, t: lib.maximum(t.max(0)[0], t.min(0).values * 2), X)


def test_median():
    x = np.array([[1.0, 3, 2, 2], [NAN, 1, 4, 3], [9, 9, 7, 8]], np.float32)
    both(lambda lib, t: (t.median(), t.median(1), t.nanmedian(), lib.nanmedian(t, 1)), x)
    both(lambda lib, t: (t.median(), t.median(dim=1, keepdim=True)), np.array([[2, 1, 3, 4]]))


PRODUCTS = {
    "prod": lambda lib, x: x.prod(), "prod dim": lambda lib, x: lib.prod(x, 1, keepdim=True),
    "cumprod": lambda lib, x: x.cumprod(0), "cumprod last": lambda lib, x: lib.cumprod(x, -1),
    "cumsum": lambda lib, x: x.cumsum(1), "cumsum twice": lambda lib, x: lib.cumsum(x, 0).cumsum(-1),
}  # fmt: skip


@pytest.mark.parametrize("zeros", [0, 1, 2, 3])
@pytest.mark.parametrize("name", PRODUCTS)
def test_products_and_running_sums(name, zeros):
    x = X[:, :, 0].copy()
    x[0, 1] *= zeros < 1
    x[2, 1] *= zeros < 2
    x[2, 3] *= zeros < 3
    both(PRODUCTS[name], x, rtol=1e-12, atol=1e-14)


def test_var_without_freedom_is_nan_or_inf():
    with np.errstate(all="ignore"):
        for correction in (1, 2, 3):
            x = mc.tensor([2.0, 3.0], requires_grad=True)
            y = x.var(correction=correction)
            assert y.item() == (0.5 if correction == 1 else INF)
            assert mc.grad(y, x)[0].tolist() == ([-1.0, 1.0] if correction == 1 else [INF, INF])
        assert math.isnan(mc.tensor([2.0]).var().item())
        assert mc.tensor([2.0]).std(correction=0).item() == 0
    with pytest.raises(mc.errors.OptionError, match="correction"):
        mc.ones(2, 3).var(0, unbiased=True, correction=1)
    both(lambda lib, t: (t.var(False), t.std(0, False), t.var(1, True, True)), X, rtol=1e-13)


def test_norm_by_hand():
    x = mc.tensor([3.0, -4.0, 0.0], requires_grad=True)
    assert [x.norm(p).item() for p in (2, 1, 0, INF)] == [5, 7, 2, 4]
    assert mc.grad(x.norm(), x)[0].tolist() == pytest.approx([0.6, -0.8, 0.0])
    zero = mc.zeros(3, requires_grad=True)
    assert mc.grad(zero.norm(), zero)[0].tolist() == [0, 0, 0]
    both(lambda lib, t: (t.norm(0, dim=1), lib.norm(t, dtype=lib.float64), t.norm(2, 0, True), t.norm("fro", (0, 2))),
         X.astype(np.float32), rtol=1e-6)
