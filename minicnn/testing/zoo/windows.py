"""Bugs of convolutions and poolings."""

from __future__ import annotations

from typing import Any

import minicnn as mc
import minicnn.nn.functional as F
from minicnn.shapes.conv import pair
from minicnn.tensor import Tensor
from minicnn.testing.zoo.bug import bug, with_gradient_of

Right = Any


@bug("conv2d")
def flipped_kernel(right: Right, input: Tensor, weight: Tensor, **options: Any) -> Tensor:
    """The convolution of mathematics, where neural networks correlate."""
    return right(input, weight.flip(-1, -2), **options)


@bug("conv2d")
def transposed_kernel(right: Right, input: Tensor, weight: Tensor, **options: Any) -> Tensor:
    """Height and width of the kernel mixed up; symmetric kernels hide it."""
    square = weight.shape[-1] == weight.shape[-2]
    return right(input, weight.transpose(-1, -2) if square else weight, **options)


@bug("conv2d")
def forgotten_bias(right: Right, bias: Tensor | None, **options: Any) -> Tensor:
    """The bias is taken and never added."""
    return right(bias=None, **options)


@bug("conv2d")
def forgotten_padding(right: Right, padding: Any, **options: Any) -> Tensor:
    """The image shrinks although padding was asked for."""
    return right(padding=0, **options)


@bug("conv2d")
def padded_with_edges(right: Right, input: Tensor, padding: Any, **options: Any) -> Tensor:
    """The border is repeated where zeros belong."""
    if isinstance(padding, str) or input.ndim != 4 or 0 in input.shape:
        return right(input, padding=padding, **options)
    high, wide = pair(padding, "padding")
    return right(F.pad(input, (wide, wide, high, high), mode="replicate"), padding=0, **options)


@bug("conv2d")
def stride_of_width_for_both(right: Right, stride: Any, **options: Any) -> Tensor:
    """One stride for both directions."""
    return right(stride=pair(stride, "stride")[1], **options)


@bug("conv2d")
def forgotten_dilation(right: Right, dilation: Any, **options: Any) -> Tensor:
    """The taps stay side by side."""
    return right(dilation=1, **options)


@bug("conv2d")
def interleaved_groups(right: Right, input: Tensor, groups: int, **options: Any) -> Tensor:
    """Channel c goes to group c % groups, not to c // (C / groups)."""
    mixed = F.channel_shuffle(input, groups) if groups > 1 and input.ndim == 4 else input
    return right(mixed, groups=groups, **options)


@bug("conv2d")
def input_gradient_with_flipped_kernel(right: Right, input: Tensor, weight: Tensor, **options: Any) -> Tensor:
    """dx correlates with the kernel where it has to be turned by 180°."""
    value = right(input, weight, **options)
    other = right(input, weight.detach().flip(-1, -2), **options) + right(input.detach(), weight, **options)
    return with_gradient_of(value, other)


@bug("conv2d")
def weight_gradient_of_the_last_image(right: Right, input: Tensor, weight: Tensor, **options: Any) -> Tensor:
    """``dw =`` in the loop over images, where ``dw +=`` belongs; batches of one hide it."""
    if input.ndim != 4 or len(input) < 2:
        return right(input, weight, **options)
    return mc.cat([right(input[:-1], weight.detach(), **options), right(input[-1:], weight, **options)])


@bug("conv2d")
def bias_gradient_is_a_mean(right: Right, input: Tensor, weight: Tensor, bias: Tensor | None, **options: Any) -> Tensor:
    """db is the mean of g over batch and pixels, and not the sum."""
    if bias is None:
        return right(input, weight, bias, **options)
    value = right(input, weight, None, **options)
    shift = bias.reshape(-1, 1, 1)
    return value + with_gradient_of(shift, shift / (value.numel() / max(len(bias), 1)))


@bug("conv_transpose2d")
def forgotten_output_padding(right: Right, output_padding: Any, **options: Any) -> Tensor:
    """The result misses a row and a column."""
    return right(output_padding=0, **options)


@bug("conv_transpose2d")
def flipped_stamp(right: Right, weight: Tensor, **options: Any) -> Tensor:
    """The kernel is turned, as in the gather form of the same sum."""
    return right(weight=weight.flip(-1, -2), **options)


@bug("max_pool2d")
def zero_padding(right: Right, input: Tensor, padding: Any, **options: Any) -> Any:
    """Zeros around the image win over negative pixels; −inf never does."""
    high, wide = pair(padding, "padding")
    return right(F.pad(input, (wide, wide, high, high)), padding=0, **options)


