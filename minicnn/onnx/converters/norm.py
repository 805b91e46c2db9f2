"""Normalisation, by known statistics and by the input's own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from minicnn.autograd import no_grad
from minicnn.onnx.table import converter
from minicnn.onnx.trace import Value
from minicnn.ops.compare import allclose
from minicnn.ops.norm import Normalise, ScaleShift
from minicnn.tensor import wrap

if TYPE_CHECKING:
    from minicnn.onnx.graph import Graph


@converter(ScaleShift)
def scale_shift(g: Graph, x: Value, scale: Value, shift: Value) -> Any:
    """BatchNormalization by the running statistics of the layer, where it is these that were applied."""
    layer = g.step.layer
    if _is_by_running(layer, scale, shift):
        weight, bias = (_or_constant(g, t if t is None else g.known(t), number, x)
                        for t, number in ((layer.weight, 1), (layer.bias, 0)))  # fmt: skip
        mean, var = (g.known(t) for t in (layer.running_mean, layer.running_var))
        return g.op("BatchNormalization", x, weight, bias, mean, var, epsilon=float(layer.eps))
    return g.op("Add", g.op("Mul", x, scale), shift)


@converter(Normalise)
def normalise(
    g: Graph, x: Value, weight: Value | None, bias: Value | None, *,
    axes: tuple[int, ...], eps: float, groups: int | None = None, by_channel: bool = False,
    observe: Any = None,  # noqa: ARG001 (told in training)
) -> Any:  # fmt: skip
    """LayerNormalization, InstanceNormalization, groups as the instances of another shape, or the formula."""
    rank = len(x.shape)
    if groups is not None:
        return _by_groups(g, x, weight, bias, groups, eps)
    if rank > 2 and axes == tuple(range(2, rank)) and by_channel:
        scale, shift = (_or_constant(g, t, number, x) for t, number in ((weight, 1), (bias, 0)))
        return g.op("InstanceNormalization", x, scale, shift, epsilon=float(eps))
    sizes = x.shape[-len(axes) :]
    if axes == tuple(range(rank - len(axes), rank)) and not by_channel:
        scale = weight if weight is not None else g.tensor([1.0] * _count(sizes), sizes, x.dtype)
        return g.op("LayerNormalization", x, scale, bias, axis=axes[0] - rank, epsilon=float(eps))
    centred = g.op("Sub", x, g.reduce("ReduceMean", x, axes, True))
    var = g.reduce("ReduceMean", g.op("Mul", centred, centred), axes, True)
    y = g.op("Div", centred, g.op("Sqrt", g.op("Add", var, g.number(eps, x))))
    return _affine(g, y, weight, bias, x) if by_channel else _affine(g, y, weight, bias)


def _by_groups(g: Graph, x: Value, weight: Value | None, bias: Value | None, groups: int, eps: float) -> Any:
    if g.opset >= 21:
        scale, shift = (_or_constant(g, t, number, x) for t, number in ((weight, 1), (bias, 0)))
        return g.op("GroupNormalization", x, scale, shift, num_groups=groups, epsilon=float(eps))
    ones, zeros = (g.tensor([number] * groups, (groups,), x.dtype) for number in (1.0, 0.0))
    rows = g.op("Reshape", x, g.ints([0, groups, -1]))
    y = g.op("InstanceNormalization", rows, ones, zeros, epsilon=float(eps))
    return _affine(g, g.op("Reshape", y, g.op("Shape", x)), weight, bias, x)


def _affine(g: Graph, y: str, weight: Value | None, bias: Value | None, channels_of: Value | None = None) -> str:
    """y · weight + bias; these are (C,), and go beside the channels of a tensor, where that is given."""
    for operator, values in (("Mul", weight), ("Add", bias)):
        if values is not None and channels_of is not None:
            beside = g.ints([1, -1, *[1] * (len(channels_of.shape) - 2)])
            y = g.op(operator, y, g.op("Reshape", values, beside))
        elif values is not None:
            y = g.op(operator, y, values)
    return y


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


def _or_constant(g: Graph, values: Any, number: float, like: Value) -> Any:
    """``values`` (C,), or ``number`` for each of the channels of ``like`` where there are none."""
    channels = like.shape[1]
    return g.tensor([float(number)] * channels, (channels,), like.dtype) if values is None else values


def _count(sizes: tuple[int, ...]) -> int:
    count = 1
    for size in sizes:
        count *= size
    return count
