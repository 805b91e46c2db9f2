"""Batch norm folded into the layer before it, for a network that is trained: the same function in one layer less.

In evaluation batch norm is an affine map of each channel, y ↦ (y − mean) / √(var + eps) · γ + β, and so is what it
follows; two affine maps are one.
"""

from __future__ import annotations

import copy
from typing import TypeVar

from minicnn.arguments import check_all
from minicnn.errors import StateError
from minicnn.nn.module import Module
from minicnn.nn.parameter import Parameter
from minicnn.ops.creation import ones_like, zeros_like
from minicnn.tensor import Tensor

__all__ = ["fuse_conv_bn_eval", "fuse_conv_bn_weights", "fuse_linear_bn_eval", "fuse_linear_bn_weights"]

M = TypeVar("M", bound=Module)


def fuse_conv_bn_eval(conv: M, bn: Module, transpose: bool = False) -> M:
    """A convolution that computes ``bn(conv(x))``; both are in evaluation mode.

    Args:
        conv, bn: the layers; they are left as they are.
        transpose: whether ``conv`` is a transposed convolution, whose weight has the output channels second.

    Raises:
        StateError: a layer in training mode, or a batch norm without running statistics.

    Example:
        >>> layer = nn.utils.fuse_conv_bn_eval(model.conv1.eval(), model.bn1.eval())
    """
    return _fused("fuse_conv_bn_eval", conv, bn, transpose)


def fuse_linear_bn_eval(linear: M, bn: Module) -> M:
    """A linear layer that computes ``bn(linear(x))``. Args, errors: as ``fuse_conv_bn_eval``."""
    return _fused("fuse_linear_bn_eval", linear, bn, False)


def _fused(name: str, layer: M, bn: Module, transpose: bool) -> M:
    if layer.training or bn.training:
        raise StateError(f"{name}: a layer is in training mode", got="training=True",
                         rule="only in evaluation batch norm is a fixed map", hint="model.eval()")
    if bn.running_mean is None:
        raise StateError(f"{name}: the batch norm has no running statistics", got="track_running_stats=False",
                         rule="without them it depends on the batch, and is no fixed map")
    fused = copy.deepcopy(layer)
    fused.weight, fused.bias = fuse_conv_bn_weights(
        layer.weight, layer.bias, bn.running_mean, bn.running_var, bn.eps, bn.weight, bn.bias, transpose)
    return fused


def fuse_conv_bn_weights(
    conv_w: Tensor, conv_b: Tensor | None, bn_rm: Tensor, bn_rv: Tensor, bn_eps: float, bn_w: Tensor | None,
    bn_b: Tensor | None, transpose: bool = False,
) -> tuple[Parameter, Parameter]:  # fmt: skip
    """Weight and bias of ``fuse_conv_bn_eval``, s being γ / √(var + eps): W · s by channel, and (b − mean) · s + β."""
    b = zeros_like(bn_rm) if conv_b is None else conv_b
    scale = (ones_like(bn_rm) if bn_w is None else bn_w) * (bn_rv + bn_eps).rsqrt()
    shape = [1] * conv_w.ndim
    shape[1 if transpose else 0] = -1
    weight = (conv_w * scale.reshape(shape)).to(conv_w.dtype)
    bias = (b - bn_rm) * scale + (0 if bn_b is None else bn_b)
    return (Parameter(weight.detach(), conv_w.requires_grad),
            Parameter(bias.to(b.dtype).detach(), b.requires_grad))


def fuse_linear_bn_weights(
    linear_w: Tensor, linear_b: Tensor | None, bn_rm: Tensor, bn_rv: Tensor, bn_eps: float, bn_w: Tensor,
    bn_b: Tensor,
) -> tuple[Parameter, Parameter]:  # fmt: skip
    """Weight and bias of ``fuse_linear_bn_eval``; see ``fuse_conv_bn_weights``."""
    return fuse_conv_bn_weights(linear_w, linear_b, bn_rm, bn_rv, bn_eps, bn_w, bn_b)


check_all(globals(), ["fuse_conv_bn_weights", "fuse_linear_bn_weights"])
