"""Normalisation, by known statistics and by the input's own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from minicnn.autograd import no_grad
from minicnn.onnx.table import converter
from minicnn.onnx.trace import Value
from minicnn.ops.compare import allclose
from minicnn.ops.norm import Normalise, ScaleShift
from minicnn.tensor import Tensor, wrap

if TYPE_CHECKING:
    from minicnn.onnx.graph import Graph


@converter(ScaleShift)
def scale_shift(g: Graph, x: Value, scale: Value, shift: Value) -> Any:
    """BatchNormalization by the running statistics of the layer, where it is these that were applied."""
    layer = g.step.layer
    if _is_by_running(layer, scale, shift):
        C = x.shape[1]
        weight, bias = (_vector(g, t, number, C, x) for t, number in ((layer.weight, 1), (layer.bias, 0)))
        mean, var = (g.known(t) for t in (layer.running_mean, layer.running_var))
        return g.op("BatchNormalization", x, weight, bias, mean, var, epsilon=float(layer.eps))
    return g.op("Add", g.op("Mul", x, scale), shift)


@converter(Normalise)
def normalise(
    g: Graph, x: Value, weight: Value | None, bias: Value | None, *,
    axes: tuple[int, ...], eps: float, groups: int | None = None, observe: Any = None,  # noqa: ARG001 (told in training)
) -> Any:  # fmt: skip
    """LayerNormalization, InstanceNormalization, groups as the instances of another shape, or the formula."""
    rank = len(x.shape)
    if groups is not None:
        return _by_groups(g, x, weight, bias, groups, eps)
    if rank > 2 and axes == tuple(range(2, rank)) and _per_channel(weight, bias, x.shape[1]):
        scale, shift = (_flat(g, t, number, x.shape[1], x) for t, number in ((weight, 1), (bias, 0)))
        return g.op("InstanceNormalization", x, scale, shift, epsilon=float(eps))
    sizes = x.shape[-len(axes) :]
    if axes == tuple(range(rank - len(axes), rank)) and all(t is None or t.shape == sizes for t in (weight, bias)):
        scale = weight if weight is not None else g.tensor([1.0] * _count(sizes), sizes, x.dtype)
        return g.op("LayerNormalization", x, scale, bias, axis=axes[0] - rank, epsilon=float(eps))
    centred = g.op("Sub", x, g.reduce("ReduceMean", x, axes, True))
    var = g.reduce("ReduceMean", g.op("Mul", centred, centred), axes, True)
    return _affine(g, g.op("Div", centred, g.op("Sqrt", g.op("Add", var, g.number(eps, x)))), weight, bias)


def _by_groups(g: Graph, x: Value, weight: Value | None, bias: Value | None, groups: int, eps: float) -> Any:
    C = x.shape[1]
    if g.opset >= 21:
        scale, shift = (_flat(g, t, number, C, x) for t, number in ((weight, 1), (bias, 0)))
        return g.op("GroupNormalization", x, scale, shift, num_groups=groups, epsilon=float(eps))
    ones, zeros = (g.tensor([number] * groups, (groups,), x.dtype) for number in (1.0, 0.0))
    rows = g.op("Reshape", x, g.ints([0, groups, -1]))
    y = g.op("InstanceNormalization", rows, ones, zeros, epsilon=float(eps))
    return _affine(g, g.op("Reshape", y, g.op("Shape", x)), weight, bias)


def _affine(g: Graph, y: str, weight: Value | None, bias: Value | None) -> str:
    y = y if weight is None else g.op("Mul", y, weight)
    return y if bias is None else g.op("Add", y, bias)


def _is_by_running(layer: Any, scale: Value, shift: Value) -> bool:
    """Whether scale and shift are what the running statistics of ``layer`` give."""
    mean, var = (getattr(layer, name, None) for name in ("running_mean", "running_var"))
    if mean is None or var is None or scale.array is None or shift.array is None:
        return False
    with no_grad():
        expected = (var + layer.eps) ** -0.5
        expected = expected if layer.weight is None else expected * layer.weight
        offset = -mean * expected if layer.bias is None else layer.bias - mean * expected
        return all(
            t.array.size == value.array.size and allclose(t, wrap(value.array.reshape(-1)))
            for t, value in ((expected, scale), (offset, shift))
        )


def _per_channel(weight: Value | None, bias: Value | None, channels: int) -> bool:
    return all(t is None or (t.array is not None and t.array.size == channels) for t in (weight, bias))


def _flat(g: Graph, values: Value | None, number: float, channels: int, like: Value) -> Any:
    """(1, C, 1, …) as the (C,) that it was made of; ``number`` C times where there is none."""
    if values is None:
        return g.tensor([float(number)] * channels, (channels,), like.dtype)
    source = values.source
    return source if source is not None and source.shape == (channels,) else g.op("Reshape", values, g.ints([-1]))


def _vector(g: Graph, values: Tensor | None, number: float, channels: int, like: Value) -> Any:
    return g.tensor([float(number)] * channels, (channels,), like.dtype) if values is None else g.known(values)


def _count(sizes: tuple[int, ...]) -> int:
    count = 1
    for size in sizes:
        count *= size
    return count
