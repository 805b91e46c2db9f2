"""Which pixels make an output: the windows of convolutions, transposed convolutions and poolings, one at a time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from minicnn.errors import OptionError, ShapeError
from minicnn.nn import AvgPool2d, Conv2d, ConvTranspose2d, MaxPool2d
from minicnn.nn.functional import pad
from minicnn.nn.functional.pool import pool_geometry
from minicnn.ops.steps import arange
from minicnn.shapes.conv import Pair, conv_geometry, pair
from minicnn.shapes.pool import PoolGeometry

LAYERS = (Conv2d, ConvTranspose2d, MaxPool2d, AvgPool2d)


@dataclass(frozen=True, slots=True)
class Tap:
    """Position (u, v) of a kernel over a pixel of the input; ``row`` and ``column`` may lie in the padding."""

    u: int
    v: int
    row: int
    column: int


@dataclass(frozen=True, slots=True)
class Windows:
    """How a kernel walks over an image of ``size``, as plain numbers. All pairs are (height, width).

    Attributes:
        size, out_size: of the input and of the output.
        kernel, stride, dilation: of the window.
        padding: ((top, bottom), (left, right)).
        transposed: the kernel walks over the output and is multiplied by one input pixel at each step.
    """

    size: Pair
    out_size: Pair
    kernel: Pair
    stride: Pair
    padding: tuple[Pair, Pair]
    dilation: Pair
    transposed: bool = False

    def taps(self, i: int, j: int) -> list[Tap]:
        """What output (i, j) is made of. Taps of a transposed convolution all lie in the input."""
        rows, columns = (self._axis(axis, at) for axis, at in enumerate((i, j)))
        return [Tap(u, v, row, column) for u, row in rows for v, column in columns]

    def _axis(self, axis: int, at: int) -> list[tuple[int, int]]:
        k, s, (before, _), d = self.kernel[axis], self.stride[axis], self.padding[axis], self.dilation[axis]
        if not self.transposed:
            return [(tap, at * s + tap * d - before) for tap in range(k)]
        reached = [(tap, at + before - tap * d) for tap in range(k)]
        return [(tap, p // s) for tap, p in reached if p % s == 0 and 0 <= p // s < self.size[axis]]

    def holds(self, tap: Tap) -> bool:
        """Whether a tap lies in the input and not in the padding."""
        return 0 <= tap.row < self.size[0] and 0 <= tap.column < self.size[1]


def windows_of(name: str, layer: Any, size: Sequence[int]) -> Windows:
    """The windows of a layer over an image of ``size`` (H, W)."""
    H, W = size
    if isinstance(layer, Conv2d | ConvTranspose2d):
        kernel, transposed = pair(layer.kernel_size, name), isinstance(layer, ConvTranspose2d)
        g = conv_geometry(layer.stride, layer.padding, layer.dilation, layer.groups, kernel=kernel, name=name)
        extra = pair(layer.output_padding, name)
        out = g.transposed_size(size, kernel, extra) if transposed else g.output_size(size, kernel)
        found = Windows((H, W), out, kernel, g.stride, g.padding, g.dilation, transposed)
    elif isinstance(layer, MaxPool2d | AvgPool2d):
        p = pool_of(name, layer)
        (top, left), out = p.padding, p.output_size(size)
        found = Windows((H, W), out, p.kernel, p.stride, ((top, top), (left, left)), p.dilation)
    else:
        raise OptionError(f"{name}: this layer has no windows", got=type(layer).__name__,
                          rule=f"one of {', '.join(kind.__name__ for kind in LAYERS)}")
    if min(found.out_size) < 1:
        raise ShapeError(f"{name}: no window fits", got=f"an image of {H} × {W}", rule="the output is at least 1 × 1")
    return found


def pool_of(name: str, layer: MaxPool2d | AvgPool2d) -> PoolGeometry:
    """The options of a pooling layer as one value."""
    return pool_geometry(name, 2, layer.kernel_size, layer.stride, layer.padding, getattr(layer, "dilation", 1),
                         layer.ceil_mode)  # fmt: skip


def padded_axis(mode: str, size: int, edges: Pair) -> dict[int, int]:
    """Which pixel stands at each position of a padded axis, the padding's positions too where ``mode`` fills them."""
    if mode == "zeros":
        return {i: i for i in range(size)}
    filled = pad(arange(size).double().reshape(1, 1, size), edges, mode=mode).flatten().tolist()
    return {i - edges[0]: int(source) for i, source in enumerate(filled)}
