"""Convolutions and transposed convolutions: checks, sizes, and then one of the operations of ``minicnn.ops.conv``."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

from minicnn.errors import DtypeError, OptionError, ShapeError
from minicnn.nn.functional.images import as_given, as_images, check_input, check_no_bools, check_tensor, lift
from minicnn.ops.activation import relu_done
from minicnn.ops.conv import Conv2d, ConvInputGrad
from minicnn.ops.pad import Pad
from minicnn.shapes.conv import ConvGeometry, Pair, conv_geometry
from minicnn.tensor import Tensor

__all__ = ["conv1d", "conv2d", "conv_transpose1d", "conv_transpose2d"]

Option = int | Sequence[int]


def conv1d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Option = 1,
    padding: Option | str = 0,
    dilation: Option = 1,
    groups: int = 1,
) -> Tensor:
    """A 1-D convolution: ``conv2d`` of sequences, images of height 1.

    Args: as ``conv2d``, with one number where that has a pair.

    Shapes: input (N, C, L) or (C, L), weight (O, C/groups, K), bias (O,) → (N, O, OL) or (O, OL).
    Errors: as ``conv2d``.

    Example:
        >>> mc.nn.functional.conv1d(mc.tensor([[[1.0, 2.0, 4.0]]]), mc.tensor([[[-1.0, 1.0]]]))
        tensor([[[1., 2.]]])
    """
    return _conv("conv1d", 1, input, weight, bias, stride, padding, dilation, groups)


def conv2d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Option = 1,
    padding: Option | str = 0,
    dilation: Option = 1,
    groups: int = 1,
) -> Tensor:
    """The 2-D convolution of neural networks, which is a cross-correlation: the kernel is not turned.

        y[n, o, i, j] = bias[o] + Σ_c Σ_k Σ_l weight[o, c, k, l] · x[n, c, i·sh + k·dh − ph, j·sw + l·dw − pw]

    where x is 0 outside of the image, and channel c runs over the group of o only.

    Args:
        input: the images.
        weight: O kernels, each over the C/groups channels of its group.
        bias: one number for each output channel, or None.
        stride: the step from window to window.
        padding: zeros around the image; ``"valid"`` is none, ``"same"`` keeps the size (stride 1 only; the odd zero of
            an even kernel goes to the right and bottom).
        dilation: the step from tap to tap of the kernel.
        groups: channels are cut into so many groups that do not see each other; C of them make it depthwise.

    Shapes: input (N, C, H, W) or (C, H, W), weight (O, C/groups, KH, KW), bias (O,) → (N, O, OH, OW) or (O, OH, OW)
    with OH = ⌊(H + 2·padding − dilation·(KH − 1) − 1) / stride⌋ + 1.
    Errors: ShapeError where sizes do not fit; OptionError for a stride, padding, … out of range; DtypeError where the
    dtypes differ.
    Source: V. Dumoulin and F. Visin, "A guide to convolution arithmetic for deep learning", 2016.

    Example:
        >>> x = mc.arange(9.0).reshape(1, 1, 3, 3)
        >>> mc.nn.functional.conv2d(x, mc.ones(1, 1, 2, 2))
        tensor([[[[ 8., 12.],
                  [20., 24.]]]])
    """
    return _conv("conv2d", 2, input, weight, bias, stride, padding, dilation, groups)


def conv_transpose1d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Option = 1,
    padding: Option = 0,
    output_padding: Option = 0,
    groups: int = 1,
    dilation: Option = 1,
) -> Tensor:
    """A 1-D transposed convolution: ``conv_transpose2d`` of sequences, images of height 1.

    Shapes: input (N, C, L) or (C, L), weight (C, O/groups, K), bias (O,) → (N, O, OL) or (O, OL).
    Args, errors: as ``conv_transpose2d``, with one number where that has a pair.

    Example:
        >>> mc.nn.functional.conv_transpose1d(mc.tensor([[[1.0, 3.0]]]), mc.ones(1, 1, 2), stride=2)
        tensor([[[1., 1., 3., 3.]]])
    """
    return _transposed("conv_transpose1d", 1, input, weight, bias, stride, padding, output_padding, groups, dilation)


def conv_transpose2d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Option = 1,
    padding: Option = 0,
    output_padding: Option = 0,
    groups: int = 1,
    dilation: Option = 1,
) -> Tensor:
    """The gradient of ``conv2d`` with respect to its input, used as a layer: it enlarges where that one shrinks.

        y[n, o, i·sh + k·dh − ph, j·sw + l·dw − pw] = bias[o] + Σ x[n, c, i, j] · weight[c, o, k, l]

    summed over all c, i, j, k, l that meet there: each input pixel is a stamp of the kernel.

    Args:
        input: the images.
        weight: for each input channel, a kernel for each of the O/groups output channels of its group.
        bias: one number for each output channel, or None.
        stride: the step between the stamps of neighbouring pixels.
        padding: rows and columns cut off all around the result.
        output_padding: rows and columns more at the bottom and the right, of the sizes that all convolve to the input's
            size; smaller than stride or dilation.
        groups: channels are cut into so many groups that do not see each other.
        dilation: the step from tap to tap of the kernel.

    Shapes: input (N, C, H, W) or (C, H, W), weight (C, O/groups, KH, KW), bias (O,) → (N, O, OH, OW) or (O, OH, OW)
    with OH = (H − 1)·stride − 2·padding + dilation·(KH − 1) + output_padding + 1.
    Errors: as ``conv2d``.
    Source: M. Zeiler et al., "Deconvolutional networks", CVPR 2010.

    Example:
        >>> mc.nn.functional.conv_transpose2d(mc.ones(1, 1, 2, 2), mc.ones(1, 1, 3, 3), stride=2).shape
        Size([1, 1, 5, 5])
    """
    return _transposed("conv_transpose2d", 2, input, weight, bias, stride, padding, output_padding, groups, dilation)


def conv_relu(
    name: str, spatial: int, x: Tensor, w: Tensor, b: Tensor | None,
    stride: Any, padding: Any, dilation: Any, groups: int, inplace: bool,
) -> Tensor:  # fmt: skip
    """``relu(conv(…), inplace)`` of two nodes and one pass, for ``nn.pairs``; errors as of ``name``."""
    convolve = functools.partial(Conv2d.apply, relu=True)
    return relu_done(_conv(name, spatial, x, w, b, stride, padding, dilation, groups, convolve), inplace)


def _conv(
    name: str, spatial: int, x: Tensor, w: Tensor, b: Tensor | None,
    stride: Any, padding: Any, dilation: Any, groups: int, convolve: Callable[..., Tensor] = Conv2d.apply,
) -> Tensor:  # fmt: skip
    _check_tensors(name, spatial, x, w, b)
    images, kernels = as_images(x, spatial), as_images(w, spatial)
    geometry = _geometry(name, spatial, kernels, stride, padding, dilation, groups)
    _check_channels(name, spatial, x, w, groups)
    if w.array.shape[0] % groups:
        raise _not_divisible(name, w, groups, "O = weight.shape[0]")
    _check_bias(name, b, w.array.shape[0])
    size = geometry.output_size(images.array.shape[2:], kernels.array.shape[2:])
    if min(size) < 1:
        raise _no_window(name, spatial, x, w, geometry)
    return as_given(convolve(images, kernels, b, geometry=geometry), x, spatial)


def _transposed(
    name: str, spatial: int, x: Tensor, w: Tensor, b: Tensor | None,
    stride: Any, padding: Any, output_padding: Any, groups: int, dilation: Any,
) -> Tensor:  # fmt: skip
    _check_tensors(name, spatial, x, w, b)
    if isinstance(padding, str):
        raise OptionError(f"{name}: {padding!r} is no padding", got=repr(padding),
                          rule="a transposed convolution's padding is a number, or one for each dimension")
    images, kernels = as_images(x, spatial), as_images(w, spatial)
    geometry = _geometry(name, spatial, kernels, stride, padding, dilation, groups)
    _check_transposed_channels(name, spatial, x, w, groups)
    out_channels = w.array.shape[1] * groups
    _check_bias(name, b, out_channels)
    extra = lift(output_padding, spatial, f"{name}: output_padding", 0)
    _check_output_padding(name, geometry, extra)
    size = geometry.transposed_size(images.array.shape[2:], kernels.array.shape[2:], extra)
    if min(size) < 1:
        raise ShapeError(f"{name}: the result would be empty", got=f"{_sizes(x, w)}, size {size[2 - spatial:]}",
                         rule="(H − 1)·stride − 2·padding + dilation·(KH − 1) + output_padding + 1 >= 1",
                         hint="less padding")
    y = as_given(_adjoint(images, kernels, geometry, extra, size), x, spatial)
    return y if b is None else y + b.reshape(out_channels, *(1,) * spatial)


def _adjoint(x: Tensor, w: Tensor, geometry: ConvGeometry, extra: Pair, size: Pair) -> Tensor:
    """ConvInputGrad to an image of ``size``; ``extra`` rows and columns of it come from the output padding.

    Fewer of those than the stride make no new window. As many or more, which a dilation allows, would: they are then
    left uncut from the padding and, beyond it, appended as zeros, so that ``geometry`` still leads from ``size`` to x.
    """
    if all(e < s for e, s in zip(extra, geometry.stride, strict=True)):
        return ConvInputGrad.apply(x, w, geometry=geometry, size=size)
    (top, bottom), (left, right) = geometry.padding
    padding = (top, max(bottom - extra[0], 0)), (left, max(right - extra[1], 0))
    below, beside = max(extra[0] - bottom, 0), max(extra[1] - right, 0)
    geometry = ConvGeometry(geometry.stride, padding, geometry.dilation, geometry.groups)
    y = ConvInputGrad.apply(x, w, geometry=geometry, size=(size[0] - below, size[1] - beside))
    return Pad.apply(y, pads=((0, 0), (0, 0), (0, below), (0, beside)))


def _geometry(
    name: str, spatial: int, w: Tensor, stride: Any, padding: Any, dilation: Any, groups: int
) -> ConvGeometry:
    """The options as one value; a 1-D function's are those of an image of height 1."""
    if spatial == 1:
        stride, dilation = lift(stride, 1, f"{name}: stride", 1), lift(dilation, 1, f"{name}: dilation", 1)
        padding = padding if isinstance(padding, str) else lift(padding, 1, f"{name}: padding", 0)
    return conv_geometry(stride, padding, dilation, groups, kernel=w.array.shape[2:], name=name)


