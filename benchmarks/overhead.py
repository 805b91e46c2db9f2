"""What an operation costs beside its arithmetic: chains of tiny ones, and the time to import."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any

import numpy as np

from benchmarks.case import Case, Work

LENGTH = 1000


def overhead() -> Iterator[Case]:
    """A chain of 1,000 operations on 4 numbers, forward alone and with its gradient."""
    yield Case("overhead forward ×1000", lambda t: _chain(t, backward=False))
    yield Case("overhead forward and backward ×1000", lambda t: _chain(t, backward=True))


def _chain(t: Any, *, backward: bool) -> Work:
    x = t.from_numpy(np.full(4, 0.5, "float32"))
    x.requires_grad_(backward)

    def run() -> Any:
        y = x
        for _ in range(LENGTH // 2):
            y = y * 0.999 + 0.001
        if not backward:
            return y
        return t.autograd.grad(y.sum(), x)[0]

    return run


def import_times(rounds: int) -> dict[str, Any]:
    """Seconds to import either library in a new process, beyond NumPy's own where that is ours."""
    times: tuple[list[float], list[float]] = ([], [])
    # With byte code as an installed package has it, which the first round writes where the caller forbids it.
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": ""}
    for number in range(rounds + 1):
        for name, found in zip(("minicnn", "torch"), times, strict=True):
            start = time.perf_counter()
            subprocess.run([sys.executable, "-c", f"import {name}"], check=True, env=environment)
            if number:
                found.append(time.perf_counter() - start)
    ratios = sorted(a / b for a, b in zip(*times, strict=True))
    return {"ours": statistics.median(times[0]), "theirs": statistics.median(times[1]),
            "ratio": statistics.median(ratios), "low": ratios[0], "high": ratios[-1],
            "best": min(times[0]) / min(times[1]), "rounds": rounds}  # fmt: skip
