"""Reductions over dimensions."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from minicnn.autograd.function import Function
from minicnn.onnx.table import Either, converter
from minicnn.onnx.trace import Value
from minicnn.ops import compare, cumulate, extrema, reduce, statistics

if TYPE_CHECKING:
    from minicnn.onnx.graph import Graph

Dims = tuple[int, ...] | None

SAME: dict[type[Function], str] = {reduce.Sum: "ReduceSum", reduce.Mean: "ReduceMean",
                                   reduce.LogSumExp: "ReduceLogSumExp"}  # fmt: skip
EXTREMA = {"max": "ReduceMax", "min": "ReduceMin"}


@converter(*SAME, free=("shape",))
def same(g: Graph, x: Value, *, dims: Dims, shape: Either) -> Any:
    """The node of the same meaning."""
    return _reduced(g, SAME[g.step.kind], x, dims, shape, _as_result(g, x))


@converter(cumulate.Prod, free=("shape",))
def prod(g: Graph, x: Value, *, dim: int, shape: Either) -> Any:
    """ReduceProd."""
    return _reduced(g, "ReduceProd", x, (dim,), shape, _as_result(g, x))


@converter(statistics.Var, statistics.Std, free=("shape",))
def variance(g: Graph, x: Value, *, dims: Dims, shape: Either, correction: float) -> Any:
    """The mean square distance from the mean, as many times as the correction says; its root."""
    axes = range(len(x.shape)) if dims is None else dims
    if any(x.sizes[axis] is None for axis in axes):
        raise g.refused("is over a size that is free", got=f"dims {dims}")
    n = math.prod(x.shape[axis] for axis in axes)
    centred = g.op("Sub", x, g.reduce("ReduceMean", x, tuple(axes), True))
    squares = _reduced(g, "ReduceMean", x, dims, shape, g.op("Mul", centred, centred))
    var = g.op("Mul", squares, g.number(n / max(n - correction, 0), x)) if correction else squares
    return g.op("Sqrt", var) if g.step.kind is statistics.Std else var


@converter(statistics.Norm, free=("shape",))
def norm(g: Graph, x: Value, *, p: float, dims: Dims, shape: Either) -> Any:
    """ReduceL1, ReduceL2, or the root of a sum of powers."""
    if p in (1, 2):
        return _reduced(g, f"ReduceL{int(p)}", x, dims, shape)
    powers = g.op("Pow", g.op("Abs", x), g.number(p, x))
    return g.op("Pow", _reduced(g, "ReduceSum", x, dims, shape, powers), g.number(1 / p, x))


@converter(extrema.Amax, extrema.Max, free=("shape",))
def extremum(g: Graph, x: Value, *, kernel: str, dims: Dims, shape: Either) -> Any:
    """The greatest or the least."""
    return _reduced(g, EXTREMA[kernel], x, dims, shape)


@converter(cumulate.CumSum)
def cumsum(g: Graph, x: Value, *, dim: int, backwards: bool = False) -> Any:
    """Sums of all elements so far."""
    return g.op("CumSum", _as_result(g, x), g.tensor([dim], (), "int64"), reverse=int(backwards))


@converter(extrema.Argument)
def argument(g: Graph, x: Value, *, kernel: str, dim: int) -> Any:
    """Where the first greatest or least is."""
    return g.op("ArgMax" if kernel == "argmax" else "ArgMin", x, axis=dim)


@converter(extrema.Pick)
def pick(g: Graph, x: Value, index: Value, *, dim: int) -> Any:
    """The elements at the positions ``index``."""
    return g.op("GatherElements", x, index, axis=dim)


@converter(compare.Reduced, free=("shape",))
def truth(g: Graph, x: Value, *, kernel: str, dims: Dims, shape: Either) -> Any:
    """Whether any element is not 0, or all are not: the greatest or the least of 0 and 1."""
    bits = g.op("Cast", g.op("Cast", x, to=g.dtype("bool")), to=g.dtype("int32"))
    found = bits if dims == () else _reduced(g, "ReduceMax" if kernel == "any" else "ReduceMin", x, dims, shape, bits)
    return g.op("Cast", found, to=g.dtype("bool"))


def _as_result(g: Graph, x: Value) -> Any:
    """x in the result's dtype: bools are summed as integers."""
    dtype = g.step.outputs[0].dtype
    return x if x.dtype == dtype else g.op("Cast", x, to=g.dtype(dtype))


def _reduced(g: Graph, kind: str, x: Value, dims: Dims, shape: Either, values: Any = None) -> Any:
    """Over ``dims``, kept or not, which the number of dimensions of ``shape`` tells; of x, or of ``values`` like it."""
    rank = len(x.shape)
    axes = tuple(range(rank)) if dims is None else dims
    rows = x if values is None else values
    if len(shape.first) == rank:
        return g.reduce(kind, rows, axes, True) if rank else g.op("Identity", rows)
    if len(shape.first) != rank - len(axes):
        raise g.refused("has a result of another shape", got=f"{x.shape} over {dims} to {shape.first}")
    return g.reduce(kind, rows, axes, False)
