"""Sizes of convolutions in pure integers: pairs, output sizes, 'same' padding, and which pixels a kernel tap meets."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from operator import index
from typing import Any

from minicnn.errors import DtypeError, OptionError

Pair = tuple[int, int]
Tap = tuple[Pair, tuple[slice, slice], tuple[slice, slice]]

LARGEST = 2**63 - 1
"""What an integer of 64 bits holds."""


def integer(value: Any) -> int:
    """``value``, where it is an integer of any kind (a bool, also in a tensor, is none). Errors: TypeError."""
    if type(value) is int:
        return value
    if isinstance(value, bool) or str(getattr(value, "dtype", "")) == "bool":
        raise TypeError
    return index(value)


def ntuple(value: int | Sequence[int], n: int, name: str) -> tuple[int, ...]:
    """``n`` integers from one integer, or from a sequence of ``n`` (or of one, which repeats).

    Args:
        value: an integer (NumPy's count, bools do not) or a sequence of them.
        n: how many the operation needs.
        name: what the value is called in an error, e.g. ``"conv2d: stride"``.

    Errors:
        DtypeError where an element is no integer, OptionError where their number is wrong.

    Example:
        >>> ntuple(3, 2, "conv2d: stride"), ntuple([1, 2], 2, "conv2d: stride")
        ((3, 3), (1, 2))
    """
    if type(value) is int and -LARGEST <= value <= LARGEST:  # nearly always, and on the way of every call
        return (value,) * n
    if type(value) is tuple and len(value) == n and set(map(type, value)) == {int} and max(map(abs, value)) <= LARGEST:
        return value
    try:
        several = isinstance(value, Iterable) and getattr(value, "ndim", 1) != 0
        items: Any = value if several else [value]
        if isinstance(items, str | bytes):
            raise TypeError
        numbers = tuple(map(integer, items))
    except TypeError:
        raise DtypeError(f"{name} must be integers", got=repr(value), rule=f"an int or {n} ints",
                         hint=repr((1,) * n)) from None
    if any(not -LARGEST <= number <= LARGEST for number in numbers):
        raise OptionError(f"{name}: a number is too large", got=repr(value), rule="numbers lie within ±2**63")
    if len(numbers) not in (1, n):
        raise OptionError(f"{name} has {len(numbers)} numbers, the operation needs {n}", got=repr(value),
                          rule=f"an int or {n} ints", hint=repr((numbers + (1,) * n)[:n]))
    return numbers * n if len(numbers) == 1 else numbers


def pair(value: int | Sequence[int], name: str) -> Pair:
    """``ntuple`` of two: (height, width)."""
    height, width = ntuple(value, 2, name)
    return height, width


def conv_output_size(size: int, kernel: int, stride: int = 1, padding: int | Pair = 0, dilation: int = 1) -> int:
    """⌊(size + padding before + after − dilation·(kernel − 1) − 1) / stride⌋ + 1; below 1 where no window fits.

    Example:
        >>> conv_output_size(28, 5), conv_output_size(224, 7, stride=2, padding=3)
        (24, 112)
    """
    before, after = (padding, padding) if isinstance(padding, int) else padding
    return (size + before + after - dilation * (kernel - 1) - 1) // stride + 1


def conv_transpose_output_size(
    size: int, kernel: int, stride: int = 1, padding: int | Pair = 0, dilation: int = 1, *, output_padding: int = 0
) -> int:
    """(size − 1)·stride − padding before − after + dilation·(kernel − 1) + 1 + output_padding.

    Example:
        >>> conv_transpose_output_size(7, 4, stride=2, padding=1)
        14
    """
    before, after = (padding, padding) if isinstance(padding, int) else padding
    return (size - 1) * stride - before - after + dilation * (kernel - 1) + 1 + output_padding


def same_padding(kernel: int, dilation: int = 1) -> Pair:
    """The zeros (before, after) that keep a size at stride 1; the odd one goes after.

    Example:
        >>> same_padding(3), same_padding(4)
        ((1, 1), (1, 2))
    """
    total = dilation * (kernel - 1)
    return total // 2, total - total // 2


def tap_slices(
    tap: int, size: int, out_size: int, *, stride: int, before: int, dilation: int
) -> tuple[slice, slice]:
    """Which input pixels one tap of a kernel reads, and for which output pixels: (input slice, output slice).

    Output i reads input i·stride + tap·dilation − before. Both slices hold as many pixels, and leave out those in the
    padding. Read left to right they are a convolution; right to left, its input gradient.

    Example:
        >>> tap_slices(0, size=5, out_size=5, stride=1, before=1, dilation=1)
        (slice(0, 4, 1), slice(1, 5, None))
    """
    offset = tap * dilation - before
    first = max(0, -(offset // stride))
    last = max(first, min(out_size, (size - 1 - offset) // stride + 1))
    start = first * stride + offset
    return slice(start, start + (last - first - 1) * stride + 1 if last > first else start, stride), slice(first, last)


@dataclass(frozen=True, slots=True)
class ConvGeometry:
    """How a 2-D kernel walks over an image; ``conv_geometry`` makes it from an operation's options.

    Padding is ((top, bottom), (left, right)), never negative, so that 'same' with an even kernel is one of its values.
    """

    stride: Pair = (1, 1)
    padding: tuple[Pair, Pair] = ((0, 0), (0, 0))
    dilation: Pair = (1, 1)
    groups: int = 1

    def output_size(self, size: Sequence[int], kernel: Sequence[int]) -> Pair:
        """(H, W), (KH, KW) → (OH, OW); below 1 where no window fits."""
        (H, W), (KH, KW) = size, kernel
        (rows, columns), (below, beside), (down, across) = self.stride, self.padding, self.dilation
        return conv_output_size(H, KH, rows, below, down), conv_output_size(W, KW, columns, beside, across)

    def transposed_size(self, size: Sequence[int], kernel: Sequence[int], output_padding: Pair = (0, 0)) -> Pair:
        """(H, W), (KH, KW) → the size of a transposed convolution's output."""
        height, width = (
            conv_transpose_output_size(n, k, s, p, d, output_padding=extra)
            for n, k, s, p, d, extra in zip(
                size, kernel, self.stride, self.padding, self.dilation, output_padding, strict=True
            )
        )
        return height, width

    def taps(self, size: Sequence[int], out_size: Sequence[int], kernel: Sequence[int]) -> tuple[Tap, ...]:
        """((i, j), the input's rows and columns, the output's rows and columns) for each tap; see ``tap_slices``."""
        return _taps(self, tuple(size), tuple(out_size), tuple(kernel))


@lru_cache(maxsize=256)
def _taps(geometry: ConvGeometry, size: Pair, out_size: Pair, kernel: Pair) -> tuple[Tap, ...]:
    rows, columns = (
        [tap_slices(tap, n, out, stride=s, before=p[0], dilation=d) for tap in range(k)]
        for n, out, k, s, p, d in zip(
            size, out_size, kernel, geometry.stride, geometry.padding, geometry.dilation, strict=True
        )
    )
    return tuple(
        ((i, j), (row_in, column_in), (row_out, column_out))
        for i, (row_in, row_out) in enumerate(rows)
        for j, (column_in, column_out) in enumerate(columns)
    )


def conv_geometry(
    stride: int | Sequence[int] = 1,
    padding: int | Sequence[int] | str = 0,
    dilation: int | Sequence[int] = 1,
    groups: int = 1,
    *,
    kernel: Sequence[int] = (1, 1),
    name: str = "conv2d",
) -> ConvGeometry:
    """The geometry that an operation's options say; ``kernel`` (KH, KW) is needed for ``padding="same"`` only.

    Errors:
        OptionError for a stride, dilation or number of groups below 1, a negative padding, an unknown padding string,
        and 'same' with a stride; DtypeError for what is no integer.

    Example:
        >>> conv_geometry(padding="same", kernel=(3, 4)).padding
        ((1, 1), (1, 2))
    """
    amounts = padding if isinstance(padding, str) else pair(padding, f"{name}: padding")
    return _conv_geometry(
        pair(stride, f"{name}: stride"), amounts, pair(dilation, f"{name}: dilation"),
        ntuple(groups, 1, f"{name}: groups")[0], kernel=(kernel[0], kernel[1]), name=name,
    )  # fmt: skip


@lru_cache(maxsize=1024)
def _conv_geometry(
    stride: Pair, padding: Pair | str, dilation: Pair, groups: int, *, kernel: Pair, name: str
) -> ConvGeometry:
    for option, values in (("stride", stride), ("dilation", dilation), ("groups", (groups,))):
        if min(values) < 1:
            raise OptionError(f"{name}: {option} must be positive", got=values, rule=f"{option} >= 1",
                              hint=f"{option}=1")
    if padding == "same":
        if stride != (1, 1):
            raise OptionError(f"{name}: padding='same' needs stride 1", got=f"stride {stride}",
                              rule="'same' keeps the size, a stride divides it", hint="padding=(kernel_size - 1) // 2")
        return ConvGeometry(stride, (same_padding(kernel[0], dilation[0]), same_padding(kernel[1], dilation[1])),
                            dilation, groups)
    if padding == "valid":
        padding = (0, 0)
    if isinstance(padding, str):
        raise OptionError(f"{name}: {padding!r} is no padding", got=repr(padding),
                          rule="an int, a pair, 'same' or 'valid'", hint="padding=1")
    if min(padding) < 0:
        raise OptionError(f"{name}: padding must not be negative", got=padding, rule="padding >= 0",
                          hint="slice the input to crop it")
    return ConvGeometry(stride, ((padding[0], padding[0]), (padding[1], padding[1])), dilation, groups)
