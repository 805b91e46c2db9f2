"""Conversions as transforms: to tensors and back, between dtypes, and to mean 0 and deviation 1 and back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from minicnn.errors import DeviceError, DtypeError, ShapeError
from minicnn.tensor import Tensor
from minicnn.transforms import functional as F
from minicnn.transforms.base import Transform
from minicnn.transforms.functional.images import check_tensor_image


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


class LinearTransformation(Transform):
    """(x − mean) @ matrix of all of an image's numbers at once, as whitening does.

    Args:
        transformation_matrix: (D, D), with D = C · H · W.
        mean_vector: (D,).

    Errors: ShapeError for sizes that do not fit; DeviceError, DtypeError.

    Example:
        >>> mc.transforms.LinearTransformation(2 * mc.eye(4), mc.ones(4))(mc.ones(1, 2, 2)).sum()
        tensor(0.)
    """

    def __init__(self, transformation_matrix: Tensor, mean_vector: Tensor) -> None:
        super().__init__()
        sizes = tuple(transformation_matrix.shape), tuple(mean_vector.shape)
        if len(sizes[0]) != 2 or sizes[0][0] != sizes[0][1] or sizes[1] != sizes[0][:1]:
            raise ShapeError("LinearTransformation: matrix and mean do not fit", got=f"{sizes[0]} and {sizes[1]}",
                             rule="(D, D) and (D,), with D = C · H · W")
        if transformation_matrix.device != mean_vector.device:
            raise DeviceError("LinearTransformation: matrix and mean are on two devices",
                              got=f"{transformation_matrix.device} and {mean_vector.device}", rule="one device")
        if transformation_matrix.dtype != mean_vector.dtype:
            raise DtypeError("LinearTransformation: matrix and mean have two dtypes",
                             got=f"{transformation_matrix.dtype} and {mean_vector.dtype}", rule="one dtype")
        self.transformation_matrix, self.mean_vector = transformation_matrix, mean_vector

    def forward(self, tensor: Tensor) -> Tensor:
        check_tensor_image("LinearTransformation", tensor)
        size = self.mean_vector.shape[0]
        if tensor.shape[-3:].numel() != size:
            raise ShapeError("LinearTransformation: the image does not fit the matrix", got=tuple(tensor.shape),
                             rule=f"C · H · W == {size}")
        flat = tensor.reshape(-1, size) - self.mean_vector
        return (flat @ self.transformation_matrix.to(flat.dtype)).reshape(tensor.shape)

    def __repr__(self) -> str:
        return (f"LinearTransformation(transformation_matrix={self.transformation_matrix.tolist()}, "
                f"mean_vector={self.mean_vector.tolist()})")
