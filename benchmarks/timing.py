"""Paired times: the two sides in turn, so that whatever slows the machine for a while slows both."""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Callable
from typing import Any

from benchmarks.case import Work

Clock = Callable[[], float]

PAUSE = 0.004
"""Seconds between two samples, in which the other library's idle threads stop spinning."""


def seconds(work: Work, calls: int, clock: Clock) -> float:
    """The time of one call, over ``calls`` of them."""
    start = clock()
    for _ in range(calls):
        work()
    return (clock() - start) / calls


def paired(ours: Work, theirs: Work, budget: float, clock: Clock = time.perf_counter) -> dict[str, Any]:
    """Medians of both times, of their ratio pair by pair, and the ratio's quartiles, from ``budget`` seconds.

    ``best`` is the ratio of the two shortest times: what remains where other programs use the machine.
    """
    once = sum(min(seconds(work, 1, clock), seconds(work, 1, clock)) for work in (ours, theirs))
    calls = max(1, min(1000, int(0.004 / once)))
    rounds = max(5, min(100, int(budget / (once * calls))))
    times: tuple[list[float], list[float]] = ([], [])
    gc.collect()
    gc.disable()
    try:
        for _ in range(rounds):
            for work, found in zip((ours, theirs), times, strict=True):
                time.sleep(PAUSE)
                work()  # whatever the other side pushed out of the caches comes back
                found.append(seconds(work, calls, clock))
    finally:
        gc.enable()
    ratios = sorted(a / b for a, b in zip(*times, strict=True))
    return {
        "ours": statistics.median(times[0]), "theirs": statistics.median(times[1]),
        "ratio": statistics.median(ratios), "low": ratios[len(ratios) // 4], "high": ratios[-1 - len(ratios) // 4],
        "best": min(times[0]) / min(times[1]), "rounds": rounds,
    }  # fmt: skip