def _check_tensors(name: str, spatial: int, x: Any, w: Any, b: Any) -> None:
    """Kinds, numbers of dimensions and dtypes."""
    check_input(name, x, spatial)
    check_tensor(name, "weight", w)
    if b is not None:
        check_tensor(name, "bias", b)
    shape, letters = w.array.shape, "KH, KW" if spatial == 2 else "K"
    if len(shape) != spatial + 2 or 0 in shape:
        order = "C, O/groups" if "transpose" in name else "O, C/groups"
        raise ShapeError(f"{name}: the weight has {len(shape)} dimensions" if len(shape) != spatial + 2 else
                         f"{name}: the weight is empty", got=f"weight {tuple(shape)}",
                         rule=f"weight is ({order}, {letters}), none of them 0")
    check_no_bools(name, x)
    if w.array.dtype != x.array.dtype or (b is not None and b.array.dtype != x.array.dtype):
        dtypes = f"input {x.array.dtype}, weight {w.array.dtype}" + ("" if b is None else f", bias {b.array.dtype}")
        raise DtypeError(f"{name}: the dtypes differ", got=dtypes, rule="input, weight and bias have one dtype",
                         hint="input.to(weight.dtype), or model.double() for float64 input")


def _check_channels(name: str, spatial: int, x: Tensor, w: Tensor, groups: int) -> None:
    axis = x.array.ndim - spatial - 1
    channels, expected = x.array.shape[axis], w.array.shape[1] * groups
    if channels == expected:
        return
    layer = "Conv" + name[4:]
    hint = f"{layer}(in_channels={channels}, …)"
    if axis == 0:
        hint += f", or x.unsqueeze(1) if these are {channels} inputs of one channel"
    elif spatial == 2 and x.array.shape[-1] == expected:
        hint = "x.permute(0, 3, 1, 2): channels come before height and width"
    raise ShapeError(f"{name}: the input has {_counted(channels)}, the weight expects {expected}",
                     got=f"{_sizes(x, w)}, groups {groups}",
                     rule=f"input.shape[{axis}] == weight.shape[1] * groups", hint=hint)


