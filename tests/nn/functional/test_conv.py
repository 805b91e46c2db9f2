"""Convolutions against PyTorch: numbers, gradients of first and second order, errors, and what is kept in memory."""

from __future__ import annotations

import time
import tracemalloc
from typing import Any

import numpy as np
import pytest

import minicnn as mc
import minicnn.nn.functional as F
from minicnn.errors import DeviceError, DtypeError, OptionError, OutOfMemoryError, ShapeError
from minicnn.testing import standin
from tests.nn.functional.against import agree, normal, raises

CONV2D = [
    {},
    {"stride": 2},
    {"padding": 1},
    {"padding": (2, 0), "stride": (1, 3)},
    {"dilation": 2, "padding": 2},
    {"dilation": (1, 2), "stride": (2, 1)},
    {"padding": "same"},
    {"padding": "same", "dilation": (2, 1)},
    {"padding": "valid"},
    {"groups": 2, "padding": 1},
    {"groups": 4, "stride": 2, "padding": 1, "dilation": 2},
]


@pytest.mark.parametrize("options", CONV2D, ids=str)
@pytest.mark.parametrize("bias", [True, False], ids=["bias", "no bias"])
def test_conv2d(options: dict[str, Any], bias: bool) -> None:
    groups = options.get("groups", 1)
    weight, inputs = normal(8, 4 // groups, 3, 2, seed=1), [normal(2, 4, 7, 6)]
    inputs += [weight, normal(8)] if bias else [weight]
    agree(lambda f, x, w, *b: f.conv2d(x, w, *b, **options), *inputs, seed=str(options))


@pytest.mark.parametrize("kernel", [(1, 1), (1, 4), (5, 2), (7, 6)], ids=str)
def test_conv2d_kernel_sizes(kernel: tuple[int, int]) -> None:
    agree(lambda f, x, w: f.conv2d(x, w), normal(2, 3, 7, 6), normal(2, 3, *kernel), seed=str(kernel))


@pytest.mark.parametrize("shape", [(3, 7, 6), (1, 3, 7, 6), (0, 3, 7, 6)], ids=["unbatched", "one", "empty batch"])
def test_conv2d_batches(shape: tuple[int, ...]) -> None:
    agree(lambda f, x, w, b: f.conv2d(x, w, b, stride=2, padding=1), normal(*shape), normal(4, 3, 3, 3), normal(4))


CONV1D = [{}, {"stride": 2, "padding": 1}, {"padding": "same"}, {"padding": "same", "dilation": 3}, {"groups": 2},
          {"stride": (3,), "padding": [2], "dilation": (2,)}, {"padding": "valid"}]


@pytest.mark.parametrize("options", CONV1D, ids=str)
@pytest.mark.parametrize("shape", [(2, 4, 9), (4, 9), (0, 4, 9)], ids=["batched", "unbatched", "empty batch"])
def test_conv1d(options: dict[str, Any], shape: tuple[int, ...]) -> None:
    weight = normal(6, 4 // options.get("groups", 1), 3)
    agree(lambda f, x, w, b: f.conv1d(x, w, b, **options), normal(*shape), weight, normal(6), seed=str(options))


TRANSPOSED = [
    {},
    {"stride": 2},
    {"stride": 2, "padding": 1, "output_padding": 1},
    {"stride": (3, 2), "padding": (1, 0), "output_padding": (2, 1)},
    {"padding": 1, "dilation": 2},
    {"groups": 2, "stride": 2},
    {"groups": 4},
    {"dilation": 3, "output_padding": 2},
    {"dilation": (2, 3), "output_padding": (1, 2), "padding": (1, 1), "stride": (1, 2)},
    {"dilation": 3, "output_padding": 2, "padding": 1},
]


@pytest.mark.parametrize("options", TRANSPOSED, ids=str)
@pytest.mark.parametrize("bias", [True, False], ids=["bias", "no bias"])
def test_conv_transpose2d(options: dict[str, Any], bias: bool) -> None:
    groups = options.get("groups", 1)
    inputs = [normal(2, 4, 3, 4), normal(4, 6 // groups if groups < 4 else 2, 3, 2)]
    inputs += [normal(inputs[1].shape[1] * groups)] if bias else []
    agree(lambda f, x, w, *b: f.conv_transpose2d(x, w, *b, **options), *inputs, seed=str(options))


@pytest.mark.parametrize("shape", [(2, 4, 3, 3), (4, 3, 3), (0, 4, 3, 3)], ids=["batched", "unbatched", "empty batch"])
def test_conv_transpose2d_batches(shape: tuple[int, ...]) -> None:
    agree(lambda f, x, w, b: f.conv_transpose2d(x, w, b, stride=2, padding=1), normal(*shape), normal(4, 2, 3, 3),
          normal(2))


@pytest.mark.parametrize("options", [{}, {"stride": 2, "padding": 1, "output_padding": 1}, {"groups": 2, "dilation": 2},
                                     {"dilation": 2, "output_padding": 1}], ids=str)
@pytest.mark.parametrize("shape", [(2, 4, 5), (4, 5)], ids=["batched", "unbatched"])
def test_conv_transpose1d(options: dict[str, Any], shape: tuple[int, ...]) -> None:
    agree(lambda f, x, w, b: f.conv_transpose1d(x, w, b, **options), normal(*shape),
          normal(4, 3, 3), normal(3 * options.get("groups", 1)), seed=str(options))


def test_same_padding_with_a_stride_raises() -> None:
    """Row 1."""
    args = normal(1, 1, 5, 5), normal(1, 1, 3, 3)
    raises(OptionError, "stride 1", function="conv2d", args=args, padding="same", stride=2)


def test_same_padding_of_an_even_kernel_is_larger_at_the_right_and_bottom() -> None:
    """Row 2: with a kernel of 4 ones, the first output sees 1 zero and 3 pixels."""
    y = F.conv2d(mc.ones(1, 1, 6, 6), mc.ones(1, 1, 4, 4), padding="same")
    assert y[0, 0, 0, :].tolist() == [9.0, 12.0, 12.0, 12.0, 9.0, 6.0]
    agree(lambda f, x, w: f.conv2d(x, w, padding="same"), normal(1, 2, 6, 5), normal(3, 2, 4, 2))


def test_weights_have_pytorchs_order() -> None:
    """Row 3: (out, in / groups, kh, kw), transposed (in, out / groups, kh, kw)."""
    x = mc.ones(1, 4, 5, 5)
    assert F.conv2d(x, mc.ones(6, 2, 3, 3), groups=2).shape == (1, 6, 3, 3)
    assert F.conv_transpose2d(x, mc.ones(4, 3, 3, 3), groups=2).shape == (1, 6, 7, 7)


@pytest.mark.parametrize(("size", "expected"), [(5, 2), (6, 2), (7, 3)])
def test_sizes_that_do_not_divide_are_rounded_down(size: int, expected: int) -> None:
    """Row 5."""
    assert F.conv2d(mc.ones(1, 1, size, size), mc.ones(1, 1, 3, 3), stride=2).shape == (1, 1, expected, expected)


def test_unbatched_input_gives_unbatched_output() -> None:
    """Row 6."""
    assert F.conv2d(mc.ones(2, 5, 5), mc.ones(3, 2, 3, 3)).shape == (3, 3, 3)
    assert F.conv1d(mc.ones(2, 5), mc.ones(3, 2, 3)).shape == (3, 3)
    assert F.conv_transpose2d(mc.ones(2, 5, 5), mc.ones(2, 3, 3, 3)).shape == (3, 7, 7)


@pytest.mark.parametrize(
    ("options", "fits"),
    [
        ({"output_padding": 1}, False),
        ({"output_padding": 1, "stride": 2}, True),
        ({"output_padding": 1, "dilation": 2}, True),
        ({"output_padding": 2, "stride": 2, "dilation": 2}, False),
    ],
    ids=str,
)
def test_output_padding_is_smaller_than_stride_or_dilation(options: dict[str, Any], fits: bool) -> None:
    """Row 7."""
    args = normal(1, 2, 3, 3), normal(2, 1, 3, 3)
    if fits:
        agree(lambda f, x, w: f.conv_transpose2d(x, w, **options), *args)
    else:
        raises(OptionError, "max(stride, dilation)", function="conv_transpose2d", args=args, **options)


def test_wrong_channels_teach() -> None:
    message = raises(ShapeError, function="conv2d", args=(normal(8, 1, 28, 28), normal(6, 3, 5, 5)))
    assert message.splitlines() == [
        "conv2d: the input has 1 channel, the weight expects 3",
        "  got   input (8, 1, 28, 28), weight (6, 3, 5, 5), groups 1",
        "  rule  input.shape[1] == weight.shape[1] * groups",
        "  try   Conv2d(in_channels=1, …)",
    ]


def test_a_batch_of_one_channel_images_without_their_channel_is_recognised() -> None:
    raises(ShapeError, "unsqueeze(1)", function="conv2d", args=(normal(8, 28, 28), normal(6, 1, 5, 5)))


X, W = normal(1, 2, 5, 5), normal(4, 2, 3, 3)


@pytest.mark.parametrize(
    ("error", "words", "args", "options"),
    [
        (ShapeError, ["2 dimensions", "(N, C, H, W)"], (normal(5, 5), W), {}),
        (ShapeError, ["5 dimensions"], (normal(1, 1, 2, 5, 5), W), {}),
        (ShapeError, ["empty"], (normal(1, 2, 0, 5), W), {"padding": 2}),
        (ShapeError, ["weight has 3 dimensions"], (X, normal(4, 2, 3)), {}),
        (ShapeError, ["weight is empty"], (X, normal(0, 2, 3, 3)), {}),
        (ShapeError, ["the weight expects 6"], (X, W), {"groups": 3}),
        (ShapeError, ["do not divide into 2 groups"], (X, normal(3, 1, 3, 3)), {"groups": 2}),
        (ShapeError, ["bias (3,)", "4 output channels"], (X, W, normal(3)), {}),
        (ShapeError, ["bias (4, 1)"], (X, W, normal(4, 1)), {}),
        (ShapeError, ["kernel is larger"], (X, normal(4, 2, 7, 7)), {}),
        (ShapeError, ["dilation (3, 3)"], (X, W), {"dilation": 3}),
        (OptionError, ["padding must not be negative"], (X, W), {"padding": -1}),
        (OptionError, ["stride must be positive"], (X, W), {"stride": 0}),
        (OptionError, ["dilation must be positive"], (X, W), {"dilation": 0}),
        (OptionError, ["groups must be positive"], (X, W), {"groups": 0}),
        (OptionError, ["3 numbers"], (X, W), {"stride": (1, 1, 1)}),
        (OptionError, ["'sam' is no padding"], (X, W), {"padding": "sam"}),
        (DtypeError, ["must be integers"], (X, W), {"stride": 1.5}),
        (DtypeError, ["float64", "float32", "model.double()"], (X, W.astype(np.float32)), {}),
        (DtypeError, ["bias float32"], (X, W, normal(4).astype(np.float32)), {}),
        (DtypeError, ["no tensor", "list"], (X, [1.0]), {}),
    ],
)
def test_conv2d_refuses(error: type[Exception], words: list[str], args: Any, options: dict[str, Any]) -> None:
    raises(error, *words, function="conv2d", args=args, **options)


T = normal(1, 4, 5, 5)


@pytest.mark.parametrize(
    ("error", "words", "args", "options"),
    [
        (ShapeError, ["has 2 channels, the weight expects 4", "ConvTranspose2d(in_channels=2"], (X, W), {}),
        (ShapeError, ["do not divide into 3 groups"], (T, W), {"groups": 3}),
        (ShapeError, ["bias (4,)", "2 output channels"], (T, W, normal(4)), {}),
        (ShapeError, ["would be empty"], (normal(1, 4, 1, 1), W), {"padding": 2}),
        (OptionError, ["output_padding"], (T, W), {"output_padding": -1, "stride": 2}),
        (OptionError, ["'same' is no padding"], (T, W), {"padding": "same"}),
        (DtypeError, ["dtypes differ"], (T, W.astype(np.float32)), {}),
    ],
)
def test_conv_transpose2d_refuses(error: type[Exception], words: list[str], args: Any, options: dict[str, Any]) -> None:
    raises(error, *words, function="conv_transpose2d", args=args, **options)


def test_conv1d_errors_speak_of_one_dimension() -> None:
    message = raises(ShapeError, "(N, C, L)", function="conv1d", args=(normal(2, 2, 5, 5), normal(4, 2, 3)))
    assert "W" not in message
    raises(ShapeError, "padding ((1, 1),)", function="conv1d", args=(normal(2, 5), normal(4, 2, 9)), padding=1)


def test_float16_computes_in_float32_and_answers_in_float16() -> None:
    torch = pytest.importorskip("torch", reason="compares with PyTorch live")
    x, w, b = (normal(*s).astype(np.float16) for s in ((2, 3, 6, 6), (4, 3, 3, 3), (4,)))
    y = F.conv2d(mc.as_tensor(x), mc.as_tensor(w), mc.as_tensor(b), padding=1)
    expected = torch.nn.functional.conv2d(*map(torch.from_numpy, (x, w, b)), padding=1)
    assert y.dtype == mc.float16
    np.testing.assert_allclose(y.cpu().numpy(), expected.cpu().numpy(), rtol=2e-3, atol=2e-3)


def test_integers_convolve_like_pytorchs() -> None:
    x, w = mc.arange(16).reshape(1, 1, 4, 4), mc.ones(1, 1, 2, 2).long()
    assert F.conv2d(x, w).tolist() == [[[[10, 14, 18], [26, 30, 34], [42, 46, 50]]]]


def test_only_input_and_weight_are_saved() -> None:
    x, w, b = (mc.randn(*s).requires_grad_() for s in ((2, 3, 8, 8), (4, 3, 3, 3), (4,)))
    node = F.conv2d(x, w, b, padding=1).grad_fn
    assert node.saved.keys() == {"x", "w"}
    assert node.saved["x"][0] is x
    assert node.saved["w"][0] is w
    frozen = F.conv2d(x.detach(), w, b).grad_fn
    assert frozen.saved.keys() == {"x"}
    only_bias = F.conv2d(x.detach(), w.detach(), b).grad_fn
    assert only_bias.saved is None


@pytest.mark.host("what tracemalloc counts is the host's memory")
def test_the_columns_of_the_batch_are_never_held() -> None:
    """A recorded step of 32 images peaks far below the 9 copies of the input that unfolding the whole batch makes."""
    x = mc.randn(32, 16, 32, 32).requires_grad_()
    w = mc.randn(16, 16, 3, 3).requires_grad_()
    image_bytes = x.array.nbytes
    tracemalloc.start()
    try:
        F.conv2d(x, w, padding=1).sum().backward()
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    columns = 9 * image_bytes
    assert x.grad is not None
    assert w.grad is not None
    assert peak < columns / 2


def test_tensors_on_different_devices_are_refused() -> None:
    standin.register()
    with pytest.raises(DeviceError, match="different devices"):
        F.conv2d(mc.randn(1, 2, 5, 5, device="cpu"), mc.randn(4, 2, 3, 3, device="standin"))

def test_a_result_that_no_memory_holds_is_refused_before_its_blocks_are_counted() -> None:
    x, w = mc.ones(1, 1, 2, 2), mc.ones(1, 1, 2, 2)
    started = time.perf_counter()
    for call in (lambda: F.conv2d(x, w, padding=10**8), lambda: F.conv_transpose2d(x, w, dilation=10**8),
                 lambda: F.conv_transpose2d(x, w, stride=10**8)):  # fmt: skip
        with pytest.raises((OptionError, OutOfMemoryError)):
            call()
    assert time.perf_counter() - started < 5  # counting took minutes, and gigabytes
