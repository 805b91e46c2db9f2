"""Reductions over dimensions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from minicnn.autograd.function import Function
from minicnn.onnx.table import Either, converter
from minicnn.onnx.trace import Value
from minicnn.ops import compare, cumulate, extrema, reduce

if TYPE_CHECKING:
    from minicnn.onnx.graph import Graph

Dims = tuple[int, ...] | None

SAME: dict[type[Function], str] = {reduce.Sum: "ReduceSum", reduce.Mean: "ReduceMean",
                                   reduce.LogSumExp: "ReduceLogSumExp"}  # fmt: skip
EXTREMA = {"max": "ReduceMax", "min": "ReduceMin"}


@converter(*SAME, free=("shape",))
def same(g: Graph, x: Value, *, dims: Dims, shape: Either) -> Any:
    """The node of the same meaning."""
    return _reduced(g, SAME[g.step.kind], x, dims, shape)


@converter(extrema.Amax, extrema.Max, free=("shape",))
def extremum(g: Graph, x: Value, *, kernel: str, dims: Dims, shape: Either) -> Any:
    """The greatest or the least."""
    return _reduced(g, EXTREMA[kernel], x, dims, shape)


@converter(cumulate.CumSum)
def cumsum(g: Graph, x: Value, *, dim: int, backwards: bool = False) -> Any:
    """Sums of all elements so far."""
    return g.op("CumSum", x, g.tensor([dim], (), "int64"), reverse=int(backwards))


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


def _reduced(g: Graph, kind: str, x: Value, dims: Dims, shape: Either, values: str | None = None) -> Any:
    """Over ``dims``, kept or not, which the number of dimensions of ``shape`` tells; of x, or of ``values`` like it."""
    rank = len(x.shape)
    axes = tuple(range(rank)) if dims is None else dims
    rows = x if values is None else values
    if len(shape.first) == rank:
        return g.reduce(kind, rows, axes, True) if rank else g.op("Identity", rows)
    if len(shape.first) != rank - len(axes):
        raise g.refused("has a result of another shape", got=f"{x.shape} over {dims} to {shape.first}")
    return g.reduce(kind, rows, axes, False)
