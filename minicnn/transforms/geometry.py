"""Resizing, cropping and padding that leave nothing to chance."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

from minicnn.errors import DtypeError
from minicnn.transforms import functional as F
from minicnn.transforms.base import Transform
from minicnn.transforms.functional.images import numbers_of, size_pair
from minicnn.transforms.interpolation import InterpolationMode, interpolation_mode

Image = Any


class Resize(Transform):
    """An image in another size; one number is for the shorter side. Arguments as of ``F.resize``.

    Example:
        >>> mc.transforms.Resize(10)(mc.zeros(3, 20, 40)).shape
        Size([3, 10, 20])
    """

    shown = ("size", "interpolation", "max_size", "antialias")

    def __init__(
        self,
        size: int | Sequence[int],
        interpolation: InterpolationMode | int = InterpolationMode.BILINEAR,
        max_size: int | None = None,
        antialias: bool | None = True,
    ) -> None:
        super().__init__()
        if not isinstance(size, int):
            numbers_of("Resize", "size", size, (1, 2))
        self.size, self.max_size, self.antialias = size, max_size, antialias
        self.interpolation = interpolation_mode("Resize", interpolation)

    def forward(self, img: Image) -> Image:
        return F.resize(img, self.size, self.interpolation, self.max_size, self.antialias)


class Scale(Resize):
    """The old name of ``Resize``, of books from before 2018."""

    def __init__(self, *args: Any, **options: Any) -> None:
        warnings.warn("transforms.Scale is the old name of transforms.Resize", stacklevel=2)
        super().__init__(*args, **options)


class CenterCrop(Transform):
    """The middle of an image, (height, width) or a square of one number; 0 around a smaller image."""

    shown = ("size",)

    def __init__(self, size: int | Sequence[int]) -> None:
        super().__init__()
        self.size = size_pair("CenterCrop", size)

    def forward(self, img: Image) -> Image:
        return F.center_crop(img, self.size)


class Pad(Transform):
    """An image with a frame. Arguments as of ``F.pad``."""

    shown = ("padding", "fill", "padding_mode")

    def __init__(self, padding: int | Sequence[int], fill: Any = 0, padding_mode: str = "constant") -> None:
        super().__init__()
        if not isinstance(padding, int):
            numbers_of("Pad", "padding", padding, (1, 2, 4))
        if not isinstance(fill, int | float | tuple | list):
            raise DtypeError("Pad: fill is no colour", got=repr(fill), rule="a number, or one for each channel")
        self.padding, self.fill, self.padding_mode = padding, fill, padding_mode

    def forward(self, img: Image) -> Image:
        return F.pad(img, self.padding, self.fill, self.padding_mode)


class FiveCrop(Transform):
    """The four corners and the centre of an image, as a tuple; average the network's answers over them.

    Example:
        >>> crops = mc.transforms.FiveCrop(2)(mc.rand(3, 4, 4))
        >>> mc.stack(crops).shape
        Size([5, 3, 2, 2])
    """

    shown: tuple[str, ...] = ("size",)

    def __init__(self, size: int | Sequence[int]) -> None:
        super().__init__()
        self.size = size_pair(type(self).__name__, size)

    def forward(self, img: Image) -> tuple[Image, ...]:
        return F.five_crop(img, self.size)


class TenCrop(FiveCrop):
    """``FiveCrop`` of an image and of its mirror image (upside down with ``vertical_flip``)."""

    shown = ("size", "vertical_flip")

    def __init__(self, size: int | Sequence[int], vertical_flip: bool = False) -> None:
        super().__init__(size)
        self.vertical_flip = vertical_flip

    def forward(self, img: Image) -> tuple[Image, ...]:
        return F.ten_crop(img, self.size, self.vertical_flip)
