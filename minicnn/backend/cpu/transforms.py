"""The sums and differences of Winograd's method, along one direction: as matrices, and as calls laid out once.

``winograd`` has the formulas. Those of weights and results are small matrices; those of inputs, which lie in four
places, are calls of NumPy's.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

Array = Any
Steps = list[tuple[Callable[..., Any], Array, Array, Array]]
"""NumPy's functions of two arrays, those arrays, and where the result goes: laid out once, done for each block."""
Chunks = list[tuple[Array, Array]]
"""Arrays (*, k, SHORT), and as many for results."""

SHORT = 1 << 13  # numbers that BLAS multiplies by a few without copying them first: half the time of sums of them
HALVES = np.array([[1, 0, 0], [0.5, 0.5, 0.5], [0.5, -0.5, 0.5], [0, 0, 1]], np.float32)
OUTPUTS = np.array([[1, 1, 1, 0], [0, 1, -1, -1]], np.float32)
SIGNED = HALVES * np.array([[1], [1], [1], [-1]], np.float32)


def in_chunks(numbers: Array, results: Array) -> Chunks:
    """numbers (k, *) and results (j, *), as many in each row → both in even chunks of SHORT or fewer, or if there are
    none in chunks of SHORT, and what is left."""
    numbers, results = (a.reshape(len(a), -1) for a in (numbers, results))
    size = numbers.shape[1]
    fewest = -(-size // SHORT)
    even = next((size // count for count in range(fewest, 2 * fewest) if size % count == 0), SHORT)
    cuts = (slice(0, size // even * even), even), (slice(size // even * even, size), size % even)
    chunks = [[a[:, part].reshape(len(a), -1, each).swapaxes(0, 1) for a in (numbers, results)]
              for part, each in cuts if each and part.stop > part.start]  # fmt: skip
    return [(some, those) for some, those in chunks]


def multiply_chunks(factors: Array, chunks: Chunks) -> None:
    """Each result: ``factors`` (j, k) times the numbers (k, …)."""
    for numbers, results in chunks:
        np.matmul(factors, numbers, out=results)


def sums(near: Array, far: Array, out: Array) -> Steps:
    """d0, d1 and d2, d3 → d0 − d2, d1 + d2, d2 − d1, d1 − d3."""
    return [(np.subtract, near, far, out[::3]), (np.add, near[1], far[0], out[1]),
            (np.subtract, far[0], near[1], out[2])]  # fmt: skip


def do(steps: Steps) -> None:
    """One after the other."""
    for function, one, other, out in steps:
        function(one, other, out)
