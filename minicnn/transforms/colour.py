"""Random colours, and grey."""

from __future__ import annotations

from typing import Any

from minicnn.errors import DtypeError, OptionError
from minicnn.transforms import draws
from minicnn.transforms import functional as F
from minicnn.transforms.base import Transform

Image = Any
Span = tuple[float, float] | None


class ColorJitter(Transform):
    """Brightness, contrast, saturation and hue changed at random, in a random order.

    Args:
        brightness, contrast, saturation: a number x for a factor in [max(0, 1 − x), 1 + x], or (from, to).
        hue: a number x <= 0.5 for a turn in [−x, x], or (from, to).

    Errors: OptionError for an impossible range; DtypeError.

    Example:
        >>> mc.transforms.ColorJitter(brightness=0.2, hue=0.1)
        ColorJitter(brightness=(0.8, 1.2), contrast=None, saturation=None, hue=(-0.1, 0.1))
    """

    shown = ("brightness", "contrast", "saturation", "hue")

    def __init__(self, brightness: Any = 0, contrast: Any = 0, saturation: Any = 0, hue: Any = 0) -> None:
        super().__init__()
        self.brightness = _span("brightness", brightness)
        self.contrast = _span("contrast", contrast)
        self.saturation = _span("saturation", saturation)
        self.hue = _span("hue", hue, centre=0, bounds=(-0.5, 0.5))

    @staticmethod
    def get_params(brightness: Span, contrast: Span, saturation: Span, hue: Span) -> tuple[list[int], *tuple[Any, ...]]:
        """The order of the four changes, and a factor for each (None: not changed), drawn."""
        order = draws.order(4)
        return order, *(None if s is None else draws.uniform(*s) for s in (brightness, contrast, saturation, hue))

    def forward(self, img: Image) -> Image:
        order, *factors = self.get_params(self.brightness, self.contrast, self.saturation, self.hue)
        changes = (F.adjust_brightness, F.adjust_contrast, F.adjust_saturation, F.adjust_hue)
        for i in order:
            if factors[i] is not None:
                img = changes[i](img, factors[i])
        return img


def _span(option: str, value: Any, centre: float = 1, bounds: tuple[float, float] = (0, float("inf"))) -> Span:
    """(from, to); None where nothing would change."""
    if isinstance(value, int | float):
        if value < 0:
            raise OptionError(f"ColorJitter: {option} is negative", got=value, rule="a number x >= 0, or (from, to)")
        low, high = centre - float(value), centre + float(value)
        low = max(low, 0.0) if centre else low
    elif isinstance(value, tuple | list) and len(value) == 2:
        low, high = float(value[0]), float(value[1])
    else:
        raise DtypeError(f"ColorJitter: {option} is no range", got=repr(value), rule="a number, or (from, to)")
    if not bounds[0] <= low <= high <= bounds[1]:
        raise OptionError(f"ColorJitter: {option} is out of range", got=(low, high),
                          rule=f"{bounds[0]} <= from <= to <= {bounds[1]}")
    return None if low == high == centre else (low, high)


class Grayscale(Transform):
    """An image in grey, of one channel or of three equal ones."""

    shown = ("num_output_channels",)

    def __init__(self, num_output_channels: int = 1) -> None:
        super().__init__()
        self.num_output_channels = num_output_channels

    def forward(self, img: Image) -> Image:
        return F.rgb_to_grayscale(img, self.num_output_channels)


class RandomGrayscale(Transform):
    """An image in grey with probability ``p``; the number of channels stays."""

    shown = ("p",)

    def __init__(self, p: float = 0.1) -> None:
        super().__init__()
        self.p = p

    def forward(self, img: Image) -> Image:
        channels = F.get_image_num_channels(img)
        return F.rgb_to_grayscale(img, channels) if draws.below(self.p) else img


class RandomInvert(Transform):
    """The negative with probability ``p``."""

    shown = ("p",)

    def __init__(self, p: float = 0.5) -> None:
        super().__init__()
        self.p = p

    def forward(self, img: Image) -> Image:
        return F.invert(img) if draws.below(self.p) else img
