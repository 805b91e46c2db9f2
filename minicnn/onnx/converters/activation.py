"""Activations, straight and smooth."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from minicnn.autograd.function import Function
from minicnn.onnx.table import converter
from minicnn.onnx.trace import Value
from minicnn.ops import activation, smooth

if TYPE_CHECKING:
    from minicnn.onnx.graph import Graph

SAME: dict[type[Function], str] = {activation.ReLU: "Relu", activation.Hardswish: "HardSwish",
                                   activation.PReLU: "PRelu"}  # fmt: skip


@converter(activation.ReLU, activation.Hardswish)
def same(g: Graph, x: Value) -> Any:
    """The node of the same meaning."""
    return g.op(SAME[g.step.kind], x)


@converter(activation.PReLU)
def prelu(g: Graph, x: Value, weight: Value) -> Any:
    """x where x > 0, else weight · x."""
    return g.op("PRelu", x, weight)


@converter(activation.LeakyReLU)
def leaky_relu(g: Graph, x: Value, *, slope: float) -> Any:
    """x where x > 0, else slope · x."""
    return g.op("LeakyRelu", x, alpha=float(slope))


@converter(activation.Hardtanh)
def hardtanh(g: Graph, x: Value, *, low: float, high: float) -> Any:
    """x between two bounds."""
    return g.op("Clip", x, low, high)


@converter(activation.Hardsigmoid)
def hardsigmoid(g: Graph, x: Value) -> Any:
    """x / 6 + 1/2 between 0 and 1."""
    return g.op("HardSigmoid", x, alpha=1 / 6, beta=0.5)


@converter(activation.Threshold)
def threshold(g: Graph, x: Value, *, threshold: float, value: float) -> Any:
    """x where x > threshold, else value."""
    return g.op("Where", g.op("LessOrEqual", x, threshold), g.number(value, x), x)


@converter(activation.Hardshrink)
def hardshrink(g: Graph, x: Value, *, lambd: float) -> Any:
    """0 where |x| <= lambd, else x."""
    return g.op("Shrink", x, lambd=float(lambd), bias=0.0)


@converter(activation.Softshrink)
def softshrink(g: Graph, x: Value, *, lambd: float) -> Any:
    """x moved by lambd towards 0."""
    return g.op("Shrink", x, lambd=float(lambd), bias=float(lambd))


@converter(smooth.SiLU)
def silu(g: Graph, x: Value) -> Any:
    """x · sigmoid(x)."""
    return g.op("Mul", x, g.op("Sigmoid", x))


@converter(smooth.LogSigmoid)
def log_sigmoid(g: Graph, x: Value) -> Any:
    """−softplus(−x)."""
    return g.op("Neg", g.op("Softplus", g.op("Neg", x)))


@converter(smooth.Softplus)
def softplus(g: Graph, x: Value, *, beta: float, threshold: float) -> Any:
    """log(1 + exp(beta · x)) / beta, and x itself where beta · x > threshold."""
    scaled = g.op("Mul", x, beta)
    curve = g.op("Div", g.op("Softplus", scaled), g.number(beta, x))
    return g.op("Where", g.op("Greater", scaled, g.number(threshold, x)), x, curve)


@converter(smooth.Mish)
def mish(g: Graph, x: Value) -> Any:
    """x · tanh(softplus(x))."""
    return g.op("Mul", x, g.op("Tanh", g.op("Softplus", x)))


@converter(smooth.ELU)
def elu(g: Graph, x: Value, *, alpha: float, scale: float = 1.0, input_scale: float = 1.0) -> Any:
    """scale · x where x > 0, else scale · alpha · (exp(input_scale · x) − 1): ELU, SELU and CELU."""
    if scale == input_scale == 1:
        return g.op("Elu", x, alpha=float(alpha))
    if input_scale == 1:
        return g.op("Selu", x, alpha=float(alpha), gamma=float(scale))
    if scale == 1 and math.isclose(alpha * input_scale, 1):
        return g.op("Celu", x, alpha=float(alpha))
    below = g.op("Mul", g.op("Elu", g.op("Mul", x, input_scale)), g.number(alpha * scale, x))
    return g.op("Where", g.op("LessOrEqual", x, 0), below, g.op("Mul", x, scale))


@converter(smooth.GELU)
def gelu(g: Graph, x: Value) -> Any:
    """x · (1 + erf(x / √2)) / 2, a node of its own from opset 20 on."""
    if g.opset >= 20:
        return g.op("Gelu", x)
    bell = g.op("Add", g.op("Erf", g.op("Mul", x, math.sqrt(0.5))), g.number(1, x))
    return g.op("Mul", g.op("Mul", x, 0.5), bell)


@converter(smooth.TanhGELU)
def tanh_gelu(g: Graph, x: Value) -> Any:
    """x · (1 + tanh(√(2/π) · (x + 0.044715 · x³))) / 2."""
    if g.opset >= 20:
        return g.op("Gelu", x, approximate="tanh")
    cube = g.op("Mul", g.op("Mul", g.op("Mul", x, x), x), g.number(0.044715, x))
    bend = g.op("Tanh", g.op("Mul", g.op("Add", x, cube), g.number(math.sqrt(2 / math.pi), x)))
    return g.op("Mul", g.op("Mul", x, 0.5), g.op("Add", bend, g.number(1, x)))
