"""Activations with kinks: straight pieces whose slope a gate over the input (or result) decides."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from minicnn.autograd.function import Function
from minicnn.autograd.inplace import apply_in_place
from minicnn.backend import backend_of
from minicnn.errors import DtypeError, ShapeError
from minicnn.tensor import Tensor, wrap

__all__ = ["hardshrink", "prelu", "relu", "relu_"]
METHODS = __all__

Array = Any


class Gate(Function):
    """g where ``is_open(x)``, and g · slope elsewhere: the gradient of every activation in this file, and its own."""

    def forward(self, g: Array, x: Array, *, is_open: Callable[[Array], Array], slope: float = 0.0) -> Array:
        self.is_open, self.slope, backend = is_open, slope, backend_of(g)
        if slope:
            return backend.choose(is_open(x), g, g * slope)
        return backend.gate_by(g, x, is_open)

    def grad_g(self, h: Tensor, x: Tensor) -> Tensor:
        return Gate.apply(h, x, is_open=self.is_open, slope=self.slope)

    def grad_x(self, h: Tensor) -> Tensor:
        return wrap(backend_of(h.array).xp.zeros_like(h.array))


class ReLU(Function):
    """max(x, 0); x itself where that is ``done``, because the operation before did it as it wrote x."""

    takes_out = True

    def forward(self, x: Array, *, done: bool = False, out: Array | None = None) -> Array:
        return x if done else backend_of(x).relu(x, out)

    def grad_x(self, g: Tensor, out: Tensor) -> Tensor:
        return Gate.apply(g, out, is_open=lambda y: y != 0)  # which holds of a NaN, too


class LeakyReLU(Function):
    """x where x > 0, else slope · x, for slopes from 0 on (so that the result has x's sign)."""

    takes_out = True

    def forward(self, x: Array, *, slope: float, out: Array | None = None) -> Array:
        self.slope, backend = slope, backend_of(x)
        y = backend.xp.minimum(x, 0) * slope
        if out is None and x.ndim:  # NumPy's sums without dimensions are no arrays to write to
            out = y
        return backend.xp.add(backend.xp.maximum(x, 0), y, out=out)

    def grad_x(self, g: Tensor, out: Tensor) -> Tensor:
        return Gate.apply(g, out, is_open=lambda y: y > 0, slope=self.slope)


class Hardtanh(Function):
    takes_out = True

    def forward(self, x: Array, *, low: float, high: float, out: Array | None = None) -> Array:
        self.low, self.high = low, high
        return backend_of(x).clip(x, low, high, out)

    def grad_x(self, g: Tensor, out: Tensor) -> Tensor:
        low, high = self.low, self.high
        return Gate.apply(g, out, is_open=lambda y: (y > low) & (y < high))


class Threshold(Function):
    """x where x > threshold (or is NaN), else value."""

    def forward(self, x: Array, *, threshold: float, value: float) -> Array:
        self.threshold = threshold
        return backend_of(x).xp.where(x <= threshold, x.dtype.type(value), x)

    def grad_x(self, g: Tensor, x: Tensor) -> Tensor:
        threshold = self.threshold
        return Gate.apply(g, x, is_open=lambda y: ~(y <= threshold))


class Hardshrink(Function):
    """x outside of [-lambd, lambd], else 0."""

    def forward(self, x: Array, *, lambd: float) -> Array:
        self.lambd = lambd
        return backend_of(x).gate(x, ~(abs(x) <= lambd))

    def grad_x(self, g: Tensor, x: Tensor) -> Tensor:
        lambd = self.lambd
        return Gate.apply(g, x, is_open=lambda y: abs(y) > lambd)


class Softshrink(Function):
    """x moved by lambd towards 0, and 0 within [-lambd, lambd]."""

    def forward(self, x: Array, *, lambd: float) -> Array:
        self.lambd, xp = lambd, backend_of(x).xp
        return xp.maximum(x - lambd, 0) + xp.minimum(x + lambd, 0)

    def grad_x(self, g: Tensor, x: Tensor) -> Tensor:
        lambd = self.lambd
        return Gate.apply(g, x, is_open=lambda y: abs(y) > lambd)


class Hardsigmoid(Function):
    """relu6(x + 3) / 6."""

    def forward(self, x: Array) -> Array:
        y = backend_of(x).clip(x + 3, 0, 6)
        y /= 6
        return y

    def grad_x(self, g: Tensor, x: Tensor) -> Tensor:
        return Gate.apply(g / 6, x, is_open=lambda y: (y > -3) & (y < 3))


class Hardswish(Function):
    """x · relu6(x + 3) / 6; slope x/3 + 1/2 between its kinks at ±3, beyond them 0 and 1."""

    def forward(self, x: Array) -> Array:
        y = backend_of(x).clip(x + 3, 0, 6)
        y *= x
        y /= 6
        return y

    def grad_x(self, g: Tensor, x: Tensor) -> Tensor:
        bent = Gate.apply(g * (x / 3 + 0.5), x, is_open=lambda y: (y > -3) & (y < 3))
        return bent + Gate.apply(g, x, is_open=lambda y: ~(y < 3))


class PReLU(Function):
    """x where x > 0, else weight · x; weight has x's number of dimensions."""

    def forward(self, x: Array, weight: Array) -> Array:
        backend = backend_of(x)
        return backend.choose(x > 0, x, x * weight)

    def grad_x(self, g: Tensor, x: Tensor, weight: Tensor) -> Tensor:
        above = Gate.apply(g, x, is_open=lambda y: y > 0)
        return above + Gate.apply(g * weight, x, is_open=lambda y: ~(y > 0))

    def grad_weight(self, g: Tensor, x: Tensor) -> Tensor:
        return Gate.apply(g * x, x, is_open=lambda y: ~(y > 0))


def relu(x: Tensor) -> Tensor:
    """max(x, 0). The slope at 0 is 0; NaN stays NaN.

    Shapes: any; the result has x's. Errors: DtypeError for bools.

    Example:
        >>> mc.relu(mc.tensor([-1.0, 2.0]))
        tensor([0., 2.])
    """
    return ReLU.apply(number("relu", x))


def relu_(x: Tensor) -> Tensor:
    """``relu`` in x's own memory. Shapes, errors: as ``relu``; GradientError for a leaf that requires a gradient."""
    return apply_in_place("relu_", ReLU, number("relu_", x))


def relu_done(x: Tensor, inplace: bool) -> Tensor:
    """The ReLU's node for an ``x`` whose negative numbers are 0 already; without a pass over it."""
    return apply_in_place("relu_", ReLU, x, done=True) if inplace else ReLU.apply(x, done=True)


def prelu(x: Tensor, weight: Tensor) -> Tensor:
    """x where x > 0, else weight · x, with a weight that is learned: one for all, or one for each channel.

    Shapes: x (N, C, *) or any; weight (1,) or (C,), or () for one. Errors: ShapeError where weight does not fit,
    DtypeError where the dtypes differ. Source: He et al. 2015, https://arxiv.org/abs/1502.01852

    Example:
        >>> mc.prelu(mc.tensor([-2.0, 3.0]), mc.tensor([0.25]))
        tensor([-0.5000,  3.0000])
    """
    x = floating("prelu", x)
    if weight.array.dtype != x.array.dtype:
        raise DtypeError("prelu: the dtypes differ", got=f"input {x.array.dtype}, weight {weight.array.dtype}",
                         rule="input and weight have one dtype", hint="weight.to(input.dtype)")
    if weight.ndim > 1:
        raise ShapeError("prelu: the weight has more than one dimension", got=f"weight {tuple(weight.shape)}",
                         rule="a weight for all, (1,), or one for each channel, (C,)")
    channels = x.array.shape[1] if x.ndim > 1 else 1
    if weight.array.size not in (1, channels):
        raise ShapeError(f"prelu: {weight.array.size} weights for {channels} channels",
                         got=f"input {tuple(x.shape)}, weight {tuple(weight.shape)}",
                         rule="weight.numel() is 1 or input.shape[1]", hint=f"PReLU(num_parameters={channels})")
    shape = (1, -1, *[1] * (x.ndim - 2)) if x.ndim > 1 else [1] * x.ndim
    return PReLU.apply(x, weight.reshape(shape))


def hardshrink(x: Tensor, lambd: float = 0.5) -> Tensor:
    """x, but 0 where |x| <= lambd. Shapes: any; the result has x's. Errors: DtypeError for integers.

    Example:
        >>> mc.tensor([-1.0, 0.2, 0.7]).hardshrink()
        tensor([-1.0000,  0.0000,  0.7000])
    """
    return Hardshrink.apply(floating("hardshrink", x), lambd=lambd)


def floating(name: str, x: Tensor) -> Tensor:
    """``x``, if it is floating point."""
    if x.array.dtype.kind != "f":
        raise DtypeError(f"{name}: the input is not floating point", got=x.array.dtype,
                         rule=f"{name} is defined for floating point tensors", hint="x.float()")
    return x


def number(name: str, x: Tensor) -> Tensor:
    """``x``, if it is not of bools."""
    if x.array.dtype.kind == "b":
        raise DtypeError(f"{name}: bools have no sign", got=x.array.dtype, rule=f"{name} is for numbers",
                         hint="x.float()")
    return x
