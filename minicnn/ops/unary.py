"""Functions of one tensor, element by element: powers, exponentials, logarithms, errors.

Integers and bools are taken in the default float dtype, except where an integer's result is an integer.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from minicnn.autograd.function import Function
from minicnn.autograd.mode import mode
from minicnn.backend import backend_of
from minicnn.errors import DtypeError
from minicnn.ops.filled import filled
from minicnn.ops.naming import named
from minicnn.ops.operands import as_float
from minicnn.tensor import Tensor, wrap

__all__ = [
    "abs", "absolute", "erf", "erfc", "erfinv", "exp", "exp2", "expm1", "log", "log10", "log1p", "log2", "logit",
    "nan_to_num", "reciprocal", "rsqrt", "sigmoid", "sgn", "sign", "sqrt", "square",
]  # fmt: skip
METHODS = __all__
IN_PLACE = METHODS
OPERATORS = {"__abs__": "abs"}

Array = Any


class Unary(Function):
    """The array library's function ``ufunc`` of x."""

    ufunc: str

    def forward(self, x: Array) -> Array:
        backend = backend_of(x)
        return getattr(backend.xp, self.ufunc)(x)


class Exp(Unary):
    ufunc = "exp"

    def grad_x(self, g: Tensor, out: Tensor) -> Tensor:
        return g * out


class Exp2(Unary):
    ufunc = "exp2"

    def grad_x(self, g: Tensor, out: Tensor) -> Tensor:
        return g * out * math.log(2)


class Expm1(Unary):
    ufunc = "expm1"

    def grad_x(self, g: Tensor, out: Tensor) -> Tensor:
        return g * (out + 1)


class Log(Unary):
    ufunc = "log"

    def grad_x(self, g: Tensor, x: Tensor) -> Tensor:
        return g / x


class Log2(Unary):
    ufunc = "log2"

    def grad_x(self, g: Tensor, x: Tensor) -> Tensor:
        return g / (x * math.log(2))


class Log10(Unary):
    ufunc = "log10"

    def grad_x(self, g: Tensor, x: Tensor) -> Tensor:
        return g / (x * math.log(10))


class Log1p(Unary):
    ufunc = "log1p"

    def grad_x(self, g: Tensor, x: Tensor) -> Tensor:
        return g / (x + 1)


class Sqrt(Unary):
    ufunc = "sqrt"

    def grad_x(self, g: Tensor, out: Tensor) -> Tensor:
        return g / (2 * out)


class Rsqrt(Function):
    def forward(self, x: Array) -> Array:
        backend = backend_of(x)
        return 1 / backend.xp.sqrt(x)

    def grad_x(self, g: Tensor, out: Tensor) -> Tensor:
        return -0.5 * g * (out * out * out)


class Square(Unary):
    ufunc = "square"

    def grad_x(self, g: Tensor, x: Tensor) -> Tensor:
        return g * (2 * x)


class Reciprocal(Unary):
    ufunc = "reciprocal"

    def grad_x(self, g: Tensor, out: Tensor) -> Tensor:
        return -g * (out * out)


class Abs(Unary):
    """|x|; the slope at 0, and at NaN, is 0."""

    ufunc = "abs"

    def grad_x(self, g: Tensor, x: Tensor) -> Tensor:
        return g * sgn(x)


class Sign(Function):
    """1, 0 or −1; 0 of NaN, as in PyTorch."""

    def forward(self, x: Array) -> Array:
        return (x > 0).astype(x.dtype) - (x < 0).astype(x.dtype) if x.dtype.kind != "b" else x.copy()

    def grad_x(self, g: Tensor) -> Tensor:
        return zero_slope(g)


class Sigmoid(Function):
    """1 / (1 + exp(−x)); where exp overflows, the quotient is the right 0."""

    def forward(self, x: Array) -> Array:
        return filled(sigmoid_formula, x)

    def grad_x(self, g: Tensor, out: Tensor) -> Tensor:
        return g * (out * (1 - out)) if mode.grad else wrap(filled(_sigmoid_slope, g.array, out.array))


def sigmoid_formula(out: Array, x: Array) -> None:
    """out = 1 / (1 + exp(−x))."""
    xp = backend_of(x).xp
    xp.negative(x, out=out)
    xp.exp(out, out=out)
    out += 1
    xp.divide(1, out, out=out)


def _sigmoid_slope(out: Array, g: Array, y: Array) -> None:
    backend_of(g).xp.subtract(1, y, out=out)
    out *= y
    out *= g


class Logit(Function):
    """log(x / (1 − x))."""

    def forward(self, x: Array) -> Array:
        backend = backend_of(x)
        return backend.xp.log(x / (1 - x))

    def grad_x(self, g: Tensor, x: Tensor) -> Tensor:
        slope = (x * (1 - x)).abs()  # of −0, too, the gradient is +inf · g
        return g / slope.masked_fill((x < 0).logical_or(x > 1), math.nan)


