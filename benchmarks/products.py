"""How fast both libraries multiply: matrix products alone, on shapes that networks ask for, and whole convolutions.

PyTorch's products and its convolutions come from two libraries, and need not use the same instructions.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from benchmarks.case import Case, Row, Settings, Work
from benchmarks.kernels import convolution
from benchmarks.timing import Wrong, timed

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
CONVOLUTIONS = ("1x1 64-256@56", "3x3 16-16@32", "3x3 64-64@56", "3x3 256-256@14")


def products(settings: Settings, wanted: Callable[[str, str], bool]) -> Iterator[Row]:
    """One product of each shape and some convolutions, minicnn beside PyTorch."""
    cases = [case for case in _cases() if wanted("products", case.name)]
    for threads in settings.threads if cases else ():
        for case in cases:
            row = {"case": case.name, "threads": threads, "unit": "s", "flops": case.flops}
            try:
                yield {**row, **timed(_cases, case, threads, 0.3 if settings.quick else 1.0, settings)}
            except Wrong as found:
                yield {**row, "error": str(found)}


def _cases() -> Iterator[Case]:
    for name, (m, k, n) in PRODUCTS.items():
        yield Case(f"product {name}", lambda t, a=(m, k, n): _product(t, *a), 1e-5, flops=2.0 * m * k * n)
    for name in CONVOLUTIONS:
        yield convolution(name, "y")


def _product(t: Any, m: int, k: int, n: int) -> Work:
    rng = np.random.default_rng(0)
    x, y = (t.from_numpy(rng.standard_normal(shape).astype("float32")) for shape in ((m, k), (k, n)))
    return lambda: x @ y
