"""Resizing, and the rearrangements of pixels and channels: shuffles, unfold and fold."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from minicnn.errors import DtypeError, OptionError, ShapeError
from minicnn.nn.functional.conv import Option
from minicnn.nn.functional.images import as_given, as_images, check_input, check_memory, check_tensor
from minicnn.ops.columns import Fold, Unfold
from minicnn.ops.resize import Resize
from minicnn.ops.shape import reshaped
from minicnn.shapes.conv import ConvGeometry, Pair, conv_geometry, ntuple, pair
from minicnn.shapes.resize import AxisWeights, axis_weights
from minicnn.tensor import Tensor

__all__ = [
    "channel_shuffle", "fold", "interpolate", "native_channel_shuffle", "pixel_shuffle", "pixel_unshuffle", "unfold",
    "upsample",
]  # fmt: skip

SEQUENCE_MODES = ("nearest", "nearest-exact", "linear", "area")
IMAGE_MODES = ("nearest", "nearest-exact", "bilinear", "bicubic", "area")
AXIS_MODE = {"bilinear": "linear", "bicubic": "cubic"}
"""What an image's mode is called along one axis."""


def interpolate(
    input: Tensor,
    size: int | Sequence[int] | None = None,
    scale_factor: float | Sequence[float] | None = None,
    mode: str = "nearest",
    align_corners: bool | None = None,
    recompute_scale_factor: bool | None = None,
    antialias: bool = False,
) -> Tensor:
    """Sequences or images in another size: each output pixel is a weighted mean of the input pixels near its centre.

    Output i's centre lies at input position (i + ½)·H/OH − ½, or with ``align_corners`` at i·(H − 1)/(OH − 1).

    Args:
        input: floating point tensor; of uint8 too where ``mode`` is one of the nearest.
        size: the new size, a number for each dimension or one for all. Either this or ``scale_factor``.
        scale_factor: output size ÷ input size, the product rounded down.
        mode: "nearest" takes the pixel at ⌊i·H/OH⌋ and "nearest-exact" the one nearest to the centre; "linear" (of
            sequences) and "bilinear" (of images) mix the 2 per axis around it, and "bicubic" 4 of them by Keys' cubic,
            a = −0.75; "area" takes the mean of ``adaptive_avg_pool2d``'s bins.
        align_corners: the corner pixels' centres coincide, instead of the corners themselves; for linear, bilinear and
            bicubic only.
        recompute_scale_factor: compute positions from the rounded sizes' ratio instead of ``scale_factor``.
        antialias: when shrinking, widen the weights so that all pixels count, as image libraries do; bilinear and
            bicubic only (with a = −0.5).

    Shapes: (N, C, L) → (N, C, OL), (N, C, H, W) → (N, C, OH, OW).
    Errors: ShapeError, OptionError where size, mode and options do not go together; DtypeError.
    Source: R. Keys, "Cubic convolution interpolation for digital image processing", 1981.

    Example:
        >>> mc.nn.functional.interpolate(mc.tensor([[[0.0, 1.0]]]), size=4, mode="linear")
        tensor([[[0.0000, 0.2500, 0.7500, 1.0000]]])
    """
    spatial = _check_interpolate(input, mode, align_corners, antialias)
    sizes, factors = _target(input.array.shape[2:], size, scale_factor)
    if recompute_scale_factor and size is not None:
        raise OptionError("interpolate: recompute_scale_factor goes with scale_factor", got=f"size={size}",
                          rule="with a size there is no scale factor to recompute")
    if recompute_scale_factor:
        factors = (None,) * spatial
    check_memory("interpolate", *sizes)
    tables = [
        axis_weights(n, out, AXIS_MODE.get(mode, mode), align_corners=bool(align_corners), scale_factor=factor,
                     antialias=bool(antialias), double=input.array.dtype.itemsize == 8)
        for n, out, factor in zip(input.array.shape[2:], sizes, factors, strict=True)
    ]  # fmt: skip
    rows, columns = (*(AxisWeights(1, (((0, 1.0),),)),) * (2 - spatial), *tables)
    y = Resize.apply(as_images(input, spatial), rows=rows, columns=columns)
    return as_given(y, input, spatial)


