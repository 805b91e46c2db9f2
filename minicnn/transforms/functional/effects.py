"""Sharpness, blur, and what redraws tones: more contrast, even histograms, fewer tones, inverted highlights."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from minicnn import dtypes
from minicnn.backend import backend_of
from minicnn.errors import DtypeError, OptionError
from minicnn.nn.functional import conv2d
from minicnn.nn.functional import pad as pad_tensor
from minicnn.ops.compare import where
from minicnn.ops.creation import as_tensor
from minicnn.tensor import Tensor, place
from minicnn.transforms.functional.colour import blend, check_factor, enhance
from minicnn.transforms.functional.convert import max_value, pil_to_tensor, to_pil_image
from minicnn.transforms.functional.geometry import as_batch, as_dtype_of, floating
from minicnn.transforms.functional.images import Image, check_channels, check_tensor_image, is_pil, numbers_of

Array = Any


def adjust_sharpness(img: Image, sharpness_factor: float) -> Image:
    """Sharper from a factor of 1 on; 0 is a little blurred. The rim of one pixel stays."""
    check_factor("adjust_sharpness", sharpness_factor)
    if is_pil("adjust_sharpness", img):
        return enhance("Sharpness", img, sharpness_factor)
    check_channels("adjust_sharpness", img)
    if min(img.shape[-2:]) <= 2:
        return img
    smooth = np.ones((3, 3), np.float32)
    smooth[1, 1] = 5
    blurred = img.clone()
    blurred[..., 1:-1, 1:-1] = _filtered(img, smooth / np.float32(13), (0, 0))
    return blend(img, blurred, sharpness_factor)


def gaussian_blur(img: Image, kernel_size: int | Sequence[int], sigma: float | Sequence[float] | None = None) -> Image:
    """An image seen out of focus: each pixel a mean of those around it, by the bell curve of their distance.

    Args:
        img: PIL image, or tensor (…, C, H, W).
        kernel_size: how many pixels (across, down) count, odd; one number for both.
        sigma: the deviation in pixels, (across, down) or one for both; 0.15 · kernel_size + 0.35 by default.

    Errors: OptionError for an even size or a deviation that is not positive; DtypeError.

    Example:
        >>> mc.transforms.functional.gaussian_blur(mc.eye(3).reshape(1, 3, 3), 3, 0.5).sum()
        tensor(3.)
    """
    pil = is_pil("gaussian_blur", img)
    sizes = [kernel_size] * 2 if isinstance(kernel_size, int) else list(numbers_of(
        "gaussian_blur", "kernel_size", kernel_size, (2,)))  # fmt: skip
    check_kernel("gaussian_blur", sizes)
    if sigma is None:
        sigma = [0.15 * size + 0.35 for size in sizes]
    sigmas = [sigma] * 2 if isinstance(sigma, int | float) else numbers_of("gaussian_blur", "sigma", sigma, (1, 2))
    if min(sigmas) <= 0:
        raise OptionError("gaussian_blur: sigma is not positive", got=sigma, rule="sigma > 0")
    if pil:
        return to_pil_image(gaussian_blur(pil_to_tensor(img), sizes, sigmas), img.mode)
    across, down = (_bell(size, s) for size, s in zip(sizes, (sigmas[0], sigmas[-1]), strict=True))
    return _filtered(img, down[:, None] * across, (sizes[0] // 2, sizes[1] // 2))


def check_kernel(name: str, sizes: Sequence[Any]) -> None:
    """OptionError unless all sizes are odd and positive."""
    if any(not isinstance(size, int) or size < 1 or size % 2 == 0 for size in sizes):
        raise OptionError(f"{name}: kernel_size is not odd and positive", got=tuple(sizes),
                          rule="1, 3, 5, …, so that there is a middle")


def _bell(size: int, sigma: float) -> Array:
    """Weights of a normal distribution at ``size`` places around 0, with sum 1."""
    x = np.arange(size, dtype=np.float32) - np.float32((size - 1) / 2)
    weights = np.exp(np.float32(-0.5) * (x / np.float32(sigma)) ** 2)
    return weights / weights.sum()


def _filtered(img: Tensor, kernel: Array, border: tuple[int, int]) -> Tensor:
    """Every channel correlated with ``kernel``, after a mirrored frame of ``border`` columns and rows."""
    x = as_batch(floating(img))
    if any(border):
        x = pad_tensor(x, [border[0], border[0], border[1], border[1]], mode="reflect")
    channels = x.shape[1]
    weight = as_tensor(kernel, dtype=x.dtype, device=x.device).expand(channels, 1, *kernel.shape)
    y = conv2d(x, weight, groups=channels)
    return as_dtype_of(y.reshape(*img.shape[:-2], *y.shape[-2:]), img)


def autocontrast(img: Image) -> Image:
    """Each channel stretched so that its darkest pixel is black and its lightest white.

    Example:
        >>> mc.transforms.functional.autocontrast(mc.tensor([[[0.25, 0.5, 0.75]]]))
        tensor([[[0.0000, 0.5000, 1.0000]]])
    """
    if is_pil("autocontrast", img):
        return _by_pillow("autocontrast", img)
    _check("autocontrast", img)
    white, x = max_value(img.dtype), floating(img)
    darkest, lightest = (extreme(dim=(-2, -1), keepdim=True) for extreme in (x.amin, x.amax))
    flat = darkest == lightest
    spread = where(flat, 1.0, lightest - darkest).to(x.dtype)
    scale = where(flat, 1.0, spread.reciprocal() * white).to(x.dtype)  # rounded as PyTorch's white / spread is
    return ((x - where(flat, 0.0, darkest).to(x.dtype)) * scale).clamp(0, white).to(img.dtype)


def equalize(img: Image) -> Image:
    """Each channel's tones redrawn so that about as many pixels have each. Tensors are of bytes."""
    if is_pil("equalize", img):
        return _by_pillow("equalize", img)
    _check("equalize", img, of_bytes=True)
    pixels = backend_of(img.array).to_numpy(img.array)
    height, width = pixels.shape[-2:]
    planes = [_equalized(plane) for plane in pixels.reshape(-1, height, width)]
    return place(np.stack(planes).reshape(pixels.shape), img.device)


