"""The linear layer: one matrix product and a bias."""

from __future__ import annotations

import math
from typing import Any

from minicnn.autograd.function import Function
from minicnn.backend import backend_of
from minicnn.tensor import Tensor

__all__: list[str] = []

Array = Any


class Linear(Function):
    """x (*, I), w (O, I), b (O,) or None → y = x · wᵀ + b (*, O). Its gradients are products of the same kind."""

    def forward(self, x: Array, w: Array, b: Array | None) -> Array:
        return backend_of(x).linear(x, w, b)

    def grad_x(self, g: Tensor, w: Tensor) -> Tensor:
        return Linear.apply(g, w.T, None)

    def grad_w(self, g: Tensor, x: Tensor) -> Tensor:
        rows = math.prod(g.array.shape[:-1])
        g, x = (t.reshape(rows, t.array.shape[-1]) for t in (g, x))
        return Linear.apply(g.T, x.T, None)

    def grad_b(self, g: Tensor) -> Tensor:
        return g