class Erf(Function):
    def forward(self, x: Array) -> Array:
        return backend_of(x).erf(x)

    def grad_x(self, g: Tensor, x: Tensor) -> Tensor:
        return g * (exp(-x * x) * (2 / math.sqrt(math.pi)))


class Erfc(Function):
    def forward(self, x: Array) -> Array:
        return backend_of(x).erfc(x)

    def grad_x(self, g: Tensor, x: Tensor) -> Tensor:
        return g * (exp(-x * x) * (-2 / math.sqrt(math.pi)))


class Erfinv(Function):
    def forward(self, x: Array) -> Array:
        return backend_of(x).erfinv(x)

    def grad_x(self, g: Tensor, out: Tensor) -> Tensor:
        return g * (exp(out * out) * (math.sqrt(math.pi) / 2))


class NanToNum(Function):
    """x with numbers for NaN and ±inf; no gradient flows to these."""

    def forward(self, x: Array, *, nan: float, posinf: float | None, neginf: float | None) -> Array:
        return backend_of(x).xp.nan_to_num(x, nan=nan, posinf=posinf, neginf=neginf)

    def grad_x(self, g: Tensor, x: Tensor) -> Tensor:
        return g.masked_fill(~x.isfinite(), 0.0)


def zero_slope(g: Tensor) -> Tensor:
    """The gradient of a step: 0 whatever ``g`` is."""
    return wrap(backend_of(g.array).xp.zeros_like(g.array))


def elementwise(name: str, operation: type[Function], text: str) -> Callable[[Tensor], Tensor]:
    """The public function of an operation that computes in floating point."""

    def function(x: Tensor) -> Tensor:
        return operation.apply(as_float(x))

    return named(function, name, f"{text}, elementwise.")


exp = elementwise("exp", Exp, "eˣ")
exp2 = elementwise("exp2", Exp2, "2ˣ")
expm1 = elementwise("expm1", Expm1, "eˣ − 1, without the cancellation near 0")
log = elementwise("log", Log, "The natural logarithm: −inf at 0, NaN below")
log2 = elementwise("log2", Log2, "The logarithm to base 2")
log10 = elementwise("log10", Log10, "The logarithm to base 10")
log1p = elementwise("log1p", Log1p, "log(1 + x), exact near 0")
sqrt = elementwise("sqrt", Sqrt, "√x; NaN of negative numbers, and a slope of inf at 0")
rsqrt = elementwise("rsqrt", Rsqrt, "1 / √x")
reciprocal = elementwise("reciprocal", Reciprocal, "1 / x")
sigmoid = elementwise("sigmoid", Sigmoid, "1 / (1 + e⁻ˣ)")
erf = elementwise("erf", Erf, "The error function 2/√π ∫₀ˣ exp(−t²) dt")
erfc = elementwise("erfc", Erfc, "1 − erf(x), without the cancellation at large x")
erfinv = elementwise("erfinv", Erfinv, "The inverse of erf on −1 <= x <= 1")


def square(x: Tensor) -> Tensor:
    """x², elementwise; of integers, integers."""
    return Square.apply(x) if x.array.dtype.kind != "b" else x * 1


def abs(x: Tensor) -> Tensor:
    """|x|, elementwise; of integers, integers. The slope at 0 is 0."""
    if x.array.dtype.kind == "b":
        raise DtypeError("abs: bools have no sign", got=x.array.dtype, rule="abs is for numbers", hint="x itself")
    return Abs.apply(x)


def sign(x: Tensor) -> Tensor:
    """1 where x > 0, −1 where x < 0, else 0, in x's dtype. Its gradient is 0."""
    return Sign.apply(x)


def logit(x: Tensor, eps: float | None = None) -> Tensor:
    """log(x / (1 − x)), the inverse of sigmoid, elementwise; with ``eps``, of x clamped to [eps, 1 − eps]."""
    x = as_float(x)
    if eps is not None:
        x = x.clamp(max=1 - eps).masked_fill(x < eps, eps)  # where the bounds cross, the lower is stronger
    return Logit.apply(x)


def nan_to_num(x: Tensor, nan: float = 0.0, posinf: float | None = None, neginf: float | None = None) -> Tensor:
    """x with ``nan`` for NaN, and ``posinf`` and ``neginf`` (the dtype's extremes where None) for the infinities.

    Example:
        >>> mc.tensor([1.0, float("nan")]).nan_to_num()
        tensor([1., 0.])
    """
    if x.array.dtype.kind != "f":
        return x.clone()
    return NanToNum.apply(x, nan=nan, posinf=posinf, neginf=neginf)


absolute, sgn = abs, sign
