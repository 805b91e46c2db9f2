"""Functions of two tensors or more, element by element; they broadcast as NumPy's do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from minicnn.autograd.function import Function
from minicnn.onnx.table import converter
from minicnn.onnx.trace import Value
from minicnn.ops import arithmetic, compare, fill, pointwise, rounding

if TYPE_CHECKING:
    from minicnn.onnx.graph import Graph

Operand = Value | float

SAME: dict[type[Function], str] = {
    arithmetic.Add: "Add", arithmetic.Sub: "Sub", arithmetic.Mul: "Mul", arithmetic.Div: "Div", arithmetic.Pow: "Pow",
    pointwise.Maximum: "Max", pointwise.Minimum: "Min",
}  # fmt: skip

COMPARISONS = {
    "equal": "Equal", "less": "Less", "less_equal": "LessOrEqual", "greater": "Greater",
    "greater_equal": "GreaterOrEqual", "logical_and": "And", "logical_or": "Or", "logical_xor": "Xor",
    "bitwise_and": "And", "bitwise_or": "Or", "bitwise_xor": "Xor",
}  # fmt: skip
LOGIC = ("And", "Or", "Xor")


@converter(*SAME)
def same(g: Graph, x: Operand, y: Operand) -> Any:
    """The node of the same meaning."""
    return g.op(SAME[g.step.kind], x, y)


@converter(rounding.FloorDivide)
def floor_divide(g: Graph, x: Operand, y: Operand) -> Any:
    """⌊x / y⌋; ONNX's quotient of integers is cut, but not that of a multiple."""
    if g.step.outputs[0].dtype.kind == "f":
        return g.op("Floor", g.op("Div", x, y))
    return g.op("Div", *_operands(g, g.op("Sub", x, _remainder(g, x, y)), y))


@converter(rounding.Remainder)
def remainder(g: Graph, x: Operand, y: Operand) -> Any:
    """x − ⌊x / y⌋ · y, which has the sign of y."""
    return _remainder(g, x, y)


@converter(compare.Compare)
def comparison(g: Graph, x: Operand, y: Operand, *, kernel: str) -> Any:
    """A comparison, or logic, for which any number but 0 is true."""
    if kernel == "not_equal":
        return g.op("Not", g.op("Equal", x, y))
    kind = COMPARISONS.get(kernel)
    integers = any(isinstance(t, Value) and t.dtype.kind != "b" for t in (x, y))
    if kind is None or (kernel.startswith("bitwise") and integers):
        raise g.refused("has no counterpart in ONNX", got=f"{kernel} of {', '.join(str(t) for t in (x, y))}")
    return g.op(kind, *((_truth(g, t) for t in (x, y)) if kind in LOGIC else (x, y)))


@converter(compare.Where)
def where(g: Graph, condition: Value, x: Operand, y: Operand) -> Any:
    """x where the condition holds, else y."""
    return _chosen(g, condition, x, y)


@converter(fill.MaskedFill)
def masked_fill(g: Graph, x: Value, mask: Value, value: Operand) -> Any:
    """value where the mask is True, else x."""
    return _chosen(g, mask, value, x)


@converter(fill.Fill, fill.Copy)
def copy(g: Graph, x: Value, value: Operand) -> Any:
    """The values in the shape of what they are written to."""
    return g.op("Expand", value if isinstance(value, Value) else g.number(value, x), g.op("Shape", x))


@converter(pointwise.Clamp)
def clamp(g: Graph, x: Value, low: Operand | None, high: Operand | None) -> Any:
    """Clip by numbers, a maximum and a minimum by tensors."""
    if not any(isinstance(bound, Value) for bound in (low, high)):
        return g.op("Clip", x, low, high)
    y: Any = x if low is None else g.op("Max", x, low)
    return y if high is None else g.op("Min", y, high if isinstance(high, Value) else g.number(high, x))


@converter(pointwise.Lerp)
def lerp(g: Graph, x: Value, y: Value, w: Operand) -> Any:
    """x + w · (y − x)."""
    weight = w if isinstance(w, Value) else g.number(w, x)
    return g.op("Add", x, g.op("Mul", weight, g.op("Sub", y, x)))


def _remainder(g: Graph, x: Operand, y: Operand) -> Any:
    if g.step.outputs[0].dtype.kind != "f":
        return g.op("Mod", x, y)
    whole = g.op("Floor", g.op("Div", x, y))
    return g.op("Sub", x, g.op("Mul", *_operands(g, whole, y)))


def _operands(g: Graph, x: str, y: Operand) -> tuple[Any, Any]:
    return x, y if isinstance(y, Value) else g.number(y, g.step.outputs[0])


def _chosen(g: Graph, condition: Value, x: Operand, y: Operand) -> Any:
    like = next((t for t in (x, y) if isinstance(t, Value)), g.step.outputs[0])
    return g.op("Where", condition, *(t if isinstance(t, Value) else g.number(t, like) for t in (x, y)))


def _truth(g: Graph, x: Operand) -> Any:
    if not isinstance(x, Value):
        return g.tensor([bool(x)], (), "bool")
    return x if x.dtype.kind == "b" else g.op("Cast", x, to=g.dtype("bool"))
