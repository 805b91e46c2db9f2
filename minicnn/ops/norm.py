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

    With ``groups``, x is (N, C, *) and mean and var are also over the C/groups channels of each group. Weight and bias
    have x's number of dimensions (1 where they are repeated) or fewer, or are None.
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
        groups: int | None = None,
        observe: Callable[[Array, Array], None] | None = None,
    ) -> Array:
        self.axes, self.eps, self.groups, backend = axes, eps, groups, backend_of(x)
        y, mean, var = backend.normalise(x, weight, bias, axes, eps, groups)
        if observe is not None:
            observe(mean, var)
        self.keep(mean=mean, var=var)
        return y

    def backward(self, g: Tensor, x: Tensor, weight: Tensor | None, mean: Tensor, var: Tensor) -> Gradients:
        if mode.grad:
            return self.recorded(g, x, weight)
        backend = backend_of(x.array)
        w = None if weight is None else weight.array
        dx, dweight, dbias = backend.normalise_grad(
            g.array, x.array, w, mean.array, var.array, self.axes, self.eps, self.groups
        )
        return wrap(dx), None if dweight is None else wrap(dweight), wrap(dbias)

    def recorded(self, g: Tensor, x: Tensor, weight: Tensor | None) -> Gradients:
        """The kernel's mathematics in Tensor operations, from x on, so that it can be differentiated."""
        centred = x - self.mean(x)
        rstd = (self.mean(centred * centred) + self.eps) ** -0.5
        normal = centred * rstd
        h = g if weight is None else g * weight
        dx = (h - self.mean(h) - normal * self.mean(h * normal)) * rstd
        return dx, None if weight is None else g * normal, g

    def mean(self, x: Tensor) -> Tensor:
        """The mean over the axes (kept, size 1), and over the channels of a group."""
        mean = x.mean(self.axes, keepdim=True) if self.axes else x
        if self.groups is None:
            return mean
        parts = mean.reshape(x.shape[0], self.groups, -1)
        return parts.mean(2, keepdim=True).expand_as(parts).reshape(mean.shape)


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
