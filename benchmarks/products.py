"""How fast both libraries multiply: matrix products alone, on shapes that networks ask for, and whole convolutions.

PyTorch's products and its convolutions come from two libraries, and need not use the same instructions.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

import minicnn
from benchmarks.case import Case, Row, Settings, Work
from benchmarks.kernels import convolution
from benchmarks.timing import Wrong, seconds, timed

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
TOLD = {"OPENBLAS_CORETYPE": "SkylakeX"}
"""What makes OpenBLAS use AVX-512 on a processor that it takes for an older one."""


def products(settings: Settings, wanted: Callable[[str, str], bool]) -> Iterator[Row]:
    """One product of each shape, minicnn beside PyTorch; and minicnn with a BLAS that is ``TOLD``."""
    cases = [case for case in _cases() if wanted("products", case.name)]
    for threads in settings.threads if cases else ():
        told = _told(threads)
        for case in cases:
            row = {"case": case.name, "threads": threads, "unit": "s", "flops": case.flops}
            row.update({"told": told[case.name]} if told else {})
            try:
                yield {**row, **timed(case, threads, 0.3 if settings.quick else 1.0, settings)}
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


def _told(threads: int) -> dict[str, float]:
    """Seconds of each product in a process whose BLAS is told; none where the processor has no AVX-512."""
    processor = Path("/proc/cpuinfo")
    if not processor.exists() or "avx512f" not in processor.read_text(encoding="utf-8"):
        return {}
    done = subprocess.run([sys.executable, "-m", "benchmarks.products", str(threads)], capture_output=True, text=True,
                          check=True, env={**os.environ, **TOLD})  # fmt: skip
    found: dict[str, float] = json.loads(done.stdout)
    return found


def _ours(threads: int) -> dict[str, float]:
    minicnn.set_num_threads(threads)
    found = {}
    for case in _cases():
        work = case.make(minicnn)
        work()
        found[case.name] = sorted(seconds(work, 5, time.perf_counter) for _ in range(9))[4]
    return found


if __name__ == "__main__":
    print(json.dumps(_ours(int(sys.argv[1]))))
