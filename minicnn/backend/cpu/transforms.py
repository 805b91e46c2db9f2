"""The sums and differences of Winograd's method along one direction, whose formulas ``winograd`` has.

As a product with a matrix of 0, 1 and −1 they take BLAS as long as reading and writing the numbers once, where NumPy
does that for each sum: .55 to .75 of the time (``kernels: conv 3x3 16-16``, ``conv 3x3 64-64``). That is so where BLAS
leaves such small matrices as they lie; another copies them first, and takes 1.5 times as long over those of inputs,
which therefore are sums of NumPy's there, with the same bits.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from minicnn.backend.cpu import blas

Array = Any
Steps = list[tuple[Callable[..., Any], Array, Array, Array]]
"""NumPy's functions of two arrays, those arrays, and where the result goes: laid out once, done for each block."""

SHORT = 1 << 13  # numbers that BLAS multiplies by a few without copying them first: half the time of sums of them
HALVES = np.array([[1, 0, 0], [0.5, 0.5, 0.5], [0.5, -0.5, 0.5], [0, 0, 1]], np.float32)
INPUTS = np.array([[1, 0, -1, 0], [0, 1, 1, 0], [0, -1, 1, 0], [0, 1, 0, -1]], np.float32)
OUTPUTS = np.array([[1, 1, 1, 0], [0, 1, -1, -1]], np.float32)
SIGNED = HALVES * np.array([[1], [1], [1], [-1]], np.float32)


def input_sums(d: Array, out: Array) -> Steps:
    """d0 … d3 (4, *, n) → out, the four numbers that are multiplied."""
    if not blas.leaves_small_as_they_lie():
        return sums(d[:2], d[2:], out)
    if d.ndim == 2:
        return products(INPUTS, d, out)
    return [(np.matmul, INPUTS, np.moveaxis(d, 0, -2), np.moveaxis(out, 0, -2))]


def sums(near: Array, far: Array, out: Array) -> Steps:
    """d0, d1 and d2, d3 → d0 − d2, d1 + d2, d2 − d1, d1 − d3."""
    return [(np.subtract, near, far, out[::3]), (np.add, near[1], far[0], out[1]),
            (np.subtract, far[0], near[1], out[2])]  # fmt: skip


def products(factors: Array, numbers: Array, out: Array) -> Steps:
    """factors (j, k) times numbers (k, *) → out (j, *), in even chunks of SHORT numbers or fewer, or if there are none
    in chunks of SHORT, and what is left."""
    numbers, out = (a.reshape(len(a), -1) for a in (numbers, out))
    size = numbers.shape[1]
    fewest = -(-size // SHORT)
    even = next((size // count for count in range(fewest, 2 * fewest) if size % count == 0), SHORT)
    whole = size // even * even if even else 0
    return [(np.matmul, factors, *(a[:, part].reshape(len(a), -1, each).swapaxes(0, 1) for a in (numbers, out)))
            for part, each in ((slice(whole), even), (slice(whole, size), size - whole)) if each]  # fmt: skip


def do(steps: Steps) -> None:
    """One after the other."""
    for function, one, other, out in steps:
        function(one, other, out)
