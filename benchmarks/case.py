"""A case: a name, and how to make the same work in either library; what was asked for; and a row of the results."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

Work = Callable[[], Any]
Clock = Callable[[], float]
Row = dict[str, Any]
"""One figure: its ``suite``, ``case``, ``threads`` and ``unit``, ``ours``, ``theirs`` and their ``ratio``, and whatever
else a suite has to tell. Where ``error`` or ``note`` is there instead, it says why there is no figure."""


class Case(NamedTuple):
    """``make(t)``, t being minicnn or torch, gives a function that does the work and returns what to compare: a tensor,
    or several, each with a tolerance of its own then. ``flops`` are the floating-point operations of one call, where
    they are worth telling."""

    name: str
    make: Callable[[Any], Work]
    tolerance: float | tuple[float, ...] = 1e-3
    flops: float = 0


class Settings(NamedTuple):
    """What was asked for on the command line."""

    only: str = ""
    threads: tuple[int, ...] = (1,)
    quick: bool = False
    clock: Clock = time.perf_counter
    root: Path = Path("data")

    @property
    def wall(self) -> Clock:
        """The clock; the wall's, if it is the processor's, which says nothing where another process or thread works."""
        return time.perf_counter if self.clock is time.process_time else self.clock

    def wants(self, suite: str, name: str, suites: tuple[str, ...]) -> bool:
        """Whether a case was asked for: by its suite, or by a word of its name that is no suite's."""
        words = [word.strip() for word in self.only.split(",") if word.strip()]
        return not words or suite in words or any(word in name for word in words if word not in suites)


def cores() -> int:
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def difference(ours: Any, theirs: Any) -> float:
    """‖ours − theirs‖ / ‖theirs‖."""
    a, b = numbers(ours), numbers(theirs)
    if a.shape != b.shape:
        raise ValueError(f"the results have different shapes: {a.shape} and {b.shape}")
    return float(np.linalg.norm(a - b) / max(float(np.linalg.norm(b)), 1e-30))


def numbers(result: Any) -> Any:
    """A tensor's numbers, in float64 and in memory of their own."""
    return np.array(result.detach().numpy() if hasattr(result, "detach") else result, "float64")
