"""The engine as the judge of hand-written gradients."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from minicnn.autograd import grad
from minicnn.ops.creation import tensor
from minicnn.tensor import Tensor

Array = Any


def gradients(operation: Callable[..., Tensor], g: Array, *inputs: Array) -> tuple[Array, ...]:
    """The gradients of ``operation`` in its ``inputs``, where ``g`` arrives at its result; all are arrays."""
    leaves = [tensor(x, requires_grad=True) for x in inputs]
    found = grad(operation(*leaves), leaves, tensor(g))
    return tuple(slope.numpy() for slope in found if slope is not None)
