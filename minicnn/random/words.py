"""From the stream's 32-bit words to uniform and normal numbers."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from minicnn.dtypes import Dtype, float64
from minicnn.random.fused import fma_double, fma_single, log_single, sin_cos_single

Array = Any

BLOCK = 2**15  # values drawn at a time, a multiple of 16: temporaries of this size stay in the cache
_TWO_PI = 2 * math.pi


def joined(words: Array) -> Array:
    """(2n,) -> (n,) uint64, the first word of a pair being the upper half."""
    pairs = words.reshape(-1, 2).astype(np.uint64)
    return pairs[:, 0] << np.uint64(32) | pairs[:, 1]


def uniform_single(words: Array, low: float = 0.0, high: float = 1.0) -> Array:
    """(n,) -> (n,) float32: u·(high - low) + low rounded once, u = the lower 24 bits / 2²⁴."""
    a, b = np.float32(low), np.float32(high)
    return fma_single((words & np.uint32(2**24 - 1)) * 2.0**-24, b - a, a)


def uniform_double(words: Array, low: float = 0.0, high: float = 1.0) -> Array:
    """(2n,) -> (n,) float64: u·(high - low) + low rounded once, u = the lower 53 bits / 2⁵³."""
    u = (joined(words) & np.uint64(2**53 - 1)) * 2.0**-53
    return u if (low, high) == (0, 1) else fma_double(u, high - low, low)


def box_muller(words: Array, dtype: Dtype, mean: float, std: float) -> Array:
    """Words of 16·n uniforms -> (16·n,): eight u₁ then eight u₂ make √(-2 ln(1 - u₁))·(cos, sin)(2π·u₂).

    In float32 with its own logarithm, sine and cosine, in float64 with the C library's logarithm (PyTorch's: NumPy's
    own differs in the last bit on some processors).
    """
    u = (uniform_double if dtype == float64 else uniform_single)(words).reshape(-1, 2, 8)
    u1, u2 = 1 - u[:, 0].ravel(), u[:, 1].ravel()
    if dtype == float64:
        log = np.fromiter(map(math.log, u1.tolist()), np.float64, u1.size)
        cos, sin = np.cos(_TWO_PI * u2), np.sin(_TWO_PI * u2)
        radius = np.sqrt(-2 * log)
    else:
        radius = np.sqrt(np.float32(-2) * log_single(u1))
        sin, cos = sin_cos_single(np.float32(_TWO_PI) * u2)
    normal = np.stack(((radius * cos).reshape(-1, 8), (radius * sin).reshape(-1, 8)), axis=1).ravel()
    if dtype == float64:
        return fma_double(normal, std, mean)
    return fma_single(normal, np.float32(std), np.float32(mean))


def box_muller_pair(words: Array) -> tuple[float, float]:
    """(4,) -> two normal float64: √(-2 ln(1 - u₂))·(cos, sin)(2π·u₁)."""
    u1, u2 = uniform_double(words).tolist()
    radius, angle = math.sqrt(-2 * math.log1p(-u2)), _TWO_PI * u1
    return radius * math.cos(angle), radius * math.sin(angle)
