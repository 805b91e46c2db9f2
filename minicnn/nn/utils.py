"""What is done to all parameters together (one vector, clipping of gradients), and batch norm folded into layers."""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from typing import Any

from minicnn.absent import missing
from minicnn.autograd import no_grad
from minicnn.errors import DeviceError, DtypeError, ShapeError
from minicnn.nn.functional.images import check_tensor
from minicnn.nn.fusion import fuse_conv_bn_eval, fuse_conv_bn_weights, fuse_linear_bn_eval, fuse_linear_bn_weights
from minicnn.ops.join import cat
from minicnn.tensor import Tensor

_CLIPPING = ("clip_grad_norm_", "clip_grad_value_", "clip_grads_with_norm_", "get_total_norm")

__all__ = [  # noqa: F822 (some are fetched when asked for)
    "clip_grad_norm", "clip_grad_norm_", "clip_grad_value_", "clip_grads_with_norm_", "fuse_conv_bn_eval",
    "fuse_conv_bn_weights", "fuse_linear_bn_eval", "fuse_linear_bn_weights", "get_total_norm", "parameters_to_vector",
    "vector_to_parameters",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    # optim is a room above nn, so its clipping is only fetched where someone asks for it by PyTorch's name.
    if name in _CLIPPING:
        from minicnn.optim import clip

        return getattr(clip, name)
    raise missing("minicnn.nn.utils", name, __all__)


def clip_grad_norm(*args: Any, **options: Any) -> Tensor:
    """``clip_grad_norm_`` by its old name."""
    from minicnn.optim import clip

    warnings.warn("nn.utils.clip_grad_norm is now nn.utils.clip_grad_norm_", FutureWarning, stacklevel=2)
    return clip.clip_grad_norm_(*args, **options)


def parameters_to_vector(parameters: Iterable[Tensor]) -> Tensor:
    """All parameters end to end, as one tensor of one dimension; gradients flow through it."""
    parts = [p.reshape(-1) for p in _tensors("parameters_to_vector", parameters)]
    devices = {str(p.device) for p in parts}
    if len(devices) > 1:
        raise DeviceError("parameters_to_vector: the parameters are on several devices", got=", ".join(sorted(devices)),
                          rule="one vector lives on one device")
    return cat(parts)


def vector_to_parameters(vec: Tensor, parameters: Iterable[Tensor]) -> None:
    """Cut ``vec`` up into the parameters' shapes and write the pieces into them, in place."""
    params = _tensors("vector_to_parameters", parameters)
    check_tensor("vector_to_parameters", "vector", vec)
    sizes = [p.shape.numel() for p in params]
    total = sum(sizes)
    if vec.ndim != 1 or vec.shape[0] != total:
        raise ShapeError("vector_to_parameters: the vector does not fit", got=f"vector {tuple(vec.shape)}",
                         rule=f"({total},), the number of elements of all parameters")
    with no_grad():
        for param, piece in zip(params, vec.split(sizes), strict=True):
            param.copy_(piece.reshape(param.shape))


def _tensors(name: str, parameters: Any) -> list[Tensor]:
    listed = list(parameters) if isinstance(parameters, Iterable) else [parameters]
    for item in listed:
        if not isinstance(item, Tensor):
            raise DtypeError(f"{name}: these are no parameters", got=type(item).__name__, rule="tensors",
                             hint="model.parameters()")
    return listed
