"""The error function and GELU on a CPU."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from minicnn.backend.cpu.elementwise import like, pointwise
from minicnn.backend.portable.special import SpecialKernels

Array = Any

BLOCK = PIECE = 1 << 18  # numbers, some five arrays of which are in use at once; ``kernels: GELU``

# erf(x) = x · P(x²) / Q(x²) for |x| <= 4, beyond which it is ±1 in float32. Least squares, reweighted until the
# greatest relative error was as small as it gets, 2e-9: a thirtieth of float32's rounding. From the highest power down.
_P = (-1.32008522e-8, 4.68448246e-6, 3.79599867e-4, 3.84967072e-3, 5.4316962e-2, 1.85205435e-1, 1.12837917)
_Q = (6.3107804e-5, 1.30756988e-3, 1.54621772e-2, 1.13959116e-1, 4.97467457e-1, 1.0)

# erf(x/√2) = tanh(x · R(x²)) for |x| <= 6, beyond which it is ±1. Fitted likewise, to 6e-8: half a unit of its last
# place, which leaves GELU half of PyTorch's error. NumPy's tanh takes half of its exp's time.
_R = (1.756373467e-9, -1.322700046e-7, 3.964820398e-6, -5.530656575e-5, -3.259419071e-5, 3.633308395e-2, 7.978849416e-1)


class CpuSpecialKernels(SpecialKernels):
    """erf for NumPy arrays, in blocks; and one quotient for all of float32, where the portable one has three."""

    def gelu(self, x: Array) -> Array:
        if x.dtype != np.float32:
            whole = super().gelu
            return pointwise(lambda out, x: np.copyto(out, whole(x)), like(x), x, block=BLOCK, piece=PIECE)
        return pointwise(_gelu, like(x), x, block=BLOCK, piece=PIECE)

    def gelu_grad(self, g: Array, x: Array) -> Array:
        if x.dtype != np.float32:
            whole = super().gelu_grad
            return pointwise(lambda out, g, x: np.copyto(out, whole(g, x)), like(g), g, x, block=BLOCK, piece=PIECE)
        return pointwise(_gelu_slope, like(g), g, x, block=BLOCK, piece=PIECE)

    def erf(self, x: Array) -> Array:
        if x.dtype == np.float64:
            whole = super().erf
            return pointwise(lambda out, x: np.copyto(out, whole(x)), like(x), x, block=BLOCK, piece=PIECE)
        return pointwise(_erf, like(x), x, block=BLOCK, piece=PIECE)


def _erf(out: Array, x: Array) -> None:
    """A quotient in float64, rounded once."""
    x = np.clip(x, -4, 4).astype(np.float64)
    square = x * x
    above, below = _horner(_P, square), _horner(_Q, square)
    above *= x
    np.divide(above, below, out=out, casting="same_kind")


def _gelu(out: Array, x: Array) -> None:
    _normal(out, x)
    out *= x


def _gelu_slope(out: Array, g: Array, x: Array) -> None:
    density = np.multiply(x, x)
    density *= -0.5
    np.exp(density, out=density)
    density *= np.float32(1 / math.sqrt(2 * math.pi))
    density *= x
    _normal(out, x)
    out += density
    out *= g


def _normal(out: Array, x: Array) -> None:
    """out = (1 + erf(x/√2)) / 2."""
    x = np.clip(x, -6, 6)
    np.multiply(_horner(_R, x * x), x, out=out)
    np.tanh(out, out=out)
    out *= 0.5
    out += 0.5


def _horner(coefficients: tuple[float, ...], x: Array) -> Array:
    value = x * coefficients[0]
    value += coefficients[1]
    for coefficient in coefficients[2:]:
        value *= x
        value += coefficient
    return value
