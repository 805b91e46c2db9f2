"""The same elements under other shapes, and padding by a constant."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from minicnn.onnx.table import Either, converter
from minicnn.onnx.trace import Value
from minicnn.ops.diagonal import Triangle
from minicnn.ops.pad import Pad, Pads
from minicnn.ops.shape import Expand, Permute, View

if TYPE_CHECKING:
    from minicnn.onnx.graph import Graph


@converter(View, free=("shape",))
def view(g: Graph, x: Value, *, shape: Either) -> Any:
    """Reshape. Free sizes that stay where they are become 0, which copies them, and one other becomes -1."""
    sizes: list[int] = []
    for axis, (a, b) in enumerate(zip(*shape, strict=True)):
        stays = axis < len(x.shape) and (x.shape[axis], x.other[axis]) == (a, b)
        sizes.append(a if a == b else 0 if stays else -1)
    if sizes.count(-1) > 1:
        return g.op("Reshape", x, g.shape(shape, x))
    if 0 in shape.first and any(a == b == 0 for a, b in zip(*shape, strict=True)):  # a size of 0, not a copied one
        return g.op("Reshape", x, g.shape(shape, x), allowzero=1)
    return g.op("Reshape", x, g.ints(sizes))


@converter(Permute)
def permute(g: Graph, x: Value, *, dims: tuple[int, ...]) -> Any:
    """Transpose."""
    return g.op("Transpose", x, perm=dims) if dims else g.op("Identity", x)


@converter(Expand, free=("shape",))
def expand(g: Graph, x: Value, *, shape: Either) -> Any:
    """Expand; sizes that x has already are 1 there, which leaves them."""
    new = len(shape.first) - len(x.shape)
    have = [(1, 1)] * new + list(zip(x.shape, x.other, strict=True))
    wanted = [(1, 1) if pair == own else pair for pair, own in zip(zip(*shape, strict=True), have, strict=True)]
    return g.op("Expand", x, g.shape(Either(*zip(*wanted, strict=True)) if wanted else Either((), ()), x))


@converter(Triangle)
def triangle(g: Graph, x: Value, *, kernel: str, diagonal: int) -> Any:
    """Trilu."""
    return g.op("Trilu", x, g.tensor([diagonal], (), "int64"), upper=int(kernel == "triu"))


@converter(Pad)
def pad(g: Graph, x: Value, *, pads: Pads, value: float = 0) -> Any:
    """Pad; negative amounts crop."""
    amounts = [before for before, _ in pads] + [after for _, after in pads]
    return g.op("Pad", x, g.ints(amounts), g.number(value, x)) if pads else g.op("Identity", x)
