"""Normalisation within each sample: layer, group, root-mean-square and local response norm."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from minicnn.backend import Device
from minicnn.errors import OptionError
from minicnn.nn import functional as F
from minicnn.nn import init
from minicnn.nn.layers.base import Layer
from minicnn.nn.module import Module
from minicnn.nn.parameter import parameter
from minicnn.shapes.sizes import size_tuple
from minicnn.tensor import Tensor

__all__ = ["GroupNorm", "LayerNorm", "LocalResponseNorm", "RMSNorm"]


class _Affine(Module):
    """A learnt weight, 1 at first, and bias, 0 at first."""

    def _make_parameters(self, shape: tuple[int, ...], weight: bool, bias: bool, device: Any, dtype: Any) -> None:
        self.register_parameter("weight", parameter(*shape, device=device, dtype=dtype) if weight else None)
        self.register_parameter("bias", parameter(*shape, device=device, dtype=dtype) if bias else None)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Weight 1, bias 0."""
        if self.weight is not None:
            init.ones_(self.weight)
        if self.bias is not None:
            init.zeros_(self.bias)


class LayerNorm(_Affine):
    """Normalises over the last dimensions: y = (x − mean) / √(var + eps) · weight + bias. See ``F.layer_norm``.

    Args:
        normalized_shape: the sizes of the last dimensions, or the size of the last one.
        eps: added to the (biased) variance.
        elementwise_affine: whether there are a learnt weight and bias, of ``normalized_shape``.
        bias: False leaves out the bias alone.
        device, dtype: of the parameters.

    Source: Ba, Kiros and Hinton, "Layer normalization", 2016.
    """

    def __init__(
        self, normalized_shape: int | Sequence[int], eps: float = 1e-5, elementwise_affine: bool = True,
        bias: bool = True, device: Device | str | None = None, dtype: Any = None,
    ) -> None:  # fmt: skip
        super().__init__()
        self.normalized_shape = _shape(normalized_shape)
        self.eps, self.elementwise_affine = eps, elementwise_affine
        self._make_parameters(self.normalized_shape, elementwise_affine, elementwise_affine and bias, device, dtype)

    def forward(self, input: Tensor) -> Tensor:
        """``input`` normalised."""
        return F.layer_norm(input, self.normalized_shape, self.weight, self.bias, self.eps)

    def extra_repr(self) -> str:
        """The shape and the options."""
        return (f"{self.normalized_shape}, eps={self.eps}, elementwise_affine={self.elementwise_affine}, "
                f"bias={self.bias is not None}")  # fmt: skip


class RMSNorm(_Affine):
    """Divides by the root of the mean square over the last dimensions: y = x / √(mean(x²) + eps) · weight.

    Arguments as of ``LayerNorm``; eps None is the dtype's machine epsilon. See ``F.rms_norm``.
    Source: Zhang and Sennrich, "Root mean square layer normalization", 2019.
    """

    def __init__(
        self, normalized_shape: int | Sequence[int], eps: float | None = None, elementwise_affine: bool = True,
        device: Device | str | None = None, dtype: Any = None,
    ) -> None:  # fmt: skip
        super().__init__()
        self.normalized_shape = _shape(normalized_shape)
        self.eps, self.elementwise_affine = eps, elementwise_affine
        self._make_parameters(self.normalized_shape, elementwise_affine, False, device, dtype)

    def forward(self, input: Tensor) -> Tensor:
        """``input`` normalised."""
        return F.rms_norm(input, self.normalized_shape, self.weight, self.eps)

    def extra_repr(self) -> str:
        """The shape and the options."""
        return f"{self.normalized_shape}, eps={self.eps}, elementwise_affine={self.elementwise_affine}"


class GroupNorm(_Affine):
    """Normalises each group of channels of each sample: (N, C, *) → (N, C, *). See ``F.group_norm``.

    Args:
        num_groups: 1 is a layer norm over everything, ``num_channels`` an instance norm.
        num_channels: C, a multiple of ``num_groups``.
        eps: added to the (biased) variance.
        affine: whether there are a learnt weight and bias for each channel.
        device, dtype: of the parameters.
        bias: False leaves out the bias alone.

    Source: Wu and He, "Group normalization", 2018.
    """

    def __init__(
        self, num_groups: int, num_channels: int, eps: float = 1e-5, affine: bool = True,
        device: Device | str | None = None, dtype: Any = None, *, bias: bool = True,
    ) -> None:  # fmt: skip
        super().__init__()
        if num_groups < 1 or num_channels % num_groups:
            raise OptionError("GroupNorm: the channels do not split into the groups",
                              got=f"{num_channels} channels, {num_groups} groups",
                              rule="num_channels % num_groups == 0")
        self.num_groups, self.num_channels, self.eps, self.affine = num_groups, num_channels, eps, affine
        self._make_parameters((num_channels,), affine, affine and bias, device, dtype)

    def forward(self, input: Tensor) -> Tensor:
        """``input`` normalised."""
        return F.group_norm(input, self.num_groups, self.weight, self.bias, self.eps)

    def extra_repr(self) -> str:
        """The numbers of groups and channels, and the options."""
        return (f"{self.num_groups}, {self.num_channels}, eps={self.eps}, affine={self.affine}, "
                f"bias={self.bias is not None}")  # fmt: skip


class LocalResponseNorm(Layer):
    """Divides each value by a power of the mean square of its neighbour channels, as AlexNet does.

    y_c = x_c / (k + alpha · mean of x² over ``size`` channels around c)^beta. See ``F.local_response_norm``.
    """

    def __init__(self, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0) -> None:
        super().__init__(size=size, alpha=alpha, beta=beta, k=k)

    def forward(self, input: Tensor) -> Tensor:
        """``input`` normalised: (N, C, *) → (N, C, *)."""
        return F.local_response_norm(input, self.size, self.alpha, self.beta, self.k)

    def extra_repr(self) -> str:
        """The options."""
        return f"{self.size}, alpha={self.alpha}, beta={self.beta}, k={self.k}"


def _shape(normalized_shape: int | Sequence[int]) -> tuple[int, ...]:
    return size_tuple("normalized_shape", (normalized_shape,))
