"""Resizing, shuffles, unfold and fold against PyTorch."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import minicnn as mc
import minicnn.nn.functional as F
from minicnn.errors import DtypeError, OptionError, ShapeError
from tests.nn.functional.against import agree, normal, raises

TARGETS = [{"size": (7, 3)}, {"size": 5}, {"scale_factor": 2}, {"scale_factor": (0.6, 1.7)},
           {"scale_factor": 1.7, "recompute_scale_factor": True}]
MODES = [
    {"mode": "nearest"},
    {"mode": "nearest-exact"},
    {"mode": "bilinear"},
    {"mode": "bilinear", "align_corners": True},
    {"mode": "bicubic"},
    {"mode": "bicubic", "align_corners": True},
    {"mode": "bilinear", "antialias": True},
    {"mode": "bicubic", "antialias": True},
    {"mode": "area"},
]


@pytest.mark.parametrize("target", TARGETS, ids=str)
@pytest.mark.parametrize("options", MODES, ids=str)
def test_interpolate_images(options: dict[str, Any], target: dict[str, Any]) -> None:
    agree(lambda f, x: f.interpolate(x, **target, **options), normal(2, 3, 5, 4), seed=f"{options}{target}")


LENGTHS = [{"size": 7}, {"size": (3,)}, {"scale_factor": 1.6}, {"scale_factor": (0.5,)}]


@pytest.mark.parametrize("target", LENGTHS, ids=str)
@pytest.mark.parametrize("options", [{}, {"mode": "nearest-exact"}, {"mode": "linear"},
                                     {"mode": "linear", "align_corners": True}, {"mode": "area"}], ids=str)
def test_interpolate_sequences(options: dict[str, Any], target: dict[str, Any]) -> None:
    agree(lambda f, x: f.interpolate(x, **target, **options), normal(2, 3, 6), seed=f"{options}{target}")


@pytest.mark.parametrize("mode", ["nearest", "bilinear", "bicubic", "area"])
def test_interpolate_an_empty_batch(mode: str) -> None:
    agree(lambda f, x: f.interpolate(x, size=3, mode=mode), normal(0, 2, 5, 5))


def test_bilinear_weights() -> None:
    """Row 47: from 2 to 4 the weights of the second pixel are 0, .25, .75, 1."""
    y = F.interpolate(mc.tensor([[[[0.0, 1.0]]]]), size=(1, 4), mode="bilinear")
    assert y.tolist() == [[[[0.0, 0.25, 0.75, 1.0]]]]


def test_interpolate_uint8_by_nearest() -> None:
    torch = pytest.importorskip("torch", reason="compares with PyTorch live")
    x = np.arange(16, dtype=np.uint8).reshape(1, 1, 4, 4)
    for mode in ("nearest", "nearest-exact"):
        found = F.interpolate(mc.as_tensor(x), size=(3, 5), mode=mode)
        expected = torch.nn.functional.interpolate(torch.from_numpy(x), size=(3, 5), mode=mode)
        assert found.dtype == mc.uint8
        np.testing.assert_array_equal(found.cpu().numpy(), expected.cpu().numpy())


def test_upsample_is_interpolate() -> None:
    agree(lambda f, x: f.upsample(x, scale_factor=2, mode="bilinear", align_corners=True), normal(1, 2, 3, 3))
    agree(lambda f, x: f.upsample(x, (5, 4)), normal(1, 2, 3, 3))


X = normal(1, 2, 5, 5)


@pytest.mark.parametrize(
    ("error", "words", "args", "options"),
    [
        (OptionError, ["either a size or a scale_factor"], (X,), {}),
        (OptionError, ["either a size or a scale_factor"], (X,), {"size": 3, "scale_factor": 2}),
        (OptionError, ["3 numbers for 2 dimensions"], (X, (3, 3, 3)), {}),
        (OptionError, ["1 numbers for 2 dimensions"], (X,), {"scale_factor": (3,)}),
        (OptionError, ["align_corners"], (X, 3), {"align_corners": False}),
        (OptionError, ["align_corners"], (X, 3), {"align_corners": True, "mode": "area"}),
        (OptionError, ['mode="bilinear"'], (X, 3), {"mode": "linear"}),
        (OptionError, ['mode="linear"'], (X[0], 3), {"mode": "bilinear"}),
        (OptionError, ["'foo'"], (X, 3), {"mode": "foo"}),
        (ShapeError, ["(N, C, H, W)"], (X[0, 0], 3), {}),
        (ShapeError, ["empty"], (normal(1, 2, 0, 5), 3), {}),
        (OptionError, ["recompute_scale_factor"], (X, 3), {"recompute_scale_factor": True}),
        (OptionError, ["antialias"], (X, 3), {"antialias": True}),
        (OptionError, ["antialias"], (X[0], 3), {"antialias": True, "mode": "linear"}),
        (ShapeError, ["would be empty"], (X, 0), {}),
        (ShapeError, ["would be empty"], (X,), {"scale_factor": 0.1}),
        (ShapeError, ["would be empty"], (X,), {"scale_factor": -1}),
        (DtypeError, ["integers"], (X, 3.0), {}),
        (DtypeError, ["int64"], (X.astype(np.int64), 3), {"mode": "bilinear"}),
    ],
)
def test_interpolate_refuses(error: type[Exception], words: list[str], args: Any, options: dict[str, Any]) -> None:
    raises(error, *words, function="interpolate", args=args, **options)


SHUFFLED = [((2, 8, 3, 2), 2), ((9, 2, 3), 3), ((2, 3, 4, 2, 2), 2), ((2, 3, 4, 5), 1)]


@pytest.mark.parametrize(("shape", "factor"), SHUFFLED, ids=str)
def test_pixel_shuffle(shape: tuple[int, ...], factor: int) -> None:
    agree(lambda f, x: f.pixel_shuffle(x * x, factor), normal(*shape))


@pytest.mark.parametrize(("shape", "factor"), [((2, 2, 6, 4), 2), ((3, 6, 3), 3), ((2, 3, 1, 4, 2), 2)], ids=str)
def test_pixel_unshuffle(shape: tuple[int, ...], factor: int) -> None:
    agree(lambda f, x: f.pixel_unshuffle(x * x, factor), normal(*shape))


def test_unshuffle_undoes_shuffle() -> None:
    x = mc.randn(2, 8, 3, 5)
    assert F.pixel_unshuffle(F.pixel_shuffle(x, 2), 2).equal(x)


def test_shuffles_take_an_empty_batch() -> None:
    """PyTorch's shuffles do, but not their gradients."""
    x = mc.zeros(0, 4, 2, 2).requires_grad_()
    F.pixel_unshuffle(F.pixel_shuffle(x, 2), 2).sum().backward()
    assert x.grad.shape == x.shape


