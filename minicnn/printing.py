"""How a tensor prints: PyTorch's layout, to the character."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from minicnn import dtypes
from minicnn.backend import backend_of
from minicnn.errors import DtypeError, OptionError
from minicnn.tensor import Tensor

__all__ = ["set_printoptions"]
OPERATORS = {"__repr__": "text", "__format__": "formatted"}

Array = Any


@dataclass(frozen=True)
class Options:
    """What ``set_printoptions`` sets."""

    precision: int = 4
    threshold: float = 1000
    edgeitems: int = 3
    linewidth: int = 80
    sci_mode: bool | None = None


_PROFILES = {"default": Options(), "short": Options(precision=2, edgeitems=2), "full": Options(threshold=math.inf)}
_options = Options()


def set_printoptions(precision: int | None = None, threshold: float | None = None, edgeitems: int | None = None,
                     linewidth: int | None = None, profile: str | None = None, sci_mode: bool | None = None) -> None:
    """Set how tensors print; what is not given stays, except ``sci_mode``, which returns to automatic.

    Args:
        precision: digits after the decimal point (4).
        threshold: the number of elements above which only the edges are shown (1000).
        edgeitems: how many elements an edge has in each dimension (3).
        linewidth: characters in a line (80).
        profile: "default", "short" or "full", to start from.
        sci_mode: always (True) or never (False) use powers of ten; None chooses by the values.
    """
    global _options
    if profile is not None and profile not in _PROFILES:
        raise OptionError("set_printoptions: unknown profile", got=repr(profile), rule=f"one of {', '.join(_PROFILES)}")
    given = {"precision": precision, "threshold": threshold, "edgeitems": edgeitems, "linewidth": linewidth}
    start = _options if profile is None else _PROFILES[profile]
    _options = replace(start, sci_mode=sci_mode, **{k: v for k, v in given.items() if v is not None})  # type: ignore[arg-type]  # the names are those of the fields


def text(x: Tensor) -> str:
    """``repr(x)``: the elements, then whatever of device, size, dtype and gradient is out of the ordinary."""
    prefix = "tensor("
    if x.array.size:
        summarised = x.array.size > _options.threshold
        shown = _edges(x.array) if summarised else x.array
        values = backend_of(shown).to_numpy(shown)
        body = _Layout(values, x.array.shape, summarised).text(values.tolist(), 0, len(prefix))
    else:
        body = "[]"
    return _with_notes(prefix + body, _notes(x), len(prefix))


def formatted(x: Tensor, spec: str) -> str:
    """``format(x, spec)``: a tensor without dimensions formats as its number."""
    if type(x) is Tensor and not x.ndim:
        return format(x.item(), spec)
    if spec:
        raise DtypeError("format: a tensor of several elements takes no format", got=f"{spec!r}, {tuple(x.shape)}",
                         rule="only a tensor without dimensions formats as a number", hint="x.item(), or str(x)")
    return str(x)


def _edges(array: Array) -> Array:
    """The corners of ``array``: the first and last ``edgeitems`` of every dimension that has more."""
    edge = _options.edgeitems
    xp = backend_of(array).xp
    for dim, size in enumerate(array.shape):
        if size > 2 * edge:
            lead = (slice(None),) * dim
            array = xp.concatenate([array[(*lead, slice(edge))], array[(*lead, slice(size - edge, None))]], axis=dim)
    return array


class _Number:
    """One format for all shown numbers: whole, decimal or with powers of ten, padded to one width."""

    def __init__(self, values: Array) -> None:
        self.floating = values.dtype.kind == "f"
        self.whole, self.powers, self.width = True, False, 1
        numbers = values.reshape(-1).tolist()
        if not self.floating:
            self.width = max(len(str(n)) for n in numbers)
            return
        counted = [n for n in numbers if math.isfinite(n) and n != 0]
        if counted:
            sizes = [abs(n) for n in counted]
            low, high = min(sizes), max(sizes)
            self.whole = all(n.is_integer() for n in counted)
            self.powers = high / low > 1000 or high > 1e8 or (low < 1e-4 and not self.whole)
        if _options.sci_mode is not None:
            self.powers = _options.sci_mode
        self.width = max([1, *(len(self(n)) for n in counted)])

    def __call__(self, n: Any) -> str:
        if not self.floating:
            return str(n).rjust(self.width)
        if self.powers:
            return f"{n:.{_options.precision}e}".rjust(self.width)
        if self.whole:
            return (f"{n:.0f}." if math.isfinite(n) else f"{n:.0f}").rjust(self.width)
        return f"{n:.{_options.precision}f}".rjust(self.width)


class _Layout:
    """Numbers in nested brackets, the dimensions in ``shape`` that have more than their edges with dots between."""

    def __init__(self, values: Array, shape: tuple[int, ...], summarised: bool) -> None:
        self.number = _Number(values)
        edge = _options.edgeitems
        self.cut = [summarised and size > 2 * edge for size in shape]

    def text(self, values: Any, dim: int, indent: int) -> str:
        """The text of ``values``, nested lists from dimension ``dim`` on, whose bracket opens at column ``indent``."""
        if dim == len(self.cut):
            return self.number(values)
        edge = _options.edgeitems
        inner = dim == len(self.cut) - 1
        parts = [self.text(v, dim + 1, indent + 1) for v in values]
        if self.cut[dim]:
            parts[edge:edge] = [" ..." if inner and edge else "..."]
        newlines = max(1, len(self.cut) - dim - 1)
        if inner:
            in_line = max(1, (_options.linewidth - indent) // (self.number.width + 2))
            parts = [", ".join(parts[i : i + in_line]) for i in range(0, len(parts), in_line)]
        return "[" + ("," + "\n" * newlines + " " * (indent + 1)).join(parts) + "]"


def _notes(x: Tensor) -> list[str]:
    notes = []
    if x.device.type != "cpu":
        notes.append(f"device='{x.device}'")
    ordinary: Sequence[Any] = (dtypes.get_default_dtype(),)
    if x.array.size:
        ordinary = (*ordinary, dtypes.int64, dtypes.bool_)
    elif x.ndim != 1:
        notes.append(f"size={tuple(x.array.shape)}")
    if x.array.dtype not in ordinary:
        notes.append(f"dtype={x.array.dtype}")
    if x.grad_fn is not None:
        notes.append(f"grad_fn=<{x.grad_fn.name}>")
    elif x.requires_grad:
        notes.append("requires_grad=True")
    return notes


def _with_notes(body: str, notes: list[str], indent: int) -> str:
    column = len(body) - body.rfind("\n") + 1
    for note in notes:
        if column + len(note) + 2 > _options.linewidth:
            body += f",\n{' ' * indent}{note}"
            column = indent + len(note)
        else:
            body += f", {note}"
            column += len(note) + 2
    return body + ")"
