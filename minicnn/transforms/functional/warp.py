"""Rotation, affine maps, perspective and elastic deformation: a result's pixel is looked up where the inverse leads.

Coordinates are in pixels, x to the right and y down; angles in degrees.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from minicnn.backend import backend_of
from minicnn.errors import OptionError, ShapeError
from minicnn.ops.creation import as_tensor
from minicnn.tensor import Tensor
from minicnn.transforms.functional.convert import pil_to_tensor, to_pil_image
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
    _, height, width = get_dimensions(img)
    matrix = _inverse(-angle, (0, 0), 1, (0, 0), _from_the_middle(about, height, width))
    out = _bounds(matrix, height, width) if expand else (height, width)
    return _warped("rotate", img, lambda dtype: _places(matrix, (height, width), out, dtype), mode, fill)


def affine(
    img: Image,
    angle: float,
    translate: Sequence[float],
    scale: float,
    shear: float | Sequence[float],
    interpolation: InterpolationMode | int = InterpolationMode.NEAREST,
    fill: Any = None,
    center: Sequence[float] | None = None,
) -> Image:
    """An image turned, moved, enlarged and sheared, about its centre; its size stays.

    Args:
        img: PIL image, or tensor (…, C, H, W).
        angle: in degrees, clockwise.
        translate: (x, y) in pixels, after the turn.
        scale: > 0.
        shear: degrees along x, or (along x, along y).
        interpolation: NEAREST or BILINEAR, for PIL images BICUBIC too.
        fill: the colour of what the image leaves: a number or one for each channel, by default 0.
        center: (x, y) of the fixed point, from the top left corner.

    Errors: OptionError for a scale that is not positive, other modes or fills; DtypeError.

    Example:
        >>> mc.transforms.functional.affine(mc.arange(4.0).reshape(1, 2, 2), 0, (1, 0), 1, 0)
        tensor([[[0., 0.],
                 [0., 2.]]])
    """
    mode = interpolation_mode("affine", interpolation)
    moved = numbers_of("affine", "translate", translate, (2,))
    shears = (shear, 0.0) if isinstance(shear, int | float) else numbers_of("affine", "shear", shear, (1, 2))
    if not scale > 0:
        raise OptionError("affine: scale is not positive", got=scale, rule="scale > 0; 1 leaves the size as it is")
    about = None if center is None else numbers_of("affine", "center", center, (2,))
    pil, (_, height, width) = is_pil("affine", img), get_dimensions(img)
    middle = (about or (width / 2, height / 2)) if pil else _from_the_middle(about, height, width)
    matrix = _inverse(angle, moved, scale, (shears[0], shears[-1]), middle)
    if pil:
        return _transformed("affine", img, "AFFINE", matrix, mode, fill)
    return _warped("affine", img, lambda dtype: _places(matrix, (height, width), (height, width), dtype), mode, fill)


def perspective(
    img: Image,
    startpoints: Sequence[Sequence[float]],
    endpoints: Sequence[Sequence[float]],
    interpolation: InterpolationMode | int = InterpolationMode.BILINEAR,
    fill: Any = None,
) -> Image:
    """An image seen from elsewhere: the four ``startpoints`` (x, y) come to lie at ``endpoints``.

    Args:
        img: PIL image, or tensor (…, C, H, W).
        startpoints, endpoints: usually corners: top left, top right, bottom right, bottom left.
        interpolation, fill: as of ``affine``.

    Errors: OptionError for points on one line; as of ``affine``.
    """
    mode = interpolation_mode("perspective", interpolation)
    pil, coefficients = is_pil("perspective", img), _perspective_of(startpoints, endpoints)
    if pil:
        return _transformed("perspective", img, "PERSPECTIVE", coefficients, mode, fill)
    height, width = img.shape[-2:]
    return _warped("perspective", img, lambda dtype: _seen(coefficients, height, width, dtype), mode, fill)


def elastic_transform(
    img: Image,
    displacement: Tensor,
    interpolation: InterpolationMode | int = InterpolationMode.BILINEAR,
    fill: Any = None,
) -> Image:
    """An image whose pixels are moved one by one, as seen through moving water.

    Args:
        img: PIL image, or tensor (…, C, H, W).
        displacement: (1, H, W, 2): how far to the right and down the source of each pixel lies, in halves of the width
            and of the height.
        interpolation, fill: as of ``affine``.

    Errors: ShapeError for other displacements; as of ``affine``.

    Source: P. Simard et al., "Best practices for convolutional neural networks applied to visual document analysis",
        2003.
    """
    mode = interpolation_mode("elastic_transform", interpolation)
    if is_pil("elastic_transform", img):
        return to_pil_image(elastic_transform(pil_to_tensor(img), displacement, mode, fill), img.mode)
    height, width = img.shape[-2:]
    if tuple(displacement.shape) != (1, height, width, 2):
        raise ShapeError("elastic_transform: the displacement does not fit the image",
                         got=f"{tuple(displacement.shape)} for ({height}, {width})", rule="(1, H, W, 2)")
    moves = backend_of(displacement.array).to_numpy(displacement.array)

    def places(dtype: Any) -> tuple[Array, Array]:
        still = [np.linspace((1 - n) / n, (n - 1) / n, n, dtype=np.float32) for n in (height, width)]
        x, y = still[1] + moves[0, ..., 0], still[0][:, None] + moves[0, ..., 1]
        return _in_pixels(x.astype(dtype), width), _in_pixels(y.astype(dtype), height)

    return _warped("elastic_transform", img, places, mode, fill)


def _from_the_middle(point: Sequence[float] | None, height: int, width: int) -> tuple[float, float]:
    return (0.0, 0.0) if point is None else (point[0] - width / 2, point[1] - height / 2)


def _inverse(
    angle: float, moved: Sequence[float], scale: float, shears: Sequence[float], middle: Sequence[float]
) -> Array:
    """The 2 × 3 matrix that leads from (x, y, 1) in the result to (x, y) in the source.

    Forward, about the middle: shear along x, then along y, enlarge, turn, move. Turn and shears keep areas, so that the
    inverse of their matrix (a b; c d) is (d −b; −c a).
    """
    turn, shear_x, shear_y = math.radians(angle), math.radians(shears[0]), math.radians(shears[1])
    cos, sin, upright = math.cos(turn - shear_y), math.sin(turn - shear_y), math.cos(shear_y)
    a, b = cos / upright, -cos * math.tan(shear_x) / upright - math.sin(turn)
    c, d = sin / upright, -sin * math.tan(shear_x) / upright + math.cos(turn)
    (x, y), (dx, dy) = middle, moved
    rows = [(d / scale, -b / scale, x), (-c / scale, a / scale, y)]
    return np.array([(p, q, p * (-x - dx) + q * (-y - dy) + stay) for p, q, stay in rows])


def _perspective_of(startpoints: Any, endpoints: Any) -> Array:
    """The eight numbers of (x, y) → ((ax + by + c), (dx + ey + f)) / (gx + hy + 1), which leads from end to start."""
    for option, points in (("startpoints", startpoints), ("endpoints", endpoints)):
        for point in numbers_of("perspective", option, points, (4,)):
            numbers_of("perspective", f"a point of {option}", point, (2,))
    rows = []
    for (x, y), (u, v) in zip(endpoints, startpoints, strict=True):
        rows += [(x, y, 1, 0, 0, 0, -u * x, -u * y), (0, 0, 0, x, y, 1, -v * x, -v * y)]
    try:
        found = np.linalg.solve(np.array(rows, np.float64), np.array(startpoints, np.float64).reshape(8))
    except np.linalg.LinAlgError:
        raise OptionError("perspective: the points do not span an image", got=f"{startpoints} to {endpoints}",
                          rule="no three of four points on one line") from None
    return found.astype(np.float32)


def _transformed(name: str, img: Any, kind: str, numbers: Array, mode: InterpolationMode, fill: Any) -> Any:
    """A PIL image by Pillow, from the same numbers."""
    from PIL import Image

    how = Image.Transform[kind]
    return img.transform(img.size, how, numbers.ravel().tolist(), PILLOW_CODES[mode],
                         fillcolor=fill_of(name, img, fill))  # fmt: skip


def _warped(name: str, img: Tensor, places: Callable[[Any], tuple[Array, Array]], mode: InterpolationMode, fill: Any,
            ) -> Tensor:  # fmt: skip
    """The pixels of ``img`` at ``places``, given the dtype to compute in."""
    check_tensor_image(name, img)
    if mode not in (InterpolationMode.NEAREST, InterpolationMode.BILINEAR):
        raise OptionError(f"{name}: mode {mode.value} is not for tensors", got=mode.value, rule="NEAREST or BILINEAR",
                          hint="a PIL image has BICUBIC, too")
    working = floating(img)
    x, y = places(working.dtype.type)
    sample = _nearest if mode is InterpolationMode.NEAREST else _bilinear
    return as_dtype_of(sample(working, x, y, _colour(name, fill, get_dimensions(img)[0], working)), img)


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
        found.append(_in_pixels(x * a + y[:, None] * b + c, n))
    return found[0], found[1]


def _seen(numbers: Array, height: int, width: int, dtype: Any) -> tuple[Array, Array]:
    """As ``_places``, by the eight numbers of a perspective."""
    a, b, c, d, e, f, g, h = numbers.astype(dtype)
    x = np.arange(width, dtype=dtype) + dtype(0.5)
    y = (np.arange(height, dtype=dtype) + dtype(0.5))[:, None]
    far = x * g + y * h + 1
    halves = dtype(width / 2), dtype(height / 2)
    across = (x * (a / halves[0]) + y * (b / halves[0]) + c / halves[0]) / far - 1
    down = (x * (d / halves[1]) + y * (e / halves[1]) + f / halves[1]) / far - 1
    return _in_pixels(across, width), _in_pixels(down, height)


def _in_pixels(place: Array, size: int) -> Array:
    """From [−1, 1] across all pixels to [−½, size − ½]."""
    return ((place + 1) * size - 1) / 2


def _colour(name: str, fill: Any, channels: int, like: Tensor) -> Tensor | None:
    """``fill`` as (C or 1, 1, 1)."""
    if fill is None:
        return None
    values = list(fill) if isinstance(fill, Sequence) else [fill]
    if len(values) not in (1, channels):
        raise OptionError(f"{name}: the fill does not fit the channels", got=f"{fill} for {channels} channels",
                          rule=f"one number, or {channels}")
    return as_tensor(values, dtype=like.dtype, device=like.device).reshape(-1, 1, 1)


def _nearest(img: Tensor, x: Array, y: Array, colour: Tensor | None) -> Tensor:
    found, inside = _look_up(img, np.rint(x), np.rint(y))
    return found * inside if colour is None else found * inside + colour * (1 - inside)


def _bilinear(img: Tensor, x: Array, y: Array, colour: Tensor | None) -> Tensor:
    """The mean of four pixels; those outside are 0, and with a colour the rest is filled up as in torchvision."""
    left, top = np.floor(x), np.floor(y)
    across, downwards = (1 - (x - left), x - left), (1 - (y - top), y - top)
    total: Any = 0
    covered: Any = 0
    for down in (0, 1):
        for right in (0, 1):
            weight = across[right] * downwards[down]
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
