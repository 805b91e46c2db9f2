"""Times of several sides in turn, A B C A B C, each with its device at rest before and after."""

from __future__ import annotations

import gc
from collections.abc import Callable
from typing import Any, NamedTuple

from benchmarks.case import Clock, Work, difference
from benchmarks.timing import Wrong

CHECKED = 6
"""Calls whose results are compared before any is timed: graphs replay from the fourth on."""

SAMPLE = 0.02
"""Seconds of one sample, at least: the wait at its end then counts for little."""


class Runner(NamedTuple):
    """A side's work, and how to wait until its device has done it."""

    work: Work
    wait: Callable[[], None]

    def seconds(self, calls: int, clock: Clock) -> float:
        """The time of one call, over ``calls`` of them that are asked for without waiting in between."""
        self.wait()
        start = clock()
        for _ in range(calls):
            self.work()
        self.wait()
        return (clock() - start) / calls


def results(work: Work) -> list[list[Any]]:
    """What the first calls return, on the host."""
    return [[_host(one) for one in (found if isinstance(found, tuple | list) else (found,))]
            for found in (work() for _ in range(CHECKED))]  # fmt: skip


def _host(result: Any) -> Any:
    return result.detach().cpu() if hasattr(result, "cpu") else result


def check(found: list[list[Any]], expected: list[list[Any]], tolerance: float | tuple[float, ...]) -> None:
    """Compare results call by call. Errors: Wrong."""
    for call, (ours, theirs) in enumerate(zip(found, expected, strict=True), 1):
        each = tolerance if isinstance(tolerance, tuple) else (tolerance,) * len(ours)
        for one, other, allowed in zip(ours, theirs, each, strict=True):
            off = difference(one, other)
            if not off <= allowed:
                raise Wrong(f"the results of call {call} differ by {off:.1e}, more than {allowed:.0e}")


def turns(runners: dict[str, Runner], budget: float, clock: Clock) -> dict[str, list[float]]:
    """The times of each side, one a round, from about ``budget`` seconds."""
    once = {name: min(runner.seconds(1, clock), runner.seconds(1, clock)) for name, runner in runners.items()}
    calls = {name: max(1, min(200, int(SAMPLE / seconds))) for name, seconds in once.items()}
    rounds = max(5, min(50, int(budget / max(SAMPLE, sum(once[name] * calls[name] for name in runners)))))
    times: dict[str, list[float]] = {name: [] for name in runners}
    gc.collect()
    gc.disable()
    try:
        for _ in range(rounds):
            for name, runner in runners.items():
                runner.work()  # the clocks of a card that had nothing to do come up again
                times[name].append(runner.seconds(calls[name], clock))
    finally:
        gc.enable()
    return times
