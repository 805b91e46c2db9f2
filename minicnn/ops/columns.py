"""Unfold and fold: windows laid out as columns, and columns added up to an image; each is the other's gradient."""

from __future__ import annotations

from typing import Any

from minicnn.autograd.function import Function
from minicnn.backend import backend_of
from minicnn.shapes.conv import ConvGeometry, Pair
from minicnn.tensor import Tensor

__all__: list[str] = []

Array = Any


class Unfold(Function):
    """x (N, C, H, W) → columns (N, C·KH·KW, L), one for each window."""

    def forward(self, x: Array, *, kernel: Pair, geometry: ConvGeometry) -> Array:
        self.size, self.kernel, self.geometry = x.shape[2:], kernel, geometry
        return backend_of(x).unfold(x, kernel, geometry)

    def grad_x(self, g: Tensor) -> Tensor:
        return Fold.apply(g, size=self.size, kernel=self.kernel, geometry=self.geometry)


class Fold(Function):
    """columns (N, C·KH·KW, L) → x (N, C, *size), each pixel the sum of its places in the columns."""

    def forward(self, columns: Array, *, size: Pair, kernel: Pair, geometry: ConvGeometry) -> Array:
        self.kernel, self.geometry = kernel, geometry
        return backend_of(columns).fold(columns, size, kernel, geometry)

    def grad_columns(self, g: Tensor) -> Tensor:
        return Unfold.apply(g, kernel=self.kernel, geometry=self.geometry)
