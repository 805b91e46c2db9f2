"""Pooling by windows: their maximum, mean or p-norm."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache
from operator import index
from typing import Any

from minicnn.errors import OptionError, ShapeError
from minicnn.nn.functional.images import as_given, as_images, check_floating, check_input, check_no_bools, lift
from minicnn.ops.pool import AvgPool, MaxPool
from minicnn.shapes.conv import Pair
from minicnn.shapes.pool import PoolGeometry
from minicnn.tensor import Tensor

__all__ = ["avg_pool1d", "avg_pool2d", "lp_pool1d", "lp_pool2d", "max_pool1d", "max_pool2d"]

Option = int | Sequence[int]


def max_pool1d(
    input: Tensor,
    kernel_size: Option,
    stride: Option | None = None,
    padding: Option = 0,
    dilation: Option = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Any:
    """The maximum of each window of a sequence: ``max_pool2d`` in one dimension.

    Shapes: input (N, C, L) or (C, L) → (N, C, OL) or (C, OL). Args, errors: as ``max_pool2d``.

    Example:
        >>> mc.nn.functional.max_pool1d(mc.tensor([[1.0, 3.0, 2.0, 0.0]]), 2)
        tensor([[3., 2.]])
    """
    return _max_pool("max_pool1d", 1, input, kernel_size, stride, padding, dilation, ceil_mode, return_indices)


def max_pool2d(
    input: Tensor,
    kernel_size: Option,
    stride: Option | None = None,
    padding: Option = 0,
    dilation: Option = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Any:
    """The maximum of each window: y[n, c, i, j] = max over k, l of x[n, c, i·sh + k·dh − ph, j·sw + l·dw − pw].

    The padding never wins, whatever its neighbours. A NaN always does. Of equal values the first in the window does,
    and the whole gradient goes to the winner.

    Args:
        input: images, of any numbers but bools.
        kernel_size: the window's size.
        stride: the step from window to window, by default the window's size.
        padding: pixels of -inf around the image, at most half of the kernel size.
        dilation: the step from tap to tap of the window.
        ceil_mode: keep a last window that hangs over the edge, if it starts inside of the input or its left padding.
        return_indices: also return where each maximum was found, h·W + w in its plane, as ``max_unpool2d`` takes it.

    Shapes: input (N, C, H, W) or (C, H, W) → (N, C, OH, OW) or (C, OH, OW), indices of the same shape, int64, with
    OH = ⌊(H + 2·padding − dilation·(KH − 1) − 1) / stride⌋ + 1, or ⌈…⌉ + 1 with ceil_mode.
    Errors: ShapeError where no window fits; OptionError for options out of range; DtypeError for bools.
    Source: D. Scherer, A. Müller and S. Behnke, "Evaluation of pooling operations in convolutional architectures for
    object recognition", ICANN 2010.

    Example:
        >>> x = mc.tensor([[[1.0, 2.0], [4.0, 3.0]]])
        >>> mc.nn.functional.max_pool2d(x, 2, return_indices=True)
        (tensor([[[4.]]]), tensor([[[2]]]))
    """
    return _max_pool("max_pool2d", 2, input, kernel_size, stride, padding, dilation, ceil_mode, return_indices)


def avg_pool1d(
    input: Tensor,
    kernel_size: Option,
    stride: Option | None = None,
    padding: Option = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
) -> Tensor:
    """The mean of each window of a sequence: ``avg_pool2d`` in one dimension.

    Shapes: input (N, C, L) or (C, L) → (N, C, OL) or (C, OL). Args, errors: as ``avg_pool2d``.

    Example:
        >>> mc.nn.functional.avg_pool1d(mc.tensor([[1.0, 3.0, 2.0, 0.0]]), 2)
        tensor([[2., 1.]])
    """
    geometry = pool_geometry("avg_pool1d", 1, kernel_size, stride, padding, ceil_mode=ceil_mode)
    return _avg_pool("avg_pool1d", 1, input, geometry, count_include_pad, None)


def avg_pool2d(
    input: Tensor,
    kernel_size: Option,
    stride: Option | None = None,
    padding: Option = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
) -> Tensor:
    """The mean of each window: y[n, c, i, j] = (Σ over k, l of x[n, c, i·sh + k − ph, j·sw + l − pw]) / count.

    Args:
        input: floating point images.
        kernel_size: the window's size.
        stride: the step from window to window, by default the window's size.
        padding: zeros around the image, at most half of the kernel size.
        ceil_mode: keep a last window that hangs over the edge, if it starts inside of the input or its left padding.
        count_include_pad: padding counts as pixels of value 0. What a window of ceil_mode hangs over never counts.
        divisor_override: divide by this number instead of the count.

    Shapes: input (N, C, H, W) or (C, H, W) → (N, C, OH, OW) or (C, OH, OW), sizes as of ``max_pool2d``.
    Errors: ShapeError where no window fits; OptionError for options out of range; DtypeError for integers.
    Source: Y. LeCun et al., "Gradient-based learning applied to document recognition", Proc. IEEE 86, 1998.

    Example:
        >>> mc.nn.functional.avg_pool2d(mc.tensor([[[1.0, 2.0], [4.0, 3.0]]]), 2)
        tensor([[[2.5000]]])
    """
    geometry = pool_geometry("avg_pool2d", 2, kernel_size, stride, padding, ceil_mode=ceil_mode)
    if divisor_override is not None and index(divisor_override) == 0:
        raise OptionError("avg_pool2d: nothing can be divided by 0", got="divisor_override=0",
                          rule="divisor_override is None or not 0")
    return _avg_pool("avg_pool2d", 2, input, geometry, count_include_pad, divisor_override)


def lp_pool1d(
    input: Tensor, norm_type: float, kernel_size: Option, stride: Option | None = None, ceil_mode: bool = False
) -> Tensor:
    """The p-norm of each window of a sequence: ``lp_pool2d`` in one dimension.

    Shapes: input (N, C, L) or (C, L) → (N, C, OL) or (C, OL). Args, errors: as ``lp_pool2d``.

    Example:
        >>> mc.nn.functional.lp_pool1d(mc.tensor([[3.0, 4.0, 0.0, 0.0]]), 2, kernel_size=2)
        tensor([[5., 0.]])
    """
    return _lp_pool("lp_pool1d", 1, input, norm_type, kernel_size, stride, ceil_mode)


def lp_pool2d(
    input: Tensor, norm_type: float, kernel_size: Option, stride: Option | None = None, ceil_mode: bool = False
) -> Tensor:
    """The p-norm of each window: y[n, c, i, j] = (Σ over the window of x^p)^(1/p).

    With p = 1 this is a sum, and with p = ∞ the maximum of |x| (with −∞ the minimum). An odd p of negative numbers has
    no real root: NaN. Where the sum is 0 so is the gradient, though the root has none. A window of ``ceil_mode`` that
    hangs over the edge counts as if its missing pixels had the mean of the others.

    Args:
        input: floating point images.
        norm_type: the exponent p, not 0; ±inf for the limits.
        kernel_size: the window's size.
        stride: the step from window to window, by default the window's size.
        ceil_mode: keep a last window that hangs over the edge.

    Shapes: input (N, C, H, W) or (C, H, W) → (N, C, OH, OW) or (C, OH, OW), sizes as of ``max_pool2d``.
    Errors: as ``avg_pool2d``.
    Source: P. Sermanet, S. Chintala and Y. LeCun, "Convolutional neural networks applied to house numbers digit
    classification", ICPR 2012.

    Example:
        >>> mc.nn.functional.lp_pool2d(mc.tensor([[[3.0, 4.0], [0.0, 0.0]]]), 2, kernel_size=2)
        tensor([[[5.]]])
    """
    return _lp_pool("lp_pool2d", 2, input, norm_type, kernel_size, stride, ceil_mode)


def _max_pool(
    name: str, spatial: int, x: Tensor,
    kernel: Any, stride: Any, padding: Any, dilation: Any, ceil_mode: bool, indices: bool,
) -> Any:  # fmt: skip
    geometry = pool_geometry(name, spatial, kernel, stride, padding, dilation, ceil_mode)
    check_input(name, x, spatial)
    check_no_bools(name, x)
    images = as_images(x, spatial)
    _check_windows(name, spatial, x, images, geometry)
    return as_given(MaxPool.apply(images, geometry=geometry, indices=bool(indices)), x, spatial)


def _avg_pool(
    name: str, spatial: int, x: Tensor, geometry: PoolGeometry, count_include_pad: bool, divisor_override: int | None
) -> Tensor:
    check_input(name, x, spatial)
    check_floating(name, x)
    images = as_images(x, spatial)
    _check_windows(name, spatial, x, images, geometry)
    y = AvgPool.apply(images, geometry=geometry, count_include_pad=bool(count_include_pad),
                      divisor_override=divisor_override)  # fmt: skip
    return as_given(y, x, spatial)


def _lp_pool(name: str, spatial: int, x: Tensor, p: float, kernel: Any, stride: Any, ceil_mode: bool) -> Tensor:
    geometry = pool_geometry(name, spatial, kernel, stride, 0, ceil_mode=ceil_mode)
    if p == 0:
        raise OptionError(f"{name}: there is no 0-norm", got="norm_type=0", rule="norm_type is not 0",
                          hint="norm_type=2")
    check_input(name, x, spatial)
    check_floating(name, x)
    if math.isinf(p):  # the limits: the greatest magnitude, and the least
        sign = math.copysign(1, p)
        found = _max_pool(name, spatial, x.abs() * sign, kernel, stride, 0, 1, ceil_mode, False)
        return found * sign
    mean: Any = _avg_pool(name, spatial, x.pow(p), geometry, True, None)
    total = mean * (geometry.kernel[0] * geometry.kernel[1])
    zero = total.detach() == 0
    root = total.masked_fill(zero, 1.0) ** (1 / p)  # a detour round the root's infinite slope at 0
    return root.masked_fill(zero, 0.0)


def pool_geometry(
    name: str, spatial: int, kernel: Any, stride: Any, padding: Any, dilation: Any = 1, ceil_mode: bool = False
) -> PoolGeometry:
    """The options as one value; a 1-D function's are those of an image of height 1."""
    window = lift(kernel, spatial, f"{name}: kernel_size", 1)
    no_stride = stride is None or (isinstance(stride, list | tuple) and len(stride) == 0)
    return _checked_geometry(
        name, window, window if no_stride else lift(stride, spatial, f"{name}: stride", 1),
        lift(padding, spatial, f"{name}: padding", 0), lift(dilation, spatial, f"{name}: dilation", 1), bool(ceil_mode),
    )  # fmt: skip


