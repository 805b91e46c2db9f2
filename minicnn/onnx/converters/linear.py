"""Matrix products, and the softmax that often follows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from minicnn.onnx.table import converter
from minicnn.onnx.trace import Value
from minicnn.ops.linalg import MatMul
from minicnn.ops.linear import Linear
from minicnn.ops.softmax import LogSoftmax, Softmax

if TYPE_CHECKING:
    from minicnn.onnx.graph import Graph


@converter(Linear)
def linear(g: Graph, x: Value, w: Value, b: Value | None) -> Any:
    """Gemm of a batch of rows; of any other x a product and a sum."""
    if len(x.shape) == 2:
        return g.op("Gemm", x, w, b, transB=1)
    y = g.op("MatMul", x, g.op("Transpose", w, perm=[1, 0]))
    return y if b is None else g.op("Add", y, b)


@converter(MatMul)
def matmul(g: Graph, x: Value, y: Value) -> Any:
    """MatMul."""
    return g.op("MatMul", x, y)


@converter(Softmax, LogSoftmax)
def softmax(g: Graph, x: Value, *, dim: int) -> Any:
    """Softmax, or its logarithm."""
    if not x.shape:  # ONNX's has an axis
        return g.op("Squeeze", g.op(g.step.kind.__name__, g.op("Unsqueeze", x, g.ints([0])), axis=0), g.ints([0]))
    return g.op(g.step.kind.__name__, x, axis=dim)