def upsample(
    input: Tensor,
    size: int | Sequence[int] | None = None,
    scale_factor: float | Sequence[float] | None = None,
    mode: str = "nearest",
    align_corners: bool | None = None,
) -> Tensor:
    """The old name of ``interpolate``."""
    return interpolate(input, size, scale_factor, mode, align_corners)


def pixel_shuffle(input: Tensor, upscale_factor: int) -> Tensor:
    """r² channels become the r × r pixels of one: y[c, h·r + i, w·r + j] = x[c·r² + i·r + j, h, w], with r the factor.

    Shapes: (…, C·r², H, W) → (…, C, H·r, W·r).
    Errors: ShapeError where r² does not divide the channels; OptionError for a factor below 1.
    Source: W. Shi et al., "Real-time single image and video super-resolution using an efficient sub-pixel convolutional
    neural network", CVPR 2016.

    Example:
        >>> mc.nn.functional.pixel_shuffle(mc.arange(4.0).reshape(4, 1, 1), 2)
        tensor([[[0., 1.],
                 [2., 3.]]])
    """
    r = _factor("pixel_shuffle", "upscale_factor", input, upscale_factor)
    *lead, channels, H, W = input.array.shape
    if channels % (r * r):
        raise ShapeError(f"pixel_shuffle: {channels} channels do not divide by {r}²",
                         got=f"input {tuple(input.array.shape)}",
                         rule="input.shape[-3] is a multiple of upscale_factor²",
                         hint=f"a convolution to C · {r * r} channels before")
    n, out = len(lead), channels // (r * r)
    split = reshaped(input, (*lead, out, r, r, H, W))
    woven = split.permute(*range(n), n, n + 3, n + 1, n + 4, n + 2)
    return reshaped(woven, (*lead, out, H * r, W * r))


