"""Trigonometric and hyperbolic functions, element by element, of angles in radians."""

from __future__ import annotations

import math
from typing import Any

from minicnn.autograd.mode import mode
from minicnn.backend import backend_of
from minicnn.ops.filled import filled
from minicnn.ops.operands import as_float
from minicnn.ops.unary import Unary, elementwise, rsqrt
from minicnn.tensor import Tensor, wrap

__all__ = [
    "acos", "acosh", "arccos", "arccosh", "arcsin", "arcsinh", "arctan", "arctanh", "asin", "asinh", "atan",
    "atanh", "cos", "cosh", "deg2rad", "rad2deg", "sin", "sinh", "tan", "tanh",
]  # fmt: skip
METHODS = __all__
IN_PLACE = METHODS

Array = Any


class Sin(Unary):
    ufunc = "sin"

    def grad_x(self, g: Tensor, x: Tensor) -> Tensor:
        return g * cos(x)


class Cos(Unary):
    ufunc = "cos"

    def grad_x(self, g: Tensor, x: Tensor) -> Tensor:
        return -g * sin(x)


class Tan(Unary):
    ufunc = "tan"

    def grad_x(self, g: Tensor, out: Tensor) -> Tensor:
        return g * (1 + out * out)


class Asin(Unary):
    ufunc = "arcsin"

    def grad_x(self, g: Tensor, x: Tensor) -> Tensor:
        return g * rsqrt(1 - x * x)


class Acos(Unary):
    ufunc = "arccos"

    def grad_x(self, g: Tensor, x: Tensor) -> Tensor:
        return -g * rsqrt(1 - x * x)


class Atan(Unary):
    ufunc = "arctan"

    def grad_x(self, g: Tensor, x: Tensor) -> Tensor:
        return g / (x * x + 1)


class Sinh(Unary):
    ufunc = "sinh"

    def grad_x(self, g: Tensor, x: Tensor) -> Tensor:
        return g * cosh(x)


class Cosh(Unary):
    ufunc = "cosh"

    def grad_x(self, g: Tensor, x: Tensor) -> Tensor:
        return g * sinh(x)


class Tanh(Unary):
    ufunc = "tanh"

    def grad_x(self, g: Tensor, out: Tensor) -> Tensor:
        return g * (1 - out * out) if mode.grad else wrap(filled(_tanh_slope, g.array, out.array))


def _tanh_slope(out: Array, g: Array, y: Array) -> None:
    xp = backend_of(g).xp
    xp.multiply(y, y, out=out)
    xp.subtract(1, out, out=out)
    out *= g


class Asinh(Unary):
    ufunc = "arcsinh"

    def grad_x(self, g: Tensor, x: Tensor) -> Tensor:
        return g * rsqrt(x * x + 1)


class Acosh(Unary):
    ufunc = "arccosh"

    def grad_x(self, g: Tensor, x: Tensor) -> Tensor:
        return g * rsqrt(x * x - 1)


class Atanh(Unary):
    ufunc = "arctanh"

    def grad_x(self, g: Tensor, x: Tensor) -> Tensor:
        return g / (1 - x * x)


sin = elementwise("sin", Sin, "The sine of an angle in radians")
cos = elementwise("cos", Cos, "The cosine of an angle in radians")
tan = elementwise("tan", Tan, "The tangent of an angle in radians")
asin = arcsin = elementwise("asin", Asin, "The angle in [−π/2, π/2] whose sine is x")
acos = arccos = elementwise("acos", Acos, "The angle in [0, π] whose cosine is x")
atan = arctan = elementwise("atan", Atan, "The angle in [−π/2, π/2] whose tangent is x")
sinh = elementwise("sinh", Sinh, "(eˣ − e⁻ˣ) / 2")
cosh = elementwise("cosh", Cosh, "(eˣ + e⁻ˣ) / 2")
tanh = elementwise("tanh", Tanh, "(eˣ − e⁻ˣ) / (eˣ + e⁻ˣ)")
asinh = arcsinh = elementwise("asinh", Asinh, "The inverse of sinh")
acosh = arccosh = elementwise("acosh", Acosh, "The inverse of cosh on x >= 1")
atanh = arctanh = elementwise("atanh", Atanh, "The inverse of tanh on −1 <= x <= 1")


def deg2rad(x: Tensor) -> Tensor:
    """Degrees in radians: x · π / 180."""
    return as_float(x) * (math.pi / 180)


def rad2deg(x: Tensor) -> Tensor:
    """Radians in degrees: x · 180 / π."""
    return as_float(x) * (180 / math.pi)
