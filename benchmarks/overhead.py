"""What an operation costs beside its arithmetic: chains of tiny ones, and the time to import."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import numpy as np

from benchmarks.case import Case, Clock, Work
from benchmarks.timing import compared

LENGTH = 1000
FACTOR, TERM = 0.999, 0.001


def overhead() -> Iterator[Case]:
    """A chain of 1,000 operations on 4 numbers, forward alone and with its gradient."""
    yield Case("overhead forward ×1000", lambda t: chain(t, backward=False))
    yield Case("overhead forward and backward ×1000", lambda t: chain(t, backward=True))


def numbers() -> Any:
    """What the chain begins with."""
    return np.full(4, 0.5, "float32")


def chain(t: Any, *, backward: bool) -> Work:
    """y·0.999 + 0.001, five hundred times over; the result, or the gradient of its sum."""
    x = t.from_numpy(numbers())
    x.requires_grad_(backward)

    def run() -> Any:
        y = x
        for _ in range(LENGTH // 2):
            y = y * FACTOR + TERM
        if not backward:
            return y
        return t.autograd.grad(y.sum(), x)[0]

    return run


def import_times(rounds: int, clock: Clock) -> dict[str, Any]:
    """Seconds to import either library in a new process, all of the process included."""
    times: tuple[list[float], list[float]] = ([], [])
    # With byte code as an installed package has it, which the first round writes where the caller forbids it.
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": ""}
    for number in range(rounds + 1):
        for name, found in zip(("minicnn", "torch"), times, strict=True):
            start = clock()
            subprocess.run([sys.executable, "-c", f"import {name}"], check=True, env=environment)
            if number:
                found.append(clock() - start)
    return compared(*times)
