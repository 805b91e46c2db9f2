"""Losses whose gradient is simpler, or safer, than that of the steps that they are made of."""

from __future__ import annotations

from typing import Any

from minicnn.autograd.function import Function
from minicnn.autograd.mode import mode
from minicnn.backend import backend_of
from minicnn.tensor import Tensor, wrap

__all__: list[str] = []

Array = Any


class SoftmaxNLL(Function):
    """−weight · log softmax(x)[target] for each target: the logarithm, the pick and their gradient in one.

    x (N, C, *); target, weight and kept (N, *), of which the last two may be None. The result is (N, *), and 0 where
    not ``kept``.
    """

    def forward(self, x: Array, target: Array, weight: Array | None, kept: Array | None) -> Array:
        backend = backend_of(x)
        losses, probabilities = backend.softmax_nll(x, target, weight, kept)
        self.keep(probabilities=probabilities)
        return losses

    def backward(
        self, g: Tensor, x: Tensor, target: Tensor, weight: Tensor | None, kept: Tensor | None, probabilities: Tensor
    ) -> tuple[Tensor | None, ...]:
        if mode.grad:
            return self.recorded(g, x, target, weight, kept), None, None, None
        backend = backend_of(x.array)
        w, k = (t if t is None else t.array for t in (weight, kept))
        dx = backend.softmax_nll_grad(g.array, probabilities.array, target.array, w, k)
        return wrap(dx), None, None, None

    def recorded(
        self, g: Tensor, x: Tensor, target: Tensor, weight: Tensor | None, kept: Tensor | None
    ) -> Tensor:
        """The kernel's mathematics in Tensor operations, from x on, so that it can be differentiated."""
        xp = backend_of(x.array).xp
        classes = xp.arange(x.array.shape[1]).reshape(-1, *[1] * (target.ndim - 1))
        onehot = wrap((classes == target.array[:, None]).astype(x.array.dtype))
        scale = g if weight is None else g * weight
        dx = (x.softmax(1) - onehot) * scale.unsqueeze(1)
        return dx if kept is None else dx.masked_fill(~kept.unsqueeze(1), 0.0)


class BinaryCrossEntropy(Function):
    """−(y · log x + (1 − y) · log(1 − x)), with logarithms of at least −100, and slopes to match."""

    def forward(self, x: Array, y: Array) -> Array:
        backend = backend_of(x)
        xp = backend.xp
        return (y - 1) * xp.maximum(xp.log1p(-x), -100) - y * xp.maximum(xp.log(x), -100)

    def grad_x(self, g: Tensor, x: Tensor, y: Tensor) -> Tensor:
        return g * (x - y) / ((1 - x) * x).clamp(min=1e-12)

    def grad_y(self, g: Tensor, x: Tensor) -> Tensor:
        return g * ((-x).log1p() - x.log())
