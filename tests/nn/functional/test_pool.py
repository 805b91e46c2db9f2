"""Pooling against PyTorch, and the rules of SEMANTICS about it by name."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import minicnn as mc
import minicnn.nn.functional as F
from minicnn.errors import DtypeError, OptionError, OutOfRangeError, ShapeError
from tests.nn.functional.against import agree, normal, raises

IMAGES = [(2, 3, 7, 6), (3, 7, 6), (0, 3, 7, 6)]
SEQUENCES = [(2, 3, 9), (3, 9), (0, 3, 9)]
FORMS = ["batched", "unbatched", "empty batch"]

MAX2D = [
    ((2,), {}),
    (((3, 2),), {"stride": (2, 1), "padding": 1}),
    ((3,), {"stride": 2, "padding": 1, "ceil_mode": True}),
    ((2,), {"dilation": 2, "stride": 1}),
    ((3,), {"dilation": (1, 2), "padding": (1, 0), "ceil_mode": True}),
    ((3,), {"stride": 1}),
    ((2,), {"stride": ()}),
]


@pytest.mark.parametrize(("args", "options"), MAX2D, ids=str)
@pytest.mark.parametrize("shape", IMAGES, ids=FORMS)
@pytest.mark.parametrize("indices", [False, True], ids=["", "indices"])
def test_max_pool2d(args: tuple[Any, ...], options: dict[str, Any], shape: tuple[int, ...], indices: bool) -> None:
    options = {**options, "return_indices": indices}
    agree(lambda f, x: f.max_pool2d(x, *args, **options), normal(*shape), seed=f"{args}{options}")


@pytest.mark.parametrize(("args", "options"), [((2,), {}), ((3, 2, 1), {}), ((3,), {"dilation": 2, "stride": 1}),
                                               (((2,),), {"ceil_mode": True})], ids=str)
@pytest.mark.parametrize("shape", SEQUENCES, ids=FORMS)
@pytest.mark.parametrize("indices", [False, True], ids=["", "indices"])
def test_max_pool1d(args: tuple[Any, ...], options: dict[str, Any], shape: tuple[int, ...], indices: bool) -> None:
    options = {**options, "return_indices": indices}
    agree(lambda f, x: f.max_pool1d(x, *args, **options), normal(*shape), seed=f"{args}{options}")


AVG2D = [
    ((2,), {}),
    (((3, 2),), {"stride": (2, 1), "padding": 1}),
    ((3, 2, 1), {"ceil_mode": True}),
    ((3, 2, 1), {"ceil_mode": True, "count_include_pad": False}),
    ((3,), {"padding": 1, "count_include_pad": False}),
    ((2,), {"divisor_override": 3}),
    ((2,), {"divisor_override": -2, "stride": 1}),
]


@pytest.mark.parametrize(("args", "options"), AVG2D, ids=str)
@pytest.mark.parametrize("shape", IMAGES, ids=FORMS)
def test_avg_pool2d(args: tuple[Any, ...], options: dict[str, Any], shape: tuple[int, ...]) -> None:
    agree(lambda f, x: f.avg_pool2d(x, *args, **options), normal(*shape), seed=f"{args}{options}")


@pytest.mark.parametrize(("args", "options"), [((2,), {}), ((3, 2, 1), {"ceil_mode": True}),
                                               ((3, 1, 1), {"count_include_pad": False})], ids=str)
@pytest.mark.parametrize("shape", SEQUENCES, ids=FORMS)
def test_avg_pool1d(args: tuple[Any, ...], options: dict[str, Any], shape: tuple[int, ...]) -> None:
    agree(lambda f, x: f.avg_pool1d(x, *args, **options), normal(*shape), seed=f"{args}{options}")


LP2D = [((2, 2), {}), ((1, (3, 2), 1), {}), ((3.5, 3, 2), {"ceil_mode": True})]


@pytest.mark.parametrize(("args", "options"), LP2D, ids=str)
@pytest.mark.parametrize("shape", IMAGES, ids=FORMS)
def test_lp_pool2d(args: tuple[Any, ...], options: dict[str, Any], shape: tuple[int, ...]) -> None:
    agree(lambda f, x: f.lp_pool2d(x, *args, **options), np.abs(normal(*shape)), seed=f"{args}{options}")


@pytest.mark.parametrize("shape", SEQUENCES, ids=FORMS)
def test_lp_pool1d(shape: tuple[int, ...]) -> None:
    agree(lambda f, x: f.lp_pool1d(x, 2, 3, ceil_mode=True), normal(*shape))
    agree(lambda f, x: f.lp_pool1d(x, 3, 2, stride=1), np.abs(normal(*shape)))


SIZES = [1, 3, (2, 5), (None, 2), (9, 4), (7, 6)]


@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("shape", IMAGES, ids=FORMS)
def test_adaptive_pool2d(size: Any, shape: tuple[int, ...]) -> None:
    agree(lambda f, x: f.adaptive_avg_pool2d(x, size), normal(*shape), seed=str(size))
    agree(lambda f, x: f.adaptive_max_pool2d(x, size), normal(*shape), seed=str(size))
    agree(lambda f, x: f.adaptive_max_pool2d(x, size, return_indices=True), normal(*shape), seed=str(size))


@pytest.mark.parametrize("size", [1, 4, (2,), 11], ids=str)
@pytest.mark.parametrize("shape", SEQUENCES, ids=FORMS)
def test_adaptive_pool1d(size: Any, shape: tuple[int, ...]) -> None:
    agree(lambda f, x: f.adaptive_avg_pool1d(x, size), normal(*shape), seed=str(size))
    agree(lambda f, x: f.adaptive_max_pool1d(x, size, return_indices=True), normal(*shape), seed=str(size))


UNPOOL2D = [
    ((2,), {}, (2, 3, 6, 8)),
    ((2,), {"output_size": (7, 9)}, (2, 3, 7, 9)),
    ((2,), {"output_size": (2, 3, 7, 8)}, (2, 3, 7, 8)),
    ((3, 2, 1), {}, (2, 3, 7, 7)),
    ((3, 2, 1), {"output_size": (8, 7)}, (3, 8, 7)),
    ((2,), {}, (0, 3, 6, 8)),
]


@pytest.mark.parametrize(("args", "options", "shape"), UNPOOL2D, ids=str)
def test_max_unpool2d(args: tuple[Any, ...], options: dict[str, Any], shape: tuple[int, ...]) -> None:
    y, indices = F.max_pool2d(mc.as_tensor(normal(*shape)), *args, return_indices=True)
    values, places = y.cpu().numpy(), indices.cpu().numpy()
    agree(lambda f, x, i: f.max_unpool2d(x, i, *args, **options), values, places, seed=str(options),
          second=0 not in shape)  # where PyTorch records nothing


@pytest.mark.parametrize("shape", [(2, 3, 8), (3, 8)], ids=["batched", "unbatched"])
def test_max_unpool1d(shape: tuple[int, ...]) -> None:
    y, indices = F.max_pool1d(mc.as_tensor(normal(*shape)), 2, return_indices=True)
    agree(lambda f, x, i: f.max_unpool1d(x, i, 2), y.cpu().numpy(), indices.cpu().numpy())
    agree(lambda f, x, i: f.max_unpool1d(x, i, 2, output_size=(9,)), y.cpu().numpy(), indices.cpu().numpy())


def test_unpooling_keeps_the_last_of_several_values_and_asks_all_for_gradients() -> None:
    agree(lambda f, x, i: f.max_unpool2d(x, i, 2), normal(1, 2, 2, 2), np.zeros((1, 2, 2, 2), np.int64))


def test_max_pool_pads_with_minus_infinity() -> None:
    """Row 8: negative values win over the padding."""
    agree(lambda f, x: f.max_pool2d(x, 3, 1, 1), -1 - np.abs(normal(1, 2, 4, 4)))
    x = mc.full((1, 1, 2, 2), -mc.tensor(1.0).item())
    assert F.max_pool2d(x, 2, 1, 1).tolist() == [[[[-1.0] * 3] * 3]]


@pytest.mark.parametrize("options", [{"padding": 2}, {"padding": -1}, {"dilation": 3, "padding": 2}], ids=str)
def test_padding_is_at_most_half_of_the_kernel(options: dict[str, Any]) -> None:
    """Row 8. PyTorch asks for half of the dilated kernel too, which half of the kernel implies."""
    raises(OptionError, "kernel_size / 2", function="max_pool2d", args=(normal(1, 1, 8, 8), 2), **options)


def test_a_dilated_window_wholly_in_the_padding_is_minus_infinity_without_gradient() -> None:
    """Row 8: where PyTorch writes out of bounds."""
    x = mc.ones(1, 1, 1, 1).requires_grad_()
    y, indices = F.max_pool2d(x, 2, dilation=2, padding=1, return_indices=True)
    assert y.tolist() == [[[[-np.inf]]]]
    assert indices.tolist() == [[[[-1]]]]
    y.sum().backward()
    assert x.grad.tolist() == [[[[0.0]]]]


def test_the_last_window_of_ceil_mode_starts_inside() -> None:
    """Row 9."""
    assert F.max_pool1d(mc.ones(1, 6), 1, 2, ceil_mode=True).shape == (1, 3)
    agree(lambda f, x: f.max_pool1d(x, 1, 2, ceil_mode=True), normal(1, 6))
    agree(lambda f, x: f.max_pool1d(x, 2, 3, padding=1, ceil_mode=True), normal(1, 6))


def test_count_include_pad_does_not_count_what_ceil_mode_hangs_over() -> None:
    """Row 10."""
    found = F.avg_pool1d(mc.ones(1, 4), 3, 2, 1, ceil_mode=True).cpu().numpy()
    np.testing.assert_allclose(found, [[2 / 3, 1, 0.5]], rtol=1e-6)


def test_divisor_override_replaces_the_count() -> None:
    """Row 11."""
    assert F.avg_pool2d(mc.ones(1, 2, 2), 2, divisor_override=8).tolist() == [[[0.5]]]


def test_a_nan_wins() -> None:
    """Row 12."""
    x = normal(1, 1, 4, 4)
    x[0, 0, 1, 1] = x[0, 0, 2, 3] = np.nan
    agree(lambda f, x: f.max_pool2d(x, 2, return_indices=True), x, second=False)
    agree(lambda f, x: f.adaptive_max_pool2d(x, 2, return_indices=True), x, second=False)


def test_the_first_of_equal_values_gets_the_gradient() -> None:
    """Row 13."""
    x = mc.ones(1, 2, 2).requires_grad_()
    F.max_pool2d(x, 2).sum().backward()
    assert x.grad.tolist() == [[[1.0, 0.0], [0.0, 0.0]]]
    ties = np.round(normal(2, 2, 6, 6))
    agree(lambda f, x: f.max_pool2d(x, 3, 2, 1, return_indices=True), ties)
    agree(lambda f, x: f.adaptive_max_pool2d(x, 4, return_indices=True), ties)


def test_overlapping_windows_accumulate_gradient() -> None:
    """Row 14."""
    x = mc.tensor([[0.0, 5.0, 0.0]]).requires_grad_()
    F.max_pool1d(x, 2, 1).sum().backward()
    assert x.grad.tolist() == [[0.0, 2.0, 0.0]]


def test_indices_are_flat_per_plane_without_padding() -> None:
    """Row 15."""
    _, indices = F.max_pool2d(mc.arange(18.0).reshape(1, 2, 3, 3), 3, 3, 1, return_indices=True)
    assert indices.dtype == mc.int64
    assert indices.tolist() == [[[[4]], [[4]]]]


def test_adaptive_bins_overlap() -> None:
    """Row 16: 5 to 3 starts at 0, 1, 3 and ends at 2, 4, 5."""
    assert F.adaptive_avg_pool1d(mc.arange(5.0).reshape(1, 5), 3).tolist() == [[0.5, 2.0, 3.5]]


def test_lp_pool_has_no_gradient_where_the_sum_is_zero() -> None:
    """Row 17."""
    x = normal(1, 2, 4, 4)
    x[:, :, :2, :2] = 0
    agree(lambda f, x: f.lp_pool2d(x, 2, 2), x, second=False)
    leaf = mc.zeros(1, 2, 2).requires_grad_()
    F.lp_pool2d(leaf, 2, 2).sum().backward()
    assert leaf.grad.tolist() == [[[0.0, 0.0], [0.0, 0.0]]]


@pytest.mark.parametrize("p", [3, 2, float("inf"), -float("inf"), -1])
def test_lp_pool_of_negative_values_and_odd_exponents(p: float) -> None:
    torch = pytest.importorskip("torch", reason="compares with PyTorch live")
    x = normal(1, 2, 4, 4)
    np.testing.assert_allclose(F.lp_pool2d(mc.as_tensor(x), p, 2).cpu().numpy(),
                               torch.nn.functional.lp_pool2d(torch.from_numpy(x), p, 2).numpy(), rtol=1e-7)


def test_integers_have_maxima() -> None:
    y, indices = F.max_pool2d(mc.arange(16).reshape(1, 1, 4, 4), 2, return_indices=True)
    assert y.tolist() == [[[[5, 7], [13, 15]]]]
    assert indices.tolist() == [[[[5, 7], [13, 15]]]]


def test_winners_are_found_only_for_a_gradient(monkeypatch: pytest.MonkeyPatch) -> None:
    from minicnn.backend import backend_for

    def refuse(*args: Any) -> Any:
        raise AssertionError("winners were looked for")

    monkeypatch.setattr(backend_for(None), "max_pool_recorded", refuse)
    x = mc.ones(1, 1, 4, 4)
    assert F.max_pool2d(x, 2).shape == (1, 1, 2, 2)
    with mc.no_grad():
        F.max_pool2d(x.clone().requires_grad_(), 2)
    with pytest.raises(AssertionError):
        F.max_pool2d(x.clone().requires_grad_(), 2)


def test_winners_alone_are_saved() -> None:
    x = mc.randn(1, 1, 4, 4).requires_grad_()
    assert F.max_pool2d(x, 2).grad_fn.saved.keys() == {"winners"}
    assert F.avg_pool2d(x, 2).grad_fn.saved is None
    assert F.adaptive_avg_pool2d(x, 2).grad_fn.saved is None


X = normal(1, 2, 5, 5)


@pytest.mark.parametrize(
    ("error", "words", "function", "args", "options"),
    [
        (OptionError, ["3 numbers"], "max_pool2d", (X, (2, 2, 2)), {}),
        (OptionError, ["kernel_size must be positive"], "max_pool2d", (X, 0), {"stride": 1}),
        (OptionError, ["stride must be positive"], "max_pool2d", (X, 2), {"stride": 0}),
        (OptionError, ["dilation must be positive"], "max_pool2d", (X, 2), {"dilation": 0}),
        (ShapeError, ["window is larger", "kernel_size (2, 2)"], "max_pool2d", (normal(1, 2, 1, 1), 2), {}),
        (ShapeError, ["2 dimensions", "(C, H, W)"], "max_pool2d", (normal(2, 2), 2), {}),
        (ShapeError, ["empty"], "max_pool2d", (normal(1, 0, 5, 5), 2), {}),
        (ShapeError, ["empty"], "max_pool2d", (normal(1, 2, 0, 5), 2), {}),
        (DtypeError, ["bools"], "max_pool2d", (X > 0, 2), {}),
        (ShapeError, ["kernel_size (2,)"], "max_pool1d", (normal(1, 2, 1), 2), {}),
        (ShapeError, ["(N, C, L)"], "max_pool1d", (normal(4), 2), {}),
        (OptionError, ["kernel_size / 2"], "avg_pool2d", (X, 2), {"padding": 2}),
        (OptionError, ["divided by 0"], "avg_pool2d", (X, 2), {"divisor_override": 0}),
        (DtypeError, ["floating point"], "avg_pool2d", (X.astype(np.int32), 2), {}),
        (ShapeError, ["window is larger"], "avg_pool1d", (normal(1, 2, 1), 2), {}),
        (OptionError, ["negative"], "adaptive_avg_pool2d", (X, -1), {}),
        (OptionError, ["3 numbers"], "adaptive_avg_pool2d", (X, (2, 2, 2)), {}),
        (ShapeError, ["2 dimensions"], "adaptive_max_pool2d", (normal(2, 2), 2), {}),
        (ShapeError, ["empty"], "adaptive_max_pool2d", (normal(1, 2, 0, 5), 2), {}),
        (DtypeError, ["integers"], "adaptive_avg_pool1d", (normal(1, 2, 5), None), {}),
        (DtypeError, ["floating point"], "adaptive_max_pool2d", (X.astype(np.int64), 2), {}),
    ],
)
def test_pooling_refuses(error: type[Exception], words: list[str], function: str, args: Any, options: Any) -> None:
    raises(error, *words, function=function, args=args, **options)


P, I = normal(1, 2, 2, 2), np.zeros((1, 2, 2, 2), np.int64)


TELLS_VALUES = pytest.mark.host("a device notes that a value is wrong, not which")


@pytest.mark.parametrize(
    ("error", "words", "args", "options"),
    [
        pytest.param(OutOfRangeError, ["99"], (P, I + 99, 2), {}, marks=TELLS_VALUES),
        pytest.param(OutOfRangeError, ["-1"], (P, I - 1, 2), {}, marks=TELLS_VALUES),
        (ShapeError, ["differ in shape"], (P, I[:, :1], 2), {}),
        (DtypeError, ["int64"], (P, I.astype(np.int32), 2), {}),
        (OptionError, ["less than a stride (2, 2) from (4, 4)"], (P, I, 2), {"output_size": (6, 6)}),
        (OptionError, ["1 numbers"], (P, I, 2), {"output_size": (5,)}),
    ],
)
def test_unpooling_refuses(error: type[Exception], words: list[str], args: Any, options: Any) -> None:
    raises(error, *words, function="max_unpool2d", args=args, **options)


def test_lp_pool_refuses_a_zero_norm() -> None:
    with pytest.raises(OptionError, match="0-norm"):
        F.lp_pool2d(mc.ones(1, 4, 4), 0, 2)


@pytest.mark.parametrize("function", ["max_pool2d", "avg_pool2d"])
def test_float16_pools(function: str) -> None:
    torch = pytest.importorskip("torch", reason="compares with PyTorch live")
    x = normal(2, 3, 6, 6).astype(np.float16)
    y = getattr(F, function)(mc.as_tensor(x), 3, 2, 1)
    assert y.dtype == mc.float16
    expected = getattr(torch.nn.functional, function)(torch.from_numpy(x), 3, 2, 1).numpy()
    np.testing.assert_allclose(y.cpu().numpy(), expected, rtol=2e-3, atol=2e-3)
