"""The sums and differences of Winograd's method along one direction, whose formulas ``winograd`` has.

As a product with a matrix of 0, 1 and −1 they take BLAS as long as reading and writing the numbers once, where NumPy
does that for each sum: .55 to .75 of the time (``kernels: conv 3x3 16-16``, ``conv 3x3 64-64``). Those of a gradient,
which make four numbers of two, are sums of NumPy's.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

Array = Any
Steps = list[tuple[Callable[..., Any], Array, Array, Array]]
"""NumPy's functions of two arrays, those arrays, and where the result goes: laid out once, done for each block."""
Chunks = list[tuple[Array, Array]]
"""Numbers (*, k, n) of which sums are wanted, and where these go (*, j, n)."""

SHORT = 1 << 13  # numbers that BLAS multiplies by a few without copying them first: half the time of sums of them
HALVES = np.array([[1, 0, 0], [0.5, 0.5, 0.5], [0.5, -0.5, 0.5], [0, 0, 1]], np.float32)
INPUTS = np.array([[1, 0, -1, 0], [0, 1, 1, 0], [0, -1, 1, 0], [0, 1, 0, -1]], np.float32)
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


def do(steps: Steps) -> None:
    """One after the other."""
    for function, one, other, out in steps:
        function(one, other, out)
