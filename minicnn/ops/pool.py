"""Pooling. A maximum gathers its winners and its gradient scatters to them; an average and its gradient are adjoint."""

from __future__ import annotations

from typing import Any

from minicnn.autograd.function import Function
from minicnn.backend import backend_of
from minicnn.shapes.conv import Pair
from minicnn.shapes.pool import PoolGeometry
from minicnn.tensor import Tensor

__all__: list[str] = []

Array = Any


class MaxPool(Function):
    """x (N, C, H, W) → the maxima (N, C, OH, OW) and, where ``indices`` is True, their positions h·W + w.

    Who won is only found out where a gradient will ask for it, or the caller does.
    """

    def forward(self, x: Array, *, geometry: PoolGeometry, indices: bool = False) -> Any:
        backend = backend_of(x)
        if not (indices or any(self.needs)):
            return backend.max_pool_values(x, geometry)
        self.geometry, self.size = geometry, x.shape[2:]
        y, winners = (backend.max_pool if indices else backend.max_pool_recorded)(x, geometry)
        self.keep(winners=winners)
        return (y, winners) if indices else y

    def grad_x(self, g: Tensor, winners: Tensor) -> Tensor:
        return PoolScatter.apply(g, winners, size=self.size, geometry=self.geometry)


class AdaptiveMaxPool(Function):
    """x (N, C, H, W) → the maxima of its bins (N, C, *output_size) and, where ``indices`` is True, their positions."""

    def forward(self, x: Array, *, output_size: Pair, indices: bool = False) -> Any:
        self.size = x.shape[2:]
        y, winners = backend_of(x).adaptive_max_pool(x, output_size)
        self.keep(winners=winners)
        return (y, winners) if indices else y

    def grad_x(self, g: Tensor, winners: Tensor) -> Tensor:
        return PoolScatter.apply(g, winners, size=self.size)


class PoolScatter(Function):
    """g (N, C, OH, OW) → dx (N, C, *size): each value added to the pixel that won its window."""

    def forward(self, g: Array, winners: Array, *, size: Pair, geometry: PoolGeometry | None = None) -> Array:
        self.geometry = geometry
        return backend_of(g).pool_scatter(g, winners, size, geometry)

    def grad_g(self, gg: Tensor, winners: Tensor) -> Tensor:
        return PoolGather.apply(gg, winners, geometry=self.geometry)


class PoolGather(Function):
    """x (N, C, H, W) → y (N, C, OH, OW): the values at the winners' pixels."""

    def forward(self, x: Array, winners: Array, *, geometry: PoolGeometry | None = None) -> Array:
        self.geometry, self.size = geometry, x.shape[2:]
        return backend_of(x).pool_gather(x, winners, geometry)

    def grad_x(self, g: Tensor, winners: Tensor) -> Tensor:
        return PoolScatter.apply(g, winners, size=self.size, geometry=self.geometry)


class MaxUnpool(Function):
    """x (N, C, H, W) → zeros (N, C, *size) with each value written, not added, to its winner's pixel.

    Windows that overlap share winners. The gradient asks every one of them, as PyTorch's does.
    """

    def forward(self, x: Array, winners: Array, *, size: Pair) -> Array:
        xp, (N, C, H, W) = backend_of(x).xp, x.shape
        y = xp.zeros((N, C, size[0] * size[1]), x.dtype)
        n, c = xp.arange(N)[:, None, None], xp.arange(C)[:, None]
        y[n, c, winners.reshape(N, C, H * W)] = x.reshape(N, C, H * W)
        return y.reshape(N, C, *size)

    def grad_x(self, g: Tensor, winners: Tensor) -> Tensor:
        return PoolGather.apply(g, winners)


class AvgPool(Function):
    """x (N, C, H, W) → the mean of each window (N, C, OH, OW)."""

    def forward(
        self, x: Array, *, geometry: PoolGeometry, count_include_pad: bool, divisor_override: int | None
    ) -> Array:
        self.size = x.shape[2:]
        self.options = {"geometry": geometry, "count_include_pad": count_include_pad,
                        "divisor_override": divisor_override}  # fmt: skip
        return backend_of(x).avg_pool(x, geometry, count_include_pad, divisor_override)

    def grad_x(self, g: Tensor) -> Tensor:
        return AvgPoolGrad.apply(g, size=self.size, **self.options)


class AvgPoolGrad(Function):
    """g (N, C, OH, OW) → dx (N, C, *size): each value spread evenly over its window."""

    def forward(
        self, g: Array, *, size: Pair, geometry: PoolGeometry, count_include_pad: bool, divisor_override: int | None
    ) -> Array:
        self.options = {"geometry": geometry, "count_include_pad": count_include_pad,
                        "divisor_override": divisor_override}  # fmt: skip
        return backend_of(g).avg_pool_grad(g, geometry, size, count_include_pad, divisor_override)

    def grad_g(self, gg: Tensor) -> Tensor:
        return AvgPool.apply(gg, **self.options)


class AdaptiveAvgPool(Function):
    """x (N, C, H, W) → the mean of each bin (N, C, *output_size)."""

    def forward(self, x: Array, *, output_size: Pair) -> Array:
        self.size = x.shape[2:]
        return backend_of(x).adaptive_avg_pool(x, output_size)

    def grad_x(self, g: Tensor) -> Tensor:
        return AdaptiveAvgPoolGrad.apply(g, size=self.size)


class AdaptiveAvgPoolGrad(Function):
    """g (N, C, OH, OW) → dx (N, C, *size): each value spread evenly over its bin."""

    def forward(self, g: Array, *, size: Pair) -> Array:
        self.output_size = g.shape[2:]
        return backend_of(g).adaptive_avg_pool_grad(g, size)

    def grad_g(self, gg: Tensor) -> Tensor:
        return AdaptiveAvgPool.apply(gg, output_size=self.output_size)
