"""Softmax in its forms."""

from __future__ import annotations

from typing import Any

from minicnn import random
from minicnn.backend import backend_of
from minicnn.errors import warn
from minicnn.ops import softmax as ops
from minicnn.shapes.dims import one_dim
from minicnn.tensor import Tensor, wrap

__all__ = ["gumbel_softmax", "log_softmax", "softmax", "softmin"]


def softmax(input: Tensor, dim: int | None = None, _stacklevel: int = 3, dtype: Any = None) -> Tensor:
    """exp(x) / Σ exp(x) along ``dim``: positive numbers that sum to 1. All of x -inf gives NaN.

    Args:
        input: any floating point tensor.
        dim: the dimension that sums to 1. Leaving it out is deprecated: it is then 0 or 1, and a warning says so.
        dtype: convert the input to it first.

    Shapes: any; the result has the input's. Errors: OutOfRangeError where there is no such dimension; DtypeError.

    Example:
        >>> F.softmax(mc.tensor([0.0, 0.0]), dim=0)
        tensor([0.5000, 0.5000])
    """
    return ops.softmax(input, _dim("softmax", input, dim, _stacklevel), dtype)


def softmin(input: Tensor, dim: int | None = None, _stacklevel: int = 3, dtype: Any = None) -> Tensor:
    """softmax(−x). Args, shapes, errors: as ``softmax``.

    Example:
        >>> F.softmin(mc.tensor([0.0, 0.0]), dim=0)
        tensor([0.5000, 0.5000])
    """
    return ops.softmax(-input, _dim("softmin", input, dim, _stacklevel), dtype)


def log_softmax(input: Tensor, dim: int | None = None, _stacklevel: int = 3, dtype: Any = None) -> Tensor:
    """x − log Σ exp(x) along ``dim``: the logarithm of ``softmax``, without its overflow or underflow.

    Args, shapes, errors: as ``softmax``.

    Example:
        >>> F.log_softmax(mc.tensor([0.0, 1000.0]), dim=0)
        tensor([-1000.,     0.])
    """
    return ops.log_softmax(input, _dim("log_softmax", input, dim, _stacklevel), dtype)


def gumbel_softmax(logits: Tensor, tau: float = 1, hard: bool = False, eps: float = 1e-10, dim: int = -1) -> Tensor:
    """softmax((x + gumbel) / tau): a draw from the categorical distribution of ``logits`` that has a gradient.

    Args:
        logits: any floating point tensor.
        tau: the temperature; the lower, the closer to one-hot.
        hard: make the result one-hot, with the gradient of the soft one.
        eps: unused, as in PyTorch.
        dim: the dimension of the classes.

    Shapes: any; the result has the logits'. Errors: OutOfRangeError.
    Source: Jang et al. 2017, https://arxiv.org/abs/1611.01144

    Example:
        >>> F.gumbel_softmax(mc.zeros(1, 3), hard=True).sum()
        tensor(1.)
    """
    if eps != 1e-10:
        warn("gumbel_softmax: eps has no effect")
    dim = one_dim("gumbel_softmax", dim, logits.ndim)
    backend = backend_of(logits.array)
    draws = wrap(backend.from_numpy(random.default_generator.exponential(logits.array.shape, logits.array.dtype)))
    soft = ops.softmax((logits - draws.log()) / tau, dim)
    if not hard:
        return soft
    winner = soft.detach().argmax(dim, keepdim=True)
    onehot = soft.detach() * 0
    onehot = onehot.scatter(dim, winner, 1.0)
    return onehot - soft.detach() + soft


def _dim(name: str, input: Tensor, dim: int | None, stacklevel: int) -> int:
    if dim is not None:
        return dim
    warn(f"{name}: dim was left out, which is deprecated; write dim=0, 1 or -1", extra=stacklevel - 3)
    return 0 if input.ndim in (0, 1, 3) else 1
