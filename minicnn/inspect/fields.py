"""Receptive fields in pure numbers: which input pixels an output can depend on, followed through every operation.

Along one axis, output i sees the pixels from i · jump + lo to i · jump + hi. A window of k taps, d apart, that moves by
s and starts in p pixels of padding makes

    lo − p · jump        hi + (d · (k − 1) − p) · jump        jump · s

of these. What mixes a whole axis, such as a fully connected layer, sees everything.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from minicnn.shapes.pool import adaptive_bins

Reads = Sequence[tuple[int, int]]


@dataclass(frozen=True, slots=True)
class Axis:
    """Output i sees the pixels from i · jump + lo to i · jump + hi of one axis of the input."""

    jump: Fraction = Fraction(1)
    lo: Any = Fraction(0)  # or an infinite float
    hi: Any = Fraction(0)

    @property
    def size(self) -> float:
        """The number of pixels; infinite where everything is seen."""
        return math.inf if math.isinf(self.hi) else math.floor(self.hi - self.lo) + 1

    def region(self, i: int, size: int) -> tuple[int, int]:
        """The first and the last pixel that output i sees of an axis of ``size`` pixels."""
        if math.isinf(self.hi):
            return 0, size - 1
        centre = i * self.jump
        return max(math.ceil(centre + self.lo), 0), min(math.floor(centre + self.hi), size - 1)

    def through(self, step: Fraction | int, before: Fraction | int, after: Fraction | int) -> Axis:
        """Behind a window that reads the outputs from i · step + before to i · step + after of what was here."""
        return Axis(self.jump * step, self.lo + before * self.jump, self.hi + after * self.jump)

    def table(self, reads: Reads, size: int) -> Axis:
        """Behind an operation whose output i reads from ``reads[i][0]`` to ``reads[i][1]`` of ``size`` positions."""
        step = Fraction(size, len(reads))
        before = min(first - i * step for i, (first, _) in enumerate(reads))
        return self.through(step, before, max(last - i * step for i, (_, last) in enumerate(reads)))

    def joined(self, other: Axis, size: int) -> Axis:
        """What ``size`` outputs see that depend on both: the interval around both."""
        drift = (size - 1) * (other.jump - self.jump)
        return Axis(self.jump, min(self.lo, other.lo + min(drift, 0)), max(self.hi, other.hi + max(drift, 0)))


WHOLE = Axis(Fraction(0), -math.inf, math.inf)


@dataclass(frozen=True, slots=True)
class ReceptiveField:
    """What one position of a layer's output can depend on in the input image.

    Attributes:
        rows, columns: along the image's axes.

    Example:
        >>> field = mc.inspect.receptive_field(mc.models.resnet18(), (1, 3, 224, 224), "layer1")
        >>> field.size, field.jump
        ((43, 43), (4, 4))
    """

    rows: Axis
    columns: Axis

    @property
    def size(self) -> tuple[float, float]:
        """Height and width in pixels, infinite where the whole image is seen."""
        return self.rows.size, self.columns.size

    @property
    def jump(self) -> tuple[float, float]:
        """The distance, in pixels of the input, between the fields of two neighbouring outputs."""
        return _plain(self.rows.jump), _plain(self.columns.jump)

    def region(self, i: int, j: int, size: Sequence[int]) -> tuple[tuple[int, int], tuple[int, int]]:
        """The (first, last) rows and columns of an image of ``size`` (H, W) that output (i, j) sees."""
        return self.rows.region(i, size[0]), self.columns.region(j, size[1])

    def __str__(self) -> str:
        height, width = ("all" if math.isinf(n) else f"{n:,}" for n in self.size)
        return height if height == width else f"{height}×{width}"


WHOLE_FIELD = ReceptiveField(WHOLE, WHOLE)
START = ReceptiveField(Axis(), Axis())


@dataclass(frozen=True, slots=True)
class Applied:
    """An operation on a tensor that depends on the image.

    Attributes:
        name, options: of the operation.
        field: of the tensor.
        source, shape: of the tensor and of the result.
        kernel: a convolution's (KH, KW).
    """

    name: str
    options: dict[str, Any]
    field: ReceptiveField
    source: tuple[int, ...]
    shape: tuple[int, ...]
    kernel: tuple[int, ...] = ()

    @property
    def axes(self) -> tuple[Axis, Axis]:
        """The field's rows and columns."""
        return self.field.rows, self.field.columns


