"""Between PIL images, arrays and tensors; between dtypes; and normalisation, there and back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from minicnn import dtypes
from minicnn.backend import backend_of
from minicnn.errors import DtypeError, OptionError, ShapeError
from minicnn.ops.creation import from_numpy
from minicnn.tensor import Tensor, place
from minicnn.transforms.functional.images import check_tensor_image, get_image_num_channels
from minicnn.transforms.pillow import is_pil_image, pillow

_DTYPE_OF_MODE = {"I": np.int32, "I;16": np.int16, "F": np.float32}
_MODE_OF_DTYPE = {"uint8": "L", "int16": "I;16", "int32": "I", "float32": "F"}
_MODES = {2: ("LA",), 3: ("RGB", "YCbCr", "HSV"), 4: ("RGBA", "CMYK", "RGBX")}
"""The modes that an image of so many channels can have; the first is the default."""


def to_tensor(pic: Any) -> Tensor:
    """A PIL image or a NumPy array as a tensor; bytes become floats in [0, 1], other dtypes are kept.

    Shapes: an image, (H, W) or (H, W, C) → (C, H, W).
    Errors: DtypeError for what is neither; ShapeError for an array of other dimensions.

    Example:
        >>> mc.transforms.functional.to_tensor(numpy.array([[0, 51], [102, 255]], "uint8"))
        tensor([[[0.0000, 0.2000],
                 [0.4000, 1.0000]]])
    """
    if isinstance(pic, np.ndarray):
        if pic.ndim not in (2, 3):
            raise ShapeError(f"to_tensor: the array has {pic.ndim} dimensions", got=f"shape {pic.shape}",
                             rule="(H, W) or (H, W, C)")
        image = _channels_first(pic, 1)
    else:
        _check_pil("to_tensor", pic, "a PIL image or a NumPy array")
        values = np.array(pic, _DTYPE_OF_MODE.get(pic.mode, np.uint8))
        image = _channels_first(values * 255 if pic.mode == "1" else values, get_image_num_channels(pic))
    if image.dtype == np.uint8:
        return from_numpy(image.astype(dtypes.get_default_dtype()) / 255)
    return from_numpy(image)


def pil_to_tensor(pic: Any) -> Tensor:
    """A PIL image as a tensor (C, H, W) of the image's own dtype, unscaled.

    Errors: DtypeError for anything else.
    """
    _check_pil("pil_to_tensor", pic, "a PIL image")
    return from_numpy(_channels_first(np.array(pic), get_image_num_channels(pic)))


def _check_pil(name: str, pic: Any, rule: str) -> None:
    if not is_pil_image(pic):
        raise DtypeError(f"{name}: this is no image", got=type(pic).__name__, rule=rule,
                         hint="a tensor needs no ToTensor" if isinstance(pic, Tensor) else None)


def _channels_first(values: Any, channels: int) -> Any:
    """(H, W) or (H, W, C) -> a contiguous (C, H, W)."""
    pixels = values.reshape(*values.shape[:2], channels) if values.ndim == 2 else values
    return np.ascontiguousarray(pixels.transpose(2, 0, 1))


def to_pil_image(pic: Any, mode: str | None = None) -> Any:
    """A tensor or a NumPy array as a PIL image. Floats in [0, 1] become bytes, 255 times as large and cut.

    Args:
        pic: tensor (C, H, W) or (H, W), or array (H, W, C) or (H, W).
        mode: Pillow's mode; by default by channels and dtype: L, LA, RGB, RGBA, I;16, I or F.

    Errors: DtypeError for a type or dtype that no mode has; ShapeError for dimensions or more than four channels;
    OptionError for a mode that does not fit; MissingPackageError.

    Example:
        >>> mc.transforms.functional.to_pil_image(mc.rand(3, 20, 30)).size
        (30, 20)
    """
    image = pillow("to_pil_image")
    if isinstance(pic, Tensor):
        values = backend_of(pic.array).to_numpy(pic.array)
        values = values.transpose(1, 2, 0) if values.ndim == 3 else values
    elif isinstance(pic, np.ndarray):
        values = pic
    else:
        raise DtypeError("to_pil_image: this is neither a tensor nor an array", got=type(pic).__name__)
    values = values[:, :, None] if values.ndim == 2 else values
    if values.ndim != 3 or values.shape[2] not in (1, 2, 3, 4):
        raise ShapeError("to_pil_image: this is no image", got=f"shape {tuple(pic.shape)}",
                         rule="two dimensions, or three with up to 4 channels",
                         hint="one image of a batch: batch[0]" if values.ndim == 4 else None)
    if values.dtype.kind == "f" and mode != "F":
        values = (values * 255).astype(np.uint8)
    mode = _mode(values, mode)
    pixels = np.ascontiguousarray(values, "<i2" if mode == "I;16" else None)
    return image.frombytes(mode, pixels.shape[1::-1], pixels.tobytes())  # fromarray has no say over the mode


def _mode(values: Any, mode: str | None) -> str:
    """The mode that fits ``values`` (H, W, C)."""
    channels, dtype = values.shape[2], values.dtype
    fitting: tuple[str, ...]
    if channels == 1:
        fitting = (_MODE_OF_DTYPE[dtype.name],) if dtype.name in _MODE_OF_DTYPE else ()
    else:
        fitting = _MODES[channels] if dtype == np.uint8 else ()
    if not fitting:
        raise DtypeError(f"to_pil_image: Pillow has no mode for {dtype}", got=f"{channels} channels of {dtype}",
                         rule="floats, or uint8 (int16 and int32 for one channel)", hint="x.to(mc.uint8)")
    if mode is not None and mode not in fitting:
        raise OptionError(f"to_pil_image: mode {mode} does not fit", got=f"{channels} channels of {dtype}",
                          rule=f"one of {', '.join(fitting)}")
    return mode or fitting[0]


def convert_image_dtype(image: Tensor, dtype: Any = dtypes.float32) -> Tensor:
    """An image in another dtype, its values scaled with it: 1.0 of a float is 255 of a byte.

    Errors: DtypeError for no tensor, or where the float cannot hold every integer (float32 to int32, say).

    Example:
        >>> mc.transforms.functional.convert_image_dtype(mc.tensor([[0, 255]], dtype=mc.uint8))
        tensor([[0., 1.]])
    """
    if not isinstance(image, Tensor):
        raise DtypeError("convert_image_dtype: this is no tensor", got=type(image).__name__,
                         hint="transforms.PILToTensor() before")
    source, target = image.dtype, dtypes.as_dtype(dtype)
    if source == target or (source.kind == "f" and target.kind == "f"):
        return image.to(target)
    if source.kind == "f":
        if target.itemsize >= source.itemsize:
            raise DtypeError(f"convert_image_dtype: {source} cannot hold every {target}", got=f"{source} to {target}",
                             rule="a smaller integer", hint="uint8")
        return (image * (max_value(target) + 1 - 1e-3)).to(target)
    if target.kind == "f":
        return image.to(target) / max_value(source)
    if max_value(source) > max_value(target):
        factor = (max_value(source) + 1) // (max_value(target) + 1)
        return (image // factor).to(target)
    return image.to(target) * ((max_value(target) + 1) // (max_value(source) + 1))


def max_value(dtype: Any) -> int:
    """The value of white in a dtype: 1 for floats, the largest for integers."""
    return 1 if dtype.kind in "fb" else int(np.iinfo(dtype).max)


def normalize(tensor: Tensor, mean: Sequence[float], std: Sequence[float], inplace: bool = False) -> Tensor:
    """(x − mean) / std, channel by channel.

    Args:
        tensor: floating point (…, C, H, W).
        mean, std: a number for each channel.
        inplace: change ``tensor`` itself.

    Errors: DtypeError for integers; ShapeError for no image; OptionError where a deviation is 0.

    Example:
        >>> mc.transforms.functional.normalize(mc.ones(1, 1, 2), [0.5], [0.25])
        tensor([[[2., 2.]]])
    """
    means, deviations = _statistics("normalize", tensor, mean, std)
    return tensor.sub_(means).div_(deviations) if inplace else (tensor - means) / deviations


def denormalize(tensor: Tensor, mean: Sequence[float], std: Sequence[float]) -> Tensor:
    """x · std + mean, channel by channel: what ``normalize`` did, undone, to show an image. Arguments as there.

    Example:
        >>> mc.transforms.functional.denormalize(mc.full((1, 1, 2), 2.0), [0.5], [0.25])
        tensor([[[1., 1.]]])
    """
    means, deviations = _statistics("denormalize", tensor, mean, std)
    return tensor * deviations + means


def _statistics(name: str, tensor: Any, mean: Any, std: Any) -> tuple[Tensor, Tensor]:
    """mean and std as tensors that broadcast over (…, C, H, W)."""
    check_tensor_image(name, tensor)
    if tensor.dtype.kind != "f":
        raise DtypeError(f"{name}: the image is not floating point", got=tensor.dtype, rule="a float for each pixel",
                         hint="transforms.ToTensor() or ConvertImageDtype(mc.float32) before")
    channels = tensor.array.shape[-3]
    means, deviations = (np.array(v.tolist() if isinstance(v, Tensor) else v, tensor.dtype) for v in (mean, std))
    for option, values in (("mean", means), ("std", deviations)):
        if values.ndim > 1 or values.size not in (1, channels):
            raise ShapeError(f"{name}: {option} does not fit the channels",
                             got=f"{values.size} numbers for {channels} channels", rule="one for each channel")
    if not deviations.all():
        raise OptionError(f"{name}: a deviation is 0", got=f"std {std} in {tensor.dtype}", rule="std > 0")
    return place(means.reshape(-1, 1, 1), tensor.device), place(deviations.reshape(-1, 1, 1), tensor.device)
