"""Softmax and its logarithm."""

from __future__ import annotations

from typing import Any

from minicnn import dtypes
from minicnn.autograd.function import Function
from minicnn.autograd.mode import mode
from minicnn.backend import backend_of
from minicnn.errors import DtypeError
from minicnn.ops.convert import cast
from minicnn.shapes.dims import one_dim
from minicnn.tensor import Tensor, wrap

__all__ = ["log_softmax", "softmax"]
METHODS = __all__

Array = Any


class Softmax(Function):
    def forward(self, x: Array, *, dim: int) -> Array:
        self.dim, backend = dim, backend_of(x)
        return backend.softmax(x, dim)

    def grad_x(self, g: Tensor, out: Tensor) -> Tensor:
        if not mode.grad:
            return wrap(backend_of(g.array).softmax_grad(g.array, out.array, self.dim))
        return out * (g - (g * out).sum(self.dim, keepdim=True))


class LogSoftmax(Function):
    def forward(self, x: Array, *, dim: int) -> Array:
        self.dim, backend = dim, backend_of(x)
        return backend.log_softmax(x, dim)

    def grad_x(self, g: Tensor, out: Tensor) -> Tensor:
        if not mode.grad:
            return wrap(backend_of(g.array).log_softmax_grad(g.array, out.array, self.dim))
        return g - out.exp() * g.sum(self.dim, keepdim=True)


def softmax(x: Tensor, dim: int, dtype: Any = None) -> Tensor:
    """exp(x) / Σ exp(x) along ``dim``: positive numbers that sum to 1. All of ``x`` -inf gives NaN.

    Args:
        x: any floating point tensor.
        dim: the dimension that sums to 1.
        dtype: convert ``x`` to it first.

    Shapes: any; the result has x's. Errors: OutOfRangeError where there is no such dimension; DtypeError for integers.

    Example:
        >>> mc.tensor([0.0, 0.0]).softmax(dim=0)
        tensor([0.5000, 0.5000])
    """
    x = _floating("softmax", x, dtype)
    return Softmax.apply(x, dim=one_dim("softmax", dim, x.ndim))


def log_softmax(x: Tensor, dim: int, dtype: Any = None) -> Tensor:
    """x − log Σ exp(x) along ``dim``: the logarithm of ``softmax``, without its overflow or underflow.

    Args, shapes, errors: as ``softmax``.
    """
    x = _floating("log_softmax", x, dtype)
    return LogSoftmax.apply(x, dim=one_dim("log_softmax", dim, x.ndim))


def _floating(name: str, x: Tensor, dtype: Any) -> Tensor:
    x = x if dtype is None else cast(x, dtypes.as_dtype(dtype))
    if x.array.dtype.kind != "f":
        raise DtypeError(f"{name}: the tensor is not floating point", got=x.array.dtype,
                         rule="probabilities are floating point", hint=f"{name}(x, dim, dtype=mc.float32)")
    return x
