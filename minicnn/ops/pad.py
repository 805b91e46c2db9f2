"""Padding with a constant, and cropping, which is padding by a negative amount: one operation, its own gradient."""

from __future__ import annotations

from typing import Any

from minicnn.autograd.function import Function
from minicnn.backend import backend_of
from minicnn.tensor import Tensor

__all__: list[str] = []

Array = Any
Pads = tuple[tuple[int, int], ...]


class Pad(Function):
    """x with (before, after) more of ``value`` along each axis, or so many less where an amount is negative.

    What was put on is taken off the gradient, and what was cut off had none: the same operation, amounts negated.
    """

    def forward(self, x: Array, *, pads: Pads, value: float = 0) -> Array:
        self.pads = pads
        kept = tuple(slice(max(-a, 0), n - max(-b, 0)) for n, (a, b) in zip(x.shape, pads, strict=True))
        shape = tuple(n + a + b for n, (a, b) in zip(x.shape, pads, strict=True))
        inside = tuple(slice(max(a, 0), n - max(b, 0)) for n, (a, b) in zip(shape, pads, strict=True))
        y = backend_of(x).xp.full_like(x, value, shape=shape)
        y[inside] = x[kept]
        return y

    def grad_x(self, g: Tensor) -> Tensor:
        return Pad.apply(g, pads=tuple((-a, -b) for a, b in self.pads))
