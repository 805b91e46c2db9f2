"""Sums, products, quotients and powers of two operands, with broadcasting and PyTorch's promotion."""

from __future__ import annotations

import math
from typing import Any, TypeAlias

from minicnn.autograd.function import Function
from minicnn.autograd.inplace import apply_in_place, assign, check_writable
from minicnn.backend import backend_of
from minicnn.backend.numbers import quick
from minicnn.errors import DtypeError, OptionError
from minicnn.ops.operands import as_float, check_broadcast, choice, operands
from minicnn.tensor import Tensor

__all__ = [
    "add", "div", "divide", "mul", "multiply", "neg", "negative", "positive", "pow", "rsub", "sub", "subtract",
    "true_divide",
]  # fmt: skip
METHODS = (*__all__, "add_", "div_", "divide_", "mul_", "multiply_", "sub_", "subtract_", "true_divide_")
IN_PLACE = ("neg", "negative", "pow")
OPERATORS = {
    "__add__": "add", "__radd__": "add", "__sub__": "sub", "__rsub__": "rsub", "__mul__": "mul", "__rmul__": "mul",
    "__truediv__": "div", "__rtruediv__": "rdiv", "__pow__": "pow", "__rpow__": "rpow", "__neg__": "neg",
    "__pos__": "positive", "__iadd__": "add_", "__isub__": "sub_", "__imul__": "mul_", "__itruediv__": "div_",
    "__ipow__": "pow_",
}  # fmt: skip

Array = Any
Operand: TypeAlias = Tensor | float


class Add(Function):
    takes_out = True

    def forward(self, x: Array, y: Array, *, out: Array | None = None) -> Array:
        y = quick(y, x) if type(y) is float or type(y) is int else y
        return x + y if out is None else backend_of(out).xp.add(x, y, out=out)

    def grad_x(self, g: Tensor) -> Tensor:
        return g

    def grad_y(self, g: Tensor) -> Tensor:
        return g


class Sub(Function):
    takes_out = True

    def forward(self, x: Array, y: Array, *, out: Array | None = None) -> Array:
        y = quick(y, x) if type(y) is float or type(y) is int else y
        return x - y if out is None else backend_of(out).xp.subtract(x, y, out=out)

    def grad_x(self, g: Tensor) -> Tensor:
        return g

    def grad_y(self, g: Tensor) -> Tensor:
        return -g


class Mul(Function):
    takes_out = True

    def forward(self, x: Array, y: Array, *, out: Array | None = None) -> Array:
        y = quick(y, x) if type(y) is float or type(y) is int else y
        return x * y if out is None else backend_of(out).xp.multiply(x, y, out=out)

    def grad_x(self, g: Tensor, y: Any) -> Tensor:
        return Mul.apply(g, y)

    def grad_y(self, g: Tensor, x: Any) -> Tensor:
        return Mul.apply(g, x)


class Div(Function):
    takes_out = True

    def forward(self, x: Array, y: Array, *, out: Array | None = None) -> Array:
        y = quick(y, x) if type(y) is float or type(y) is int else y
        return x / y if out is None else backend_of(out).xp.divide(x, y, out=out)

    def grad_x(self, g: Tensor, y: Any) -> Tensor:
        return g / y

    def grad_y(self, g: Tensor, x: Any, y: Tensor) -> Tensor:
        return -g * x / (y * y)


class Neg(Function):
    def forward(self, x: Array) -> Array:
        return -x

    def grad_x(self, g: Tensor) -> Tensor:
        return -g


def _whole_power(xp: Any, x: Array, y: Array) -> Array:
    """x ** y of integers; of a negative y as in PyTorch the fraction is cut off, which leaves 0, but of x = ±1."""
    if not hasattr(y, "dtype"):
        if y < 0:
            raise OptionError("pow: an integer to a negative power", got=f"exponent {y}",
                              rule="integers have no fractions", hint="x.float()")
        return xp.power(x, y)
    lost = (y < 0) & (xp.abs(x) != 1)
    return xp.where(lost, xp.zeros_like(y), xp.power(x, xp.maximum(xp.abs(y), 0)))


class Pow(Function):
    """x ** y; at x = 0 the slope in y is 0 where y >= 0, as in PyTorch."""

    def forward(self, x: Array, y: Array) -> Array:
        backend = backend_of(x if hasattr(x, "dtype") else y)
        if (x if hasattr(x, "dtype") else y).dtype.kind in "iu":
            return _whole_power(backend.xp, x, y)
        return backend.xp.power(x, y)

    def grad_x(self, g: Tensor, x: Tensor, y: Any) -> Tensor:
        if not isinstance(y, Tensor):
            return g * (y * x ** (y - 1)) if y != 0 else g * 0.0
        return g * (y * x ** (y - 1)).masked_fill(y == 0, 0.0)

    def grad_y(self, g: Tensor, x: Any, y: Tensor, out: Tensor) -> Tensor:
        if not isinstance(x, Tensor):
            if x > 0:
                return g * out * math.log(x)
            return g * (out * (math.nan if x < 0 else -math.inf)).masked_fill(y >= 0, 0.0)
        slope = out * x.log()
        return g * slope.masked_fill((x == 0).logical_and(y >= 0), 0.0)