def follow(applied: Applied, others: list[tuple[ReceptiveField, tuple[int, ...]]]) -> ReceptiveField:
    """The field of an operation's result; ``others`` are further inputs that see the image, with their shapes."""
    name, source, shape, field = applied.name, applied.source, applied.shape, applied.field
    if name == "View" and source[-1:] == shape[-1:] and 1 in (*source[-2:-1], *shape[-2:-1]):
        return ReceptiveField(Axis(), field.columns)  # a sequence becomes an image of height 1, or one becomes it again
    if name in _RULES:
        return ReceptiveField(*_RULES[name](applied))
    sizes = [source[-2:], *(given[-2:] for _, given in others)]
    if len(shape) < 2 or any(size != shape[-2:] for size in sizes) or _mixes(name, applied.options, len(shape)):
        return WHOLE_FIELD
    for other, _ in others:
        field = ReceptiveField(field.rows.joined(other.rows, shape[-2]), field.columns.joined(other.columns, shape[-1]))
    return field


def _mixes(name: str, options: dict[str, Any], ndim: int) -> bool:
    """Whether an operation mixes positions along, or moves, one of the last two dimensions."""
    if name in ("Linear", "MatMul", "Index", "IndexPut", "Unfold", "Fold", "Windows"):
        return True
    if name == "Permute":
        return tuple(options["dims"][-2:]) != (ndim - 2, ndim - 1)
    dims = options.get("dims", options.get("dim"))
    several = dims if isinstance(dims, tuple | list) else (dims,)
    return any(isinstance(d, int) and d % ndim >= ndim - 2 for d in several)


def _conv(on: Applied) -> list[Axis]:
    g = on.options["geometry"]
    windows = zip(on.axes, on.kernel, g.stride, g.padding, g.dilation, strict=True)
    return [axis.through(s, -p[0], d * (k - 1) - p[0]) for axis, k, s, p, d in windows]


def _transposed(on: Applied) -> list[Axis]:
    """Output t reads the inputs i for which t = i · s + d · tap − p."""
    g = on.options["geometry"]
    windows = zip(on.axes, on.kernel, g.stride, g.padding, g.dilation, strict=True)
    return [axis.through(Fraction(1, s), Fraction(p[0] - d * (k - 1), s), Fraction(p[0], s))
            for axis, k, s, p, d in windows]  # fmt: skip


def _pool(on: Applied) -> list[Axis]:
    g = on.options["geometry"]
    windows = zip(on.axes, g.kernel, g.stride, g.padding, g.dilation, strict=True)
    return [axis.through(s, -p, d * (k - 1) - p) for axis, k, s, p, d in windows]


def _adaptive(on: Applied) -> list[Axis]:
    return [WHOLE if out == 1 < n else axis.table([(a, b - 1) for a, b in adaptive_bins(n, out)], n)
            for axis, n, out in zip(on.axes, on.source[-2:], on.shape[-2:], strict=True)]  # fmt: skip


def _resize(on: Applied) -> list[Axis]:
    reads = [[(min(p for p, _ in taps), max(p for p, _ in taps)) for taps in on.options[name].taps]
             for name in ("rows", "columns")]  # fmt: skip
    return [axis.table(read, n) for axis, read, n in zip(on.axes, reads, on.source[-2:], strict=True)]


def _pad(on: Applied) -> list[Axis]:
    return [axis.through(1, -before, -before)
            for axis, (before, _) in zip(on.axes, on.options["pads"][-2:], strict=True)]  # fmt: skip


def _slice(on: Applied) -> list[Axis]:
    """Cropping and striding; a key that moves or adds one of the last two axes is assumed to mix everything."""
    given = on.options["key"]
    key = [k for k in given if k is not Ellipsis]
    there = given.index(Ellipsis) if Ellipsis in given else len(key)
    missing = len(on.source) - sum(k is not None for k in key)
    last = [*key[:there], *[slice(None)] * missing, *key[there:]][-2:]
    if not all(isinstance(k, slice) for k in last):
        return [WHOLE, WHOLE]
    spans = [k.indices(n) for k, n in zip(last, on.source[-2:], strict=True)]
    return [axis.through(step, start, start) for axis, (start, _, step) in zip(on.axes, spans, strict=True)]


_RULES: dict[str, Callable[[Applied], list[Axis]]] = {
    "Conv2d": _conv, "ConvInputGrad": _transposed, "MaxPool": _pool, "AvgPool": _pool, "AdaptiveAvgPool": _adaptive,
    "AdaptiveMaxPool": _adaptive, "Resize": _resize, "Pad": _pad, "Slice": _slice,
}  # fmt: skip


def _plain(value: Fraction) -> float:
    return value.numerator if value.denominator == 1 else float(value)
