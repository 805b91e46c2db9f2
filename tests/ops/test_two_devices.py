"""A CPU tensor without dimensions takes part in a device's pointwise operations, as in PyTorch; nothing else does."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

import minicnn as mc
from minicnn.errors import DeviceError
from minicnn.nn import functional as F
from minicnn.testing import standin

pytestmark = pytest.mark.host("two devices at once")

VALUES = [[0.25, 0.5, 2.0], [3.0, 0.75, 1.5]]

POINTWISE: dict[str, Callable[[Any, Any], mc.Tensor]] = {
    "add": lambda x, s: x + s, "add alpha": lambda x, s: mc.add(s, x, alpha=3), "sub": lambda x, s: s - x,
    "rsub": mc.rsub, "mul": lambda x, s: x * s, "div": lambda x, s: s / x,
    "div floor": lambda x, s: mc.div(x, s, rounding_mode="floor"), "floor_divide": lambda x, s: x // s,
    "remainder": lambda x, s: x % s, "fmod": lambda x, s: mc.fmod(s, x), "pow": lambda x, s: x**s,
    "power of s": lambda x, s: s**x, "maximum": mc.maximum, "max": lambda x, s: x.max(s),
    "minimum": lambda x, s: mc.minimum(s, x), "fmax": lambda x, s: mc.fmax(s, x), "fmin": mc.fmin,
    "atan2": lambda x, s: mc.atan2(s, x), "hypot": mc.hypot, "xlogy": lambda x, s: mc.xlogy(s, x),
    "logaddexp": mc.logaddexp, "clamp": lambda x, s: x.clamp(s, s + 0.5),
    "clamp to x": lambda x, s: mc.clamp(s, min=x), "clamp_max": lambda x, s: x.clamp_max(s),
    "lerp weight": lambda x, s: mc.lerp(x, x * x, s), "lerp end": lambda x, s: mc.lerp(x, s, x),
    "lerp ends": lambda x, s: mc.lerp(s, s * s, x), "addcmul": lambda x, s: mc.addcmul(x, x, s, value=2),
    "addcmul to s": lambda x, s: mc.addcmul(s, x, x), "addcdiv": lambda x, s: mc.addcdiv(x, s, s + 1),
    "where": lambda x, s: mc.where(x > 1, x, s), "where both": lambda x, s: mc.where(x > 1, s, s + 1),
    "where all": lambda x, s: mc.where(s > 1, x, s), "masked_fill": lambda x, s: x.masked_fill(x > 1, s),
    "fill_": lambda x, s: (x * 1).fill_(s), "copy_": lambda x, s: (x * 1).copy_(s),
    "add_": lambda x, s: (x * 1).add_(s), "mul_": lambda x, s: (x * 1).mul_(s),
    "pow_": lambda x, s: (x * 1).pow_(s), "lerp_": lambda x, s: (x * 1).lerp_(x, s),
    "clamp_": lambda x, s: (x * 1).clamp_(min=s), "masked_fill_": lambda x, s: (x * 1).masked_fill_(x > 1, s),
}  # fmt: skip

WITHOUT_GRADIENT: dict[str, Callable[[Any, Any], mc.Tensor]] = {
    "eq": lambda x, s: x == s, "lt": lambda x, s: s < x, "ge": lambda x, s: x >= s,
    "isclose": mc.isclose, "logical_and": mc.logical_and, "logical_xor": lambda x, s: mc.logical_xor(s, x),
    "bitwise_and": lambda x, s: x.long() & s.long(), "shift": lambda x, s: x.long() << s.long(),
}  # fmt: skip


def inputs(place: str) -> tuple[mc.Tensor, mc.Tensor]:
    return mc.tensor(VALUES).to(place).requires_grad_(), mc.tensor(1.25, requires_grad=True)


@pytest.mark.parametrize("name", POINTWISE)
def test_a_cpu_tensor_without_dimensions_takes_part(device: str, name: str) -> None:
    (want_x, want_s), (x, s) = inputs("cpu"), inputs(device)
    want, got = POINTWISE[name](want_x, want_s), POINTWISE[name](x, s)
    assert got.device.type == device and got.dtype == want.dtype
    assert got.tolist() == [pytest.approx(row, rel=1e-6) for row in want.tolist()]
    weights = mc.tensor([[1.0, -2.0, 3.0], [0.5, 4.0, -1.0]])
    (want * weights).sum().backward()
    (got * weights.to(device)).sum().backward()
    for mine, theirs, place in ((x, want_x, device), (s, want_s, "cpu")):
        if theirs.grad is None:
            assert mine.grad is None
        else:
            assert mine.grad.device.type == place and mine.grad.shape == mine.shape
            assert mine.grad.reshape(-1).tolist() == pytest.approx(theirs.grad.reshape(-1).tolist(), rel=1e-5)


@pytest.mark.parametrize("name", WITHOUT_GRADIENT)
def test_it_takes_part_in_comparisons_and_logic(device: str, name: str) -> None:
    (want_x, want_s), (x, s) = inputs("cpu"), inputs(device)
    want, got = WITHOUT_GRADIENT[name](want_x, want_s), WITHOUT_GRADIENT[name](x, s)
    assert (got.device.type, got.dtype, got.tolist()) == (device, want.dtype, want.tolist())


@pytest.mark.parametrize(("mine", "other", "result", "of_scalars"), [
    ("float32", "float64", "float32", "float64"), ("float16", "float32", "float16", "float32"),
    ("int64", "float64", "float64", "float64"), ("int32", "int64", "int32", "int64"),
    ("uint8", "int64", "uint8", "int64"), ("bool", "int16", "int16", "int16"), ("bool", "bool", "bool", "bool"),
    ("int64", "float16", "float16", "float16"),
])  # fmt: skip
def test_its_dtype_counts_as_that_of_a_tensor_without_dimensions(
    device: str, mine: str, other: str, result: str, of_scalars: str
) -> None:
    x, s = mc.ones(2, dtype=mine).to(device), mc.tensor(1, dtype=other)
    assert (x * s).dtype == (s * x).dtype == result
    assert (x[0] * s).dtype == (s * x[0]).dtype == of_scalars


def test_nothing_is_copied_and_nobody_waits_for_it() -> None:
    x, s = mc.tensor(VALUES).to("standin").requires_grad_(), mc.tensor(1.25)
    standin.traffic.clear()
    y = mc.where(x > s, x * s, s / x).clamp(max=s)
    y[0] = s
    y[x.detach().long() == 0] = s
    y.sum().backward()
    assert vars(standin.traffic) == {"to_host": 0, "to_device": 0, "waits": 0, "begun": 0}


def test_its_gradient_alone_comes_back() -> None:
    x, s = mc.tensor(VALUES).to("standin").requires_grad_(), mc.tensor(1.25, requires_grad=True)
    standin.traffic.clear()
    x.detach().cpu()
    one = dict(vars(standin.traffic))  # copy, and another where errors may have been noted on the device before
    standin.traffic.clear()
    (x * s).sum().backward()
    assert vars(standin.traffic) == one and one["to_device"] == one["waits"] == 0
    assert (s.grad.device.type, s.grad.item()) == ("cpu", 8.0)


def test_second_derivatives_cross_too(device: str) -> None:
    x, s = inputs(device)
    (first,) = mc.grad((x * s**3).sum(), [s], create_graph=True)  # 3s² Σx
    assert first.device.type == "cpu" and first.item() == 3 * 1.25**2 * 8
    second = mc.grad(first, [s, x])
    assert second[0].item() == 6 * 1.25 * 8
    assert second[1].device.type == device and second[1].tolist() == [[3 * 1.25**2] * 3] * 2


def test_the_value_of_then_is_saved(device: str) -> None:
    x = mc.tensor(VALUES).to(device).requires_grad_()
    s = mc.tensor(2.0)
    y = (x * s).sum()
    s.fill_(7.0)
    y.backward()
    assert x.grad.tolist() == [[2.0] * 3] * 2


def test_a_view_that_was_edited_is_what_it_is_now(device: str) -> None:
    x, base = mc.ones(2).to(device), mc.tensor([1.0, 2.0], requires_grad=True)
    row = base * 1
    s = row[1]
    row.mul_(3.0)
    y = x * s
    assert y.tolist() == [6.0, 6.0]
    y.sum().backward()
    assert base.grad.tolist() == [0.0, 6.0]


REFUSED: dict[str, Callable[[Any, Any], object]] = {
    "a vector": lambda x, s: x + s.reshape(1), "a vector and a device's scalar": lambda x, s: s.reshape(1) * x[0, 0],
    "add_ to the scalar": lambda x, s: s.add_(x[0, 0]), "mul_ of the scalar": lambda x, s: s.mul_(x),
    "clamp_ of the scalar": lambda x, s: s.clamp_(min=x[0, 0]),
    "three": lambda x, s: mc.where(x > 1, s, s.expand(2, 3)),
    "lerp_ of the scalar": lambda x, s: s.lerp_(x[0, 0], 0.5), "cat": lambda x, s: mc.cat([x[0], s.reshape(1)]),
    "stack": lambda x, s: mc.stack([x[0, 0], s]), "linear": lambda x, s: F.linear(x, s.expand(2, 3)),
    "mse_loss": F.mse_loss, "l1_loss": lambda x, s: F.l1_loss(s, x),
    "equal": lambda x, s: mc.equal(x[0, 0], s), "a mask": lambda x, s: x.masked_fill(s > 1, 0.0),
    "prelu": lambda x, s: F.prelu(x, s.reshape(1)), "outer": lambda x, s: mc.outer(x[0], s.reshape(1)),
    "conv2d": lambda x, s: F.conv2d(x.reshape(1, 1, 2, 3), s.reshape(1, 1, 1, 1)),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_all_else_on_two_devices_is_refused(device: str, name: str) -> None:
    x, s = mc.tensor(VALUES).to(device), mc.tensor(1.25)
    with pytest.raises(DeviceError, match="different devices"):
        REFUSED[name](x, s)
    assert s.item() == 1.25 and x.tolist() == VALUES

