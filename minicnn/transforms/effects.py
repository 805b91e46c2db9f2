"""Sharpness, blur and tones changed at random."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from minicnn.errors import OptionError
from minicnn.transforms import draws
from minicnn.transforms import functional as F
from minicnn.transforms.base import Transform
from minicnn.transforms.functional.effects import check_kernel
from minicnn.transforms.functional.images import numbers_of, size_pair

Image = Any


class _Sometimes(Transform):
    """Base of changes that happen with probability ``p``."""

    shown = ("p",)

    def __init__(self, p: float = 0.5) -> None:
        super().__init__()
        self.p = p

    def change(self, img: Image) -> Image:
        """What then happens."""
        raise NotImplementedError(f"{type(self).__name__} must write change(self, img)")

    def forward(self, img: Image) -> Image:
        return self.change(img) if draws.below(self.p) else img


class RandomAutocontrast(_Sometimes):
    """Each channel stretched from black to white, with probability ``p``. See ``F.autocontrast``."""

    def change(self, img: Image) -> Image:
        return F.autocontrast(img)


class RandomEqualize(_Sometimes):
    """The histogram evened out with probability ``p``. See ``F.equalize``."""

    def change(self, img: Image) -> Image:
        return F.equalize(img)


class RandomPosterize(_Sometimes):
    """Fewer tones with probability ``p``: only the upper ``bits`` of each byte. See ``F.posterize``."""

    def __init__(self, bits: int, p: float = 0.5) -> None:
        super().__init__(p)
        self.bits = bits

    def change(self, img: Image) -> Image:
        return F.posterize(img, self.bits)

    def __repr__(self) -> str:
        return f"RandomPosterize(bits={self.bits},p={self.p})"


class RandomSolarize(_Sometimes):
    """The tones from ``threshold`` on inverted with probability ``p``. See ``F.solarize``."""

    def __init__(self, threshold: float, p: float = 0.5) -> None:
        super().__init__(p)
        self.threshold = threshold

    def change(self, img: Image) -> Image:
        return F.solarize(img, self.threshold)

    def __repr__(self) -> str:
        return f"RandomSolarize(threshold={self.threshold},p={self.p})"


class RandomAdjustSharpness(_Sometimes):
    """Sharper (a factor above 1) or softer with probability ``p``. See ``F.adjust_sharpness``."""

    def __init__(self, sharpness_factor: float, p: float = 0.5) -> None:
        super().__init__(p)
        self.sharpness_factor = sharpness_factor

    def change(self, img: Image) -> Image:
        return F.adjust_sharpness(img, self.sharpness_factor)

    def __repr__(self) -> str:
        return f"RandomAdjustSharpness(sharpness_factor={self.sharpness_factor},p={self.p})"


class GaussianBlur(Transform):
    """An image out of focus, more or less.

    Args:
        kernel_size: (across, down), odd; or one number.
        sigma: the deviation in pixels is uniform in this range; or one number.

    Errors: OptionError for other sizes or ranges.

    Example:
        >>> mc.transforms.GaussianBlur(5)(mc.rand(3, 32, 32)).shape
        Size([3, 32, 32])
    """

    shown = ("kernel_size", "sigma")

    def __init__(self, kernel_size: int | Sequence[int], sigma: float | Sequence[float] = (0.1, 2.0)) -> None:
        super().__init__()
        self.kernel_size = size_pair("GaussianBlur", kernel_size)
        check_kernel("GaussianBlur", self.kernel_size)
        self.sigma = (sigma, sigma) if isinstance(sigma, int | float) else numbers_of(
            "GaussianBlur", "sigma", sigma, (2,))  # fmt: skip
        if not 0 < self.sigma[0] <= self.sigma[1]:
            raise OptionError("GaussianBlur: sigma is no range", got=sigma, rule="0 < smallest <= largest")

    @staticmethod
    def get_params(sigma_min: float, sigma_max: float) -> float:
        """The deviation, drawn."""
        return draws.uniform(sigma_min, sigma_max)

    def forward(self, img: Image) -> Image:
        return F.gaussian_blur(img, self.kernel_size, self.get_params(*self.sigma))