def _equalized(plane: Array) -> Array:
    """By a table that follows the running total of the histogram, in steps of 1/255 of all but the lightest pixels."""
    counts = np.bincount(plane.ravel(), minlength=256)
    step = int(counts[counts != 0][:-1].sum()) // 255
    if step == 0:
        return plane
    table = (np.cumsum(counts) + step // 2) // step
    return np.concatenate([[0], table[:-1]]).clip(0, 255).astype(np.uint8)[plane]


def posterize(img: Image, bits: int) -> Image:
    """Only the upper ``bits`` of each byte kept, like a poster in few colours.

    Example:
        >>> mc.transforms.functional.posterize(mc.tensor([[[200, 100]]], dtype=mc.uint8), 1)
        tensor([[[128,   0]]], dtype=uint8)
    """
    pil = is_pil("posterize", img)
    if not pil <= bits <= 8:
        raise OptionError("posterize: a byte has not so many bits", got=bits, rule="1 <= bits <= 8; for tensors also 0")
    if pil:
        return _by_pillow("posterize", img, bits)
    _check("posterize", img, of_bytes=True)
    return img & (256 - 2 ** (8 - bits))


def solarize(img: Image, threshold: float) -> Image:
    """The tones from ``threshold`` on inverted, like a film that saw light while it was developed."""
    if is_pil("solarize", img):
        return _by_pillow("solarize", img, threshold)
    _check("solarize", img)
    if threshold > max_value(img.dtype):
        raise OptionError("solarize: no tone is so light", got=threshold, rule=f"threshold <= {max_value(img.dtype)}")
    return where(img >= threshold, max_value(img.dtype) - img, img)


def _by_pillow(what: str, img: Any, *options: Any) -> Any:
    from PIL import ImageOps

    return getattr(ImageOps, what)(img, *options)


def _check(name: str, img: Tensor, of_bytes: bool = False) -> None:
    check_tensor_image(name, img)
    check_channels(name, img)
    if of_bytes and img.dtype != dtypes.uint8:
        raise DtypeError(f"{name}: the image is not of bytes", got=img.dtype, rule="uint8",
                         hint="transforms.ConvertImageDtype(mc.uint8) before")