def _check_transposed_channels(name: str, spatial: int, x: Tensor, w: Tensor, groups: int) -> None:
    axis = x.array.ndim - spatial - 1
    channels, expected = x.array.shape[axis], w.array.shape[0]
    if channels != expected:
        layer = "ConvTranspose" + name[-2:]
        raise ShapeError(f"{name}: the input has {_counted(channels)}, the weight expects {expected}",
                         got=_sizes(x, w), rule=f"input.shape[{axis}] == weight.shape[0]",
                         hint=f"{layer}(in_channels={channels}, …)")
    if channels % groups:
        raise _not_divisible(name, w, groups, "C = weight.shape[0]")


def _check_bias(name: str, b: Tensor | None, channels: int) -> None:
    if b is not None and b.array.shape != (channels,):
        raise ShapeError(f"{name}: the bias does not fit",
                         got=f"bias {tuple(b.array.shape)}, {channels} output channels",
                         rule=f"bias is ({channels},), one number for each output channel", hint="bias=None for none")


def _check_output_padding(name: str, geometry: ConvGeometry, extra: Pair) -> None:
    fits = (0 <= e < max(s, d) for e, s, d in zip(extra, geometry.stride, geometry.dilation, strict=True))
    if not all(fits):
        raise OptionError(f"{name}: output_padding is out of range",
                          got=f"output_padding {extra}, stride {geometry.stride}, dilation {geometry.dilation}",
                          rule="0 <= output_padding < max(stride, dilation)",
                          hint="output_padding chooses among sizes that stride rounds off; pad the result for more")


def _not_divisible(name: str, w: Tensor, groups: int, what: str) -> ShapeError:
    return ShapeError(f"{name}: {w.array.shape[0]} channels do not divide into {groups} groups",
                      got=f"weight {tuple(w.array.shape)}, groups {groups}", rule=f"{what} is a multiple of groups",
                      hint="a number of groups that divides the channels")


def _no_window(name: str, spatial: int, x: Tensor, w: Tensor, geometry: ConvGeometry) -> ShapeError:
    first = 2 - spatial
    return ShapeError(f"{name}: the kernel is larger than the padded input",
                      got=f"{_sizes(x, w)}, padding {geometry.padding[first:]}, dilation {geometry.dilation[first:]}",
                      rule="dilation · (kernel − 1) + 1 <= size + padding before + padding after",
                      hint="more padding, a smaller kernel, or fewer poolings before")


def _sizes(x: Tensor, w: Tensor) -> str:
    return f"input {tuple(x.array.shape)}, weight {tuple(w.array.shape)}"


def _counted(channels: int) -> str:
    return "1 channel" if channels == 1 else f"{channels} channels"
