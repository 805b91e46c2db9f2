"""Padding against PyTorch, in every mode."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import minicnn as mc
import minicnn.nn.functional as F
from minicnn.errors import DtypeError, MinicnnError, OptionError, ShapeError
from tests.nn.functional.against import agree, normal, raises

CONSTANT = [
    ((2, 4, 5), (1, 2)),
    ((2, 4, 5), (1, 2, 3, 0)),
    ((2, 4, 5), (1, 2, 3, 0, 1, 1)),
    ((5,), (2, 0)),
    ((2, 3, 4, 5), (-1, 2, 1, -2)),
    ((2, 3, 4, 5), (-2, -1, 0, -1)),
    ((2, 3, 4, 5), (0, 0)),
    ((2, 3, 4, 5), ()),
    ((0, 3, 4), (1, 1)),
    ((2, 3, 0), (1, 1)),
    ((2, 3, 4), (-2, -2)),
]


@pytest.mark.parametrize(("shape", "pad"), CONSTANT, ids=str)
@pytest.mark.parametrize("value", [None, -1.5], ids=str)
def test_constant(shape: tuple[int, ...], pad: tuple[int, ...], value: float | None) -> None:
    agree(lambda f, x: f.pad(x, pad, value=value), normal(*shape), seed=str(pad), second=False)


@pytest.mark.parametrize(("shape", "pad"), CONSTANT, ids=str)
def test_constant_twice(shape: tuple[int, ...], pad: tuple[int, ...]) -> None:
    """Padding is linear, so its second gradients are seen through a square."""
    agree(lambda f, x: f.pad(x * x, pad, value=1.0) ** 2, normal(*shape), seed=str(pad))


REPEATED = [
    ((2, 3, 5), (1, 2)),
    ((3, 5), (2, 1)),
    ((2, 3, 5, 4), (1, 2, 3, 0)),
    ((3, 5, 4), (3, 3, 4, 4)),
    ((0, 3, 5, 4), (1, 1, 1, 1)),
    ((2, 2, 3, 4, 3), (1, 2, 0, 3, 2, 1)),
    ((2, 3, 4, 3), (1, 2, 0, 3, 2, 1)),
    ((2, 3, 5), (2, -1)),
    ((2, 3, 5), (-2, 3)),
    ((2, 3, 5), (-1, -2)),
    ((2, 3, 5, 4), (-1, 2, 3, -2)),
    ((2, 3, 5, 4), (0, 0, 0, 0)),
]


@pytest.mark.parametrize(("shape", "pad"), REPEATED, ids=str)
@pytest.mark.parametrize("mode", ["reflect", "replicate", "circular"])
def test_repeating_modes(mode: str, shape: tuple[int, ...], pad: tuple[int, ...]) -> None:
    agree(lambda f, x: f.pad(x, pad, mode=mode), normal(*shape), seed=f"{mode}{pad}")
    agree(lambda f, x: f.pad(x * x, pad, mode=mode) ** 2, normal(*shape), seed=f"{mode}{pad}", float32=False)


@pytest.mark.parametrize("pad", [(5, 5), (9, 12)], ids=str)
def test_replicate_reaches_as_far_as_wanted(pad: tuple[int, int]) -> None:
    agree(lambda f, x: f.pad(x, pad, mode="replicate"), normal(1, 2, 5))


def test_circular_padding_may_be_the_whole_size() -> None:
    agree(lambda f, x: f.pad(x, (5, 5), mode="circular"), normal(1, 2, 5))


def test_reflect_padding_is_smaller_than_the_size() -> None:
    """Row 5."""
    agree(lambda f, x: f.pad(x, (4, 4), mode="reflect"), normal(1, 2, 5))
    raises(ShapeError, "< the size", function="pad", args=(normal(1, 2, 5), (5, 0)), mode="reflect")


def test_negative_padding_crops() -> None:
    """Row 5."""
    assert F.pad(mc.arange(5), (-1, -2)).tolist() == [1, 2]
    assert F.pad(mc.arange(5), (-1, 1)).tolist() == [1, 2, 3, 4, 0]


@pytest.mark.parametrize(
    ("mode", "expected"),
    [("reflect", [2, 1, 0, 1, 2, 3, 2]), ("replicate", [0, 0, 0, 1, 2, 3, 3]), ("circular", [2, 3, 0, 1, 2, 3, 0])],
)
def test_the_padding_modes_of_layers(mode: str, expected: list[int]) -> None:
    """Row 7."""
    assert F.pad(mc.arange(4).reshape(1, 4), (2, 1), mode=mode).tolist() == [expected]


def test_circular_padding_mixed_with_cropping_wraps_what_is_left() -> None:
    """Row 8: PyTorch reads uninitialised memory where more is wrapped than is left."""
    assert F.pad(mc.arange(5).reshape(1, 5), (4, -3), mode="circular").tolist() == [[0, 1, 0, 1, 0, 1]]


@pytest.mark.parametrize("dtype", [np.int32, np.uint8, np.int64, np.float16, np.bool_])
@pytest.mark.parametrize("mode", ["constant", "reflect", "replicate", "circular"])
def test_other_dtypes(mode: str, dtype: Any) -> None:
    torch = pytest.importorskip("torch", reason="compares with PyTorch live")
    if dtype is np.bool_ and mode in ("reflect", "replicate"):
        pytest.skip("PyTorch has no such kernel")
    x, options = (normal(1, 2, 5) > 0).astype(dtype), {"mode": mode}
    if mode == "constant":
        options["value"] = 2.5
    found = F.pad(mc.as_tensor(x), (2, 1), **options).cpu().numpy()
    expected = torch.nn.functional.pad(torch.from_numpy(x), (2, 1), **options).numpy()
    assert found.dtype == expected.dtype
    np.testing.assert_array_equal(found, expected)


X = normal(1, 2, 5)


@pytest.mark.parametrize(
    ("error", "words", "args", "options"),
    [
        (OptionError, ["3 amounts"], (X, (1, 1, 1)), {}),
        (OptionError, ["10 amounts"], (X, (1,) * 10), {}),
        (OptionError, ["'zeros'", "'circular'"], (X, (1, 1)), {"mode": "zeros"}),
        (OptionError, ["takes no value"], (X, (1, 1)), {"mode": "reflect", "value": 1.0}),
        (DtypeError, ["no sequence"], (X, 1), {}),
        (DtypeError, ["integers"], (X, (1.0, 1)), {}),
        (ShapeError, ["more is cropped"], (X, (-3, -3)), {}),
        (ShapeError, ["more is cropped"], (X, (-3, -2)), {"mode": "replicate"}),
        (ShapeError, ["(N, C, L)"], (normal(1, 2, 5, 5), (1, 1)), {"mode": "reflect"}),
        (ShapeError, ["without N"], (normal(5), (1, 1)), {"mode": "circular"}),
        (ShapeError, ["(N, C, H, W)"], (normal(5, 5), (1, 1, 1, 1)), {"mode": "replicate"}),
        (ShapeError, ["wraps once"], (X, (6, 0)), {"mode": "circular"}),
        (ShapeError, ["no pixel"], (normal(1, 2, 0), (1, 1)), {"mode": "replicate"}),
        (OptionError, ["inf is no int32"], (X.astype(np.int32), (1, 1)), {"value": float("inf")}),
    ],
)
def test_pad_refuses(error: type[MinicnnError], words: list[str], args: Any, options: dict[str, Any]) -> None:
    raises(error, *words, function="pad", args=args, **options)


def test_nothing_is_saved() -> None:
    x = mc.randn(1, 2, 5).requires_grad_()
    assert F.pad(x, (1, -1)).grad_fn.saved is None
    assert F.pad(x, (1, 1), mode="reflect").grad_fn.saved is None
