"""Random crops, flips, turns and holes, drawn anew for every image from the default generator, as torchvision draws.

``get_params`` draws; ``forward`` applies what was drawn.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

from minicnn.errors import DtypeError, OptionError
from minicnn.ops.creation import as_tensor
from minicnn.tensor import Tensor
from minicnn.transforms import draws
from minicnn.transforms import functional as F
from minicnn.transforms.base import Transform
from minicnn.transforms.functional.images import check_tensor_image, numbers_of, size_pair
from minicnn.transforms.interpolation import InterpolationMode, interpolation_mode

Image = Any
Range = Sequence[float]


class RandomCrop(Transform):
    """A crop at a random place.

    Args:
        size: (height, width), or one number for a square.
        padding: pad before, see ``F.pad``; None for none.
        pad_if_needed: pad an image that is smaller than the crop.
        fill, padding_mode: of the padding, see ``F.pad``.

    Errors: OptionError where the crop is larger than the image.

    Example:
        >>> mc.transforms.RandomCrop(32, padding=4)(mc.rand(3, 32, 32)).shape
        Size([3, 32, 32])
    """

    shown = ("size", "padding")

    def __init__(
        self,
        size: int | Sequence[int],
        padding: int | Sequence[int] | None = None,
        pad_if_needed: bool = False,
        fill: Any = 0,
        padding_mode: str = "constant",
    ) -> None:
        super().__init__()
        self.size = size_pair("RandomCrop", size)
        self.padding, self.pad_if_needed, self.fill, self.padding_mode = padding, pad_if_needed, fill, padding_mode

    @staticmethod
    def get_params(img: Image, output_size: tuple[int, int]) -> tuple[int, int, int, int]:
        """(top, left, height, width), drawn."""
        _, h, w = F.get_dimensions(img)
        height, width = output_size
        if h < height or w < width:
            raise OptionError("RandomCrop: the image is smaller than the crop", got=f"({h}, {w}) for {(height, width)}",
                              rule="height and width are at most the image's", hint="padding=, or pad_if_needed=True")
        if (h, w) == (height, width):
            return 0, 0, h, w
        return draws.integer(0, h - height + 1), draws.integer(0, w - width + 1), height, width

    def forward(self, img: Image) -> Image:
        if self.padding is not None:
            img = F.pad(img, self.padding, self.fill, self.padding_mode)
        if self.pad_if_needed:
            _, h, w = F.get_dimensions(img)
            for amounts in ((max(self.size[1] - w, 0), 0), (0, max(self.size[0] - h, 0))):
                img = F.pad(img, amounts, self.fill, self.padding_mode)
        return F.crop(img, *self.get_params(img, self.size))


class RandomResizedCrop(Transform):
    """A crop of random size, shape and place, resized: how ImageNet's networks are trained.

    Args:
        size: of the result, (height, width) or one number for a square.
        scale: the crop's share of the image's area is uniform in this range.
        ratio: its width ÷ height is log-uniform in this one.
        interpolation, antialias: see ``F.resize``.

    After ten crops that do not fit, the middle of the image with the nearest allowed ratio is taken.
    """

    def __init__(
        self,
        size: int | Sequence[int],
        scale: Range = (0.08, 1.0),
        ratio: Range = (3 / 4, 4 / 3),
        interpolation: InterpolationMode | int = InterpolationMode.BILINEAR,
        antialias: bool | None = True,
    ) -> None:
        super().__init__()
        self.size = size_pair("RandomResizedCrop", size)
        self.scale, self.ratio = _ranges("RandomResizedCrop", scale, ratio)
        self.interpolation, self.antialias = interpolation_mode("RandomResizedCrop", interpolation), antialias

    @staticmethod
    def get_params(img: Image, scale: Range, ratio: Range) -> tuple[int, int, int, int]:
        """(top, left, height, width), drawn."""
        _, height, width = F.get_dimensions(img)
        for _ in range(10):
            w, h = map(round, draws.box(height * width, scale, ratio))
            if 0 < w <= width and 0 < h <= height:
                return draws.integer(0, height - h + 1), draws.integer(0, width - w + 1), h, w
        w, h = width, height
        if width / height < min(ratio):
            h = round(width / min(ratio))
        elif width / height > max(ratio):
            w = round(height * max(ratio))
        return (height - h) // 2, (width - w) // 2, h, w

    def forward(self, img: Image) -> Image:
        place = self.get_params(img, self.scale, self.ratio)
        return F.resized_crop(img, *place, self.size, self.interpolation, self.antialias)

    def __repr__(self) -> str:
        scale, ratio = (tuple(round(bound, 4) for bound in bounds) for bounds in (self.scale, self.ratio))
        return (f"{type(self).__name__}(size={self.size}, scale={scale}, ratio={ratio}, "
                f"interpolation={self.interpolation.value}, antialias={self.antialias})")


class RandomSizedCrop(RandomResizedCrop):
    """The old name of ``RandomResizedCrop``."""

    def __init__(self, *args: Any, **options: Any) -> None:
        warnings.warn("transforms.RandomSizedCrop is the old name of transforms.RandomResizedCrop", stacklevel=2)
        super().__init__(*args, **options)


class RandomHorizontalFlip(Transform):
    """Left and right exchanged with probability ``p``."""

    shown = ("p",)

    def __init__(self, p: float = 0.5) -> None:
        super().__init__()
        self.p = p

    def forward(self, img: Image) -> Image:
        return F.hflip(img) if draws.below(self.p) else img


class RandomVerticalFlip(Transform):
    """Top and bottom exchanged with probability ``p``."""

    shown = ("p",)

    def __init__(self, p: float = 0.5) -> None:
        super().__init__()
        self.p = p

    def forward(self, img: Image) -> Image:
        return F.vflip(img) if draws.below(self.p) else img


class RandomRotation(Transform):
    """An image turned by an angle that is uniform in ``degrees``.

    Args:
        degrees: (from, to), counter-clockwise; or one number d for (−d, d).
        interpolation, expand, center, fill: see ``F.rotate``.
    """

    def __init__(
        self,
        degrees: float | Range,
        interpolation: InterpolationMode | int = InterpolationMode.NEAREST,
        expand: bool = False,
        center: Range | None = None,
        fill: Any = 0,
    ) -> None:
        super().__init__()
        if isinstance(degrees, int | float):
            if degrees < 0:
                raise OptionError("RandomRotation: degrees is negative", got=degrees, rule="d >= 0, for (−d, d)")
            degrees = (-degrees, degrees)
        self.degrees = [float(d) for d in numbers_of("RandomRotation", "degrees", degrees, (2,))]
        self.interpolation, self.expand = interpolation_mode("RandomRotation", interpolation), expand
        self.center = None if center is None else numbers_of("RandomRotation", "center", center, (2,))
        self.fill = 0 if fill is None else fill

    @staticmethod
    def get_params(degrees: Range) -> float:
        """The angle, drawn."""
        return draws.uniform(degrees[0], degrees[1])

    def forward(self, img: Image) -> Image:
        return F.rotate(img, self.get_params(self.degrees), self.interpolation, self.expand, self.center, self.fill)

    def __repr__(self) -> str:
        center = "" if self.center is None else f", center={self.center}"
        return (f"RandomRotation(degrees={self.degrees}, interpolation={self.interpolation.value}, "
                f"expand={self.expand}{center}, fill={self.fill})")


class RandomErasing(Transform):
    """A random rectangle of a tensor (…, C, H, W) blotted out with probability ``p``, so that no one part is relied on.

    Args:
        p: how often.
        scale: its share of the image's area is uniform in this range.
        ratio: its height ÷ width is log-uniform in this one.
        value: a number, one for each channel, or "random" for normal noise.
        inplace: change the tensor itself.

    Source: Z. Zhong et al., "Random erasing data augmentation", AAAI 2020.
    """

    shown = ("p", "scale", "ratio", "value", "inplace")

    def __init__(
        self, p: float = 0.5, scale: Range = (0.02, 0.33), ratio: Range = (0.3, 3.3), value: Any = 0,
        inplace: bool = False,
    ) -> None:  # fmt: skip
        super().__init__()
        if isinstance(value, str) and value != "random":
            raise OptionError("RandomErasing: this is no value", got=repr(value), rule='numbers, or "random"')
        if not isinstance(value, int | float | str | tuple | list):
            raise DtypeError("RandomErasing: this is no value", got=repr(value), rule='numbers, or "random"')
        if not 0 <= p <= 1:
            raise OptionError("RandomErasing: p is no probability", got=p, rule="0 <= p <= 1")
        self.scale, self.ratio = _ranges("RandomErasing", scale, ratio)
        if not 0 <= scale[0] <= scale[1] <= 1:
            raise OptionError("RandomErasing: scale is no range of shares", got=scale, rule="0 <= scale <= 1")
        self.p, self.value, self.inplace = p, value, inplace

    @staticmethod
    def get_params(
        img: Tensor, scale: Range, ratio: Range, value: Sequence[float] | None = None
    ) -> tuple[int, int, int, int, Tensor]:
        """(top, left, height, width, value), drawn; a ``value`` of None is noise. All of the image where none fits."""
        channels, height, width = F.get_dimensions(img)
        for _ in range(10):
            h, w = map(round, draws.box(height * width, scale, ratio))
            if not (h < height and w < width):
                continue
            if value is None:
                v = as_tensor(draws.normal((channels, h, w)), device=img.device)
            else:
                v = as_tensor(value, device=img.device).reshape(-1, 1, 1)
            return draws.integer(0, height - h + 1), draws.integer(0, width - w + 1), h, w, v
        return 0, 0, height, width, img

    def forward(self, img: Tensor) -> Tensor:
        check_tensor_image("RandomErasing", img)
        if not draws.below(self.p):
            return img
        value = self.value
        values = None if value == "random" else [float(v) for v in (value if isinstance(value, Sequence) else [value])]
        if values is not None and len(values) not in (1, img.shape[-3]):
            raise OptionError("RandomErasing: the value does not fit the channels",
                              got=f"{len(values)} numbers for {img.shape[-3]} channels", rule="one, or one for each")
        return F.erase(img, *self.get_params(img, self.scale, self.ratio, values), self.inplace)


def _ranges(name: str, scale: Range, ratio: Range) -> tuple[Range, Range]:
    for option, bounds in (("scale", scale), ("ratio", ratio)):
        numbers_of(name, option, bounds, (2,))
        if bounds[0] > bounds[1]:
            raise OptionError(f"{name}: {option} is no range", got=bounds, rule="(smallest, largest)")
    return scale, ratio
