"""Augmentation without choosing it: policies that were searched for, and chance alone."""

from __future__ import annotations

import math
from collections.abc import Callable
from enum import Enum
from typing import Any

import numpy as np

from minicnn.errors import OptionError
from minicnn.ops.steps import linspace
from minicnn.transforms import draws
from minicnn.transforms import functional as F
from minicnn.transforms.base import Transform
from minicnn.transforms.interpolation import InterpolationMode, interpolation_mode

Image = Any
Span = tuple[float, float]


class AutoAugmentPolicy(Enum):
    """The data sets for which policies were searched."""

    IMAGENET = "imagenet"
    CIFAR10 = "cifar10"
    SVHN = "svhn"


# Tables 7 to 9 of the paper: a pair of changes a line, each with its probability, and its strength from 0 to 9.
_IMAGENET = """
Posterize .4 8, Rotate .6 9 | Solarize .6 5, AutoContrast .6 | Equalize .8, Equalize .6 | Posterize .6 7, Posterize .6 6
Equalize .4, Solarize .2 4 | Equalize .4, Rotate .8 8 | Solarize .6 3, Equalize .6 | Posterize .8 5, Equalize 1
Rotate .2 3, Solarize .6 8 | Equalize .6, Posterize .4 6 | Rotate .8 8, Color .4 0 | Rotate .4 9, Equalize .6
Equalize 0, Equalize .8 | Invert .6, Equalize 1 | Color .6 4, Contrast 1 8 | Rotate .8 8, Color 1 2
Color .8 8, Solarize .8 7 | Sharpness .4 7, Invert .6 | ShearX .6 5, Equalize 1 | Color .4 0, Equalize .6
Equalize .4, Solarize .2 4 | Solarize .6 5, AutoContrast .6 | Invert .6, Equalize 1 | Color .6 4, Contrast 1 8
Equalize .8, Equalize .6
"""
_CIFAR10 = """
Invert .1, Contrast .2 6 | Rotate .7 2, TranslateX .3 9 | Sharpness .8 1, Sharpness .9 3
ShearY .5 8, TranslateY .7 9 | AutoContrast .5, Equalize .9 | ShearY .2 7, Posterize .3 7 | Color .4 3, Brightness .6 7
Sharpness .3 9, Brightness .7 9 | Equalize .6, Equalize .5 | Contrast .6 7, Sharpness .6 5
Color .7 7, TranslateX .5 8 | Equalize .3, AutoContrast .4
TranslateY .4 3, Sharpness .2 6 | Brightness .9 6, Color .2 8 | Solarize .5 2, Invert 0 | Equalize .2, AutoContrast .6
Equalize .2, Equalize .6 | Color .9 9, Equalize .6 | AutoContrast .8, Solarize .2 8 | Brightness .1 3, Color .7 0
Solarize .4 5, AutoContrast .9 | TranslateY .9 9, TranslateY .7 9 | AutoContrast .9, Solarize .8 3
Equalize .8, Invert .1 | TranslateY .7 9, AutoContrast .9
"""
_SVHN = """
ShearX .9 4, Invert .2 | ShearY .9 8, Invert .7 | Equalize .6, Solarize .6 6 | Invert .9, Equalize .6
Equalize .6, Rotate .9 3 | ShearX .9 4, AutoContrast .8 | ShearY .9 8, Invert .4 | ShearY .9 5, Solarize .2 6
Invert .9, AutoContrast .8 | Equalize .6, Rotate .9 3 | ShearX .9 4, Solarize .3 3 | ShearY .8 8, Invert .7
Equalize .9, TranslateY .6 6 | Invert .9, Equalize .6 | Contrast .3 3, Rotate .8 4 | Invert .8, TranslateY 0 2
ShearY .7 6, Solarize .4 8 | Invert .6, Rotate .8 4 | ShearY .3 7, TranslateX .9 3 | ShearX .1 6, Invert .6
Solarize .7 2, TranslateY .6 7 | ShearY .8 4, Invert .8 | ShearX .7 9, TranslateY .8 3 | ShearY .8 5, AutoContrast .7
ShearX .7 2, Invert .1
"""
Step = tuple[str, float, int | None]


def _policy(table: str) -> list[tuple[Step, ...]]:
    """[((name, probability, strength or None), the same of the second change), …]."""
    pairs = [pair.split(",") for line in table.split("\n") if line for pair in line.split("|")]
    return [tuple(_step(*change.split()) for change in pair) for pair in pairs]


def _step(name: str, probability: str, strength: str | None = None) -> Step:
    return name, float(probability), None if strength is None else int(strength)


def _affine(img: Image, how: InterpolationMode, fill: Any, center: Any = None, **change: Any) -> Image:
    return F.affine(img, **{"angle": 0, "translate": (0, 0), "scale": 1, "shear": 0, **change},
                    interpolation=how, fill=fill, center=center)  # fmt: skip


