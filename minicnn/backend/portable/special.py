"""Special functions that array libraries lack: the error function and its inverse."""

from __future__ import annotations

import math
from typing import Any

from minicnn.backend.portable.arrays import ArrayKernels

Array = Any
Coefficients = tuple[float, ...]

# W. J. Cody, Rational Chebyshev approximations for the error function, Mathematics of Computation 23 (1969):
# numerator and denominator, from the highest power down.
_NEAR_ZERO = (
    (1.85777706184603153e-1, 3.16112374387056560e0, 1.13864154151050156e2, 3.77485237685302021e2,
     3.20937758913846947e3),
    (1.0, 2.36012909523441209e1, 2.44024637934444173e2, 1.28261652607737228e3, 2.84423683343917062e3),
)
_MIDDLE = (
    (2.15311535474403846e-8, 5.64188496988670089e-1, 8.88314979438837594e0, 6.61191906371416295e1,
     2.98635138197400131e2, 8.81952221241769090e2, 1.71204761263407058e3, 2.05107837782607147e3,
     1.23033935479799725e3),
    (1.0, 1.57449261107098347e1, 1.17693950891312499e2, 5.37181101862009858e2, 1.62138957456669019e3,
     3.29079923573345963e3, 4.36261909014324716e3, 3.43936767414372164e3, 1.23033935480374942e3),
)
_FAR = (
    (1.63153871373020978e-2, 3.05326634961232344e-1, 3.60344899949804439e-1, 1.25781726111229246e-1,
     1.60837851487422766e-2, 6.58749161529837803e-4),
    (1.0, 2.56852019228982242e0, 1.87295284992346725e0, 5.27905102951428412e-1, 6.05183413124413191e-2,
     2.33520497626869185e-3),
)

_SMALL = 0.46875


class SpecialKernels(ArrayKernels):
    """erf, erfc and erf's inverse, in float64 and rounded once to x's floating dtype; and GELU, made of erf."""

    def erf(self, x: Array) -> Array:
        """x → 2/√π ∫₀ˣ exp(−t²) dt."""
        wide = x.astype("float64", copy=False)
        size = self.xp.abs(wide)
        y = self.xp.where(size <= _SMALL, self._erf_near_zero(size), 1 - self._erfc_beyond(size))
        return self.xp.copysign(y, wide).astype(x.dtype, copy=False)

    def erfc(self, x: Array) -> Array:
        """x → 1 − erf(x), without the cancellation."""
        wide = x.astype("float64", copy=False)
        size = self.xp.abs(wide)
        y = self.xp.where(size <= _SMALL, 1 - self._erf_near_zero(size), self._erfc_beyond(size))
        return self.xp.where(wide < 0, 2 - y, y).astype(x.dtype, copy=False)

    def erfinv(self, x: Array) -> Array:
        """x → the y with erf(y) = x: ±inf at ±1, NaN beyond. A first guess good to .002 (S. Winitzki, 2008), and two
        steps of Halley's method, each of which trebles its digits."""
        xp = self.xp
        wide = x.astype("float64", copy=False)
        size = xp.abs(wide)
        with self.quiet():
            log = xp.log1p(-size * size)
            half = 2 / (math.pi * 0.147) + log / 2
            y = xp.sqrt(xp.sqrt(half * half - log / 0.147) - half)
            for _ in range(2):
                # 1 − size is exact where erf(y) has few digits that differ from 1.
                excess = xp.where(size < 0.5, self.erf(y) - size, (1 - size) - self.erfc(y))
                step = excess * xp.exp(y * y) * (math.sqrt(math.pi) / 2)
                y = y - step / (1 + y * step)
        y = xp.where(size == 1, math.inf, y)
        return xp.copysign(y, wide).astype(x.dtype, copy=False)

    def gelu(self, x: Array) -> Array:
        """x → x·Φ(x), with Φ(x) = (1 + erf(x/√2)) / 2."""
        return x * (0.5 * (1 + self.erf(x * math.sqrt(0.5))))

    def gelu_grad(self, g: Array, x: Array) -> Array:
        """g → dx = g·(Φ(x) + x·exp(−x²/2)/√(2π))."""
        density = self.xp.exp(x * x * -0.5) * (1 / math.sqrt(2 * math.pi))
        return g * (0.5 * (1 + self.erf(x * math.sqrt(0.5))) + x * density)

    def _erf_near_zero(self, size: Array) -> Array:
        small = self.xp.minimum(size, _SMALL)
        return small * _ratio(_NEAR_ZERO, small * small)

    def _erfc_beyond(self, size: Array) -> Array:
        xp = self.xp
        size = xp.minimum(size, 40)  # exp(−40²) is 0
        middle, far = xp.clip(size, _SMALL, 4), xp.maximum(size, 4)
        inverse = 1 / (far * far)
        end = (1 / math.sqrt(math.pi) - inverse * _ratio(_FAR, inverse)) / far
        with self.quiet():
            return self._bell(size) * xp.where(size <= 4, _ratio(_MIDDLE, middle), end)

    def _bell(self, x: Array) -> Array:
        """exp(−x²); the square is split, the greater part exact, since its rounding would cost x² units."""
        head = self.xp.trunc(x * 16) / 16
        return self.xp.exp(-head * head) * self.xp.exp((head - x) * (head + x))


def _ratio(coefficients: tuple[Coefficients, Coefficients], x: Array) -> Array:
    """A quotient of two polynomials of x, by Horner's rule."""
    above, below = coefficients[0][0] * x + coefficients[0][1], x + coefficients[1][1]
    for a, b in zip(coefficients[0][2:], coefficients[1][2:], strict=False):
        above, below = above * x + a, below * x + b
    return above / below
