"""Reductions over dimensions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from minicnn.autograd.function import Function
from minicnn.onnx.table import Either, converter
from minicnn.onnx.trace import Value
from minicnn.ops import cumulate, extrema, reduce

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


def _reduced(g: Graph, kind: str, x: Value, dims: Dims, shape: Either) -> Any:
    """Over ``dims``, kept or not, which the number of dimensions of ``shape`` tells."""
    rank = len(x.shape)
    axes = tuple(range(rank)) if dims is None else dims
    if len(shape.first) == rank:
        return g.reduce(kind, x, axes, True) if rank else g.op("Identity", x)
    if len(shape.first) != rank - len(axes):
        raise g.refused("has a result of another shape", got=f"{x.shape} over {dims} to {shape.first}")
    return g.reduce(kind, x, axes, False)
