"""Resizing by tables: a node of the same meaning where a table is one that ONNX knows, else the table itself."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from minicnn.onnx.table import Either, converter
from minicnn.onnx.trace import Value
from minicnn.ops.resize import Resize
from minicnn.shapes.pad import pad_weights
from minicnn.shapes.resize import AxisWeights, axis_weights

if TYPE_CHECKING:
    from minicnn.onnx.graph import Graph

Tables = Sequence[AxisWeights]

PAD_MODES = {"reflect": ("reflect", 17), "replicate": ("edge", 17), "circular": ("wrap", 19)}
"""What ONNX calls a mode of padding, and from which opset on."""

MODES: list[tuple[str, bool, dict[str, Any]]] = [
    ("nearest", False, {"mode": "nearest", "coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"}),
    ("linear", False, {"mode": "linear", "coordinate_transformation_mode": "half_pixel"}),
    ("linear", True, {"mode": "linear", "coordinate_transformation_mode": "align_corners"}),
    ("cubic", False, {"mode": "cubic", "coordinate_transformation_mode": "half_pixel", "cubic_coeff_a": -0.75}),
    ("cubic", True, {"mode": "cubic", "coordinate_transformation_mode": "align_corners", "cubic_coeff_a": -0.75}),
]
"""Modes of ``axis_weights``, whether corners are aligned, and what says the same in ONNX."""


@converter(Resize, free=("rows", "columns"))
def resize(g: Graph, x: Value, *, rows: Either, columns: Either) -> Any:
    """Resize or Pad where the tables of both traces are such; else each table as Gather or as a matrix."""
    first, second = ((a, b) for a, b in zip(rows, columns, strict=True))
    padded = _as_padding(g, x, first, second)
    if padded is not None:
        return padded
    resized = _as_resize(g, x, first, second)
    if resized is not None:
        return resized
    if first != second:
        raise g.refused("depends on a size that is free", got=f"sizes {x.shape[2:]} or {x.other[2:]}",
                        hint="a whole scale_factor; bilinear to a fixed size; or fixed heights and widths")
    y = mixed(g, mixed(g, x, first[0], 2), first[1], 3)
    return y if isinstance(y, str) else g.op("Identity", y)


def mixed(g: Graph, x: Any, table: AxisWeights, axis: int) -> Any:
    """``table`` applied along ``axis``, 2 or 3, of images: nothing, picked positions, or a product of matrices."""
    size, out = table.size, len(table.taps)
    if _is_identity(table):
        return x
    if all(len(taps) == 1 and taps[0][1] == 1 for taps in table.taps):
        return g.op("Gather", x, g.ints([taps[0][0] for taps in table.taps]), axis=axis)
    matrix = [[0.0] * size for _ in range(out)]
    for row, taps in zip(matrix, table.taps, strict=True):
        for position, weight in taps:
            row[position] += weight
    dtype = g.step.outputs[0].dtype
    if axis == 2:
        return g.op("MatMul", g.tensor([w for row in matrix for w in row], (out, size), dtype), x)
    return g.op("MatMul", x, g.tensor([w for column in zip(*matrix, strict=True) for w in column], (size, out), dtype))


def _is_identity(table: AxisWeights) -> bool:
    return table == pad_weights(table.size, 0, 0, "replicate")


def _as_padding(g: Graph, x: Value, first: Tables, second: Tables) -> Any:
    """Pad, if both traces pad by the same amounts in one mode."""
    for mode, (name, opset) in PAD_MODES.items():
        amounts = [_amounts(table, mode) for table in first]
        if g.opset < opset or None in amounts or amounts != [_amounts(table, mode) for table in second]:
            continue
        (top, bottom), (left, right) = ((0, 0) if a is None else a for a in amounts)
        if not any((top, bottom, left, right)):
            return None
        return g.op("Pad", x, g.ints([0, 0, top, left, 0, 0, bottom, right]), mode=name)
    return None


def _amounts(table: AxisWeights, mode: str) -> tuple[int, int] | None:
    """(before, after), if ``table`` pads in this mode."""
    picked = [taps[0][0] if len(taps) == 1 and taps[0][1] == 1 else -1 for taps in table.taps]
    extra = len(picked) - table.size
    for before in range(extra + 1):
        after = extra - before
        fits = mode != "reflect" or max(before, after) < table.size
        if fits and pad_weights(table.size, before, after, mode) == table:
            return before, after
    return None


def _as_resize(g: Graph, x: Value, first: Tables, second: Tables) -> Any:
    """Resize, if both traces resize in one mode that ONNX has, to the same sizes or by the same factor."""
    for mode, aligned, options in MODES:
        if not all(_is_mode(table, mode, aligned) for table in (*first, *second)):
            continue
        sizes, others = ([len(table.taps) for table in tables] for tables in (first, second))
        factors = [[len(t.taps) / t.size for t in tables] for tables in (first, second)]
        whole = all(f == int(f) for f in factors[0])
        if factors[0] == factors[1] and whole:
            return g.op("Resize", x, None, g.tensor([1.0, 1.0, *factors[0]], (4,), "float32"), **options)
        if sizes == others and g.opset >= 18:
            return g.op("Resize", x, None, None, g.ints(sizes), axes=[2, 3], **options)
    return None


def _is_mode(table: AxisWeights, mode: str, aligned: bool) -> bool:
    """Whether ``table`` resizes in this mode by the ratio of the sizes; nearest only by whole numbers, where no
    rounding decides."""
    size, out = table.size, len(table.taps)
    if mode == "nearest" and out % size:
        return False
    return any(table == axis_weights(size, out, mode, align_corners=aligned, double=double) for double in (False, True))