def pixel_unshuffle(input: Tensor, downscale_factor: int) -> Tensor:
    """The inverse of ``pixel_shuffle``: r × r pixels of a channel become r² channels.

    Shapes: (…, C, H·r, W·r) → (…, C·r², H, W).
    Errors: ShapeError where r does not divide the sizes; OptionError for a factor below 1. Source: ``pixel_shuffle``'s.

    Example:
        >>> mc.nn.functional.pixel_unshuffle(mc.arange(4.0).reshape(1, 2, 2), 2).flatten()
        tensor([0., 1., 2., 3.])
    """
    r = _factor("pixel_unshuffle", "downscale_factor", input, downscale_factor)
    *lead, channels, H, W = input.array.shape
    if H % r or W % r:
        raise ShapeError(f"pixel_unshuffle: the image does not divide by {r}", got=f"input {(*lead, channels, H, W)}",
                         rule="height and width are multiples of downscale_factor", hint="pad or crop the image")
    n = len(lead)
    split = reshaped(input, (*lead, channels, H // r, r, W // r, r))
    gathered = split.permute(*range(n), n, n + 2, n + 4, n + 1, n + 3)
    return reshaped(gathered, (*lead, channels * r * r, H // r, W // r))


def channel_shuffle(input: Tensor, groups: int) -> Tensor:
    """Channels dealt out over the groups like cards: channel g·K + k goes to k·groups + g, where K is C / groups.

    Shapes: (N, C, …) → (N, C, …). Errors: ShapeError where ``groups`` does not divide C; OptionError.
    Source: X. Zhang et al., "ShuffleNet: an extremely efficient convolutional neural network for mobile devices", 2018.

    Example:
        >>> mc.nn.functional.channel_shuffle(mc.arange(4.0).reshape(1, 4, 1), 2).flatten()
        tensor([0., 2., 1., 3.])
    """
    check_tensor("channel_shuffle", "input", input)
    shape = input.array.shape
    if len(shape) < 3:
        raise ShapeError("channel_shuffle: the input has no pixels", got=f"input {tuple(shape)}",
                         rule="input is (N, C, …)")
    parts = _positive("channel_shuffle", "groups", groups)
    if shape[1] % parts:
        raise ShapeError(f"channel_shuffle: {shape[1]} channels do not divide into {parts} groups",
                         got=f"input {tuple(shape)}, groups {parts}", rule="input.shape[1] is a multiple of groups")
    dealt = reshaped(input, (shape[0], parts, shape[1] // parts, *shape[2:])).transpose(1, 2)
    return reshaped(dealt, shape)


native_channel_shuffle = channel_shuffle


def unfold(input: Tensor, kernel_size: Option, dilation: Option = 1, padding: Option = 0, stride: Option = 1) -> Tensor:
    """The window under each output pixel of a convolution as a column; the weights as rows times these are the
    convolution.

        columns[n, c·KH·KW + k·KW + l, i·OW + j] = x[n, c, i·sh + k·dh − ph, j·sw + l·dw − pw], 0 in the padding

    Args:
        input: the images.
        kernel_size, dilation, padding, stride: of the convolution.

    Shapes: (N, C, H, W) or (C, H, W) → (N, C·KH·KW, L) or (C·KH·KW, L), where L = OH·OW windows.
    Errors: ShapeError where no window fits; OptionError for options out of range.
    Source: K. Chellapilla et al., "High performance convolutional neural networks for document processing", 2006.

    Example:
        >>> mc.nn.functional.unfold(mc.arange(9.0).reshape(1, 1, 3, 3), 2)
        tensor([[[0., 1., 3., 4.],
                 [1., 2., 4., 5.],
                 [3., 4., 6., 7.],
                 [4., 5., 7., 8.]]])
    """
    check_input("unfold", input, 2)
    kernel, geometry = _windows("unfold", kernel_size, dilation, padding, stride)
    images = as_images(input, 2)
    if min(geometry.output_size(images.array.shape[2:], kernel)) < 1:
        raise ShapeError("unfold: the window is larger than the padded input",
                         got=f"input {tuple(input.array.shape)}, kernel_size {kernel}, {geometry}",
                         rule="dilation · (kernel_size − 1) + 1 <= size + 2 · padding")
    columns = Unfold.apply(images, kernel=kernel, geometry=geometry)
    return columns if input.array.ndim == 4 else columns.squeeze(0)


def fold(
    input: Tensor,
    output_size: Option,
    kernel_size: Option,
    dilation: Option = 1,
    padding: Option = 0,
    stride: Option = 1,
) -> Tensor:
    """Columns added up to an image: the adjoint of ``unfold``. Pixels that windows share are sums, so
    ``fold(unfold(x))`` is x times the number of windows over each pixel.

    Args:
        input: columns, as ``unfold`` makes them.
        output_size: (H, W) of the image.
        kernel_size, dilation, padding, stride: of the windows.

    Shapes: (N, C·KH·KW, L) or (C·KH·KW, L) → (N, C, H, W) or (C, H, W), where L is the number of windows.
    Errors: ShapeError where the columns do not fit the sizes; OptionError for options out of range.

    Example:
        >>> mc.nn.functional.fold(mc.ones(1, 4, 4), output_size=3, kernel_size=2)
        tensor([[[[1., 2., 1.],
                  [2., 4., 2.],
                  [1., 2., 1.]]]])
    """
    check_tensor("fold", "input", input)
    kernel, geometry = _windows("fold", kernel_size, dilation, padding, stride)
    size, shape = pair(output_size, "fold: output_size"), input.array.shape
    if len(shape) not in (2, 3):
        raise ShapeError(f"fold: the input has {len(shape)} dimensions", got=f"input {tuple(shape)}",
                         rule="input is (N, C·KH·KW, L), or (C·KH·KW, L) for one of them")
    OH, OW = geometry.output_size(size, kernel)
    if min(OH, OW) < 1 or shape[-1] != OH * OW or shape[-2] % (kernel[0] * kernel[1]) or shape[-2] == 0:
        raise ShapeError("fold: the columns do not fit the image",
                         got=f"input {tuple(shape)}, output_size {size}, kernel_size {kernel}, windows {OH} × {OW}",
                         rule="input.shape[-1] is the number of windows, input.shape[-2] a multiple of KH · KW")
    columns = reshaped(input, (1, *shape)) if len(shape) == 2 else input
    images = Fold.apply(columns, size=size, kernel=kernel, geometry=geometry)
    return images.squeeze(0) if len(shape) == 2 else images


def _check_interpolate(x: Any, mode: str, align_corners: bool | None, antialias: bool) -> int:
    """Whether input and options go together; the number of dimensions to resize."""
    check_tensor("interpolate", "input", x)
    spatial = 1 if x.array.ndim == 3 else 2
    modes = SEQUENCE_MODES if spatial == 1 else IMAGE_MODES
    if mode not in modes:
        other = {"linear": "bilinear", "bilinear": "linear"}.get(mode, "bilinear" if spatial == 2 else "linear")
        raise OptionError(f"interpolate: there is no mode {mode!r} for {x.array.ndim} dimensions",
                          got=f"mode={mode!r}, input {tuple(x.array.shape)}", rule=f"one of {', '.join(modes)}",
                          hint=f'mode="{other}"')
    check_input("interpolate", x, spatial, batch_only=True)
    if align_corners is not None and mode in ("nearest", "nearest-exact", "area"):
        raise OptionError("interpolate: align_corners has no meaning here",
                          got=f"mode={mode!r}, align_corners={align_corners}",
                          rule="align_corners is for linear, bilinear and bicubic", hint="leave it out")
    if antialias and mode not in ("bilinear", "bicubic"):
        raise OptionError("interpolate: antialias has no meaning here", got=f"mode={mode!r}",
                          rule="antialias is for bilinear and bicubic", hint='mode="bilinear"')
    if x.array.dtype.kind != "f" and not (x.array.dtype == "uint8" and mode.startswith("nearest")):
        raise DtypeError(f"interpolate: mode {mode!r} does not take {x.array.dtype}", got=x.array.dtype,
                         rule="floating point, or uint8 with mode nearest", hint="x.float()")
    return spatial


def _target(shape: Sequence[int], size: Any, scale_factor: Any) -> tuple[tuple[int, ...], tuple[float | None, ...]]:
    """The size to resize to, and the scale factors as the user gave them, None where there are none."""
    spatial = len(shape)
    if (size is None) == (scale_factor is None):
        raise OptionError("interpolate: say either a size or a scale_factor",
                          got=f"size={size}, scale_factor={scale_factor}",
                          rule="one of the two is None", hint="scale_factor=2 doubles the size")
    given = scale_factor if size is None else size
    if isinstance(given, Sequence) and len(given) != spatial:
        raise OptionError(f"interpolate: {len(given)} numbers for {spatial} dimensions", got=given,
                          rule=f"one number, or {spatial}: one for each dimension after the channels")
    factors: tuple[float | None, ...] = (None,) * spatial
    if size is None:
        each = scale_factor if isinstance(scale_factor, Sequence) else (scale_factor,) * spatial
        if not all(isinstance(factor, float | int) and math.isfinite(factor) for factor in each):
            raise DtypeError("interpolate: scale_factor is no number", got=repr(scale_factor)[:80],
                             rule="a finite number, or one for each dimension", hint="scale_factor=2")
        factors = tuple(map(float, each))
        sizes = tuple(int(n * factor) for n, factor in zip(shape, each, strict=True))
    else:
        sizes = ntuple(size, spatial, "interpolate: size")
    if min(sizes) < 1:
        raise ShapeError("interpolate: the result would be empty", got=f"{tuple(shape)} to {sizes}",
                         rule="new sizes are at least 1")
    return sizes, factors


def _windows(name: str, kernel_size: Any, dilation: Any, padding: Any, stride: Any) -> tuple[Pair, ConvGeometry]:
    kernel = pair(kernel_size, f"{name}: kernel_size")
    if min(kernel) < 1:
        raise OptionError(f"{name}: kernel_size must be positive", got=kernel, rule="kernel_size >= 1")
    return kernel, conv_geometry(stride, padding, dilation, kernel=kernel, name=name)


def _factor(name: str, option: str, x: Any, factor: int) -> int:
    """A shuffle's factor, of an input that has channels, rows and columns."""
    check_tensor(name, "input", x)
    if x.array.ndim < 3:
        raise ShapeError(f"{name}: the input has {x.array.ndim} dimensions", got=f"input {tuple(x.array.shape)}",
                         rule="input is (…, C, H, W)")
    return _positive(name, option, factor)


def _positive(name: str, option: str, value: int) -> int:
    number = ntuple(value, 1, f"{name}: {option}")[0]
    if number < 1:
        raise OptionError(f"{name}: {option} must be positive", got=number, rule=f"{option} >= 1")
    return number
