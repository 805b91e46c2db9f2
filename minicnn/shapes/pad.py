"""Padding that repeats pixels, in pure integers: which pixel stands at each place of the padded axis."""

from __future__ import annotations

from functools import lru_cache

from minicnn.shapes.resize import AxisWeights


@lru_cache(maxsize=256)
def pad_positions(size: int, before: int, after: int, mode: str) -> tuple[int, ...]:
    """The input position at each place; negative amounts crop, for "circular" before it wraps, else after.

    Args:
        mode: "reflect" (the border pixel is the mirror), "replicate" or "circular".

    Example:
        >>> pad_positions(4, 2, 1, "reflect"), pad_positions(4, 2, 1, "circular")
        ((2, 1, 0, 1, 2, 3, 2), (2, 3, 0, 1, 2, 3, 0))
    """
    places = range(-before, size + after)
    last = size - 1
    if mode == "reflect":
        return tuple(last - abs(last - abs(i)) for i in places)
    if mode == "replicate":
        return tuple(min(max(i, 0), last) for i in places)
    first = max(-before, 0)
    length = size - first - max(-after, 0)
    return tuple(first + (i - first) % length for i in places)


@lru_cache(maxsize=256)
def pad_weights(size: int, before: int, after: int, mode: str) -> AxisWeights:
    """``pad_positions`` as the table that resizes an axis."""
    return AxisWeights(size, tuple(((i, 1.0),) for i in pad_positions(size, before, after, mode)))
