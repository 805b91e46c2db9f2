"""Layers that find out their number of input features or channels when they are first called."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from minicnn.backend import Device
from minicnn.dtypes import int64
from minicnn.errors import ShapeError
from minicnn.nn.functional.images import check_tensor
from minicnn.nn.layers.batch_norm import BatchNorm1d, BatchNorm2d, InstanceNorm1d, InstanceNorm2d, _NormBase
from minicnn.nn.layers.conv import Conv1d, Conv2d, ConvTranspose1d, ConvTranspose2d, _ConvNd
from minicnn.nn.layers.linear import Linear
from minicnn.nn.lazy import LazyModuleMixin
from minicnn.nn.module import Module
from minicnn.nn.parameter import UninitializedBuffer, UninitializedParameter
from minicnn.ops.creation import zeros
from minicnn.tensor import Tensor

__all__ = [
    "LazyBatchNorm1d", "LazyBatchNorm2d", "LazyConv1d", "LazyConv2d", "LazyConvTranspose1d", "LazyConvTranspose2d",
    "LazyInstanceNorm1d", "LazyInstanceNorm2d", "LazyLinear",
]  # fmt: skip

Sizes = int | Sequence[int]


class LazyLinear(LazyModuleMixin, Linear):
    """``Linear`` whose ``in_features`` is the last size of its first input."""

    cls_to_become = Linear

    def __init__(
        self, out_features: int, bias: bool = True, device: Device | str | None = None, dtype: Any = None
    ) -> None:
        super().__init__(0, 0, bias=False)
        self.out_features = out_features
        self.weight = UninitializedParameter(device=device, dtype=dtype)
        if bias:
            self.bias = UninitializedParameter(device=device, dtype=dtype)

    def reset_parameters(self) -> None:
        """As of ``Linear``, once there is something to reset."""
        if not self.has_uninitialized_params() and self.in_features:
            super().reset_parameters()

    def initialize_parameters(self, input: Tensor) -> None:
        """Take ``in_features`` from ``input``."""
        _check_dims(self, input, 1)
        self.in_features = input.shape[-1]
        if self.has_uninitialized_params():
            self.weight.materialize((self.out_features, self.in_features))
            if self.bias is not None:
                self.bias.materialize((self.out_features,))
            self.reset_parameters()


class _LazyConv(LazyModuleMixin, _ConvNd):
    """What the lazy convolutions add: parameters without a shape, and channels that are read off the first input."""

    def _make_lazy(self, out_channels: int, bias: bool, device: Device | str | None, dtype: Any) -> None:
        self.out_channels = out_channels
        self.weight = UninitializedParameter(device=device, dtype=dtype)
        if bias:
            self.bias = UninitializedParameter(device=device, dtype=dtype)

    def reset_parameters(self) -> None:
        """As of the ordinary convolution, once there is something to reset."""
        if not self.has_uninitialized_params() and self.in_channels:
            super().reset_parameters()

    def initialize_parameters(self, input: Tensor, *args: Any, **kwargs: Any) -> None:  # noqa: ARG002 (output_size)
        """Take ``in_channels`` from ``input``."""
        check_tensor(type(self).__name__, "input", input)
        if input.ndim not in (self.dims + 1, self.dims + 2):
            raise ShapeError(f"{type(self).__name__}: the input has {input.ndim} dimensions",
                             got=f"input {tuple(input.shape)}",
                             rule=f"{self.dims + 2}, or {self.dims + 1} without a batch")
        self.in_channels = input.shape[-self.dims - 1]
        self._check()
        if self.has_uninitialized_params():
            self.weight.materialize(self._weight_shape())
            if self.bias is not None:
                self.bias.materialize((self.out_channels,))
            self.reset_parameters()


class _LazyForwardConv(_LazyConv):
    def __init__(
        self, out_channels: int, kernel_size: Sizes, stride: Sizes = 1, padding: Sizes | str = 0, dilation: Sizes = 1,
        groups: int = 1, bias: bool = True, padding_mode: str = "zeros", device: Device | str | None = None,
        dtype: Any = None,
    ) -> None:  # fmt: skip
        super().__init__(0, 0, kernel_size, stride=stride, padding=padding, dilation=dilation, groups=groups,
                         bias=False, padding_mode=padding_mode, device=device, dtype=dtype)
        self._make_lazy(out_channels, bias, device, dtype)


class LazyConv1d(_LazyForwardConv, Conv1d):
    """``Conv1d`` whose ``in_channels`` is that of its first input."""

    cls_to_become = Conv1d


class LazyConv2d(_LazyForwardConv, Conv2d):
    """``Conv2d`` whose ``in_channels`` is that of its first input.

    Example:
        >>> layer = nn.LazyConv2d(16, 3)
        >>> layer(mc.zeros(1, 3, 8, 8)).shape, layer
        (Size([1, 16, 6, 6]), Conv2d(3, 16, kernel_size=(3, 3), stride=(1, 1)))
    """

    cls_to_become = Conv2d


class _LazyTransposedConv(_LazyConv):
    def __init__(
        self, out_channels: int, kernel_size: Sizes, stride: Sizes = 1, padding: Sizes = 0, output_padding: Sizes = 0,
        groups: int = 1, bias: bool = True, dilation: Sizes = 1, padding_mode: str = "zeros",
        device: Device | str | None = None, dtype: Any = None,
    ) -> None:  # fmt: skip
        super().__init__(0, 0, kernel_size, stride=stride, padding=padding, output_padding=output_padding,
                         groups=groups, bias=False, dilation=dilation, padding_mode=padding_mode, device=device,
                         dtype=dtype)
        self._make_lazy(out_channels, bias, device, dtype)


class LazyConvTranspose1d(_LazyTransposedConv, ConvTranspose1d):
    """``ConvTranspose1d`` whose ``in_channels`` is that of its first input."""

    cls_to_become = ConvTranspose1d


class LazyConvTranspose2d(_LazyTransposedConv, ConvTranspose2d):
    """``ConvTranspose2d`` whose ``in_channels`` is that of its first input."""

    cls_to_become = ConvTranspose2d


class _LazyNorm(LazyModuleMixin, _NormBase):
    """What the lazy norms add: ``num_features`` is read off the first input."""

    def __init__(
        self, eps: float = 1e-5, momentum: float | None = 0.1, affine: bool = True, track_running_stats: bool = True,
        device: Device | str | None = None, dtype: Any = None, *, bias: bool = True,
    ) -> None:  # fmt: skip
        super().__init__(0, eps, momentum, False, False, device, dtype, bias=bias)
        self.affine, self.track_running_stats = affine, track_running_stats
        kind: dict[str, Any] = {"device": device, "dtype": dtype}
        if affine:
            self.weight = UninitializedParameter(**kind)
            if bias:
                self.bias = UninitializedParameter(**kind)
        if track_running_stats:
            self.running_mean, self.running_var = UninitializedBuffer(**kind), UninitializedBuffer(**kind)
            self.num_batches_tracked = zeros((), device=device, dtype=int64)

    def reset_parameters(self) -> None:
        """As of the ordinary norm, once there is something to reset."""
        if not self.has_uninitialized_params() and self.num_features:
            super().reset_parameters()

    def initialize_parameters(self, input: Tensor) -> None:
        """Take ``num_features`` from ``input``."""
        _check_dims(self, input, 2)
        self.num_features = input.shape[1]
        if self.has_uninitialized_params():
            for tensor in (self.weight, self.bias, self.running_mean, self.running_var):
                if tensor is not None:
                    tensor.materialize((self.num_features,))
            self.reset_parameters()


class LazyBatchNorm1d(_LazyNorm, BatchNorm1d):
    """``BatchNorm1d`` whose ``num_features`` is the channels of its first input."""

    cls_to_become = BatchNorm1d


class LazyBatchNorm2d(_LazyNorm, BatchNorm2d):
    """``BatchNorm2d`` whose ``num_features`` is the channels of its first input."""

    cls_to_become = BatchNorm2d


class LazyInstanceNorm1d(_LazyNorm, InstanceNorm1d):
    """``InstanceNorm1d`` whose ``num_features`` is the channels of its first input."""

    cls_to_become = InstanceNorm1d


class LazyInstanceNorm2d(_LazyNorm, InstanceNorm2d):
    """``InstanceNorm2d`` whose ``num_features`` is the channels of its first input."""

    cls_to_become = InstanceNorm2d


def _check_dims(layer: Module, input: Tensor, least: int) -> None:
    name = type(layer).__name__
    check_tensor(name, "input", input)
    if input.ndim < least:
        raise ShapeError(f"{name}: the input has {input.ndim} dimensions", got=f"input {tuple(input.shape)}",
                         rule=f"at least {least}, of which one is the size that the layer takes over")
