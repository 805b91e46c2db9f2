"""What all operations ask of an image: is it Pillow's or a tensor, and how large is it?"""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Number
from typing import Any

from minicnn.errors import DtypeError, OptionError, ShapeError
from minicnn.tensor import Tensor
from minicnn.transforms.pillow import is_pil_image

Image = Any
"""A PIL image, or a tensor (…, C, H, W)."""


def is_pil(name: str, img: Any) -> bool:
    """True for a PIL image, False for a tensor of one. Errors: DtypeError for anything else, ShapeError."""
    if isinstance(img, Tensor):
        if img.array.ndim < 2:
            raise ShapeError(f"{name}: this tensor is no image", got=f"shape {tuple(img.shape)}", rule="(…, C, H, W)")
        return False
    if is_pil_image(img):
        return True
    array = hasattr(img, "dtype")
    raise DtypeError(f"{name}: this is no image", got=f"{type(img).__module__}.{type(img).__qualname__}",
                     rule="a PIL image, or a tensor (…, C, H, W)",
                     hint="transforms.ToTensor() or transforms.ToPILImage() before" if array else None)


def check_tensor_image(name: str, img: Any) -> None:
    """DtypeError or ShapeError unless ``img`` is a tensor (…, C, H, W)."""
    if not isinstance(img, Tensor):
        raise DtypeError(f"{name}: this is no tensor", got=type(img).__name__, rule=f"{name} is for tensors",
                         hint="transforms.ToTensor() before")
    if img.array.ndim < 3:
        raise ShapeError(f"{name}: this tensor is no image", got=f"shape {tuple(img.shape)}", rule="(…, C, H, W)")


def get_dimensions(img: Image) -> list[int]:
    """[channels, height, width].

    Example:
        >>> mc.transforms.functional.get_dimensions(mc.zeros(3, 4, 5))
        [3, 4, 5]
    """
    if is_pil("get_dimensions", img):
        return [len(img.getbands()), img.height, img.width]
    shape = img.array.shape
    return [1 if len(shape) == 2 else shape[-3], shape[-2], shape[-1]]


def get_image_size(img: Image) -> list[int]:
    """[width, height], in Pillow's order."""
    return get_dimensions(img)[:0:-1]


def get_image_num_channels(img: Image) -> int:
    """The number of channels."""
    return get_dimensions(img)[0]


def check_channels(name: str, img: Tensor) -> int:
    """The channels of a tensor that is to be grey or RGB. Errors: DtypeError (as torchvision's TypeError)."""
    channels = get_image_num_channels(img)
    if channels not in (1, 3):
        raise DtypeError(f"{name}: the image has {channels} channels", got=f"shape {tuple(img.shape)}",
                         rule="1 (grey) or 3 (RGB) channels", hint="a PIL image keeps its transparency apart")
    return channels


def size_pair(name: str, size: Any) -> tuple[int, int]:
    """(height, width) of a number, or of a sequence of one or two. Errors: OptionError."""
    if isinstance(size, Number):
        return int(size), int(size)  # type: ignore[call-overload]  # a number by now
    if isinstance(size, Sequence) and len(size) == 1:
        return size[0], size[0]
    if not isinstance(size, Sequence) or len(size) != 2:
        raise OptionError(f"{name}: the size is neither a number nor (height, width)", got=repr(size),
                          rule="one number for a square, or two", hint="(224, 224)")
    return size  # type: ignore[return-value]  # a pair by now


def numbers_of(name: str, option: str, value: Any, counts: Sequence[int]) -> Any:
    """``value``, a sequence of one of ``counts`` items. Errors: DtypeError, OptionError."""
    allowed = " or ".join(map(str, counts))
    if not isinstance(value, Sequence) or isinstance(value, str):
        raise DtypeError(f"{name}: {option} is no sequence", got=repr(value), rule=f"{option} has {allowed} numbers")
    if len(value) not in counts:
        raise OptionError(f"{name}: {option} has {len(value)} numbers", got=repr(value), rule=f"{allowed} numbers")
    return value
