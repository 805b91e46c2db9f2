"""Matrix products on CUDA: each is one call of cuBLAS for a whole stack, without copies where strides allow.

CuPy's own ``matmul`` of stacks copies what is not in C order and computes float16 as float32. Here a transposed matrix
goes to cuBLAS as it lies, float16 stays in 16 bits on its way (the matrix units take it, and sum in float32: that is
what COMPUTE_32F says), and whether float32 may be rounded to TF32 is said with each call, not left in a handle.
"""

from __future__ import annotations

import functools
import math
from typing import Any, NamedTuple

import numpy as np

from minicnn.backend.cuda.launch import STORE, CudaKernels, has_kernels, optional
from minicnn.backend.portable.activation import ActivationKernels
from minicnn.backend.switches import switches

Array = Any
Ints = tuple[int, ...]

# Numbers of CUDA's library_types.h and cublas_api.h
TYPES = {"f": 0, "d": 1, "e": 2}
COMPUTE_32F, COMPUTE_64F, COMPUTE_32F_FAST_TF32 = 68, 70, 77
DEFAULT_ALGORITHM = -1
_NUMBERS = {"f": np.array([0, 1], "f"), "d": np.array([0.0, 1.0])}
ZERO_ONE = {char: (pair[:1].ctypes.data, pair[1:].ctypes.data) for char, pair in _NUMBERS.items()}
"""Where a zero and a one lie on the host, which is how cuBLAS is told whether to add."""


class Matrices(NamedTuple):
    """How matrices lie in memory: rows ``pitch`` numbers apart, or, where they are ``turned``, columns."""

    pitch: int
    turned: bool


class Axis(NamedTuple):
    """An axis of a stack: its length, and how many numbers lie between its matrices in x, y and the result."""

    length: int
    x: int
    y: int
    out: int


class Plan(NamedTuple):
    """How a product is asked for; made once for shapes and strides, since that takes longer than to ask."""

    shape: tuple[int, ...]
    sizes: tuple[int, int, int]
    x: Matrices | None
    y: Matrices | None
    axis: Axis
    """What one call goes along: the longest axis of the stacks."""
    places: list[tuple[int, int, int]]
    """Where in x, y and the result each call begins."""


class CudaProducts(CudaKernels, ActivationKernels):
    """Products of stacks of matrices."""

    relu_in_last_pass = True

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
        plan = _plan(x.shape, x.strides, y.shape, y.strides, x.itemsize)
        if out is None:
            out = self.xp.empty(plan.shape, x.dtype)
        if out.size == 0 or plan.sizes[2] == 0:
            if not add:
                out[...] = 0
        elif plan.x is None or plan.y is None:
            self.product(self.packed(x) if plan.x is None else x, self.packed(y) if plan.y is None else y, out, add=add)
        else:
            self._ask(plan, plan.x, plan.y, (x, y, out), add)
        return out

    def linear(self, x: Array, w: Array, b: Array | None) -> Array:
        """As the portable one, without a copy in float32 for float16."""
        y = self.product(x.reshape(math.prod(x.shape[:-1]), x.shape[-1]), w.T)
        if b is not None:
            y += b
        return y.reshape(*x.shape[:-1], len(w))

    def linear_relu(self, x: Array, w: Array, b: Array | None) -> Array:
        if not (has_kernels(x) and len(w)) or (b is not None and b.shape != w.shape[:1]):
            return super().linear_relu(x, w, b)
        y = self.linear(x, w, None)
        self.launch("conv", "bias_relu", y, y.size, *optional(None if b is None else self.packed(b), y), y, len(w), 1)
        return y

    def _ask(
        self, plan: Plan, x_lie: Matrices, y_lie: Matrices, arrays: tuple[Array, Array, Array], add: bool
    ) -> None:
        """cuBLAS reads matrices by columns: to it ours are transposed, and (x·y)ᵀ = yᵀ·xᵀ."""
        x, y, out = arrays
        (m, n, k), axis, char = plan.sizes, plan.axis, x.dtype.char
        zero_one, compute = ZERO_ONE["f"], COMPUTE_32F
        if char == "d":
            zero_one, compute = ZERO_ONE["d"], COMPUTE_64F
        elif char == "f" and switches.allow_tf32:
            compute = COMPUTE_32F_FAST_TF32
        from_x, from_y, from_out = self.address(x), self.address(y), self.address(out)
        for at_x, at_y, at_out in plan.places:
            self.blas(int(y_lie.turned), int(x_lie.turned), n, m, k, zero_one[1],
                      from_y + at_y * y.itemsize, TYPES[char], y_lie.pitch, axis.y,
                      from_x + at_x * x.itemsize, TYPES[char], x_lie.pitch, axis.x,
                      zero_one[add], from_out + at_out * out.itemsize, TYPES[out.dtype.char], n, axis.out,
                      axis.length, compute, DEFAULT_ALGORITHM)  # fmt: skip


@functools.lru_cache(maxsize=4096)
def _plan(x: Ints, x_strides: Ints, y: Ints, y_strides: Ints, itemsize: int) -> Plan:
    """From shapes and strides; calls are as few as the axes can be joined to."""
    batch = np.broadcast_shapes(x[:-2], y[:-2])
    (m, k), n = x[-2:], y[-1]
    x_steps, y_steps = ([step // itemsize for step in strides] for strides in (x_strides, y_strides))
    axes = _axes(batch, _steps(x, x_steps, len(batch)), _steps(y, y_steps, len(batch)), m * n)
    longest = max(axes, default=Axis(1, 0, 0, 0))
    others = [axis for axis in axes if axis is not longest]
    places = [(0, 0, 0)]
    for length, *steps in others:
        places = [(a + i * steps[0], b + i * steps[1], c + i * steps[2]) for a, b, c in places for i in range(length)]
    return Plan((*batch, m, n), (m, n, k), _matrices(x, x_steps), _matrices(y, y_steps), longest, places)


def _matrices(shape: Ints, steps: list[int]) -> Matrices | None:
    """How the matrices of a stack lie; None for those that cuBLAS cannot read so."""
    (rows, columns), (*stack, down, across) = shape[-2:], steps
    if min(stack, default=0) < 0:
        return None
    if columns == 1 or across == 1:
        if rows == 1:
            return Matrices(columns, False)
        if down >= columns:
            return Matrices(down, False)
    if rows == 1 or down == 1:
        if columns == 1:
            return Matrices(rows, True)
        if across >= rows:
            return Matrices(across, True)
    return None


def _steps(shape: Ints, steps: list[int], axes: int) -> list[int]:
    """How many numbers lie between matrices along each axis of the batch; 0 where one is for all."""
    own = [0 if length == 1 else step for length, step in zip(shape[:-2], steps[:-2], strict=True)]
    return [0] * (axes - len(own)) + own


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
