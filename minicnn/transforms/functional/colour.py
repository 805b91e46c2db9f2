"""Colours: brightness, contrast, saturation, hue, gamma, grey and negative, by Pillow or in Tensor operations.

Each adjustment is a blend: factor · image + (1 − factor) · something plainer (black, the mean grey, the image in grey).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from minicnn import dtypes
from minicnn.errors import OptionError
from minicnn.ops.compare import where
from minicnn.ops.join import stack
from minicnn.tensor import Tensor
from minicnn.transforms.functional.convert import convert_image_dtype, max_value
from minicnn.transforms.functional.images import Image, check_channels, check_tensor_image, is_pil

_WEIGHTS = (0.2989, 0.587, 0.114)
"""Of red, green and blue in grey: ITU-R BT.601."""


def adjust_brightness(img: Image, brightness_factor: float) -> Image:
    """Brighter from a factor of 1 on; 0 is black.

    Example:
        >>> mc.transforms.functional.adjust_brightness(mc.full((1, 1, 2), 0.25), 2)
        tensor([[[0.5000, 0.5000]]])
    """
    check_factor("adjust_brightness", brightness_factor)
    if is_pil("adjust_brightness", img):
        return enhance("Brightness", img, brightness_factor)
    check_channels("adjust_brightness", img)
    return blend(img, 0, brightness_factor)


def adjust_contrast(img: Image, contrast_factor: float) -> Image:
    """More contrast from a factor of 1 on; 0 is plain grey, the mean of the image in grey."""
    check_factor("adjust_contrast", contrast_factor)
    if is_pil("adjust_contrast", img):
        return enhance("Contrast", img, contrast_factor)
    grey = img if check_channels("adjust_contrast", img) == 1 else rgb_to_grayscale(img)
    floating = grey if grey.dtype.kind == "f" else grey.to(dtypes.float32)
    return blend(img, floating.mean(dim=(-3, -2, -1), keepdim=True), contrast_factor)


def adjust_saturation(img: Image, saturation_factor: float) -> Image:
    """More colour from a factor of 1 on; 0 is grey."""
    check_factor("adjust_saturation", saturation_factor)
    if is_pil("adjust_saturation", img):
        return enhance("Color", img, saturation_factor)
    if check_channels("adjust_saturation", img) == 1:
        return img
    return blend(img, rgb_to_grayscale(img), saturation_factor)


def adjust_hue(img: Image, hue_factor: float) -> Image:
    """Colours moved around the circle by ``hue_factor`` of a turn (−0.5 to 0.5); grey stays grey."""
    if not -0.5 <= hue_factor <= 0.5:
        raise OptionError("adjust_hue: this is more than half a turn", got=hue_factor, rule="-0.5 <= hue_factor <= 0.5")
    if is_pil("adjust_hue", img):
        return _turn_pil(img, hue_factor)
    if check_channels("adjust_hue", img) == 1:
        return img
    hue, saturation, value = _to_hsv(convert_image_dtype(img, dtypes.float32))
    return convert_image_dtype(_from_hsv((hue + hue_factor) % 1.0, saturation, value), img.dtype)


def adjust_gamma(img: Image, gamma: float, gain: float = 1) -> Image:
    """gain · x^γ of x in [0, 1]: darker shadows for γ > 1, lighter ones for γ < 1."""
    check_factor("adjust_gamma", gamma)
    if is_pil("adjust_gamma", img):
        table = [int((256 - 1e-3) * gain * (level / 255) ** gamma) for level in range(256)]
        return img.convert("RGB").point(table * 3).convert(img.mode)
    check_channels("adjust_gamma", img)
    x = img if img.dtype.kind == "f" else convert_image_dtype(img, dtypes.float32)
    return convert_image_dtype((gain * x**gamma).clamp(0, 1), img.dtype)


def to_grayscale(img: Any, num_output_channels: int = 1) -> Any:
    """A PIL image in grey, of mode L, or of RGB with three equal channels."""
    if not is_pil("to_grayscale", img):
        return rgb_to_grayscale(img, num_output_channels)
    _check_outputs("to_grayscale", num_output_channels)
    from PIL import Image

    grey = img.convert("L")
    return grey if num_output_channels == 1 else Image.merge("RGB", (grey,) * 3)


def rgb_to_grayscale(img: Image, num_output_channels: int = 1) -> Image:
    """0.2989 R + 0.587 G + 0.114 B, as one channel or as three equal ones; what is grey already stays so.

    Example:
        >>> mc.transforms.functional.rgb_to_grayscale(mc.tensor([1.0, 0.0, 0.0]).reshape(3, 1, 1))
        tensor([[[0.2989]]])
    """
    if is_pil("rgb_to_grayscale", img):
        return to_grayscale(img, num_output_channels)
    check_tensor_image("rgb_to_grayscale", img)
    _check_outputs("rgb_to_grayscale", num_output_channels)
    if check_channels("rgb_to_grayscale", img) == 3:
        red, green, blue = (weight * img[..., c, :, :] for c, weight in enumerate(_WEIGHTS))
        grey = (red + green + blue).to(img.dtype).unsqueeze(-3)
    else:
        grey = img.clone()
    # Of a grey tensor torchvision returns one channel even where three are asked for.
    return grey.expand(*img.shape[:-3], 3, *img.shape[-2:]) if num_output_channels == 3 else grey


def invert(img: Image) -> Image:
    """The negative: white − x."""
    if is_pil("invert", img):
        from PIL import ImageOps

        return ImageOps.invert(img)
    check_channels("invert", img)
    return max_value(img.dtype) - img


def check_factor(name: str, factor: float) -> None:
    if not factor >= 0:
        raise OptionError(f"{name}: the factor is negative", got=factor, rule="0 is none, 1 leaves the image as it is")


def _check_outputs(name: str, channels: int) -> None:
    if channels not in (1, 3):
        raise OptionError(f"{name}: grey has one channel or three", got=channels, rule="num_output_channels is 1 or 3")


def enhance(what: str, img: Any, factor: float) -> Any:
    from PIL import ImageEnhance

    return getattr(ImageEnhance, what)(img).enhance(factor)


def blend(img: Tensor, plain: Any, factor: float) -> Tensor:
    factor = float(factor)
    return (factor * img + (1 - factor) * plain).clamp(0, max_value(img.dtype)).to(img.dtype)


def _turn_pil(img: Any, turn: float) -> Any:
    """Hue is a byte in Pillow's HSV, and wraps around."""
    if img.mode in ("L", "1", "I", "F"):
        return img
    from PIL import Image

    hue, saturation, value = img.convert("HSV").split()
    turned = np.asarray(hue) + np.uint8(int(turn * 255) % 256)
    return Image.merge("HSV", (Image.fromarray(turned), saturation, value)).convert(img.mode)


def _to_hsv(img: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Hue, saturation and value in [0, 1], each (…, H, W)."""
    red, green, blue = (img[..., c, :, :] for c in range(3))
    value = img.amax(dim=-3)
    spread = value - img.amin(dim=-3)
    grey = spread == 0
    divisor = where(grey, 1.0, spread)
    between_blue_and_red = where(value == green, 2 + (blue - red) / divisor, 4 + (red - green) / divisor)
    hue = where(value == red, (green - blue) / divisor, between_blue_and_red) / 6
    return hue % 1.0, spread / where(grey, 1.0, value), value


def _from_hsv(hue: Tensor, saturation: Tensor, value: Tensor) -> Tensor:
    """A channel is full within a third of the circle around its own hue, and falls to none within a sixth beside it."""
    channels = []
    for start in (5, 3, 1):
        k = (start + 6 * hue) % 6
        missing = k.minimum(4 - k).clamp(0, 1)
        channels.append((value - value * saturation * missing).clamp(0, 1))
    return stack(channels, dim=-3)