def add(x: Operand, y: Operand, *, alpha: float = 1) -> Tensor:
    """x + alpha · y.

    Shapes: x and y broadcast. Errors: ShapeError where they do not.

    Example:
        >>> mc.add(mc.tensor([1, 2]), 10)
        tensor([11, 12])
    """
    x, y = operands("add", x, y) if alpha == 1 else _scaled("add", x, y, alpha)
    return Add.apply(x, y)


def sub(x: Operand, y: Operand, *, alpha: float = 1) -> Tensor:
    """x − alpha · y. Shapes, errors: as ``add``; bool tensors have no difference."""
    _check_no_bools(x, y)
    x, y = operands("sub", x, y) if alpha == 1 else _scaled("sub", x, y, alpha)
    return Sub.apply(x, y)


def rsub(x: Operand, y: Operand, *, alpha: float = 1) -> Tensor:
    """y − alpha · x: ``sub`` with its operands exchanged."""
    return sub(y, x, alpha=alpha)


def mul(x: Operand, y: Operand) -> Tensor:
    """x · y, elementwise. Shapes, errors: as ``add``."""
    x, y = operands("mul", x, y)
    return Mul.apply(x, y)


def div(x: Operand, y: Operand, *, rounding_mode: str | None = None) -> Tensor:
    """x / y; of integers in the default float dtype. Shapes, errors: as ``add``.

    Args:
        x, y: operands that broadcast.
        rounding_mode: None for true division, ``"trunc"`` (towards zero) or ``"floor"``.
    """
    if rounding_mode is not None:
        from minicnn.ops.rounding import floor_divide, trunc_divide

        modes = {"floor": floor_divide, "trunc": trunc_divide}
        return modes[choice("div", "rounding_mode", rounding_mode, tuple(modes))](x, y)
    x, y = operands("div", x, y)
    return Div.apply(*(as_float(t) if isinstance(t, Tensor) else t for t in (x, y)))


def rdiv(x: Operand, y: Operand) -> Tensor:
    """y / x."""
    return div(y, x)


def rpow(x: Operand, base: Operand) -> Tensor:
    """base to the power of x."""
    return pow(base, x)


def positive(x: Tensor) -> Tensor:
    """+x: ``x`` itself."""
    if x.array.dtype.kind == "b":
        raise DtypeError("positive: + is not defined for bools", got=x.dtype, rule="+ is for numbers")
    return x


def neg(x: Tensor) -> Tensor:
    """−x."""
    if x.array.dtype.kind == "b":
        raise DtypeError("neg: bools have no negative", got=x.dtype, rule="- is for numbers", hint="x.logical_not()")
    return Neg.apply(x)


def pow(x: Operand, exponent: Operand) -> Tensor:
    """x to the power of ``exponent``, elementwise. Shapes, errors: as ``add``."""
    x, exponent = operands("pow", x, exponent)
    return Pow.apply(x, exponent)


def add_(x: Tensor, y: Operand, *, alpha: float = 1) -> Tensor:
    """x += alpha · y, in place."""
    return _in_place("add_", Add, x, y, alpha)


def sub_(x: Tensor, y: Operand, *, alpha: float = 1) -> Tensor:
    """x −= alpha · y, in place."""
    _check_no_bools(x, y)
    return _in_place("sub_", Sub, x, y, alpha)


def mul_(x: Tensor, y: Operand) -> Tensor:
    """x *= y, in place."""
    return _in_place("mul_", Mul, x, y)


def div_(x: Tensor, y: Operand) -> Tensor:
    """x /= y, in place."""
    return _in_place("div_", Div, x, y)


def _scaled(name: str, x: Any, y: Any, alpha: float) -> tuple[Any, Any]:
    """The operands x and alpha · y, a product in the result's dtype, so that no integer overflows on the way."""
    x, y = operands(name, x, y)
    kind = (x if isinstance(x, Tensor) else y).array.dtype.kind
    if kind != "f" and isinstance(alpha, float):
        raise DtypeError(f"{name}: alpha is a float, the sum is not", got=f"alpha={alpha}",
                         rule="alpha is an integer where x and y are", hint="x.float()")
    return x, y * (bool(alpha) if kind == "b" else alpha)


def _check_no_bools(*given: Any) -> None:
    if any(t.__class__ is bool or (isinstance(t, Tensor) and t.array.dtype.kind == "b") for t in given):
        raise DtypeError("sub: bools have no difference", got="a bool, or a tensor of them", rule="- is for numbers",
                         hint="x ^ y, or x.logical_not()")


def _in_place(name: str, cls: type[Function], x: Tensor, y: Operand, alpha: float = 1) -> Tensor:
    """The operation straight into x's memory where x keeps its dtype, else through a result that must fit it."""
    a, b = operands(name, x, y) if alpha == 1 else _scaled(name, x, y, alpha)
    if a is x and _fits(name, x, b) and (cls is not Div or x.array.dtype.kind == "f"):
        return apply_in_place(name, cls, x, b)
    check_writable(name, x)
    return assign(name, x, cls.apply(a, b))


def _fits(name: str, x: Tensor, y: Any) -> bool:
    """Whether what x and ``y`` broadcast to has x's shape. Errors: ShapeError where they do not broadcast."""
    if not isinstance(y, Tensor) or y.array.shape == x.array.shape:
        return True
    return check_broadcast(name, x.array.shape, y.array.shape) == x.array.shape


true_divide, true_divide_ = divide, divide_ = div, div_
multiply, multiply_, subtract, subtract_ = mul, mul_, sub, sub_
negative = neg
