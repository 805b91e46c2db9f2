"""Matrix products alone: what NumPy's BLAS reaches beside PyTorch's, on shapes that networks ask for."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from benchmarks.case import Case, Work

# name: m, k, n of (m, k) @ (k, n)
PRODUCTS = {
    "square 1024": (1024, 1024, 1024),
    "square 256": (256, 256, 256),
    "columns 3x3 of 16, to 16": (3600, 144, 16),
    "columns 3x3 of 64, to 64": (900, 576, 64),
    "columns 3x3 of 256, to 256": (225, 2304, 256),
    "pixels 1x1 of 64, to 256": (12544, 64, 256),
    "linear 9216-4096, batch 4": (4, 9216, 4096),
}


def products() -> Iterator[Case]:
    """One product of each shape."""
    for name, (m, k, n) in PRODUCTS.items():
        yield Case(f"product {name}", lambda t, a=(m, k, n): _product(t, *a), 1e-4, flops=2.0 * m * k * n)


def _product(t: Any, m: int, k: int, n: int) -> Work:
    rng = np.random.default_rng(0)
    x, y = (t.from_numpy(rng.standard_normal(shape).astype("float32")) for shape in ((m, k), (k, n)))
    return lambda: x @ y
