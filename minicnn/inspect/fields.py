"""Receptive fields in pure integers: which input pixels an output can depend on, followed through every operation.

Along one axis, an operation says which positions before it output i reads; what those see, taken together, is what
output i sees. A window of k taps, d apart, that moves by s and starts in p pixels of padding reads i · s + d · tap − p.
Fields of neighbours are those of each other, moved; behind a transposed convolution or an enlargement they take turns,
so what is kept is one turn. What mixes a whole axis, such as a fully connected layer, sees everything.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from minicnn.shapes.pool import adaptive_bins

Span = tuple[float, float]
"""The first and the last pixel; infinite where everything is seen, the wrong way round where nothing is."""

NOTHING: Span = (math.inf, -math.inf)


@dataclass(frozen=True, slots=True)
class Axis:
    """What outputs see of one axis of the input.

    Attributes:
        jump: from the field of one output to that of the next, in pixels of the input, on average.
        spans: of the first outputs; those of later ones are the same again, moved.
    """

    jump: Fraction = Fraction(1)
    spans: tuple[Span, ...] = ((0, 0),)

    @property
    def period(self) -> int:
        """How many outputs take turns."""
        return len(self.spans)

    @property
    def size(self) -> float:
        """The number of pixels, of the output that sees most; infinite where everything is seen."""
        return max(0, *(hi - lo + 1 for lo, hi in self.spans))

    def at(self, i: int) -> Span:
        """What output ``i`` sees; padding counts as image."""
        turns, place = divmod(i, self.period)
        shift = turns * self.period * self.jump
        lo, hi = self.spans[place]
        return lo + math.floor(shift), hi + math.ceil(shift)

    def region(self, i: int, size: int) -> tuple[int, int]:
        """The first and the last pixel that output i sees of an axis of ``size`` pixels."""
        lo, hi = self.at(i)
        return int(max(lo, 0)), int(min(hi, size - 1))

    def through(self, step: Fraction | int, period: int, reads: Callable[[int], Iterable[int]]) -> Axis:
        """Behind an operation whose output i reads the positions ``reads(i)`` of what was here.

        ``step`` is how far reads move from one output to the next, on average; ``period`` outputs take turns.
        """
        return Axis(self.jump * step, tuple(hull(self.at(position) for position in reads(i)) for i in range(period)))

    def window(self, stride: int, before: int, dilation: int, kernel: int) -> Axis:
        """Behind a window: ``kernel`` taps, ``dilation`` apart, the first of them ``before`` pixels outside."""
        return self.through(stride, self.period // math.gcd(self.period, stride),
                            lambda i: (i * stride - before + dilation * tap for tap in range(kernel)))  # fmt: skip

    def spread(self, stride: int, before: int, dilation: int, kernel: int) -> Axis:
        """Behind a transposed window: output t reads the inputs i with t = i · stride + dilation · tap − before."""
        return self.through(Fraction(1, stride), self.period * stride, lambda t: (
            (t + before - dilation * tap) // stride for tap in range(kernel)
            if (t + before - dilation * tap) % stride == 0))  # fmt: skip

    def table(self, reads: Sequence[tuple[int, int]], size: int) -> Axis:
        """Behind an operation whose output i reads from ``reads[i][0]`` to ``reads[i][1]`` of ``size`` positions."""
        common = math.gcd(size, len(reads))
        turn, advance = len(reads) // common, size // common
        moved = [(first - i // turn * advance, last - i // turn * advance) for i, (first, last) in enumerate(reads)]
        spans = [hull(moved[place::turn]) for place in range(turn)]

        def read(i: int) -> range:
            low, high = spans[i % turn]
            return range(int(low) + i // turn * advance, int(high) + i // turn * advance + 1)

        return self.through(Fraction(size, len(reads)), turn * (self.period // math.gcd(self.period, advance)), read)

    def joined(self, other: Axis, size: int) -> Axis:
        """What ``size`` outputs see that depend on both."""
        period = math.lcm(self.period, other.period) if self.jump == other.jump else size
        return Axis(self.jump, tuple(hull((self.at(i), other.at(i))) for i in range(period)))


def hull(spans: Iterable[Span]) -> Span:
    """The span around several."""
    found = [span for span in spans if span[0] <= span[1]]
    return (min(lo for lo, _ in found), max(hi for _, hi in found)) if found else NOTHING


WHOLE = Axis(Fraction(0), ((-math.inf, math.inf),))


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
    return [axis.window(s, p[0], d, k) for axis, k, s, p, d in windows]


def _transposed(on: Applied) -> list[Axis]:
    g = on.options["geometry"]
    windows = zip(on.axes, on.kernel, g.stride, g.padding, g.dilation, strict=True)
    return [axis.spread(s, p[0], d, k) for axis, k, s, p, d in windows]


def _pool(on: Applied) -> list[Axis]:
    g = on.options["geometry"]
    windows = zip(on.axes, g.kernel, g.stride, g.padding, g.dilation, strict=True)
    return [axis.window(s, p, d, k) for axis, k, s, p, d in windows]


def _adaptive(on: Applied) -> list[Axis]:
    return [WHOLE if out == 1 < n else axis.table([(a, b - 1) for a, b in adaptive_bins(n, out)], n)
            for axis, n, out in zip(on.axes, on.source[-2:], on.shape[-2:], strict=True)]  # fmt: skip


def _resize(on: Applied) -> list[Axis]:
    tables = [[[position for position, weight in taps if weight] for taps in on.options[name].taps]
              for name in ("rows", "columns")]  # fmt: skip
    return [axis.table([(min(read), max(read)) for read in table], n)
            for axis, table, n in zip(on.axes, tables, on.source[-2:], strict=True)]  # fmt: skip


def _pad(on: Applied) -> list[Axis]:
    return [axis.window(1, before, 1, 1) for axis, (before, _) in zip(on.axes, on.options["pads"][-2:], strict=True)]


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
    return [axis.window(step, -start, 1, 1) for axis, (start, _, step) in zip(on.axes, spans, strict=True)]


_RULES: dict[str, Callable[[Applied], list[Axis]]] = {
    "Conv2d": _conv, "ConvInputGrad": _transposed, "MaxPool": _pool, "AvgPool": _pool, "AdaptiveAvgPool": _adaptive,
    "AdaptiveMaxPool": _adaptive, "Resize": _resize, "Pad": _pad, "Slice": _slice,
}  # fmt: skip


def _plain(value: Fraction) -> float:
    return value.numerator if value.denominator == 1 else float(value)
