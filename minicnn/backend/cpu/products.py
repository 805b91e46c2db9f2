"""Matrix products on a CPU, cut into pieces by their shape for the threads to share."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from minicnn.backend.cpu.narrow import is_better_turned, multiply_turned
from minicnn.backend.cpu.threads import run
from minicnn.backend.portable.arrays import ArrayKernels, wide

Array = Any

TINY = 1 << 12
"""Multiplications of a product that every BLAS computes with one thread: not worth turning it down for."""

PIECE = 1 << 25
"""Multiplications that are worth a piece of their own; with an eighth of them two threads took up to twice the time of
one (``products: columns 3x3 of 16``)."""

NUMBERS = 1 << 20
"""Of a result that are worth one, too, where each is a sum of few: the weight gradients of ``steps: VGG-11``."""

PIECES = 8
"""Into how many pieces a product is cut at most; each piece packs the operand that they share again."""

LARGE, LINE = 1 << 22, 64
"""Bytes of a result that main memory takes longest for, and of a cache line: written in halves, the gradient of weights
of ``steps: AlexNet``'s linear layers, an outer product of four images, took 1.8 times as long."""


class CpuProductKernels(ArrayKernels):
    """The matrix product for NumPy arrays."""

    def matmul(self, x: Array, y: Array) -> Array:
        return multiply(wide(x), wide(y)).astype(x.dtype, copy=False)


def multiply(x: Array, y: Array, out: Array | None = None) -> Array:
    """x (*, m, k) @ y (*, k, n) → (*, m, n), in pieces of batches, rows or columns."""
    m, k, n = x.shape[-2], x.shape[-1], y.shape[-1]
    if out is None:
        lead = x.shape[:-2] if x.shape[:-2] == y.shape[:-2] else np.broadcast_shapes(x.shape[:-2], y.shape[:-2])
        out = _empty((*lead, m, n), np.result_type(x, y))
    batches = out.size // max(1, m * n)
    work = batches * m * k * n
    if work <= TINY:
        return np.matmul(x, y, out=out)
    product = multiply_turned if is_better_turned(x, y) else np.matmul
    worth = max(work // PIECE, out.size // NUMBERS)
    count = min(PIECES, 1 << max(0, worth.bit_length() - 1))  # 1, 2, 4, …: as evenly as threads share them
    cuts: list[tuple[slice, ...]]
    if out.ndim > 2 and len(out) >= count:
        cuts = [(part,) for part in _parts(len(out), count)]
        x, y = (np.broadcast_to(a, (*out.shape[:-2], *a.shape[-2:])) for a in (x, y))
    elif m >= n:
        cuts = [(part, slice(None)) for part in _parts(m, count)]
    else:
        cuts = [(slice(None), part) for part in _parts(n, count)]
    if len(cuts[0]) == 1:
        run(lambda cut: product(x[cut], y[cut], out=out[cut]), cuts)
    else:
        run(lambda cut: product(x[..., cut[0], :], y[..., cut[1]], out=out[..., *cut]), cuts)
    return out


def _empty(shape: tuple[int, ...], dtype: Any) -> Array:
    """An array to fill; a large one begins with one of the processor's cache lines."""
    size = math.prod(shape) * dtype.itemsize
    if size < LARGE:
        return np.empty(shape, dtype)
    memory = np.empty(size + LINE, np.uint8)
    start = -memory.ctypes.data % LINE
    return memory[start : start + size].view(dtype).reshape(shape)


def _parts(size: int, count: int) -> list[slice]:
    """Slices of ``size`` things, ``count`` of them at most, each a multiple of 16 long but the last."""
    step = max(1, -(-size // count))
    if size > 16 * count:
        step = -(-step // 16) * 16
    return [slice(start, min(start + step, size)) for start in range(0, size, step)]
