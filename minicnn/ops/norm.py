"""Normalisation: one operation for batch, layer, group and instance norm, which differ in the axes they reduce."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from minicnn.autograd.function import Function
from minicnn.autograd.mode import mode
from minicnn.backend import backend_of
from minicnn.tensor import Tensor, wrap

__all__: list[str] = []

Array = Any
Gradients = tuple[Tensor | None, Tensor | None, Tensor | None]


class Normalise(Function):
    """(x − mean) / √(var + eps) · weight + bias, with mean and biased var of x over ``axes``.

    Weight and bias, both or neither, have x's number of dimensions (1 where they are repeated) or fewer.
    ``observe`` is told mean and var, as arrays: how running statistics are kept.
    """

    def forward(
        self,
        x: Array,
        weight: Array | None,
        bias: Array | None,
        *,
        axes: tuple[int, ...],
        eps: float,
        observe: Callable[[Array, Array], None] | None = None,
    ) -> Array:
        self.axes, self.eps, backend = axes, eps, backend_of(x)
        with backend.quiet():
            y, mean, var = backend.normalise(x, weight, bias, axes, eps)
        if observe is not None:
            observe(mean, var)
        self.keep(mean=mean, var=var)
        return y

    def backward(self, g: Tensor, x: Tensor, weight: Tensor | None, mean: Tensor, var: Tensor) -> Gradients:
        if mode.grad:
            return self.recorded(g, x, weight)
        backend = backend_of(x.array)
        w = None if weight is None else weight.array
        with backend.quiet():
            dx, dweight, dbias = backend.normalise_grad(g.array, x.array, w, mean.array, var.array, self.axes, self.eps)
        return wrap(dx), None if dweight is None else wrap(dweight), wrap(dbias)

    def recorded(self, g: Tensor, x: Tensor, weight: Tensor | None) -> Gradients:
        """The kernel's mathematics in Tensor operations, from x on, so that it can be differentiated."""
        centred = x - x.mean(self.axes, keepdim=True)
        rstd = ((centred * centred).mean(self.axes, keepdim=True) + self.eps) ** -0.5
        normal = centred * rstd
        h = g if weight is None else g * weight
        dx = (h - h.mean(self.axes, keepdim=True) - normal * (h * normal).mean(self.axes, keepdim=True)) * rstd
        return dx, None if weight is None else g * normal, g


class ScaleShift(Function):
    """x · scale + shift, which broadcast to x: normalisation by statistics that are already known."""

    def forward(self, x: Array, scale: Array, shift: Array) -> Array:
        return backend_of(x).scale_shift(x, scale, shift)

    def grad_x(self, g: Tensor, scale: Tensor) -> Tensor:
        return g * scale

    def grad_scale(self, g: Tensor, x: Tensor) -> Tensor:
        return g * x

    def grad_shift(self, g: Tensor) -> Tensor:
        return g
