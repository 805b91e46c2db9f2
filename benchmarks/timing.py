"""Paired times: the two sides in turn, so that whatever slows the machine for a while slows both."""

from __future__ import annotations

import gc
import statistics
import time
from typing import Any

from benchmarks.case import Case, Clock, Row, Settings, Work, difference

PAUSE = 0.004
"""Seconds between two samples, in which the other library's idle threads stop spinning."""

CHECKED = 3
"""Calls whose results are compared before any is timed: a wrong gradient shows in the loss of the next step."""


class Wrong(Exception):  # noqa: N818 (it says what the results are)
    """Both sides do not compute the same numbers, so their times mean nothing."""


def seconds(work: Work, calls: int, clock: Clock) -> float:
    """The time of one call, over ``calls`` of them."""
    start = clock()
    for _ in range(calls):
        work()
    return (clock() - start) / calls


def check(ours: Work, theirs: Work, tolerance: float | tuple[float, ...]) -> None:
    """Compare the results of the first calls. Errors: Wrong."""
    for call in range(1, CHECKED + 1):
        a, b = (found if isinstance(found, tuple | list) else (found,) for found in (ours(), theirs()))
        each = tolerance if isinstance(tolerance, tuple) else (tolerance,) * len(a)
        for one, other, allowed in zip(a, b, each, strict=True):
            off = difference(one, other)
            if not off <= allowed:
                raise Wrong(f"the results of call {call} differ by {off:.1e}, more than {allowed:.0e}")


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
    return compared(*times)


def compared(ours: list[float], theirs: list[float]) -> dict[str, Any]:
    """What a row tells of two lists of times that were taken in turn."""
    ratios = sorted(a / b for a, b in zip(ours, theirs, strict=True))
    return {
        "ours": statistics.median(ours), "theirs": statistics.median(theirs),
        "ratio": statistics.median(ratios), "low": ratios[len(ratios) // 4], "high": ratios[-1 - len(ratios) // 4],
        "best": min(ours) / min(theirs), "rounds": len(ratios),
    }  # fmt: skip


def timed(case: Case, threads: int, budget: float, settings: Settings) -> Row:
    """One case with so many threads: checked, then timed."""
    import torch

    import minicnn

    minicnn.set_num_threads(threads)
    torch.set_num_threads(threads)
    ours, theirs = case.make(minicnn), case.make(torch)
    check(ours, theirs, case.tolerance)
    return paired(ours, theirs, budget, settings.clock)
