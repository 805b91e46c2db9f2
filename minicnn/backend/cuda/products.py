"""Matrix products on CUDA: each is one call of cuBLAS for a whole stack, without copies where strides allow.

CuPy's own ``matmul`` of stacks copies what is not in C order and computes float16 as float32. Here a transposed matrix
goes to cuBLAS as it lies, float16 stays in 16 bits on its way (the matrix units take it, and sum in float32: that is
what COMPUTE_32F says), and whether float32 may be rounded to TF32 is said with each call, not left in a handle.
"""

from __future__ import annotations

import itertools
import math
from typing import Any, NamedTuple

import numpy as np

from minicnn.backend.cuda.launch import STORE, CudaKernels
from minicnn.backend.switches import switches

Array = Any

# Numbers of CUDA's library_types.h and cublas_api.h
TYPES = {"f": 0, "d": 1, "e": 2}
COMPUTE_32F, COMPUTE_64F, COMPUTE_32F_FAST_TF32 = 68, 70, 77
DEFAULT_ALGORITHM = -1
ZERO_ONE = {char: (np.zeros(1, char), np.ones(1, char)) for char in "fd"}


class Factor(NamedTuple):
    """A stack of matrices in memory: rows lie ``pitch`` numbers apart (of a ``turned`` one, columns do)."""

    array: Array
    pitch: int
    turned: bool


class Axis(NamedTuple):
    """An axis of a stack: its length, and how many numbers lie between its matrices in x, y and the result."""

    length: int
    x: int
    y: int
    out: int


class CudaProducts(CudaKernels):
    """Products of stacks of matrices."""

    def blas(self, *arguments: Any) -> None:
        """cuBLAS's GemmStridedBatchedEx, with these arguments after the handle."""
        raise NotImplementedError(f"{type(self).__name__} must say how cuBLAS is called")

    def address(self, array: Array) -> int:
        """Where an array begins in memory."""
        return int(array.data.ptr)

    def matmul(self, x: Array, y: Array) -> Array:
        """x (*, m, k), y (*, k, n) → x·y (*, m, n); float16 is summed in float32."""
        return self.product(x, y)

    def product(self, x: Array, y: Array, out: Array | None = None, *, add: bool = False) -> Array:
        """``matmul``, into ``out`` where one is given: an array in C order, of x's dtype, or float32 for float16.

        With ``add`` the products are added to what it holds.
        """
        if x.dtype.char not in STORE or x.dtype != y.dtype or min(x.ndim, y.ndim) < 2:
            return super().matmul(x, y)
        batch = np.broadcast_shapes(x.shape[:-2], y.shape[:-2])
        (m, k), n = x.shape[-2:], y.shape[-1]
        if out is None:
            out = self.xp.empty((*batch, m, n), x.dtype)
        if out.size and k:
            self._multiply(self._factor(x), self._factor(y), out, batch, (m, n, k), add)
        elif not add:
            out[...] = 0
        return out

    def linear(self, x: Array, w: Array, b: Array | None) -> Array:
        """As the portable one, without a copy in float32 for float16."""
        y = self.product(x.reshape(math.prod(x.shape[:-1]), x.shape[-1]), w.T)
        if b is not None:
            y += b
        return y.reshape(*x.shape[:-1], len(w))

    def _multiply(
        self, x: Factor, y: Factor, out: Array, batch: tuple[int, ...], sizes: tuple[int, int, int], add: bool
    ) -> None:
        """One call for the longest axis of the stacks, for each place along those that cannot be joined with it."""
        m, n, k = sizes
        axes = _axes(batch, _steps(x.array, batch), _steps(y.array, batch), m * n)
        axis = max(axes, default=Axis(1, 0, 0, 0))
        others = [a for a in axes if a is not axis]
        char, out_char, size = x.array.dtype.char, out.dtype.char, out.itemsize
        real = "d" if char == "d" else "f"
        fast = COMPUTE_32F_FAST_TF32 if char == "f" and switches.allow_tf32 else COMPUTE_32F
        zero_one = ZERO_ONE[real]
        from_x, from_y, from_out = self.address(x.array), self.address(y.array), self.address(out)
        for places in itertools.product(*(range(a.length) for a in others)):
            at_x, at_y, at_out = (sum(p * a[i] for p, a in zip(places, others, strict=True)) for i in (1, 2, 3))
            # cuBLAS reads matrices by columns: to it ours are transposed, and (x·y)ᵀ = yᵀ·xᵀ
            self.blas(int(y.turned), int(x.turned), n, m, k, zero_one[1].ctypes.data,
                      from_y + at_y * x.array.itemsize, TYPES[char], y.pitch, axis.y,
                      from_x + at_x * x.array.itemsize, TYPES[char], x.pitch, axis.x,
                      zero_one[int(add)].ctypes.data, from_out + at_out * size, TYPES[out_char], n, axis.out,
                      axis.length, COMPUTE_64F if real == "d" else fast, DEFAULT_ALGORITHM)  # fmt: skip

    def _factor(self, x: Array) -> Factor:
        """``x`` as it lies where cuBLAS can read that, else a copy in C order."""
        found = _layout(x)
        if found is None:
            x = self.packed(x)
            found = x.shape[-1], False
        return Factor(x, *found)


def _layout(x: Array) -> tuple[int, bool] | None:
    """The pitch of x's matrices, and whether they are turned; None for those that have no pitch."""
    rows, columns = x.shape[-2:]
    *stack, down, across = (step // x.itemsize for step in x.strides)
    if min(stack, default=0) < 0:
        return None
    if columns == 1 or across == 1:
        if rows == 1:
            return columns, False
        if down >= columns:
            return down, False
    if rows == 1 or down == 1:
        if columns == 1:
            return rows, True
        if across >= rows:
            return across, True
    return None


def _steps(x: Array, batch: tuple[int, ...]) -> list[int]:
    """How many numbers lie between x's matrices along each axis of the batch; 0 where it repeats."""
    own = [0 if length == 1 else step // x.itemsize
           for length, step in zip(x.shape[:-2], x.strides[:-2], strict=True)]  # fmt: skip
    return [0] * (len(batch) - len(own)) + own


def _axes(batch: tuple[int, ...], x: list[int], y: list[int], numbers: int) -> list[Axis]:
    """The axes of a batch, those joined that are one walk through memory for all three arrays."""
    axes: list[Axis] = []
    for i, length in enumerate(batch):
        if length == 1:
            continue
        axis = Axis(length, x[i], y[i], numbers * math.prod(batch[i + 1 :]))
        if axes and axes[-1][1:] == tuple(length * step for step in axis[1:]):
            axis = Axis(axes.pop().length * length, *axis[1:])
        axes.append(axis)
    return axes
