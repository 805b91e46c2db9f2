"""Pooling by windows, and to a given size."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from minicnn.onnx.converters.resize import mixed
from minicnn.onnx.table import Either, converter
from minicnn.onnx.trace import Value
from minicnn.ops.pool import AdaptiveAvgPool, AdaptiveMaxPool, AvgPool, MaxPool, MaxUnpool
from minicnn.shapes.conv import Pair
from minicnn.shapes.pool import PoolGeometry, adaptive_bins
from minicnn.shapes.resize import axis_weights

if TYPE_CHECKING:
    from minicnn.onnx.graph import Graph

@converter(MaxPool)
def max_pool(g: Graph, x: Value, *, geometry: PoolGeometry, indices: bool = False) -> Any:
    """MaxPool; its positions count through the whole tensor, ours through one plane."""
    options = {**_window(x, geometry), "dilations": geometry.dilation}
    if not indices:
        return g.op("MaxPool", x, **options)
    height, width = (_fixed(g, x, axis) for axis in (2, 3))
    y, places = g.op("MaxPool", x, outputs=2, **options)
    return y, g.op("Mod", places, g.tensor([height * width], (), "int64"))


@converter(MaxUnpool)
def max_unpool(g: Graph, x: Value, winners: Value, *, size: Pair) -> Any:
    """ScatterElements into rows of zeros, which are the planes."""
    C, pixels = x.shape[1], size[0] * size[1]
    zeros = g.op("Expand", g.number(0, x), g.shape(Either((x.shape[0], C, pixels), (x.other[0], C, pixels)), x))
    flat = [g.op("Reshape", t, g.ints([0, C, -1])) for t in (winners, x)]
    return g.op("Reshape", g.op("ScatterElements", zeros, *flat, axis=2), g.ints([0, C, *size]))


@converter(AvgPool)
def avg_pool(
    g: Graph, x: Value, *, geometry: PoolGeometry, count_include_pad: bool, divisor_override: int | None
) -> Any:
    """AveragePool, corrected where windows count other pixels than ONNX says."""
    if divisor_override is None and not geometry.ceil_mode:
        return g.op("AveragePool", x, count_include_pad=int(count_include_pad), **_window(x, geometry))
    ends = _ends(x, geometry)
    (top, left), (bottom, right) = geometry.padding, (0, 0) if ends is None else ends
    if ends is None:
        raise g.refused("depends on a size that is free", got="ceil_mode or divisor_override")
    zeros = g.op("Pad", x, g.ints([0, 0, top, left, 0, 0, bottom, right]), g.number(0, x))
    mean = g.op("AveragePool", zeros, kernel_shape=geometry.kernel, strides=geometry.stride)
    pixels = geometry.kernel[0] * geometry.kernel[1]
    if divisor_override is not None:
        return g.op("Mul", mean, g.number(pixels / divisor_override, x))
    rows, columns = (geometry.divisors(axis, x.shape[2 + axis], count_include_pad) for axis in (0, 1))
    factors = [pixels / (a * b) for a in rows for b in columns]
    return g.op("Mul", mean, g.tensor(factors, (len(rows), len(columns)), x.dtype))


@converter(AdaptiveAvgPool)
def adaptive_avg_pool(g: Graph, x: Value, *, output_size: Pair) -> Any:
    """GlobalAveragePool, AveragePool where the sizes divide, else the bins' means as a matrix for each axis."""
    return _adaptive(g, x, output_size, "Average") or _binned(g, x, output_size)


@converter(AdaptiveMaxPool)
def adaptive_max_pool(g: Graph, x: Value, *, output_size: Pair, indices: bool = False) -> Any:
    """GlobalMaxPool, MaxPool where the sizes divide, else the maximum of each bin."""
    if indices:
        raise g.refused("with its indices has no counterpart in ONNX", hint="return_indices=False")
    made = _adaptive(g, x, output_size, "Max")
    if made is not None:
        return made
    y: Any = x
    for axis, out in zip((2, 3), output_size, strict=True):
        bins = adaptive_bins(_fixed(g, x, axis), out)
        parts = [g.op("Slice", y, g.ints([a]), g.ints([b]), g.ints([axis])) for a, b in bins]
        y = g.op("Concat", *(g.reduce("ReduceMax", part, [axis], True) for part in parts), axis=axis)
    return y


def _adaptive(g: Graph, x: Value, output_size: Pair, kind: str) -> Any:
    """The pooling as a node of its own, or None."""
    if output_size == (1, 1):
        return g.op(f"Global{kind}Pool", x)
    sizes = [_fixed(g, x, axis) for axis in (2, 3)]
    if 0 in output_size or any(n % out for n, out in zip(sizes, output_size, strict=True)):
        return None
    if tuple(sizes) == output_size:
        return g.op("Identity", x)
    window = [n // out for n, out in zip(sizes, output_size, strict=True)]
    return g.op(f"{kind}Pool", x, kernel_shape=window, strides=window)


def _binned(g: Graph, x: Value, output_size: Pair) -> Any:
    y: Any = x
    for axis, out in zip((2, 3), output_size, strict=True):
        y = mixed(g, y, axis_weights(_fixed(g, x, axis), out, "area"), axis)
    return y


def _window(x: Value, geometry: PoolGeometry) -> dict[str, Any]:
    """Kernel, strides and pads. A last window of ceil_mode is room at the ends: runtimes round up differently."""
    options: dict[str, Any] = {"kernel_shape": geometry.kernel, "strides": geometry.stride}
    ends = _ends(x, geometry) if geometry.ceil_mode else geometry.padding
    if ends is None:
        return {**options, "pads": geometry.padding * 2, "ceil_mode": 1}
    return {**options, "pads": (*geometry.padding, *ends)}


def _ends(x: Value, geometry: PoolGeometry) -> Pair | None:
    """The pads at the bottom and the right with which every window fits; None where they differ in the two traces."""
    found = []
    for sizes in (x.shape[2:], x.other[2:]):
        outs = geometry.output_size(sizes)
        found.append(tuple(
            max((out - 1) * stride + dilation * (kernel - 1) + 1 - size - begin, 0)
            for out, stride, dilation, kernel, size, begin in zip(
                outs, geometry.stride, geometry.dilation, geometry.kernel, sizes, geometry.padding, strict=True
            )
        ))  # fmt: skip
    bottom, right = found[0]
    return (bottom, right) if found[0] == found[1] else None


def _fixed(g: Graph, x: Value, axis: int) -> int:
    size = x.sizes[axis]
    if size is None:
        raise g.refused("depends on a size that is free", got=f"sizes {x.shape[2:]} or {x.other[2:]}",
                        hint="an adaptive pooling to 1, or fixed heights and widths")
    return size
