"""Resizing along one axis as a small linear map: which input positions each output position mixes, and how much.

An image is resized along its width, then along its height; each mode is nothing but a table made here. Coordinates
are rounded to float32 where PyTorch's are, because nearest neighbours and weights depend on the last bit.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from struct import pack, unpack

from minicnn.errors import OptionError
from minicnn.shapes.pool import adaptive_bins

Tap = tuple[int, float]
Round = Callable[[float], float]


@dataclass(frozen=True, slots=True)
class AxisWeights:
    """A linear map along one axis: output i is the sum of weight · input[position] over the pairs in ``taps[i]``."""

    size: int
    taps: tuple[tuple[Tap, ...], ...]

    def transposed(self) -> AxisWeights:
        """The map of gradients: input position j receives what every output took from it."""
        received: list[list[Tap]] = [[] for _ in range(self.size)]
        for output, taps in enumerate(self.taps):
            for position, weight in taps:
                received[position].append((output, weight))
        return AxisWeights(len(self.taps), tuple(map(tuple, received)))

    def layers(self) -> list[tuple[list[int], list[int], list[float]]]:
        """(outputs, positions, weights) of everybody's first tap, of everybody's second, …; no output twice in one."""
        found: list[tuple[list[int], list[int], list[float]]] = []
        for output, taps in enumerate(self.taps):
            found.extend(([], [], []) for _ in range(len(taps) - len(found)))
            for (outputs, positions, weights), (position, weight) in zip(found, taps, strict=False):
                outputs.append(output)
                positions.append(position)
                weights.append(weight)
        return found


@lru_cache(maxsize=256)
def axis_weights(
    size: int,
    out_size: int,
    mode: str,
    *,
    align_corners: bool = False,
    scale_factor: float | None = None,
    antialias: bool = False,
    double: bool = False,
) -> AxisWeights:
    """The table that resizes ``size`` positions to ``out_size`` as ``torch.nn.functional.interpolate`` does.

    Args:
        mode: "nearest", "nearest-exact", "linear" (of bilinear too), "cubic" (of bicubic) or "area".
        align_corners: the centres of the corner pixels stay where they are (linear and cubic).
        scale_factor: output ÷ input as the user gave it, where coordinates are to use it instead of the sizes' ratio.
        antialias: widen the filter when shrinking, so that every input position counts (linear and cubic).
        double: compute coordinates in float64, as PyTorch does for float64 images.

    Example:
        >>> axis_weights(2, 4, "linear").taps[1]
        ((0, 0.75), (1, 0.25))
    """
    if mode == "area":
        bins = adaptive_bins(size, out_size)
        return AxisWeights(size, tuple(tuple((i, 1 / (end - start)) for i in range(start, end)) for start, end in bins))
    if mode in ("nearest", "nearest-exact"):
        return AxisWeights(size, _nearest(size, out_size, 0.5 if mode == "nearest-exact" else 0.0, scale_factor))
    if mode not in ("linear", "cubic"):
        raise OptionError(f"interpolate: {mode!r} is no mode of one axis", got=repr(mode),
                          rule="nearest, nearest-exact, linear, cubic or area")  # fmt: skip
    if size == out_size and (mode == "linear" or antialias):  # an axis that PyTorch leaves alone, whatever the scale
        return AxisWeights(size, tuple(((i, 1.0),) for i in range(size)))
    rounded: Round = float if double else _float32
    scale = _scale(size, out_size, align_corners, scale_factor, rounded)
    if antialias:
        return AxisWeights(size, _antialiased(size, out_size, mode, scale, rounded))
    return AxisWeights(size, (_linear if mode == "linear" else _cubic)(size, out_size, scale, align_corners, rounded))


def _float32(value: float) -> float:
    """A float64 rounded to the nearest float32."""
    return float(unpack("f", pack("f", value))[0])


def _scale(size: int, out_size: int, align_corners: bool, scale_factor: float | None, rounded: Round) -> float:
    """How many input positions one step of the output is."""
    if align_corners:
        return rounded((size - 1) / (out_size - 1)) if out_size > 1 else 0.0
    return rounded(1 / scale_factor if scale_factor else size / out_size)


def _source(i: int, scale: float, align_corners: bool, rounded: Round) -> float:
    """Where output i's centre lies in the input; rounded once, as the fused multiply-add of PyTorch's loop does."""
    if align_corners:
        return rounded(scale * i)
    return rounded(scale * (i + 0.5) - 0.5)


def _nearest(size: int, out_size: int, shift: float, scale_factor: float | None) -> tuple[tuple[Tap, ...], ...]:
    """⌊(i + shift)·scale⌋, in float32 whatever the image is; plain "nearest" knows the exact answer for ×1 and ×2."""
    if shift == 0 and out_size in (size, 2 * size):
        return tuple(((i * size // out_size, 1.0),) for i in range(out_size))
    scale = _scale(size, out_size, False, scale_factor, _float32)
    return tuple(((min(int(_float32((i + shift) * scale)), size - 1), 1.0),) for i in range(out_size))


def _linear(
    size: int, out_size: int, scale: float, align_corners: bool, rounded: Round
) -> tuple[tuple[Tap, ...], ...]:
    """The two positions around the source, each weighted by the distance to the other."""
    rows: list[tuple[Tap, ...]] = []
    for i in range(out_size):
        source = max(_source(i, scale, align_corners, rounded), 0.0)
        left = min(int(source), size - 1)
        t = min(rounded(source - left), 1.0)
        rows.append(((left, rounded(1 - t)), (min(left + 1, size - 1), t)))
    return tuple(rows)


def _cubic(size: int, out_size: int, scale: float, align_corners: bool, rounded: Round) -> tuple[tuple[Tap, ...], ...]:
    """The four positions around the source by Keys' cubic, a = -0.75; beyond the border its own pixel repeats."""
    rows: list[tuple[Tap, ...]] = []
    for i in range(out_size):
        source = _source(i, scale, align_corners, rounded)
        left = min(math.floor(source), size - 1)
        t = min(rounded(source - left), 1.0)
        rows.append(tuple(
            (min(max(left + k, 0), size - 1), rounded(_keys(t - k, -0.75))) for k in (-1, 0, 1, 2)
        ))  # fmt: skip
    return tuple(rows)


def _antialiased(
    size: int, out_size: int, mode: str, scale: float, rounded: Round
) -> tuple[tuple[Tap, ...], ...]:
    """A triangle or Keys' cubic (a = -0.5, as in PIL) stretched to the output's pixel, normalised to sum 1."""
    reach, kernel = (1, _triangle) if mode == "linear" else (2, _keys)
    stretch = max(scale, 1.0)
    rows: list[tuple[Tap, ...]] = []
    for i in range(out_size):
        centre = rounded(scale * (i + 0.5))
        first = max(int(centre - reach * stretch + 0.5), 0)
        last = min(int(centre + reach * stretch + 0.5), size)
        weights = [kernel((j - centre + 0.5) / stretch) for j in range(first, last)]
        total = sum(weights)
        rows.append(tuple((first + j, rounded(w / total)) for j, w in enumerate(weights)))
    return tuple(rows)


def _triangle(x: float) -> float:
    """1 − |x|, and 0 from 1 on."""
    return max(1 - abs(x), 0.0)


def _keys(x: float, a: float = -0.5) -> float:
    """Keys' cubic convolution: 1 at 0, 0 at every other integer, smooth, and 0 from 2 on."""
    x = abs(x)
    if x < 1:
        return ((a + 2) * x - (a + 3)) * x * x + 1
    return ((x - 5) * x + 8) * x * a - 4 * a if x < 2 else 0.0