@bug("max_pool2d")
def stride_of_one(right: Right, stride: Any, **options: Any) -> Any:
    """Windows step by one pixel by default, where they step by their size."""
    return right(stride=1 if stride is None else stride, **options)


@bug("max_pool2d")
def forgotten_ceil_mode(right: Right, ceil_mode: bool, **options: Any) -> Any:
    """The last window is dropped although it was asked for."""
    return right(ceil_mode=False, **options)


def _with_gradient_to_ties(right: Right, input: Tensor, share: bool, **options: Any) -> Any:
    value = right(input, **options)
    plain = {"padding": 0, "dilation": 1, "ceil_mode": False, "return_indices": False}
    if input.ndim != 4 or any(options[k] != v and pair(options[k], k) != (v, v) for k, v in plain.items()):
        return value
    N, C, H, W = input.shape
    stride = options["kernel_size"] if options["stride"] is None else options["stride"]
    windows = F.unfold(input.reshape(N * C, 1, H, W), options["kernel_size"], stride=stride)
    ties = (windows == windows.amax(1, keepdim=True)).to(input.dtype)
    ties = ties / ties.sum(1, keepdim=True) if share else ties
    return with_gradient_of(value, (windows * ties.detach()).sum(1).reshape(*value.shape))


@bug("max_pool2d")
def gradient_to_every_tie(right: Right, **options: Any) -> Any:
    """``g * (x == max)``: equal pixels, plentiful after ReLU, all get the whole gradient."""
    return _with_gradient_to_ties(right, share=False, **options)


@bug("max_pool2d")
def gradient_shared_among_ties(right: Right, **options: Any) -> Any:
    """A subgradient, too, but not PyTorch's: there the first of equal pixels gets it all."""
    return _with_gradient_to_ties(right, share=True, **options)


@bug("avg_pool2d")
def sum_not_mean(right: Right, divisor_override: int | None, **options: Any) -> Tensor:
    """The window is added up and not divided."""
    return right(divisor_override=divisor_override or 1, **options)


@bug("avg_pool2d")
def padding_never_counts(right: Right, count_include_pad: bool, **options: Any) -> Tensor:
    """Divides by the pixels inside of the image; by default the padding counts."""
    return right(count_include_pad=False, **options)


@bug("avg_pool2d")
def padding_always_counts(right: Right, count_include_pad: bool, **options: Any) -> Tensor:
    """Divides by the window's size although ``count_include_pad=False``."""
    return right(count_include_pad=True, **options)


@bug("avg_pool2d")
def gradient_without_the_division(right: Right, divisor_override: int | None, **options: Any) -> Tensor:
    """Each pixel of a window gets all of g."""
    value = right(divisor_override=divisor_override, **options)
    return with_gradient_of(value, right(divisor_override=1, **options))


@bug("avg_pool2d")
def overlapping_windows_overwrite(right: Right, input: Tensor, **options: Any) -> Tensor:
    """``dx[window] = …`` where ``+=`` belongs: a pixel of two windows keeps the gradient of the last."""
    kernel = pair(options["kernel_size"], "kernel_size")
    stride = kernel if options["stride"] is None else pair(options["stride"], "stride")
    value = right(input, **options)
    overlap = any(s < k for s, k in zip(stride, kernel, strict=True))
    if not overlap or input.ndim != 4 or not options["count_include_pad"] or options["ceil_mode"]:
        return value
    high, wide = pair(options["padding"], "padding")
    padded = F.pad(input, (wide, wide, high, high))
    N, C, H, W = padded.shape
    windows = F.unfold(padded.reshape(N * C, 1, H, W), kernel, stride=stride) * _last_window(padded, kernel, stride)
    divisor = options["divisor_override"] or kernel[0] * kernel[1]
    return with_gradient_of(value, (windows.sum(1) / divisor).reshape(*value.shape))


def _last_window(x: Tensor, kernel: tuple[int, int], stride: tuple[int, int]) -> Tensor:
    """(1, KH·KW, L): 1 where a window is the last that covers its pixel."""
    H, W = x.shape[-2:]
    pixels = mc.arange(float(H * W), dtype=x.dtype).reshape(1, 1, H, W)
    windows = [[int(p) for p in column] for column in F.unfold(pixels, kernel, stride=stride)[0].t().tolist()]
    last = {pixel: number for number, window in enumerate(windows) for pixel in window}
    seen = [[float(last[pixel] == number) for pixel in window] for number, window in enumerate(windows)]
    return mc.tensor(seen, dtype=x.dtype).t().unsqueeze(0)
