"""Smooth activations: sigmoid's, exp's and the Gaussian's relatives.

The commonest have their formula and its slope as functions that fill an array number by number, which a backend runs
part by part; where a gradient is itself recorded, Tensor operations say the same.
"""

from __future__ import annotations

import math
from typing import Any

from minicnn.autograd.function import Function
from minicnn.autograd.mode import mode
from minicnn.backend import backend_of
from minicnn.ops.activation import Gate
from minicnn.ops.filled import filled
from minicnn.ops.unary import sigmoid_formula
from minicnn.tensor import Tensor, wrap

__all__: list[str] = []

Array = Any

_TANH_SCALE, _TANH_CUBE = math.sqrt(2 / math.pi), 0.044715


class SiLU(Function):
    """x · σ(x)."""

    def forward(self, x: Array) -> Array:
        return filled(_silu, x)

    def grad_x(self, g: Tensor, x: Tensor) -> Tensor:
        if not mode.grad:
            return wrap(filled(_silu_slope, g.array, x.array))
        s = x.sigmoid()
        return g * (s * (1 + x * (1 - s)))


def _silu(out: Array, x: Array) -> None:
    xp = backend_of(x).xp
    xp.negative(x, out=out)
    xp.exp(out, out=out)
    out += 1
    xp.divide(x, out, out=out)


def _silu_slope(out: Array, g: Array, x: Array) -> None:
    xp = backend_of(g).xp
    s = xp.empty_like(x)
    sigmoid_formula(s, x)
    xp.subtract(1, s, out=out)
    out *= x
    out += 1
    out *= s
    out *= g


class LogSigmoid(Function):
    """log σ(x) = min(x, 0) − log(1 + exp(−|x|)): nothing overflows on either side."""

    def forward(self, x: Array) -> Array:
        xp = backend_of(x).xp
        return xp.minimum(x, 0) - xp.log1p(xp.exp(-abs(x)))

    def grad_x(self, g: Tensor, x: Tensor) -> Tensor:
        return g * (-x).sigmoid()


class Softplus(Function):
    """log(1 + exp(beta · x)) / beta, and x itself where beta · x > threshold."""

    def forward(self, x: Array, *, beta: float, threshold: float) -> Array:
        self.beta, self.threshold, backend = beta, threshold, backend_of(x)
        scaled = x * beta
        return backend.choose(scaled > threshold, x, backend.xp.log1p(backend.xp.exp(scaled)) / beta)

    def grad_x(self, g: Tensor, x: Tensor) -> Tensor:
        beta, threshold = self.beta, self.threshold
        bent = Gate.apply(g * (x * beta).sigmoid(), x, is_open=lambda y: ~(y * beta > threshold))
        return bent + Gate.apply(g, x, is_open=lambda y: y * beta > threshold)


class Mish(Function):
    """x · tanh(log(1 + exp(x)))."""

    def forward(self, x: Array) -> Array:
        backend = backend_of(x)
        xp = backend.xp
        return x * xp.tanh(xp.maximum(x, 0) + xp.log1p(xp.exp(-abs(x))))

    def grad_x(self, g: Tensor, x: Tensor) -> Tensor:
        t = (-LogSigmoid.apply(-x)).tanh()  # log(1 + exp(x)) is −log σ(−x)
        return g * (t + x * x.sigmoid() * (1 - t * t))


class ELU(Function):
    """scale · x where x > 0, else scale · alpha · (exp(input_scale · x) − 1)."""

    def forward(self, x: Array, *, alpha: float, scale: float = 1.0, input_scale: float = 1.0) -> Array:
        self.alpha, self.scale, self.input_scale, backend = alpha, scale, input_scale, backend_of(x)
        below = backend.xp.expm1(x * input_scale) * (alpha * scale)
        return backend.choose(x <= 0, below, x * scale)

    def grad_x(self, g: Tensor, x: Tensor) -> Tensor:
        slope = (x.clamp(max=0) * self.input_scale).exp() * (self.alpha * self.scale * self.input_scale)
        below = Gate.apply(g * slope, x, is_open=lambda y: y <= 0)
        return below + Gate.apply(g * self.scale, x, is_open=lambda y: ~(y <= 0))


class GELU(Function):
    """x · Φ(x), with Φ the normal distribution's cumulative function: (1 + erf(x / √2)) / 2."""

    def forward(self, x: Array) -> Array:
        return backend_of(x).gelu(x)

    def grad_x(self, g: Tensor, x: Tensor) -> Tensor:
        if not mode.grad:
            return wrap(backend_of(g.array).gelu_grad(g.array, x.array))
        cumulative = 0.5 * (1 + (x * math.sqrt(0.5)).erf())
        density = (x * x * -0.5).exp() * (1 / math.sqrt(2 * math.pi))
        return g * (cumulative + x * density)


class TanhGELU(Function):
    """x · (1 + tanh(√(2/π) · (x + 0.044715 x³))) / 2: GELU's approximation, from before erf was cheap."""

    def forward(self, x: Array) -> Array:
        backend = backend_of(x)
        return 0.5 * x * (1 + backend.xp.tanh(_TANH_SCALE * (x + _TANH_CUBE * (x * x * x))))

    def grad_x(self, g: Tensor, x: Tensor) -> Tensor:
        square = x * x
        t = (_TANH_SCALE * (x + _TANH_CUBE * (x * square))).tanh()
        inner = _TANH_SCALE * (1 + 3 * _TANH_CUBE * square)
        return g * (0.5 * (1 + t) + 0.5 * x * (1 - t * t) * inner)
