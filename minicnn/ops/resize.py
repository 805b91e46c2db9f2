"""Resizing by tables: interpolation, and every padding that repeats pixels; the gradient is the table transposed."""

from __future__ import annotations

from typing import Any

from minicnn.autograd.function import Function
from minicnn.backend import backend_of
from minicnn.shapes.resize import AxisWeights
from minicnn.tensor import Tensor

__all__: list[str] = []

Array = Any


class Resize(Function):
    """x (N, C, H, W) → y (N, C, OH, OW); each row of y mixes rows of x as ``rows`` says, and so for columns."""

    def forward(self, x: Array, *, rows: AxisWeights, columns: AxisWeights) -> Array:
        self.rows, self.columns = rows, columns
        return backend_of(x).resize(x, rows, columns)

    def grad_x(self, g: Tensor) -> Tensor:
        return ResizeGrad.apply(g, rows=self.rows, columns=self.columns)


class ResizeGrad(Function):
    """g (N, C, OH, OW) → dx (N, C, H, W): each pixel of x receives what every output took from it."""

    def forward(self, g: Array, *, rows: AxisWeights, columns: AxisWeights) -> Array:
        self.rows, self.columns = rows, columns
        return backend_of(g).resize_grad(g, rows, columns)

    def grad_g(self, gg: Tensor) -> Tensor:
        return Resize.apply(gg, rows=self.rows, columns=self.columns)
