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
    are None, or (C,) where they go ``by_channel``, else of the shape of x's last dimensions.
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
        by_channel: bool = False,
        observe: Callable[[Array, Array], None] | None = None,
    ) -> Array:
        self.axes, self.eps, self.groups, self.by_channel = axes, eps, groups, by_channel
        y, mean, var = backend_of(x).normalise(x, self.beside(x, weight), self.beside(x, bias), axes, eps, groups)
        if observe is not None:
            observe(mean, var)
        self.keep(mean=mean, var=var)
        return y

    def backward(self, g: Tensor, x: Tensor, weight: Tensor | None, mean: Tensor, var: Tensor) -> Gradients:
        if mode.grad:
            return self.recorded(g, x, weight)
        w = None if weight is None else self.beside(x.array, weight.array)
        dx, dweight, dbias = backend_of(x.array).normalise_grad(
            g.array, x.array, w, mean.array, var.array, self.axes, self.eps, self.groups
        )
        if weight is None or dweight is None:
            return wrap(dx), None, self.of_channels(g)
        sizes = weight.array.shape
        return wrap(dx), wrap(dweight.reshape(sizes)), wrap(dbias.reshape(sizes))

    def recorded(self, g: Tensor, x: Tensor, weight: Tensor | None) -> Gradients:
        """The kernel's mathematics in Tensor operations, from x on, so that it can be differentiated."""
        centred = x - self.mean(x)
        rstd = (self.mean(centred * centred) + self.eps) ** -0.5
        normal = centred * rstd
        h = g if weight is None else g * self.beside(x.array, weight)
        dx = (h - self.mean(h) - normal * self.mean(h * normal)) * rstd
        return dx, None if weight is None else self.of_channels(g * normal), self.of_channels(g)

    def beside(self, x: Array, values: Any) -> Any:
        """Weight or bias in a shape that broadcasts to x: (C,) → (1, C, 1, …) where they go by channel."""
        return values if values is None or not self.by_channel else values.reshape(1, -1, *[1] * (x.ndim - 2))

    def of_channels(self, g: Tensor) -> Tensor | None:
        """A gradient in x's shape → that of weight or bias; where it is not by channel, the engine sums it."""
        if not self.by_channel:
            return g
        return g.sum((0, *range(2, g.array.ndim))) if any(self.needs[1:]) else None

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
