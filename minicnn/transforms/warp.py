"""Random changes of shape: turned and sheared, seen from the side, rippled."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from minicnn.errors import DtypeError, OptionError
from minicnn.ops.join import cat
from minicnn.tensor import Tensor, wrap
from minicnn.transforms import draws
from minicnn.transforms import functional as F
from minicnn.transforms.base import Transform
from minicnn.transforms.functional.images import numbers_of
from minicnn.transforms.interpolation import InterpolationMode, interpolation_mode

Image = Any
Range = Sequence[float]


class RandomAffine(Transform):
    """An image turned, moved, enlarged and sheared at random, about its centre; its size stays.

    Args:
        degrees: (from, to), clockwise; or one number d for (−d, d).
        translate: the largest move, as shares of width and height.
        scale: (smallest, largest).
        shear: degrees, one number d for (−d, d) along x, (from, to) along x, or four along x and y.
        interpolation, fill, center: see ``F.affine``.

    Errors: OptionError for impossible ranges; DtypeError.

    Example:
        >>> mc.transforms.RandomAffine(10, translate=(0.1, 0.1), scale=(0.9, 1.1))(mc.rand(1, 28, 28)).shape
        Size([1, 28, 28])
    """

    def __init__(
        self,
        degrees: float | Range,
        translate: Range | None = None,
        scale: Range | None = None,
        shear: float | Range | None = None,
        interpolation: InterpolationMode | int = InterpolationMode.NEAREST,
        fill: Any = 0,
        center: Range | None = None,
    ) -> None:
        super().__init__()
        self.degrees = _angles("degrees", degrees, (2,))
        if translate is not None and not all(0 <= t <= 1 for t in _pair("translate", translate)):
            raise OptionError("RandomAffine: translate is no pair of shares", got=translate, rule="0 <= share <= 1")
        if scale is not None and not all(s > 0 for s in _pair("scale", scale)):
            raise OptionError("RandomAffine: scale is not positive", got=scale, rule="(smallest, largest), above 0")
        self.translate, self.scale = translate, scale
        self.shear = None if shear is None else _angles("shear", shear, (2, 4))
        self.interpolation = interpolation_mode("RandomAffine", interpolation)
        self.fill, self.center = checked_fill("RandomAffine", fill), center
        if center is not None:
            _pair("center", center)

    @staticmethod
    def get_params(
        degrees: Range, translate: Range | None, scale_ranges: Range | None, shears: Range | None,
        img_size: Sequence[int],
    ) -> tuple[float, tuple[int, int], float, tuple[float, float]]:
        """(angle, (x, y), scale, (shear x, shear y)), drawn; ``img_size`` is (width, height)."""
        angle = draws.uniform(degrees[0], degrees[1])
        x = y = 0
        if translate is not None:
            x, y = (round(draws.uniform(-share * size, share * size))
                    for share, size in zip(translate, img_size, strict=True))  # fmt: skip
        scale = 1.0 if scale_ranges is None else draws.uniform(scale_ranges[0], scale_ranges[1])
        shear_x = draws.uniform(shears[0], shears[1]) if shears is not None else 0.0
        shear_y = draws.uniform(shears[2], shears[3]) if shears is not None and len(shears) == 4 else 0.0
        return angle, (x, y), scale, (shear_x, shear_y)

    def forward(self, img: Image) -> Image:
        _, height, width = F.get_dimensions(img)
        drawn = self.get_params(self.degrees, self.translate, self.scale, self.shear, (width, height))
        return F.affine(img, *drawn, self.interpolation, self.fill, self.center)

    def __repr__(self) -> str:
        options = {"translate": self.translate, "scale": self.scale, "shear": self.shear, "center": self.center}
        shown = {name: value for name, value in options.items() if value is not None}
        center = shown.pop("center", None)
        if self.interpolation is not InterpolationMode.NEAREST:
            shown["interpolation"] = self.interpolation.value
        if self.fill != 0:
            shown["fill"] = self.fill
        if center is not None:
            shown["center"] = center
        return f"RandomAffine(degrees={self.degrees}{''.join(f', {name}={v}' for name, v in shown.items())})"


class RandomPerspective(Transform):
    """An image seen from the side with probability ``p``: each corner moves inwards at random.

    Args:
        distortion_scale: how far at most, as a share of half the image.
        p: how often.
        interpolation, fill: see ``F.perspective``.
    """

    shown = ("p",)

    def __init__(
        self, distortion_scale: float = 0.5, p: float = 0.5,
        interpolation: InterpolationMode | int = InterpolationMode.BILINEAR, fill: Any = 0,
    ) -> None:  # fmt: skip
        super().__init__()
        self.distortion_scale, self.p = distortion_scale, p
        self.interpolation = interpolation_mode("RandomPerspective", interpolation)
        self.fill = checked_fill("RandomPerspective", fill)

    @staticmethod
    def get_params(width: int, height: int, distortion_scale: float) -> tuple[list[list[int]], list[list[int]]]:
        """The corners and where they come to lie, drawn: top left, top right, bottom right, bottom left."""
        x, y = int(distortion_scale * (width // 2)), int(distortion_scale * (height // 2))
        left, right = (0, x + 1), (width - x - 1, width)
        top, bottom = (0, y + 1), (height - y - 1, height)
        corners = ((left, top), (right, top), (right, bottom), (left, bottom))
        ends = [[draws.integer(*across), draws.integer(*down)] for across, down in corners]
        return [[0, 0], [width - 1, 0], [width - 1, height - 1], [0, height - 1]], ends

    def forward(self, img: Image) -> Image:
        _, height, width = F.get_dimensions(img)
        if not draws.below(self.p):
            return img
        return F.perspective(img, *self.get_params(width, height, self.distortion_scale), self.interpolation, self.fill)


class ElasticTransform(Transform):
    """An image as through moving water: every pixel is moved at random, neighbours alike. Made for handwriting.

    Args:
        alpha: how far, (across, down) or one number.
        sigma: how alike neighbours move, in pixels, (across, down) or one number; 0 is not at all.
        interpolation, fill: see ``F.elastic_transform``.

    Example:
        >>> mc.transforms.ElasticTransform(alpha=30.0, sigma=4.0)(mc.rand(1, 28, 28)).shape
        Size([1, 28, 28])
    """

    shown = ("alpha", "sigma", "interpolation", "fill")

    def __init__(
        self,
        alpha: float | Range = 50.0,
        sigma: float | Range = 5.0,
        interpolation: InterpolationMode | int = InterpolationMode.BILINEAR,
        fill: Any = 0,
    ) -> None:
        super().__init__()
        self.alpha, self.sigma = ([float(v), float(v)] if isinstance(v, int | float) else list(_pair(name, v, self))
                                  for name, v in (("alpha", alpha), ("sigma", sigma)))  # fmt: skip
        self.interpolation = interpolation_mode("ElasticTransform", interpolation)
        fill = checked_fill("ElasticTransform", fill)
        self.fill = [float(f) for f in (fill if isinstance(fill, Sequence) else [fill])]

    @staticmethod
    def get_params(alpha: Range, sigma: Range, size: Sequence[int]) -> Tensor:
        """The displacement (1, H, W, 2) of ``F.elastic_transform``, drawn, for an image of ``size`` (H, W)."""
        moves = []
        for far, alike, length in zip(alpha, sigma, (size[1], size[0]), strict=True):
            move = wrap(draws.uniform_array((1, 1, *size))) * 2 - 1
            if alike > 0:
                kernel = int(8 * alike + 1) | 1
                move = F.gaussian_blur(move, kernel, sigma)
            moves.append(move * far / length)
        return cat(moves, 1).permute(0, 2, 3, 1)

    def forward(self, img: Image) -> Image:
        _, height, width = F.get_dimensions(img)
        displacement = self.get_params(self.alpha, self.sigma, [height, width])
        return F.elastic_transform(img, displacement, self.interpolation, self.fill)

    def __repr__(self) -> str:
        return (f"ElasticTransform(alpha={self.alpha}, sigma={self.sigma}, interpolation={self.interpolation}, "
                f"fill={self.fill})")


def checked_fill(name: str, fill: Any) -> Any:
    """A number, or one for each channel; 0 for None. Errors: DtypeError."""
    if fill is not None and (isinstance(fill, str) or not isinstance(fill, int | float | Sequence)):
        raise DtypeError(f"{name}: fill is no colour", got=repr(fill), rule="a number, or one for each channel")
    return 0 if fill is None else fill


def _pair(option: str, value: Any, owner: Any = None) -> Any:
    return numbers_of(type(owner).__name__ if owner else "RandomAffine", option, value, (2,))


def _angles(option: str, value: Any, counts: Sequence[int]) -> list[float]:
    if isinstance(value, int | float):
        if value < 0:
            raise OptionError(f"RandomAffine: {option} is negative", got=value, rule="d >= 0, for (−d, d)")
        value = (-value, value)
    return [float(d) for d in numbers_of("RandomAffine", option, value, counts)]
