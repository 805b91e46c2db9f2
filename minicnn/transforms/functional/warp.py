"""Rotation. A result's pixel is looked up where the inverse rotation leads from its centre.

Coordinates are in pixels from the image's centre; angles in degrees, counter-clockwise.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from minicnn.errors import OptionError
from minicnn.ops.creation import as_tensor
from minicnn.tensor import Tensor
from minicnn.transforms.functional.geometry import as_dtype_of, fill_of, floating
from minicnn.transforms.functional.images import Image, check_tensor_image, get_dimensions, is_pil, numbers_of
from minicnn.transforms.interpolation import PILLOW_CODES, InterpolationMode, interpolation_mode

Array = Any


def rotate(
    img: Image,
    angle: float,
    interpolation: InterpolationMode | int = InterpolationMode.NEAREST,
    expand: bool = False,
    center: Sequence[float] | None = None,
    fill: Any = None,
) -> Image:
    """An image turned counter-clockwise.

    Args:
        img: PIL image, or tensor (…, C, H, W).
        angle: in degrees.
        interpolation: NEAREST or BILINEAR, for PIL images BICUBIC too.
        expand: make the result large enough for the whole image (turned about its centre).
        center: (x, y) to turn about, from the top left corner; by default the centre.
        fill: the colour of the corners: a number or one for each channel, by default 0.

    Errors: OptionError for other modes or fills; DtypeError.

    Example:
        >>> mc.transforms.functional.rotate(mc.arange(4.0).reshape(1, 2, 2), 90)
        tensor([[[1., 3.],
                 [0., 2.]]])
    """
    mode = interpolation_mode("rotate", interpolation)
    about = None if center is None else numbers_of("rotate", "center", center, (2,))
    if is_pil("rotate", img):
        return img.rotate(angle, PILLOW_CODES[mode], expand, about, fillcolor=fill_of("rotate", img, fill))
    check_tensor_image("rotate", img)
    if mode not in (InterpolationMode.NEAREST, InterpolationMode.BILINEAR):
        raise OptionError(f"rotate: mode {mode.value} is not for tensors", got=mode.value, rule="NEAREST or BILINEAR",
                          hint="a PIL image has BICUBIC, too")
    channels, height, width = get_dimensions(img)
    x, y = (0.0, 0.0) if about is None else (about[0] - width / 2, about[1] - height / 2)
    matrix = _about(angle, x, y)
    rows, columns = _bounds(matrix, height, width) if expand else (height, width)
    working = floating(img)
    places = _places(matrix, (height, width), (rows, columns), working.dtype.type)
    sample = _nearest if mode is InterpolationMode.NEAREST else _bilinear
    return as_dtype_of(sample(working, *places, _colour(fill, channels, working)), img)


def _about(angle: float, x: float, y: float) -> Array:
    """The 2 × 3 matrix that turns (x, y, 1) clockwise about a centre, which undoes a turn of the image (y is down)."""
    cos, sin = math.cos(math.radians(angle)), math.sin(math.radians(angle))
    return np.array([[cos, -sin, x - cos * x + sin * y], [sin, cos, y - sin * x - cos * y]])


def _bounds(matrix: Array, height: int, width: int) -> tuple[int, int]:
    """Rows and columns of the box around the turned image, by Pillow's rounding."""
    corners = np.array([(sx * width / 2, sy * height / 2, 1) for sx in (-1, 1) for sy in (-1, 1)], np.float32)
    turned = corners @ matrix.astype(np.float32).T + np.array([width / 2, height / 2], np.float32)
    low, high = (np.trunc(extreme / 1e-4) * 1e-4 for extreme in (turned.min(axis=0), turned.max(axis=0)))
    columns, rows = np.ceil(high) - np.floor(low)
    return int(rows), int(columns)


def _places(matrix: Array, size: tuple[int, int], out: tuple[int, int], dtype: Any) -> tuple[Array, Array]:
    """The (x, y) in the source, from its top left pixel's centre, of each pixel of the result: (OH, OW) each.

    Computed as PyTorch does, by way of coordinates in [−1, 1], so that pixels half-way go to the same side.
    """
    y, x = (np.arange(n, dtype=dtype) - dtype((n - 1) / 2) for n in out)
    found = []
    for row, n in zip(matrix.astype(dtype), size[::-1], strict=True):
        a, b, c = row / dtype(n / 2)
        found.append(((x * a + y[:, None] * b + c + 1) * n - 1) / 2)
    return found[0], found[1]


def _colour(fill: Any, channels: int, like: Tensor) -> Tensor | None:
    """``fill`` as (C or 1, 1, 1)."""
    if fill is None:
        return None
    values = list(fill) if isinstance(fill, Sequence) else [fill]
    if len(values) not in (1, channels):
        raise OptionError("rotate: the fill does not fit the channels", got=f"{fill} for {channels} channels",
                          rule=f"one number, or {channels}")
    return as_tensor(values, dtype=like.dtype, device=like.device).reshape(-1, 1, 1)


def _nearest(img: Tensor, x: Array, y: Array, colour: Tensor | None) -> Tensor:
    found, inside = _look_up(img, np.rint(x), np.rint(y))
    return found * inside if colour is None else found * inside + colour * (1 - inside)


def _bilinear(img: Tensor, x: Array, y: Array, colour: Tensor | None) -> Tensor:
    """The mean of four pixels; those outside are 0, and with a colour the rest is filled up as in torchvision."""
    left, top = np.floor(x), np.floor(y)
    total: Any = 0
    covered: Any = 0
    for down in (0, 1):
        for right in (0, 1):
            weight = (1 - np.abs(x - left - right)) * (1 - np.abs(y - top - down))
            found, inside = _look_up(img, left + right, top + down)
            share = as_tensor(weight, device=img.device) * inside
            total, covered = total + found * share, covered + share
    return total if colour is None else total * covered + colour * (1 - covered)


def _look_up(img: Tensor, x: Array, y: Array) -> tuple[Tensor, Tensor]:
    """The pixels (…, C, OH, OW) at whole places, any where there are none, and 1 or 0 for whether there are."""
    height, width = img.shape[-2:]
    inside = (x >= 0) & (x < width) & (y >= 0) & (y < height)
    rows, columns = (
        as_tensor(place.clip(0, n - 1).astype(np.int64), device=img.device) for place, n in ((y, height), (x, width))
    )
    return img[..., rows, columns], as_tensor(inside, device=img.device).to(img.dtype)
