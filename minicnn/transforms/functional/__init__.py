"""The transforms as functions of an image and plain numbers: what torchvision has in ``transforms.functional``."""

from typing import TYPE_CHECKING

from minicnn.absent import hints
from minicnn.transforms.functional.colour import (
    adjust_brightness,
    adjust_contrast,
    adjust_gamma,
    adjust_hue,
    adjust_saturation,
    invert,
    rgb_to_grayscale,
    to_grayscale,
)
from minicnn.transforms.functional.convert import (
    convert_image_dtype,
    denormalize,
    normalize,
    pil_to_tensor,
    to_pil_image,
    to_tensor,
)
from minicnn.transforms.functional.effects import (
    adjust_sharpness,
    autocontrast,
    equalize,
    gaussian_blur,
    posterize,
    solarize,
)
from minicnn.transforms.functional.geometry import (
    center_crop,
    crop,
    erase,
    five_crop,
    hflip,
    pad,
    resize,
    resized_crop,
    ten_crop,
    vflip,
)
from minicnn.transforms.functional.images import get_dimensions, get_image_num_channels, get_image_size
from minicnn.transforms.functional.warp import affine, elastic_transform, perspective, rotate
from minicnn.transforms.interpolation import InterpolationMode

__all__ = [
    "InterpolationMode", "adjust_brightness", "adjust_contrast", "adjust_gamma", "adjust_hue", "adjust_saturation",
    "adjust_sharpness", "affine", "autocontrast", "center_crop", "convert_image_dtype", "crop", "denormalize",
    "elastic_transform", "equalize", "erase", "five_crop", "gaussian_blur", "get_dimensions",
    "get_image_num_channels", "get_image_size", "hflip", "invert", "normalize", "pad", "perspective",
    "pil_to_tensor", "posterize", "resize", "resized_crop", "rgb_to_grayscale", "rotate", "solarize", "ten_crop",
    "to_grayscale", "to_pil_image", "to_tensor", "vflip",
]  # fmt: skip

if not TYPE_CHECKING:
    __getattr__ = hints(globals())
