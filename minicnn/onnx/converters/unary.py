"""Functions of one tensor, element by element."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from minicnn.autograd.function import Function
from minicnn.onnx.table import converter
from minicnn.onnx.trace import Value
from minicnn.ops import arithmetic, compare, convert, rounding, unary
from minicnn.ops import trigonometry as angles

if TYPE_CHECKING:
    from minicnn.onnx.graph import Graph

SAME: dict[type[Function], str] = {
    unary.Abs: "Abs", unary.Exp: "Exp", unary.Log: "Log", unary.Sqrt: "Sqrt", unary.Reciprocal: "Reciprocal",
    unary.Sigmoid: "Sigmoid", unary.Sign: "Sign", unary.Erf: "Erf", arithmetic.Neg: "Neg", angles.Sin: "Sin",
    angles.Cos: "Cos", angles.Tan: "Tan", angles.Asin: "Asin", angles.Acos: "Acos", angles.Atan: "Atan",
    angles.Sinh: "Sinh", angles.Cosh: "Cosh", angles.Tanh: "Tanh", angles.Asinh: "Asinh", angles.Acosh: "Acosh",
    angles.Atanh: "Atanh",
}  # fmt: skip
"""Operations that ONNX has under a name of its own."""

STEPS = {"floor": "Floor", "ceil": "Ceil"}


@converter(*SAME)
def same(g: Graph, x: Value) -> Any:
    """The node of the same meaning."""
    return g.op(SAME[g.step.kind], x)


@converter(unary.Square)
def square(g: Graph, x: Value) -> Any:
    """x · x."""
    return g.op("Mul", x, x)


@converter(unary.Rsqrt)
def rsqrt(g: Graph, x: Value) -> Any:
    """1 / √x."""
    return g.op("Reciprocal", g.op("Sqrt", x))


@converter(unary.Exp2)
def exp2(g: Graph, x: Value) -> Any:
    """2 to the power of x."""
    return g.op("Pow", g.number(2, x), x)


@converter(unary.Expm1)
def expm1(g: Graph, x: Value) -> Any:
    """exp(x) − 1."""
    return g.op("Sub", g.op("Exp", x), g.number(1, x))


@converter(unary.Log1p)
def log1p(g: Graph, x: Value) -> Any:
    """log(1 + x)."""
    return g.op("Log", g.op("Add", x, 1))


@converter(unary.Log2, unary.Log10)
def log_of_base(g: Graph, x: Value) -> Any:
    """log(x) / log(base)."""
    base = 2 if g.step.kind is unary.Log2 else 10
    return g.op("Div", g.op("Log", x), g.number(math.log(base), x))


@converter(unary.Erfc)
def erfc(g: Graph, x: Value) -> Any:
    """1 − erf(x)."""
    return g.op("Sub", g.number(1, x), g.op("Erf", x))


@converter(rounding.Step)
def step(g: Graph, x: Value, *, kernel: str) -> Any:
    """Floor, ceil, or, towards zero, sign(x) · floor(|x|)."""
    if kernel in STEPS:
        return g.op(STEPS[kernel], x)
    return g.op("Mul", g.op("Sign", x), g.op("Floor", g.op("Abs", x)))


@converter(rounding.Round)
def round(g: Graph, x: Value, *, decimals: int) -> Any:
    """To the nearest, halves to the even one; of decimals, scaled by a power of ten."""
    if not decimals:
        return g.op("Round", x)
    scale = g.number(10.0**decimals, x)
    return g.op("Div", g.op("Round", g.op("Mul", x, scale)), scale)


@converter(convert.Cast)
def cast(g: Graph, x: Value, *, dtype: Any) -> Any:
    """Cast."""
    return g.op("Cast", x, to=g.dtype(dtype))


@converter(compare.Examine)
def examine(g: Graph, x: Value, *, kernel: str) -> Any:
    """Whether x is NaN, infinite, or 0."""
    infinite = {"isinf": (1, 1), "isposinf": (0, 1), "isneginf": (1, 0)}.get(kernel)
    if infinite is not None:
        return g.op("IsInf", x, detect_negative=infinite[0], detect_positive=infinite[1])
    if kernel == "isnan":
        return g.op("IsNaN", x)
    if kernel == "isfinite":
        return g.op("Not", g.op("Or", g.op("IsNaN", x), g.op("IsInf", x)))
    if kernel == "logical_not" or x.dtype.kind == "b":  # the other is bitwise_not
        return g.op("Not", g.op("Cast", x, to=g.dtype("bool")))
    raise g.refused("has no counterpart in ONNX", got=kernel)
