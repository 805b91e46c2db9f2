"""Where pixels go: resize, crop, pad, flip and erase, for PIL images (by Pillow) and tensors (by Tensor operations)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from minicnn import dtypes
from minicnn.errors import DtypeError, OptionError
from minicnn.nn.functional import interpolate
from minicnn.nn.functional import pad as pad_tensor
from minicnn.ops.creation import as_tensor
from minicnn.tensor import Tensor
from minicnn.transforms.functional.images import (
    Image,
    check_tensor_image,
    get_dimensions,
    get_image_num_channels,
    is_pil,
    numbers_of,
    size_pair,
)
from minicnn.transforms.interpolation import PILLOW_CODES, InterpolationMode, interpolation_mode

_TENSOR_MODES = ("nearest", "nearest-exact", "bilinear", "bicubic")
_PAD_MODES = {"constant": "constant", "edge": "replicate", "reflect": "reflect", "symmetric": "symmetric"}
"""What nn.functional.pad calls them; it has no symmetric."""


def resize(
    img: Image,
    size: int | Sequence[int],
    interpolation: InterpolationMode | int = InterpolationMode.BILINEAR,
    max_size: int | None = None,
    antialias: bool | None = True,
) -> Image:
    """An image in another size.

    Args:
        img: PIL image, or tensor (…, C, H, W).
        size: (height, width); or one number for the shorter side, the longer one following in proportion.
        interpolation: an InterpolationMode, or Pillow's number of one.
        max_size: the longer side is at most this; only with one number in ``size``.
        antialias: for tensors: weigh all pixels when shrinking, as Pillow always does.

    Errors: OptionError for a size, mode or max_size that does not fit; DtypeError for no image.

    Example:
        >>> mc.transforms.functional.resize(mc.zeros(3, 20, 40), 10).shape
        Size([3, 10, 20])
    """
    pil, mode = is_pil("resize", img), interpolation_mode("resize", interpolation)
    _, height, width = get_dimensions(img)
    target = _target(height, width, size, max_size)
    if target == (height, width):
        return img
    if min(target) < 1:
        raise OptionError("resize: the result would be empty", got=f"({height}, {width}) to {target}",
                          rule="new sizes are at least 1")
    if pil:
        return img.resize(target[::-1], PILLOW_CODES[mode])
    return _resize_tensor(img, target, mode.value, bool(antialias))


def _target(height: int, width: int, size: Any, max_size: int | None) -> tuple[int, int]:
    wanted = [size] if isinstance(size, int) else list(numbers_of("resize", "size", size, (1, 2)))
    if len(wanted) == 2:
        if max_size is not None:
            raise OptionError("resize: max_size has no meaning here", got=f"size {size}, max_size {max_size}",
                              rule="max_size goes with one number for the shorter side")
        return wanted[0], wanted[1]
    if max_size is not None and max_size <= wanted[0]:
        raise OptionError("resize: max_size is not larger than the shorter side",
                          got=f"size {size}, max_size {max_size}", rule="size < max_size")
    short, long = wanted[0], int(wanted[0] * max(height, width) / min(height, width))
    if max_size is not None and long > max_size:
        short, long = int(max_size * short / long), max_size
    return (long, short) if width <= height else (short, long)


def _resize_tensor(img: Tensor, size: tuple[int, int], mode: str, antialias: bool) -> Tensor:
    if mode not in _TENSOR_MODES:
        raise OptionError(f"resize: mode {mode} is not for tensors", got=mode, rule=", ".join(_TENSOR_MODES),
                          hint="a PIL image has them all")
    smooth = mode in ("bilinear", "bicubic")
    y = interpolate(as_batch(floating(img)), size, mode=mode, antialias=antialias and smooth)
    if mode == "bicubic" and img.dtype == dtypes.uint8:
        y = y.clamp(0, 255)  # the cubic overshoots at edges
    return as_dtype_of(y.reshape(*img.shape[:-2], *size), img)


def floating(img: Tensor) -> Tensor:
    """``img`` in float32, unless it is in float32 or float64."""
    return img if img.dtype in (dtypes.float32, dtypes.float64) else img.to(dtypes.float32)


def as_batch(img: Tensor) -> Tensor:
    """(…, C, H, W) as (N, C, H, W)."""
    shape = img.shape
    return img.reshape(-1, shape[-3] if len(shape) > 2 else 1, shape[-2], shape[-1])


def as_dtype_of(y: Tensor, img: Tensor) -> Tensor:
    """``y`` in the dtype of ``img``, rounded where that is of integers."""
    return (y.round() if img.dtype.kind in "iu" else y).to(img.dtype)


def crop(img: Image, top: int, left: int, height: int, width: int) -> Image:
    """The rectangle of ``height`` and ``width`` at (top, left); what lies outside of the image is 0.

    Example:
        >>> mc.transforms.functional.crop(mc.arange(9.0).reshape(1, 3, 3), 0, 1, 2, 2)
        tensor([[[1., 2.],
                 [4., 5.]]])
    """
    if is_pil("crop", img):
        return img.crop((left, top, left + width, top + height))
    _, h, w = get_dimensions(img)
    inside = img[..., _within(top, h) : _within(top + height, h), _within(left, w) : _within(left + width, w)]
    around = [_beyond(left, width, w), _beyond(top, height, h)]
    return pad_tensor(inside, [*around[0], *around[1]]) if any(map(any, around)) else inside


def _within(place: int, size: int) -> int:
    return min(max(place, 0), size)


def _beyond(start: int, length: int, size: int) -> tuple[int, int]:
    """How many pixels of [start, start + length) lie before 0, and how many behind ``size``."""
    before = min(max(-start, 0), length)
    return before, min(max(start + length - size, 0), length)


def center_crop(img: Image, output_size: int | Sequence[int]) -> Image:
    """The middle of an image; where it is smaller than (height, width), 0 around it.

    Example:
        >>> mc.transforms.functional.center_crop(mc.arange(9.0).reshape(1, 3, 3), 1)
        tensor([[[4.]]])
    """
    height, width = size_pair("center_crop", output_size)
    _, h, w = get_dimensions(img)
    if height > h or width > w:
        more_h, more_w = max(height - h, 0), max(width - w, 0)
        img = pad(img, [more_w // 2, more_h // 2, (more_w + 1) // 2, (more_h + 1) // 2])
        h, w = max(height, h), max(width, w)
    return crop(img, round((h - height) / 2), round((w - width) / 2), height, width)


def resized_crop(
    img: Image, top: int, left: int, height: int, width: int, size: int | Sequence[int],
    interpolation: InterpolationMode | int = InterpolationMode.BILINEAR, antialias: bool | None = True,
) -> Image:  # fmt: skip
    """``crop``, then ``resize``."""
    return resize(crop(img, top, left, height, width), size, interpolation, antialias=antialias)


def pad(img: Image, padding: int | Sequence[int], fill: Any = 0, padding_mode: str = "constant") -> Image:
    """An image with a frame; negative amounts crop.

    Args:
        img: PIL image, or tensor (…, C, H, W).
        padding: one number for all sides, (left and right, top and bottom), or (left, top, right, bottom).
        fill: the frame's colour: a number, or for PIL images one for each channel.
        padding_mode: "constant" is ``fill``; "edge" repeats the border pixel; "reflect" mirrors without repeating it,
            "symmetric" repeating it.

    Errors: OptionError for other amounts or modes; DtypeError.

    Example:
        >>> mc.transforms.functional.pad(mc.ones(1, 1, 1), (1, 0))
        tensor([[[0., 1., 0.]]])
    """
    pil = is_pil("pad", img)
    left, top, right, bottom = _sides(padding)
    if padding_mode not in _PAD_MODES:
        raise OptionError(f"pad: there is no mode {padding_mode!r}", got=padding_mode, rule=", ".join(_PAD_MODES))
    if pil:
        return _pad_pil(img, (left, top, right, bottom), fill, padding_mode)
    value = 0 if fill is None else fill
    if not isinstance(value, int | float):
        raise DtypeError("pad: fill is no number", got=repr(fill), rule="a tensor is filled with one number")
    if padding_mode == "symmetric":
        return _pad_symmetric(img, (left, top, right, bottom))
    amounts = (left, right, top, bottom)
    if padding_mode == "constant":
        return pad_tensor(img, amounts, value=value)
    padded = pad_tensor(as_batch(floating(img)), amounts, mode=_PAD_MODES[padding_mode])
    return padded.reshape(*img.shape[:-2], *padded.shape[-2:]).to(img.dtype)


def _sides(padding: Any) -> tuple[int, int, int, int]:
    """(left, top, right, bottom) of one, two or four numbers."""
    if isinstance(padding, int):
        return (padding,) * 4
    amounts = tuple(numbers_of("pad", "padding", padding, (1, 2, 4)))
    left, top, right, bottom = amounts * (4 // len(amounts))
    return left, top, right, bottom


def _pad_pil(img: Any, sides: tuple[int, int, int, int], fill: Any, mode: str) -> Any:
    from PIL import Image, ImageOps

    if mode == "constant":
        padded = ImageOps.expand(img, sides, fill=fill_of("pad", img, fill))
    else:
        left, top, right, bottom = (min(side, 0) for side in sides)
        cropped = img.crop((-left, -top, img.width + right, img.height + bottom)) if min(sides) < 0 else img
        left, top, right, bottom = (max(side, 0) for side in sides)
        pixels = np.asarray(cropped)
        amounts = ((top, bottom), (left, right), (0, 0))[: pixels.ndim]
        padded = Image.fromarray(np.pad(pixels, amounts, mode))  # type: ignore[call-overload]  # mode is one of NumPy's, checked above
    if img.mode == "P":
        padded.putpalette(img.getpalette())
    return padded


def fill_of(name: str, img: Any, fill: Any) -> Any:
    """A fill as Pillow wants it: a number for one channel, a tuple for several, whole except in mode F."""
    channels = get_image_num_channels(img)
    kind = float if img.mode == "F" else int
    values = [0 if fill is None else fill] if not isinstance(fill, Sequence) else list(fill)
    values = values * channels if len(values) == 1 else values
    if len(values) != channels:
        raise OptionError(f"{name}: the fill does not fit the channels", got=f"{fill} for mode {img.mode}",
                          rule=f"one number, or {channels}")
    return kind(values[0]) if channels == 1 else tuple(map(kind, values))


def _pad_symmetric(img: Tensor, sides: tuple[int, int, int, int]) -> Tensor:
    _, height, width = get_dimensions(img)
    rows, columns = (
        np.pad(np.arange(max(-before, 0), n + min(after, 0)), (max(before, 0), max(after, 0)), "symmetric")
        for n, before, after in ((height, sides[1], sides[3]), (width, sides[0], sides[2]))
    )
    return img[..., as_tensor(rows, device=img.device)[:, None], as_tensor(columns, device=img.device)]


def hflip(img: Image) -> Image:
    """Left and right exchanged."""
    if is_pil("hflip", img):
        from PIL import Image

        return img.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    return img.flip(-1)


def vflip(img: Image) -> Image:
    """Top and bottom exchanged."""
    if is_pil("vflip", img):
        from PIL import Image

        return img.transpose(Image.Transpose.FLIP_TOP_BOTTOM)
    return img.flip(-2)


def five_crop(img: Image, size: int | Sequence[int]) -> tuple[Image, ...]:
    """The four corners of ``size`` and the centre: (top left, top right, bottom left, bottom right, centre).

    Errors: OptionError where the image is smaller.
    """
    height, width = size_pair("five_crop", size)
    _, h, w = get_dimensions(img)
    if height > h or width > w:
        raise OptionError("five_crop: the image is smaller than the crop", got=f"({h}, {w}) for {(height, width)}",
                          rule="height and width are at most the image's", hint="Resize before")
    corners = [crop(img, top, left, height, width) for top in (0, h - height) for left in (0, w - width)]
    return (*corners, center_crop(img, (height, width)))


def ten_crop(img: Image, size: int | Sequence[int], vertical_flip: bool = False) -> tuple[Image, ...]:
    """``five_crop`` of the image and of its mirror image (upside down with ``vertical_flip``)."""
    mirrored = vflip(img) if vertical_flip else hflip(img)
    return five_crop(img, size) + five_crop(mirrored, size)


def erase(img: Tensor, i: int, j: int, h: int, w: int, v: Any, inplace: bool = False) -> Tensor:
    """The rectangle of (h, w) at (i, j) replaced by ``v``, which broadcasts to it. For tensors.

    Example:
        >>> mc.transforms.functional.erase(mc.ones(1, 2, 2), 0, 0, 1, 2, 0)
        tensor([[[0., 0.],
                 [1., 1.]]])
    """
    check_tensor_image("erase", img)
    erased = img if inplace else img.clone()
    erased[..., i : i + h, j : j + w] = v
    return erased
