"""Arithmetic with PyTorch's exact roundings: fused multiply-add, and float32 log, sine and cosine.

PyTorch's x86 builds contract ``a * b + c`` to one instruction that rounds once, and fill normal tensors with
short polynomials in float32. NumPy has neither, so both are spelled out here. The polynomials are those of
S. L. Moshier's Cephes library (logf, sinf, cosf), which the vectorised code in PyTorch also evaluates.
Float64 holds a float32 product exactly, so ``a * b + c`` in float64, rounded to float32, is the fused result.
"""

from __future__ import annotations

from typing import Any

import numpy as np

Array = Any

_SPLIT = 2.0**27 + 1
_SQRT_HALF = np.float32(0.5**0.5)
_LN2_HIGH, _LN2_LOW = np.float32(0.693359375), np.float32(-2.12194440e-4)
_LOG = (7.0376836292e-2, -1.1514610310e-1, 1.1676998740e-1, -1.2420140846e-1, 1.4249322787e-1,
        -1.6668057665e-1, 2.0000714765e-1, -2.4999993993e-1, 3.3333331174e-1)
_SIN = (-1.9515295891e-4, 8.3321608736e-3, -1.6666654611e-1)
_COS = (2.443315711809948e-5, -1.388731625493765e-3, 4.166664568298827e-2)
_QUARTER_PI = (0.78515625, 2.4187564849853515625e-4, 3.77489497744594108e-8)


def fma_single(a: Array, b: Array, c: Array) -> Array:
    """a·b + c rounded once to float32, for values that float32 holds."""
    return (np.asarray(a, np.float64) * b + np.asarray(c, np.float64)).astype(np.float32)


def fma_double(a: Array, b: float, c: float) -> Array:
    """a·b + c in float64 as if rounded once: the product's and the sum's rounding errors are added back."""
    product = a * b
    if not abs(b) < 2.0**900 or not np.isfinite(c):  # splitting would overflow, or there is nothing to round
        return product + c
    a_high, b_high = _high_half(a), _high_half(b)
    a_low, b_low = a - a_high, b - b_high
    product_error = ((a_high * b_high - product) + a_high * b_low + a_low * b_high) + a_low * b_low
    total = product + c
    back = total - product
    total_error = (product - (total - back)) + (c - back)
    return total + (product_error + total_error)


def _high_half(x: Array) -> Array:
    """The upper 26 bits of a float64 (Veltkamp's splitting), so that products of halves are exact."""
    scaled = x * _SPLIT
    return scaled - (scaled - x)


def log_single(x: Array) -> Array:
    """(n,) float32 in (0, 1] -> ln x = e·ln 2 + ln(1 + f), with x = 2ᵉ·(1 + f) and 1 + f in [√½, √2)."""
    mantissa, exponent = np.frexp(x)
    small = mantissa < _SQRT_HALF
    e = (exponent - small).astype(np.float32)
    f = np.where(small, mantissa + mantissa, mantissa) - np.float32(1)
    square = f * f
    y = _polynomial(_LOG, f) * f
    y = fma_single(y, square, e * _LN2_LOW) - square * np.float32(0.5)
    return (f + y) + e * _LN2_HIGH


def sin_cos_single(x: Array) -> tuple[Array, Array]:
    """(n,) float32 ≥ 0 -> (sin x, cos x), from polynomials on [-π/4, π/4] after taking off multiples of π/2."""
    octant = (x * np.float32(4 / np.pi)).astype(np.int32) + 1 & ~1
    for part in _QUARTER_PI:  # π/4 in three parts, so that the difference keeps all its bits
        x = fma_single(octant, -np.float64(np.float32(part)), x)
    square = x * x
    cos = fma_single(_polynomial(_COS, square) * square, square, square * np.float32(-0.5)) + np.float32(1)
    sin = fma_single(_polynomial(_SIN, square) * square, x, x)
    swap = (octant & 2).astype(bool)
    negative_sin, negative_cos = (octant & 4).astype(bool), (octant + 2 & 4).astype(bool)
    sin, cos = np.where(swap, cos, sin), np.where(swap, sin, cos)
    return np.where(negative_sin, -sin, sin), np.where(negative_cos, -cos, cos)


def _polynomial(coefficients: tuple[float, ...], x: Array) -> Array:
    """Horner's rule in float32, highest power first, one rounding a step."""
    y: Array = np.float32(coefficients[0])
    for c in coefficients[1:]:
        y = fma_single(y, x, np.float32(c))
    return y
