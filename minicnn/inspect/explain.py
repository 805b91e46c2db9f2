"""``explain``: the terms that make one output of a convolution or a pooling, as text and as a picture."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from minicnn.autograd import no_grad
from minicnn.errors import OutOfRangeError, ShapeError
from minicnn.inspect.survey import evaluating
from minicnn.inspect.windows import Tap, Windows, padded_axis, pool_of, windows_of
from minicnn.nn import AvgPool2d, Conv2d, ConvTranspose2d, MaxPool2d, Module
from minicnn.tensor import Tensor


@dataclass(frozen=True, slots=True)
class Term:
    """One pixel times one weight.

    Attributes:
        channel: of the input.
        tap: the position in the kernel, and in the image; in the padding it lies outside of the image.
        value: the pixel's; 0 in zero padding.
        weight: the kernel's; 1 in a pooling.
    """

    channel: int
    tap: Tap
    value: float
    weight: float

    @property
    def product(self) -> float:
        """value · weight."""
        return self.value * self.weight


@dataclass(frozen=True)
class Explanation:
    """What ``explain`` found. Printed, it is the calculation; a notebook shows the picture.

    Attributes:
        layer: what was explained.
        position: (n, c, i, j) of the output.
        value: the output that the layer computed.
        terms: what it is made of; of a pooling only those in the image.
        bias: added to the terms; 0 where there is none.
        divisor: what the terms' sum is divided by: 1, but in an average.
        windows: the layer's geometry.
        image, kernels: by input channel, the pixels and (not of a pooling) the weights.
    """

    layer: Module
    position: tuple[int, int, int, int]
    value: float
    terms: tuple[Term, ...]
    bias: float
    divisor: int
    windows: Windows
    image: dict[int, list[list[float]]]
    kernels: dict[int, list[list[float]]]

    @property
    def total(self) -> float:
        """What the terms come to; ``value``, but for rounding."""
        if isinstance(self.layer, MaxPool2d):
            return max((t.value for t in self.terms), key=lambda v: (math.isnan(v), v))
        return math.fsum([*(t.product for t in self.terms), self.bias]) / self.divisor

    @property
    def winner(self) -> Term | None:
        """Of a maximum, the first term that has it: where the whole gradient goes."""
        if not isinstance(self.layer, MaxPool2d):
            return None
        return max(self.terms, key=lambda t: (math.isnan(t.value), t.value))

    def __str__(self) -> str:
        n, c, i, j = self.position
        head = f"y[{n}, {c}, {i}, {j}] of {self.layer}"
        return "\n".join([head, *(f"  {line}" for line in self._lines())])

    def _lines(self) -> list[str]:
        values = [number(t.value) for t in self.terms]
        if self.winner is not None:
            tap = self.winner.tap
            where = f"x[{self.position[0]}, {self.winner.channel}, {tap.row}, {tap.column}]"
            return [f"max({', '.join(values)}) = {number(self.total)}, which is {where}"]
        if isinstance(self.layer, AvgPool2d):
            return [f"({' + '.join(values)}) / {self.divisor} = {number(self.total)}"]
        sums = {k: [t for t in self.terms if t.channel == k] for k in self.image}
        lines = {k: " + ".join(f"({number(t.value)} × {number(t.weight)})" for t in terms) or "nothing"
                 for k, terms in sums.items()}  # fmt: skip
        if len(lines) == 1 and not self.bias:
            return [f"{line} = {number(self.total)}" for line in lines.values()]
        found = [f"x[{self.position[0]}, {k}]: {line} = {number(math.fsum(t.product for t in sums[k]))}"
                 for k, line in lines.items()]  # fmt: skip
        parts = [*(number(math.fsum(t.product for t in terms)) for terms in sums.values()),
                 *([f"{number(self.bias)} (bias)"] if self.bias else [])]  # fmt: skip
        return [*found, f"{' + '.join(parts)} = {number(self.total)}"]

    def svg(self) -> str:
        """The picture: image and kernel of each channel side by side, the window marked, and the output."""
        from minicnn.inspect.explained import picture

        return picture(self)

    _repr_svg_ = svg


def explain(layer: Module, x: Tensor, n: int, c: int, i: int, j: int) -> Explanation:
    """The terms that make ``layer(x)[n, c, i, j]``.

    Args:
        layer: a Conv2d, ConvTranspose2d, MaxPool2d or AvgPool2d.
        x: its input (N, C, H, W).
        n, c, i, j: image, channel, row and column of the output; negative ones count from the end.

    Errors: OptionError for other layers, ShapeError for other inputs, OutOfRangeError outside of the output.

    Example:
        >>> x = mc.tensor([[10.0, 11, 9, 3], [2, 123, 4, 0], [45, 237, 23, 99], [20, 67, 22, 255]]).reshape(1, 1, 4, 4)
        >>> conv = nn.Conv2d(1, 1, 2, stride=2, bias=False)
        >>> _ = conv.load_state_dict({"weight": mc.tensor([[[[1.0, 0], [1, 0]]]])})
        >>> print(mc.inspect.explain(conv, x, 0, 0, 0, 0))
        y[0, 0, 0, 0] of Conv2d(1, 1, kernel_size=(2, 2), stride=(2, 2), bias=False)
          (10 × 1) + (11 × 0) + (2 × 1) + (123 × 0) = 12
    """
    if not isinstance(x, Tensor) or x.ndim != 4:
        raise ShapeError("explain: the input is no batch of images", got=x, rule="a tensor (N, C, H, W)",
                         hint="x.unsqueeze(0) for one image")
    windows = windows_of("explain", layer, x.shape[2:])
    with no_grad(), evaluating(layer):
        y = layer(x)
    y = y[0] if isinstance(y, tuple) else y
    n, c, i, j = (_index(at, size) for at, size in zip((n, c, i, j), y.shape, strict=True))
    channels = _channels(layer, c, x.shape[1])
    image = {k: x[n, k].tolist() for k in channels}
    kernels = {k: kernel.tolist() for k, kernel in _kernels(layer, c, channels).items()}
    bias = getattr(layer, "bias", None)
    return Explanation(
        layer, (n, c, i, j), y[n, c, i, j].item(), tuple(_terms(layer, windows, (i, j), image, kernels)),
        0.0 if bias is None else bias[c].item(), _divisor(layer, windows, i, j), windows, image, kernels,
    )  # fmt: skip


def _terms(
    layer: Module, windows: Windows, at: tuple[int, int], image: dict[int, Any], kernels: dict[int, Any]
) -> list[Term]:
    mode = getattr(layer, "padding_mode", "zeros")
    rows, columns = (padded_axis(mode, size, edges)
                     for size, edges in zip(windows.size, windows.padding, strict=True))  # fmt: skip
    pooling = not kernels
    found = []
    for k, pixels in image.items():
        for tap in windows.taps(*at):
            row, column = rows.get(tap.row), columns.get(tap.column)
            inside = row is not None and column is not None
            if inside or not pooling:
                value = pixels[row][column] if inside else 0.0
                found.append(Term(k, tap, value, 1.0 if pooling else kernels[k][tap.u][tap.v]))
    return found


def _channels(layer: Module, c: int, channels: int) -> Sequence[int]:
    """The input channels that make output channel ``c``."""
    if not isinstance(layer, Conv2d | ConvTranspose2d):
        return [c]
    part, group = channels // layer.groups, c // (layer.out_channels // layer.groups)
    return range(group * part, (group + 1) * part)


def _kernels(layer: Module, c: int, channels: Sequence[int]) -> dict[int, Tensor]:
    if isinstance(layer, ConvTranspose2d):
        return {k: layer.weight[k, c % layer.weight.shape[1]] for k in channels}
    if isinstance(layer, Conv2d):
        return {k: layer.weight[c, k - channels[0]] for k in channels}
    return {}


def _divisor(layer: Module, windows: Windows, i: int, j: int) -> int:
    if not isinstance(layer, AvgPool2d):
        return 1
    if layer.divisor_override is not None:
        return int(layer.divisor_override)
    rows, columns = (pool_of("explain", layer).divisors(axis, size, layer.count_include_pad)
                     for axis, size in enumerate(windows.size))  # fmt: skip
    return rows[i] * columns[j]


def _index(at: int, size: int) -> int:
    if not -size <= at < size:
        raise OutOfRangeError("explain: the position is outside of the output", got=at, rule=f"{-size} to {size - 1}")
    return at % size


def number(value: float) -> str:
    """A number for people: six digits at most, none after the point where it is whole."""
    return f"{value:.6g}"
