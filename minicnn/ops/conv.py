"""Convolution and its two gradients: three operations whose rules are each other.

y = conv(x, w) is linear in x and in w, so each gradient is again linear in two of x, w and y's gradient g:

    dx = ConvInputGrad(g, w)        dw = ConvWeightGrad(x, g)

and differentiating those leads nowhere new: in ConvInputGrad, g plays y's part and the result plays x's. The transposed
convolution is ConvInputGrad used as a forward pass.

Only the two factors of a product are saved. The columns that a kernel multiplies are made again in backward.
"""

from __future__ import annotations

from typing import Any

from minicnn.autograd.function import Function
from minicnn.backend import backend_of
from minicnn.shapes.conv import ConvGeometry, Pair
from minicnn.tensor import Tensor

__all__: list[str] = []

Array = Any


class Conv2d(Function):
    """x (N, C, H, W), w (O, C/groups, KH, KW), b (O,) or None → y (N, O, OH, OW).

    With ``relu`` max(y, 0), for the ``ReLU`` that is applied next and is then ``done``: gradients are as of the two.
    """

    def forward(self, x: Array, w: Array, b: Array | None, *, geometry: ConvGeometry, relu: bool = False) -> Array:
        self.geometry, self.size, self.kernel = geometry, x.shape[2:], w.shape[2:]
        backend = backend_of(x)
        return backend.conv_relu(x, w, b, geometry) if relu else backend.conv(x, w, b, geometry)

    def grad_x(self, g: Tensor, w: Tensor) -> Tensor:
        return ConvInputGrad.apply(g, w, geometry=self.geometry, size=self.size)

    def grad_w(self, g: Tensor, x: Tensor) -> Tensor:
        return ConvWeightGrad.apply(x, g, geometry=self.geometry, kernel=self.kernel)

    def grad_b(self, g: Tensor) -> Tensor:
        return g.sum((0, 2, 3))


class ConvInputGrad(Function):
    """g (N, O, OH, OW), w → dx (N, C, *size): each pixel of x receives what every window took from it."""

    def forward(self, g: Array, w: Array, *, geometry: ConvGeometry, size: Pair) -> Array:
        self.geometry, self.kernel = geometry, w.shape[2:]
        return backend_of(g).conv_input_grad(g, w, geometry, size)

    def grad_g(self, gg: Tensor, w: Tensor) -> Tensor:
        return Conv2d.apply(gg, w, None, geometry=self.geometry)

    def grad_w(self, gg: Tensor, g: Tensor) -> Tensor:
        return ConvWeightGrad.apply(gg, g, geometry=self.geometry, kernel=self.kernel)


class ConvWeightGrad(Function):
    """x (N, C, H, W), g (N, O, OH, OW) → dw (O, C/groups, *kernel): g times the windows it came from, summed."""

    def forward(self, x: Array, g: Array, *, geometry: ConvGeometry, kernel: Pair) -> Array:
        self.geometry, self.size = geometry, x.shape[2:]
        return backend_of(x).conv_weight_grad(x, g, geometry, kernel)

    def grad_x(self, gg: Tensor, g: Tensor) -> Tensor:
        return ConvInputGrad.apply(g, gg, geometry=self.geometry, size=self.size)

    def grad_g(self, gg: Tensor, x: Tensor) -> Tensor:
        return Conv2d.apply(x, gg, None, geometry=self.geometry)