def _angle(share: float) -> float:
    """Degrees of a shear by so many pixels a pixel."""
    return math.degrees(math.atan(share))


_TONES: dict[str, Callable[[Image, float], Image]] = {
    "Identity": lambda img, _: img,
    "Brightness": lambda img, m: F.adjust_brightness(img, 1 + m),
    "Color": lambda img, m: F.adjust_saturation(img, 1 + m),
    "Contrast": lambda img, m: F.adjust_contrast(img, 1 + m),
    "Sharpness": lambda img, m: F.adjust_sharpness(img, 1 + m),
    "Posterize": lambda img, m: F.posterize(img, int(m)),
    "Solarize": F.solarize,
    "AutoContrast": lambda img, _: F.autocontrast(img),
    "Equalize": lambda img, _: F.equalize(img),
    "Invert": lambda img, _: F.invert(img),
}
_SHAPES: dict[str, Callable[[Image, float, InterpolationMode, Any], Image]] = {
    "ShearX": lambda img, m, how, fill: _affine(img, how, fill, (0, 0), shear=(_angle(m), 0)),
    "ShearY": lambda img, m, how, fill: _affine(img, how, fill, (0, 0), shear=(0, _angle(m))),
    "TranslateX": lambda img, m, how, fill: _affine(img, how, fill, translate=(int(m), 0)),
    "TranslateY": lambda img, m, how, fill: _affine(img, how, fill, translate=(0, int(m))),
    "Rotate": lambda img, m, how, fill: F.rotate(img, m, how, fill=fill),
}
"""What each change does to an image, by its magnitude."""
_NAMES = ["Identity", *_SHAPES, *(name for name in _TONES if name not in ("Identity", "Invert"))]
"""What is drawn from, in torchvision's order."""
_SIGNED = {"ShearX", "ShearY", "TranslateX", "TranslateY", "Rotate", "Brightness", "Color", "Contrast", "Sharpness"}
"""Changes that go either way, at random."""


def _magnitudes(name: str, strongest: dict[str, float], bins: int) -> list[float] | None:
    """The magnitudes of a change from strength 0 on; None where there is only one."""
    if name == "Posterize":
        dropped = np.round(np.arange(bins, dtype=np.float32) / np.float32((bins - 1) / strongest[name]))
        return [8 - int(bits) for bits in dropped]
    if name == "Solarize":
        return linspace(255.0, 0.0, bins).tolist()
    return linspace(0.0, strongest[name], bins).tolist() if name in _SIGNED else None


def _moderate(height: int, width: int) -> dict[str, float]:
    return {"ShearX": 0.3, "ShearY": 0.3, "TranslateX": 150 / 331 * width, "TranslateY": 150 / 331 * height,
            "Rotate": 30.0, "Brightness": 0.9, "Color": 0.9, "Contrast": 0.9, "Sharpness": 0.9,
            "Posterize": 4}  # fmt: skip


_WIDE = {"ShearX": 0.99, "ShearY": 0.99, "TranslateX": 32.0, "TranslateY": 32.0, "Rotate": 135.0, "Brightness": 0.99,
         "Color": 0.99, "Contrast": 0.99, "Sharpness": 0.99, "Posterize": 6}  # fmt: skip


class _Automatic(Transform):
    """What the three have in common: how pixels are mixed, and the colour of what is left empty."""

    def __init__(self, interpolation: InterpolationMode | int, fill: Any) -> None:
        super().__init__()
        self.interpolation, self.fill = interpolation_mode(type(self).__name__, interpolation), fill

    def change(self, img: Image, name: str, magnitude: float) -> Image:
        """One change of an image."""
        if name in _TONES:
            return _TONES[name](img, magnitude)
        return _SHAPES[name](img, magnitude, self.interpolation, self.fill)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{name}={getattr(self, name)}' for name in self.shown)})"


