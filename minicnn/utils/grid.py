"""Many images in one picture: what torchvision has in ``torchvision.utils``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from minicnn.arguments import checked
from minicnn.autograd import no_grad
from minicnn.dtypes import uint8
from minicnn.errors import DtypeError, OptionError, ShapeError
from minicnn.ops.join import cat, stack
from minicnn.tensor import Tensor


@checked
def make_grid(
    tensor: Any, nrow: int = 8, padding: int = 2, normalize: bool = False,
    value_range: tuple[float, float] | None = None, scale_each: bool = False, pad_value: float = 0.0,
) -> Tensor:  # fmt: skip
    """Images beside and below one another in one image, grey ones as colours; a single image is given back as it is.

    Args:
        tensor: images (N, C, H, W), or a list of images of one size; or one image (C, H, W) or (H, W).
        nrow: images in a row.
        padding: pixels around each.
        normalize: stretch the values to [0, 1].
        value_range: what becomes 0 and 1, where others are cut off; the smallest and the largest value where None.
        scale_each: stretch each image by itself.
        pad_value: the pixels between the images.

    Shapes: (N, C, H, W) → (max(C, 3), rows · (H + padding) + padding, columns · (W + padding) + padding).

    Raises:
        DtypeError: no tensor, nor a list of tensors.
        ShapeError: images of different sizes, or other numbers of dimensions.
        OptionError: a row of no images, or a negative padding.

    Example:
        >>> mc.utils.make_grid(mc.zeros(10, 3, 4, 4)).shape
        Size([3, 14, 50])
    """
    if nrow < 1 or padding < 0:
        raise OptionError("make_grid: no such grid", got=f"nrow {nrow}, padding {padding}",
                          rule="at least one image in a row, padding at least 0")
    with no_grad():
        images = _batch(tensor)
        if normalize:
            parts = list(images) if scale_each else [images]
            images = stack([_stretched(part, value_range) for part in parts]).view_as(images)
        if len(images) == 1:
            return images.squeeze(0)
        columns = min(nrow, len(images))
        rows = -(-len(images) // columns)
        channels, height, width = images.shape[1], images.shape[2] + padding, images.shape[3] + padding
        grid = images.new_full((channels, rows * height + padding, columns * width + padding), pad_value)
        for k, image in enumerate(images):
            top, left = k // columns * height + padding, k % columns * width + padding
            grid[:, top : top + height - padding, left : left + width - padding] = image
    return grid


def save_image(tensor: Any, fp: str | Path | Any, format: str | None = None, **options: Any) -> None:
    """Write images as one picture, values from 0 to 1.

    Args:
        tensor: as of ``make_grid``.
        fp: a path, whose suffix says the format; or an open file.
        format: of an open file: ``"png"``.
        options: of ``make_grid``.

    Raises:
        MissingPackageError: Pillow is not installed.

    Example:
        >>> mc.utils.save_image(mc.rand(16, 1, 28, 28), "digits.png", nrow=4)
    """
    from minicnn.transforms.pillow import pillow

    image = pillow("save_image")
    with no_grad():
        pixels = make_grid(tensor, **options).mul(255).add(0.5).clamp(0, 255).permute(1, 2, 0).to("cpu", uint8)
    image.fromarray(pixels.numpy()).save(fp, format=format)


def _batch(tensor: Any) -> Tensor:
    """The images as (N, C, H, W), with three channels where there was one. Errors: DtypeError, ShapeError."""
    if isinstance(tensor, Sequence) and tensor and all(isinstance(image, Tensor) for image in tensor):
        tensor = stack(list(tensor))
    if not isinstance(tensor, Tensor):
        raise DtypeError("make_grid: the images are no tensor", got=f"{tensor!r:.80}",
                         rule="a tensor or a list of them")
    if not 2 <= tensor.ndim <= 4 or len(tensor) == 0:
        raise ShapeError("make_grid: these are no images", got=f"shape {tuple(tensor.shape)}",
                         rule="(N, C, H, W), (C, H, W) or (H, W)")
    if tensor.ndim < 4:
        tensor = tensor.reshape(1, -1, *tensor.shape[-2:])
    return cat([tensor] * 3, 1) if tensor.shape[1] == 1 else tensor


def _stretched(images: Tensor, value_range: tuple[float, float] | None) -> Tensor:
    """``images`` cut to the range, and the range moved to [0, 1]."""
    low, high = (images.min().item(), images.max().item()) if value_range is None else value_range
    return (images.clamp(low, high) - low) / max(high - low, 1e-5)
