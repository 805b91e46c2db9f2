"""The linear layer and its two gradients: three matrix products whose rules are each other, as convolution's are.

y = x · wᵀ is linear in x and in w, so each gradient is again linear in two of x, w and y's gradient g:

    dx = g · w        dw = gᵀ · x
"""

from __future__ import annotations

import math
from typing import Any

from minicnn.autograd.function import Function
from minicnn.backend import backend_of
from minicnn.tensor import Tensor

__all__: list[str] = []

Array = Any


class Linear(Function):
    """x (*, I), w (O, I), b (O,) or None → y = x · wᵀ + b (*, O).

    With ``relu`` max(y, 0), for the ``ReLU`` that is applied next and is then ``done``: gradients are as of the two.
    """

    def forward(self, x: Array, w: Array, b: Array | None, *, relu: bool = False) -> Array:
        backend = backend_of(x)
        return backend.linear_relu(x, w, b) if relu else backend.linear(x, w, b)

    def grad_x(self, g: Tensor, w: Tensor) -> Tensor:
        return LinearInputGrad.apply(g, w)

    def grad_w(self, g: Tensor, x: Tensor) -> Tensor:
        return LinearWeightGrad.apply(x, g)

    def grad_b(self, g: Tensor) -> Tensor:
        return g


class LinearInputGrad(Function):
    """g (*, O), w (O, I) → dx = g · w (*, I)."""

    def forward(self, g: Array, w: Array) -> Array:
        return backend_of(g).linear(g, w.T, None)

    def grad_g(self, gg: Tensor, w: Tensor) -> Tensor:
        return Linear.apply(gg, w, None)

    def grad_w(self, gg: Tensor, g: Tensor) -> Tensor:
        return LinearWeightGrad.apply(gg, g)


class LinearWeightGrad(Function):
    """x (*, I), g (*, O) → dw = gᵀ · x (O, I), summed over all leading dimensions."""

    def forward(self, x: Array, g: Array) -> Array:
        x, g = (a.reshape(math.prod(a.shape[:-1]), a.shape[-1]) for a in (x, g))
        return backend_of(x).linear(g.T, x.T, None)

    def grad_x(self, gg: Tensor, g: Tensor) -> Tensor:
        return LinearInputGrad.apply(g, gg)

    def grad_g(self, gg: Tensor, x: Tensor) -> Tensor:
        return Linear.apply(x, gg, None)