@lru_cache(maxsize=256)
def _checked_geometry(
    name: str, kernel: Pair, stride: Pair, padding: Pair, dilation: Pair, ceil_mode: bool
) -> PoolGeometry:
    for option, values in (("kernel_size", kernel), ("stride", stride), ("dilation", dilation)):
        if min(values) < 1:
            raise OptionError(f"{name}: {option} must be positive", got=values, rule=f"{option} >= 1")
    if any(not 0 <= p <= k // 2 for p, k in zip(padding, kernel, strict=True)):
        raise OptionError(f"{name}: the padding is out of range", got=f"padding {padding}, kernel_size {kernel}",
                          rule="0 <= padding <= kernel_size / 2: every window then holds a pixel",
                          hint="mc.nn.functional.pad before pooling")
    return PoolGeometry(kernel, stride, padding, dilation, ceil_mode)


def _check_windows(name: str, spatial: int, x: Tensor, images: Tensor, geometry: PoolGeometry) -> None:
    if min(geometry.output_size(images.array.shape[2:])) < 1:
        first = 2 - spatial
        raise ShapeError(f"{name}: the window is larger than the padded input",
                         got=f"input {tuple(x.array.shape)}, kernel_size {geometry.kernel[first:]}, "
                             f"padding {geometry.padding[first:]}, dilation {geometry.dilation[first:]}",
                         rule="dilation · (kernel_size − 1) + 1 <= size + 2 · padding",
                         hint="a smaller window, or fewer poolings before")
