"""Paired times: the two sides in turn, so that whatever slows the machine for a while slows both."""

from __future__ import annotations

import statistics
import time
from typing import Any

from benchmarks import sides
from benchmarks.case import Case, Row, Settings, difference
from benchmarks.sides import Cases, Side

PAUSE = 0.004
"""Seconds between two samples, in which the other library's idle threads stop spinning."""

CHECKED = 3
"""Calls whose results are compared before any is timed: a wrong gradient shows in the loss of the next step."""


class Wrong(Exception):  # noqa: N818 (it says what the results are)
    """Both sides do not compute the same numbers, so their times mean nothing."""


def check(ours: Side, theirs: Side, tolerance: float | tuple[float, ...]) -> None:
    """Compare the results of the first calls. Errors: Wrong."""
    for call in range(1, CHECKED + 1):
        a, b = ours(), theirs()
        each = tolerance if isinstance(tolerance, tuple) else (tolerance,) * len(a)
        for one, other, allowed in zip(a, b, each, strict=True):
            off = difference(one, other)
            if not off <= allowed:
                raise Wrong(f"the results of call {call} differ by {off:.1e}, more than {allowed:.0e}")


def paired(ours: Side, theirs: Side, budget: float) -> dict[str, Any]:
    """Medians of both times, of their ratio pair by pair, and the ratio's quartiles, from ``budget`` seconds.

    ``best`` is the ratio of the two shortest times: what remains where other programs use the machine.
    """
    once = sum(min(side.seconds(1), side.seconds(1)) for side in (ours, theirs))
    calls = max(1, min(1000, int(0.004 / once)))
    rounds = max(5, min(100, int(budget / (once * calls))))
    times: tuple[list[float], list[float]] = ([], [])
    for _ in range(rounds):
        for side, found in zip((ours, theirs), times, strict=True):
            time.sleep(PAUSE)
            side.seconds(1)  # whatever the other side pushed out of the caches comes back
            found.append(side.seconds(calls))
    return compared(*times)


def compared(ours: list[float], theirs: list[float]) -> dict[str, Any]:
    """What a row tells of two lists of times that were taken in turn."""
    ratios = sorted(a / b for a, b in zip(ours, theirs, strict=True))
    return {
        "ours": statistics.median(ours), "theirs": statistics.median(theirs),
        "ratio": statistics.median(ratios), "low": ratios[len(ratios) // 4], "high": ratios[-1 - len(ratios) // 4],
        "best": min(ours) / min(theirs), "rounds": len(ratios),
    }  # fmt: skip


def timed(cases: Cases, case: Case, threads: int, budget: float, settings: Settings) -> Row:
    """One of ``cases`` with so many threads: checked, then timed, each library in a process of its own."""
    asked = (cases, case.name, threads, settings.clock)
    with sides.Apart(sides.here, "minicnn", *asked) as ours, sides.Apart(sides.here, "torch", *asked) as theirs:
        check(ours, theirs, case.tolerance)
        return paired(ours, theirs, budget)