class AutoAugment(_Automatic):
    """Two changes by one of 25 pairs, which a search found best for a data set.

    Args:
        policy: for which.
        interpolation, fill: of turns and shears, see ``F.affine``.

    Images are PIL images of mode L or RGB, or tensors of bytes.

    Source: E. Cubuk et al., "AutoAugment: learning augmentation policies from data", 2018.

    Example:
        >>> mc.transforms.AutoAugment(mc.transforms.AutoAugmentPolicy.CIFAR10)
        AutoAugment(policy=AutoAugmentPolicy.CIFAR10, fill=None)
    """

    shown = ("policy", "fill")

    def __init__(
        self, policy: AutoAugmentPolicy = AutoAugmentPolicy.IMAGENET,
        interpolation: InterpolationMode | int = InterpolationMode.NEAREST, fill: Any = None,
    ) -> None:  # fmt: skip
        super().__init__(interpolation, fill)
        if policy not in [*AutoAugmentPolicy, *(known.value for known in AutoAugmentPolicy)]:
            raise OptionError("AutoAugment: there is no such policy", got=repr(policy),
                              rule=", ".join(map(str, AutoAugmentPolicy)))
        self.policy = AutoAugmentPolicy(policy)
        tables = {"imagenet": _IMAGENET, "cifar10": _CIFAR10, "svhn": _SVHN}
        self.policies = _policy(tables[self.policy.value])

    @staticmethod
    def get_params(transform_num: int) -> tuple[int, Any, Any]:
        """Which pair, and for both changes: a number to be below the probability, and 0 for the other direction."""
        return draws.integer(0, transform_num), draws.uniform_array(2), draws.integers(0, 2, 2)

    def forward(self, img: Image) -> Image:
        _, height, width = F.get_dimensions(img)
        number, chances, signs = self.get_params(len(self.policies))
        strongest = _moderate(height, width)
        for (name, p, strength), chance, sign in zip(self.policies[number], chances, signs, strict=True):
            if chance <= p:
                magnitudes = _magnitudes(name, strongest, 10)
                magnitude = 0.0 if magnitudes is None or strength is None else magnitudes[strength]
                img = self.change(img, name, -magnitude if name in _SIGNED and sign == 0 else magnitude)
        return img


class RandAugment(_Automatic):
    """``num_ops`` changes, any of fourteen, all of one strength: a search of two numbers instead of a policy.

    Args:
        num_ops: how many, one after the other.
        magnitude: their strength, from 0 to ``num_magnitude_bins`` − 1.
        num_magnitude_bins: how finely strength is divided.
        interpolation, fill: of turns and shears, see ``F.affine``.

    Images are PIL images of mode L or RGB, or tensors of bytes.

    Source: E. Cubuk et al., "RandAugment: practical automated data augmentation with a reduced search space", 2019.
    """

    shown = ("num_ops", "magnitude", "num_magnitude_bins", "interpolation", "fill")

    def __init__(
        self,
        num_ops: int = 2,
        magnitude: int = 9,
        num_magnitude_bins: int = 31,
        interpolation: InterpolationMode | int = InterpolationMode.NEAREST,
        fill: Any = None,
    ) -> None:
        super().__init__(interpolation, fill)
        if not 0 <= magnitude < num_magnitude_bins:
            raise OptionError("RandAugment: there is no such magnitude", got=magnitude,
                              rule=f"0 <= magnitude < num_magnitude_bins = {num_magnitude_bins}")
        self.num_ops, self.magnitude, self.num_magnitude_bins = num_ops, magnitude, num_magnitude_bins

    def forward(self, img: Image) -> Image:
        _, height, width = F.get_dimensions(img)
        for _ in range(self.num_ops):
            name = _NAMES[draws.integer(0, len(_NAMES))]
            magnitudes = _magnitudes(name, _moderate(height, width), self.num_magnitude_bins)
            magnitude = 0.0 if magnitudes is None else magnitudes[self.magnitude]
            img = self.change(img, name, -magnitude if name in _SIGNED and draws.integer(0, 2) else magnitude)
        return img


class TrivialAugmentWide(_Automatic):
    """One change, any of fourteen, of any strength: nothing to search for.

    Args:
        num_magnitude_bins: how finely strength is divided.
        interpolation, fill: of turns and shears, see ``F.affine``.

    Images are PIL images of mode L or RGB, or tensors of bytes.

    Source: S. Müller and F. Hutter, "TrivialAugment: tuning-free yet state-of-the-art data augmentation", 2021.

    Example:
        >>> x = mc.randint(0, 256, (3, 32, 32)).to(mc.uint8)
        >>> mc.transforms.TrivialAugmentWide()(x).shape
        Size([3, 32, 32])
    """

    shown = ("num_magnitude_bins", "interpolation", "fill")

    def __init__(
        self, num_magnitude_bins: int = 31, interpolation: InterpolationMode | int = InterpolationMode.NEAREST,
        fill: Any = None,
    ) -> None:  # fmt: skip
        super().__init__(interpolation, fill)
        self.num_magnitude_bins = num_magnitude_bins

    def forward(self, img: Image) -> Image:
        name = _NAMES[draws.integer(0, len(_NAMES))]
        magnitudes = _magnitudes(name, _WIDE, self.num_magnitude_bins)
        magnitude = 0.0 if magnitudes is None else magnitudes[draws.integer(0, len(magnitudes))]
        return self.change(img, name, -magnitude if name in _SIGNED and draws.integer(0, 2) else magnitude)
