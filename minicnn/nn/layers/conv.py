"""Convolutions and transposed convolutions over one and two dimensions."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, ClassVar

from minicnn.backend import Device
from minicnn.errors import OptionError, ShapeError
from minicnn.nn import functional as F
from minicnn.nn import init
from minicnn.nn.functional.images import check_tensor
from minicnn.nn.module import Module
from minicnn.nn.parameter import parameter
from minicnn.shapes.conv import ntuple, same_padding
from minicnn.shapes.sizes import size_tuple
from minicnn.tensor import Tensor

__all__ = ["Conv1d", "Conv2d", "ConvTranspose1d", "ConvTranspose2d"]

Sizes = int | Sequence[int]
_MODES = ("zeros", "reflect", "replicate", "circular")


class _ConvNd(Module):
    """What all convolutions share: checked options, weight and bias, their initial values, and the repr."""

    dims: ClassVar[int]
    transposed: ClassVar[bool] = False
    padding: Any
    """(rows, columns), ``"same"`` or ``"valid"``."""

    def __init__(
        self, in_channels: int, out_channels: int, kernel_size: Sizes, stride: Sizes, padding: Sizes | str,
        dilation: Sizes, groups: int, bias: bool, padding_mode: str,
        device: Device | str | None, dtype: Any, output_padding: Sizes = 0,
    ) -> None:  # fmt: skip
        super().__init__()
        self.in_channels, self.out_channels, self.groups = in_channels, out_channels, groups
        self.kernel_size = self._sizes("kernel_size", kernel_size)
        self.stride = self._sizes("stride", stride)
        self.padding = padding if isinstance(padding, str) else self._sizes("padding", padding)
        self.dilation = self._sizes("dilation", dilation)
        self.output_padding = self._sizes("output_padding", output_padding)
        self.padding_mode = padding_mode
        self._check()
        self.weight = parameter(*self._weight_shape(), device=device, dtype=dtype)
        self.register_parameter("bias", parameter(out_channels, device=device, dtype=dtype) if bias else None)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Weight and bias from U(-1/√fan_in, 1/√fan_in); fan_in is weight.shape[1] times the kernel's size."""
        if self.weight.shape.numel() == 0:
            return
        init.kaiming_uniform_(self.weight, a=math.sqrt(5))
        if self.bias is not None:
            fan_in, _ = init._calculate_fan_in_and_fan_out(self.weight)
            bound = 1 / math.sqrt(fan_in)
            init.uniform_(self.bias, -bound, bound)

    def _sizes(self, option: str, value: Sizes) -> tuple[int, ...]:
        return ntuple(value, self.dims, f"{type(self).__name__}: {option}")

    def _weight_shape(self) -> tuple[int, ...]:
        channels = (self.in_channels, self.out_channels)
        first, second = channels if self.transposed else channels[::-1]
        return (first, second // self.groups, *self.kernel_size)

    def _check(self) -> None:
        name, groups = type(self).__name__, self.groups
        if groups < 1:
            raise OptionError(f"{name}: groups is not positive", got=groups, rule="groups >= 1")
        for option, channels in (("in_channels", self.in_channels), ("out_channels", self.out_channels)):
            if channels % groups:
                raise OptionError(f"{name}: {option} does not split into the groups",
                                  got=f"{channels}, groups {groups}", rule=f"{option} % groups == 0")
        if isinstance(self.padding, str):
            if self.padding not in ("same", "valid"):
                raise OptionError(f"{name}: padding {self.padding!r} is not known", got=repr(self.padding),
                                  rule="'same', 'valid' or numbers")
            if self.padding == "same" and any(step != 1 for step in self.stride):
                raise OptionError(f"{name}: padding='same' needs stride 1", got=f"stride {self.stride}",
                                  rule="a strided convolution changes the size",
                                  hint=f"padding={self.kernel_size[0] // 2}")
        modes = _MODES[:1] if self.transposed else _MODES
        if self.padding_mode not in modes:
            raise OptionError(f"{name}: padding_mode {self.padding_mode!r} is not known", got=repr(self.padding_mode),
                              rule=f"one of {', '.join(modes)}")

    def extra_repr(self) -> str:
        """The channels, and the options that differ from their defaults."""
        zeros, ones = (0,) * self.dims, (1,) * self.dims
        optional = {"padding": zeros, "dilation": ones, "output_padding": zeros, "groups": 1}
        parts = [f"{self.in_channels}, {self.out_channels}", f"kernel_size={self.kernel_size}", f"stride={self.stride}"]
        parts += [f"{name}={getattr(self, name)}" for name, usual in optional.items() if getattr(self, name) != usual]
        parts += ["bias=False"] if self.bias is None else []
        parts += [f"padding_mode={self.padding_mode}"] if self.padding_mode != "zeros" else []
        return ", ".join(parts)


class _Conv(_ConvNd):
    def __init__(
        self, in_channels: int, out_channels: int, kernel_size: Sizes, stride: Sizes = 1, padding: Sizes | str = 0,
        dilation: Sizes = 1, groups: int = 1, bias: bool = True, padding_mode: str = "zeros",
        device: Device | str | None = None, dtype: Any = None,
    ) -> None:  # fmt: skip
        super().__init__(in_channels, out_channels, kernel_size, stride, padding, dilation, groups, bias, padding_mode,
                         device, dtype)

    def forward(self, input: Tensor) -> Tensor:
        """The convolution of ``input`` with the layer's weight and bias."""
        return self._conv_forward(input, self.weight, self.bias)

    def _conv_forward(self, input: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        raise NotImplementedError(f"{type(self).__name__} must say of how many dimensions its convolution is")

    def _padded(self, input: Tensor) -> tuple[Tensor, Any]:
        """``input`` padded as no convolution can, and the padding that is left to the convolution."""
        if self.padding_mode == "zeros":
            return input, self.padding
        return F.pad(input, self._edges(), mode=self.padding_mode), 0

    def _edges(self) -> list[int]:
        """``padding`` as ``F.pad`` wants it: before and after each dimension, the last dimension first."""
        if self.padding == "same":
            pairs = [same_padding(kernel, step) for kernel, step in zip(self.kernel_size, self.dilation, strict=True)]
        elif self.padding == "valid":
            pairs = [(0, 0)] * self.dims
        else:
            pairs = [(size, size) for size in self.padding]
        return [edge for pair in reversed(pairs) for edge in pair]


class Conv1d(_Conv):
    """Cross-correlation over one dimension: (N, C, L) or (C, L) → (N, O, OL).

    Arguments as of ``Conv2d``, with one number (or a tuple of one) for sizes. See ``F.conv1d``.
    """

    dims = 1

    def _conv_forward(self, input: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        input, padding = self._padded(input)
        return F.conv1d(input, weight, bias, self.stride, padding, self.dilation, self.groups)


class Conv2d(_Conv):
    """Cross-correlation over two dimensions: (N, C, H, W) or (C, H, W) → (N, O, OH, OW).

    y[n, o, i, j] = bias[o] + Σ weight[o, c, u, v] · x[n, c, i·stride + u·dilation − padding, …] over c, u and v.
    See ``F.conv2d``.

    Args:
        in_channels: C.
        out_channels: O.
        kernel_size: height and width of the window, or one number for both; so for the next three.
        stride: the step from one window to the next.
        padding: zeros put on each side; ``"valid"`` is none, ``"same"`` (at stride 1) keeps the size.
        dilation: the distance between the elements of a window.
        groups: channels are split into so many groups, each convolved by itself.
        bias: whether one learnt number is added to each output channel.
        padding_mode: ``"zeros"``, ``"reflect"``, ``"replicate"`` or ``"circular"``.
        device, dtype: of the parameters.

    Attributes:
        weight: (O, C / groups, KH, KW).
        bias: (O,), or None.

    Example:
        >>> nn.Conv2d(3, 16, 3, padding=1)(mc.zeros(8, 3, 32, 32)).shape
        Size([8, 16, 32, 32])
    """

    dims = 2

    def _conv_forward(self, input: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        input, padding = self._padded(input)
        return F.conv2d(input, weight, bias, self.stride, padding, self.dilation, self.groups)


class _ConvTranspose(_ConvNd):
    transposed = True

    def __init__(
        self, in_channels: int, out_channels: int, kernel_size: Sizes, stride: Sizes = 1, padding: Sizes = 0,
        output_padding: Sizes = 0, groups: int = 1, bias: bool = True, dilation: Sizes = 1, padding_mode: str = "zeros",
        device: Device | str | None = None, dtype: Any = None,
    ) -> None:  # fmt: skip
        super().__init__(in_channels, out_channels, kernel_size, stride, padding, dilation, groups, bias, padding_mode,
                         device, dtype, output_padding)

    def _output_padding(self, input: Tensor, output_size: Sequence[int] | None) -> tuple[int, ...]:
        """What must be added to the smallest output for it to be ``output_size``."""
        if output_size is None:
            return self.output_padding
        check_tensor(type(self).__name__, "input", input)
        given = size_tuple(f"{type(self).__name__}: output_size", (output_size,))
        wanted = given[-self.dims:]
        if len(given) not in (self.dims, input.ndim):
            raise ShapeError(f"{type(self).__name__}: output_size has {len(given)} numbers", got=given,
                             rule=f"{self.dims} sizes, perhaps with the batch's and the channels' before them")
        sizes = zip(input.shape[-self.dims:], self.kernel_size, self.stride, self.padding, self.dilation, strict=True)
        smallest = [(n - 1) * s - 2 * p + d * (k - 1) + 1 for n, k, s, p, d in sizes]
        if any(not low <= size < low + step for low, size, step in zip(smallest, wanted, self.stride, strict=True)):
            largest = [low + step - 1 for low, step in zip(smallest, self.stride, strict=True)]
            raise OptionError(f"{type(self).__name__}: no input gives this output_size", got=wanted,
                              rule=f"from {smallest} to {largest} for an input of {tuple(input.shape[-self.dims:])}")
        return tuple(size - low for low, size in zip(smallest, wanted, strict=True))


class ConvTranspose1d(_ConvTranspose):
    """Transposed convolution over one dimension: (N, C, L) or (C, L) → (N, O, OL). See ``ConvTranspose2d``."""

    dims = 1

    def forward(self, input: Tensor, output_size: Sequence[int] | None = None) -> Tensor:
        """The transposed convolution; ``output_size`` chooses among the sizes that are possible at a stride."""
        return F.conv_transpose1d(input, self.weight, self.bias, self.stride, self.padding,
                                  self._output_padding(input, output_size), self.groups, self.dilation)


class ConvTranspose2d(_ConvTranspose):
    """Transposed convolution over two dimensions: (N, C, H, W) or (C, H, W) → (N, O, OH, OW).

    The gradient of ``Conv2d`` with respect to its input: at stride 2 it doubles sizes where Conv2d halves them.
    OH = (H − 1)·stride − 2·padding + dilation·(KH − 1) + output_padding + 1; see ``F.conv_transpose2d``.

    Args:
        in_channels, out_channels, kernel_size, stride, padding, groups, bias, dilation, padding_mode: as of ``Conv2d``;
            padding is cropped from the output, and padding_mode is ``"zeros"``.
        output_padding: added to one side of the output, for sizes that the formula does not reach at stride > 1.
        device, dtype: of the parameters.

    Attributes:
        weight: (C, O / groups, KH, KW).
        bias: (O,), or None.
    """

    dims = 2

    def forward(self, input: Tensor, output_size: Sequence[int] | None = None) -> Tensor:
        """The transposed convolution; ``output_size`` chooses among the sizes that are possible at a stride."""
        return F.conv_transpose2d(input, self.weight, self.bias, self.stride, self.padding,
                                  self._output_padding(input, output_size), self.groups, self.dilation)
