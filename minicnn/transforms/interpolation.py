"""InterpolationMode: how a pixel of the result is mixed from the pixels around its place in the source."""

from __future__ import annotations

from enum import Enum
from typing import Any

from minicnn.errors import DtypeError, OptionError


class InterpolationMode(Enum):
    """The filters of resizing and rotating; tensors know NEAREST, NEAREST_EXACT, BILINEAR and BICUBIC."""

    NEAREST = "nearest"
    NEAREST_EXACT = "nearest-exact"
    BILINEAR = "bilinear"
    BICUBIC = "bicubic"
    BOX = "box"
    HAMMING = "hamming"
    LANCZOS = "lanczos"


PILLOW_CODES = {
    InterpolationMode.NEAREST: 0, InterpolationMode.LANCZOS: 1, InterpolationMode.BILINEAR: 2,
    InterpolationMode.BICUBIC: 3, InterpolationMode.BOX: 4, InterpolationMode.HAMMING: 5,
    InterpolationMode.NEAREST_EXACT: 0,
}  # fmt: skip
"""Pillow's own numbers, which it also takes (``PIL.Image.BILINEAR`` is 2)."""


def interpolation_mode(name: str, value: Any) -> InterpolationMode:
    """A mode from a mode or from one of Pillow's numbers. Errors: DtypeError, OptionError."""
    if isinstance(value, InterpolationMode):
        return value
    if not isinstance(value, int):
        raise DtypeError(f"{name}: this is no interpolation mode", got=repr(value),
                         rule="an InterpolationMode, or Pillow's number of one", hint="InterpolationMode.BILINEAR")
    for mode, code in PILLOW_CODES.items():
        if code == value:
            return mode
    raise OptionError(f"{name}: Pillow has no such filter", got=value, rule="0 to 5", hint="InterpolationMode.BILINEAR")
