"""Conversions as transforms: to tensors and back, between dtypes, and to mean 0 and deviation 1 and back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from minicnn.tensor import Tensor
from minicnn.transforms import functional as F
from minicnn.transforms.base import Transform


class ToTensor(Transform):
    """A PIL image or an array (H, W, C) as a tensor (C, H, W); bytes become floats in [0, 1]. See ``F.to_tensor``."""

    def forward(self, pic: Any) -> Tensor:
        return F.to_tensor(pic)


class PILToTensor(Transform):
    """A PIL image as a tensor (C, H, W) of its own dtype. See ``F.pil_to_tensor``."""

    def forward(self, pic: Any) -> Tensor:
        return F.pil_to_tensor(pic)


class ToPILImage(Transform):
    """A tensor (C, H, W), or an array (H, W, C), as a PIL image. See ``F.to_pil_image``."""

    def __init__(self, mode: str | None = None) -> None:
        super().__init__()
        self.mode = mode

    def forward(self, pic: Any) -> Any:
        return F.to_pil_image(pic, self.mode)

    def __repr__(self) -> str:
        return "ToPILImage()" if self.mode is None else f"ToPILImage(mode={self.mode})"


class ConvertImageDtype(Transform):
    """A tensor in another dtype, its values scaled with it. See ``F.convert_image_dtype``."""

    def __init__(self, dtype: Any) -> None:
        super().__init__()
        self.dtype = dtype

    def forward(self, image: Tensor) -> Tensor:
        return F.convert_image_dtype(image, self.dtype)


class Normalize(Transform):
    """(x − mean) / std, channel by channel, of a floating point tensor. See ``F.normalize``.

    Example:
        >>> mc.transforms.Normalize([0.5], [0.25])(mc.ones(1, 1, 2))
        tensor([[[2., 2.]]])
    """

    shown = ("mean", "std")

    def __init__(self, mean: Sequence[float], std: Sequence[float], inplace: bool = False) -> None:
        super().__init__()
        self.mean, self.std, self.inplace = mean, std, inplace

    def forward(self, tensor: Tensor) -> Tensor:
        return F.normalize(tensor, self.mean, self.std, self.inplace)


class Denormalize(Transform):
    """x · std + mean: undoes ``Normalize(mean, std)``, to show an image. (torchvision has none.)

    Example:
        >>> mc.transforms.Denormalize([0.5], [0.25])(mc.full((1, 1, 2), 2.0))
        tensor([[[1., 1.]]])
    """

    shown = ("mean", "std")

    def __init__(self, mean: Sequence[float], std: Sequence[float]) -> None:
        super().__init__()
        self.mean, self.std = mean, std

    def forward(self, tensor: Tensor) -> Tensor:
        return F.denormalize(tensor, self.mean, self.std)