@pytest.mark.parametrize("shape", [(2, 6, 3, 2), (2, 6, 4), (1, 6, 2, 2, 2)], ids=str)
@pytest.mark.parametrize("groups", [1, 2, 3, 6])
def test_channel_shuffle(shape: tuple[int, ...], groups: int) -> None:
    agree(lambda f, x: f.channel_shuffle(x * x, groups), normal(*shape))
    x = mc.as_tensor(normal(*shape))
    assert F.native_channel_shuffle(x, groups).equal(F.channel_shuffle(x, groups))


@pytest.mark.parametrize(
    ("error", "words", "function", "args"),
    [
        (ShapeError, ["2 dimensions"], "pixel_shuffle", (normal(4, 4), 2)),
        (ShapeError, ["do not divide by 2²"], "pixel_shuffle", (X, 2)),
        (OptionError, ["upscale_factor must be positive"], "pixel_shuffle", (X, 0)),
        (ShapeError, ["does not divide by 2"], "pixel_unshuffle", (X, 2)),
        (OptionError, ["downscale_factor must be positive"], "pixel_unshuffle", (X, -1)),
        (ShapeError, ["do not divide into 3"], "channel_shuffle", (X, 3)),
        (OptionError, ["groups must be positive"], "channel_shuffle", (X, 0)),
        (ShapeError, ["no pixels"], "channel_shuffle", (normal(3, 4), 2)),
    ],
)
def test_shuffles_refuse(error: type[Exception], words: list[str], function: str, args: Any) -> None:
    raises(error, *words, function=function, args=args)


WINDOWS = [
    ((2,), {}),
    (((3, 2),), {"stride": (2, 1), "padding": (1, 0)}),
    ((2,), {"dilation": (2, 3), "padding": 2, "stride": 2}),
    ((1,), {}),
]


@pytest.mark.parametrize(("args", "options"), WINDOWS, ids=str)
@pytest.mark.parametrize("shape", [(2, 3, 6, 5), (3, 6, 5), (0, 3, 6, 5)], ids=["batched", "unbatched", "empty batch"])
def test_unfold_and_fold(args: tuple[Any, ...], options: dict[str, Any], shape: tuple[int, ...]) -> None:
    agree(lambda f, x: f.unfold(x * x, *args, **options), normal(*shape), seed=str(options))
    columns = F.unfold(mc.as_tensor(normal(*shape)), *args, **options).cpu().numpy()
    agree(lambda f, x: f.fold(x * x, shape[-2:], *args, **options), columns, seed=str(options))


def test_a_convolution_is_unfold_and_a_product() -> None:
    x, w = mc.as_tensor(normal(2, 3, 6, 5)), mc.as_tensor(normal(4, 3, 3, 3))
    y = (w.reshape(4, -1) @ F.unfold(x, 3, padding=1)).reshape(2, 4, 6, 5)
    expected = F.conv2d(x, w, padding=1)
    np.testing.assert_allclose(y.cpu().numpy(), expected.cpu().numpy(), rtol=1e-9, atol=1e-12)


def test_unfold_of_one_tap_is_a_copy() -> None:
    x = mc.zeros(1, 1, 2, 2)
    F.unfold(x, 1).add_(1)
    assert x.tolist() == [[[[0.0, 0.0], [0.0, 0.0]]]]


@pytest.mark.parametrize(
    ("error", "words", "function", "args", "options"),
    [
        (ShapeError, ["2 dimensions"], "unfold", (normal(4, 4), 2), {}),
        (ShapeError, ["window is larger"], "unfold", (X, 7), {}),
        (ShapeError, ["empty"], "unfold", (normal(1, 0, 5, 5), 2), {}),
        (OptionError, ["padding must not be negative"], "unfold", (X, 2), {"padding": -1}),
        (OptionError, ["kernel_size must be positive"], "unfold", (X, 0), {}),
        (OptionError, ["stride must be positive"], "unfold", (X, 2), {"stride": 0}),
        (ShapeError, ["do not fit"], "fold", (normal(1, 5, 9), 4, 2), {}),
        (ShapeError, ["windows 3 × 3"], "fold", (normal(1, 4, 8), 4, 2), {}),
        (ShapeError, ["4 dimensions"], "fold", (normal(1, 1, 4, 9), 4, 2), {}),
    ],
)
def test_unfold_and_fold_refuse(
    error: type[Exception], words: list[str], function: str, args: Any, options: dict[str, Any]
) -> None:
    raises(error, *words, function=function, args=args, **options)
