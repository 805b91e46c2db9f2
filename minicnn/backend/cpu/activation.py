"""Pointwise gates on a CPU."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from minicnn.backend.cpu.elementwise import BLOCK, PIECE, like, pointwise
from minicnn.backend.cpu.scratch import scratch
from minicnn.backend.portable.activation import ActivationKernels

Array = Any

_BITS = {2: np.int16, 4: np.int32, 8: np.int64}


class CpuActivationKernels(ActivationKernels):
    """Gates for NumPy arrays; shapes and formulas are those of ``ActivationKernels``."""

    def piecewise(self, work: Callable[..., None], *arrays: Array) -> None:
        pointwise(work, *arrays)

    def concatenate(self, arrays: Sequence[Array], axis: int) -> Array:
        """Channels-last where any of the images is, as convolutions leave them; the next would have to turn others."""
        if arrays[0].ndim != 4 or all(x.flags.c_contiguous for x in arrays):
            return super().concatenate(arrays, axis)
        if not any(x.transpose(0, 2, 3, 1).flags.c_contiguous for x in arrays):
            return super().concatenate(arrays, axis)
        turned = np.concatenate([np.ascontiguousarray(x.transpose(0, 2, 3, 1)) for x in arrays], (0, 3, 1, 2)[axis])
        return turned.transpose(0, 3, 1, 2)

    def relu(self, x: Array, out: Array | None = None) -> Array:
        """A clip to [0, inf]: of a maximum with the number 0 NumPy has no vector instructions (``kernels: ReLU``)."""
        if x.dtype.kind != "f" or x.size < 1024:
            return super().relu(x, out)
        return self.clip(x, 0, np.inf, out)

    def clip(self, x: Array, low: float, high: float, out: Array | None = None) -> Array:
        if x.dtype.kind != "f":
            return super().clip(x, low, high, out)
        return pointwise(lambda out, x: x.clip(low, high, out), like(x) if out is None else out, x, block=PIECE)

    def gate(self, g: Array, is_open: Array) -> Array:
        return pointwise(_gate, like(g), g, np.broadcast_to(is_open, g.shape))

    def gate_by(self, g: Array, x: Array, is_open: Callable[[Array], Array]) -> Array:
        """The condition, too, block by block, which takes half the time (``kernels: ReLU gradients``)."""
        return pointwise(lambda out, g, x: _gate(out, g, np.asarray(is_open(x))), like(g), g, x)

    def choose(self, condition: Array, x: Array, y: Array) -> Array:
        """y ^ ((x ^ y) & mask), for the same reason."""
        bits = _BITS[x.itemsize]

        def work(out: Array, condition: Array, x: Array, y: Array) -> None:
            mask = _mask(condition, bits)
            mask &= np.asarray(x).view(bits) ^ np.asarray(y).view(bits)
            np.bitwise_xor(mask, np.asarray(y).view(bits), out=out.view(bits))

        return pointwise(work, like(x), condition, x, y)


def _gate(out: Array, g: Array, is_open: Array) -> None:
    """A product of g's bits with 1 or 0: a tenth of ``numpy.where``'s time, and no NaN of a blocked infinity."""
    bits = _BITS[g.itemsize]
    np.multiply(np.asarray(g).view(bits), is_open.view(np.int8), out=out.view(bits))


def _mask(condition: Array, bits: Any) -> Array:
    """Integers with all bits set where ``condition`` holds; of a block, in scratch memory."""
    if condition.ndim == 1 and condition.size <= BLOCK:
        mask = scratch("mask", condition.shape, bits)
        np.copyto(mask, condition)
    else:
        mask = np.array(condition, bits)
    return np.negative(mask, out=mask)
