"""Tensors joined, and parts taken out of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from minicnn.onnx.table import Either, converter
from minicnn.onnx.trace import Value
from minicnn.ops.index import Index, Slice
from minicnn.ops.join import Cat
from minicnn.ops.keys import PICK, Pattern
from minicnn.ops.rearrange import Flip, Roll

if TYPE_CHECKING:
    from minicnn.onnx.graph import Graph

FAR = 2**31 - 1
"""An end beyond every size."""


@converter(Cat)
def cat(g: Graph, *tensors: Value, dim: int) -> Any:
    """Concat."""
    return g.op("Concat", *tensors, axis=dim)


@converter(Slice, free=("key",))
def slice_(g: Graph, x: Value, *, key: Either) -> Any:
    """Slice for the slices and integers of a key, then without the dimensions of the integers, and with new ones."""
    items = [(a, b) for a, b in zip(*key, strict=True) if a is not ...]
    axis, out = 0, 0
    starts: list[str] = []
    ends: list[str] = []
    axes: list[int] = []
    steps: list[int] = []
    dropped: list[int] = []
    added: list[int] = []
    for a, b in items:
        if a is None:
            added.append(out)
            out += 1
            continue
        if isinstance(a, slice):
            out += 1
        else:
            dropped.append(axis)
        first, second = _range(a, x.shape[axis]), _range(b, x.other[axis])
        if (first, second) != ((0, x.shape[axis], 1), (0, x.other[axis], 1)):
            starts.append(_bound(g, x, axis, (first[0], second[0])))
            ends.append(_bound(g, x, axis, (first[1], second[1])))
            axes.append(axis)
            steps.append(first[2])
        axis += 1
    y: Any = x
    if axes:
        bounds = [g.op("Concat", *parts, axis=0) if len(parts) > 1 else parts[0] for parts in (starts, ends)]
        y = g.op("Slice", y, *bounds, g.ints(axes), g.ints(steps))
    if dropped:
        y = g.op("Squeeze", y, g.ints(dropped))
    if added:
        y = g.op("Unsqueeze", y, g.ints(added))
    return y if isinstance(y, str) else g.op("Identity", y)


@converter(Index)
def index(g: Graph, x: Value, *indices: Value, pattern: Pattern) -> Any:
    """Gather, where one tensor of integers, or a constant mask, picks along one dimension."""
    picked = indices[0]
    masked = picked.dtype.kind == "b"
    if len(indices) != 1 or (masked and (picked.array is None or len(picked.shape) != 1)):
        raise g.refused("picks by several tensors, or by a mask that is computed", hint="mc.where, or index_select")
    positions = g.ints(picked.array.nonzero()[0].tolist()) if masked else picked
    return g.op("Gather", x, positions, axis=pattern.index(PICK))


@converter(Flip)
def flip(g: Graph, x: Value, *, dims: tuple[int, ...]) -> Any:
    """Slice backwards."""
    count = len(dims)
    if not count:
        return g.op("Identity", x)
    return g.op("Slice", x, g.ints([-1] * count), g.ints([-FAR] * count), g.ints(dims), g.ints([-1] * count))


@converter(Roll)
def roll(g: Graph, x: Value, *, shifts: tuple[int, ...], dims: tuple[int, ...]) -> Any:
    """Two slices, exchanged, for each dimension."""
    y: Any = x
    for shift, dim in zip(shifts, dims, strict=True):
        size = x.sizes[dim]
        if size is None:
            raise g.refused("depends on a size that is free", got=f"dimension {dim}")
        cut = (-shift) % max(size, 1)
        after = g.op("Slice", y, g.ints([cut]), g.ints([FAR]), g.ints([dim]))
        y = g.op("Concat", after, g.op("Slice", y, g.ints([0]), g.ints([cut]), g.ints([dim])), axis=dim)
    return y if isinstance(y, str) else g.op("Identity", y)


def _range(key: Any, size: int) -> tuple[int, int, int]:
    """(start, end, step) of a slice or an integer."""
    if isinstance(key, slice):
        return key.indices(size)
    start = key + size if key < 0 else key
    return start, start + 1, 1


def _bound(g: Graph, x: Value, axis: int, pair: tuple[int, int]) -> str:
    """A bound of a slice; one that grows as the size does is counted from the end."""
    a, b = pair
    if a == b:
        return g.ints([a])
    if x.shape[axis] - a == x.other[axis] - b:
        left = x.shape[axis] - a
        return g.ints([-left if left else FAR])
    return g.size(pair, x)
