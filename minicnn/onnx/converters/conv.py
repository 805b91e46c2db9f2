"""Convolutions and transposed convolutions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from minicnn.onnx.table import Either, converter
from minicnn.onnx.trace import Value
from minicnn.ops.columns import Unfold
from minicnn.ops.conv import Conv2d, ConvInputGrad
from minicnn.shapes.conv import ConvGeometry, Pair

if TYPE_CHECKING:
    from minicnn.onnx.graph import Graph


@converter(Conv2d)
def conv(g: Graph, x: Value, w: Value, b: Value | None, *, geometry: ConvGeometry) -> Any:
    """Conv."""
    return g.op("Conv", x, w, b, **_options(w.shape[2:], geometry))


@converter(ConvInputGrad, free=("size",))
def conv_transpose(g: Graph, x: Value, w: Value, *, geometry: ConvGeometry, size: Either) -> Any:
    """ConvTranspose; ``size`` is what ONNX computes from the output padding."""
    extra = _extra(x.shape[2:], w.shape[2:], geometry, size.first)
    if extra != _extra(x.other[2:], w.shape[2:], geometry, size.second):
        raise g.refused("depends on a size that is free", got=f"size {size.first} or {size.second}")
    return g.op("ConvTranspose", x, w, output_padding=extra if any(extra) else None, **_options(w.shape[2:], geometry))


@converter(Unfold)
def unfold(g: Graph, x: Value, *, kernel: Pair, geometry: ConvGeometry) -> Any:
    """A convolution whose kernels are 1 at one tap of one channel each: that is what columns are."""
    C, taps = x.shape[1], kernel[0] * kernel[1]
    w = g.tensor([float(tap == k) for _ in range(C) for k in range(taps) for tap in range(taps)],
                 (C * taps, 1, *kernel), x.dtype)  # fmt: skip
    y = g.op("Conv", x, w, **{**_options(kernel, geometry), "group": C})
    return g.op("Reshape", y, g.ints([0, C * taps, -1]))


def _options(kernel: tuple[int, ...], geometry: ConvGeometry) -> dict[str, Any]:
    (top, bottom), (left, right) = geometry.padding
    return {"kernel_shape": kernel, "strides": geometry.stride, "pads": (top, left, bottom, right),
            "dilations": geometry.dilation, "group": geometry.groups}  # fmt: skip


def _extra(size: Any, kernel: Any, geometry: ConvGeometry, out: Pair) -> list[int]:
    """The output padding that makes ``out`` of ``size``."""
    plain = geometry.transposed_size(size, kernel, (0, 0))
    return [a - b for a, b in zip(out, plain, strict=True)]
