"""One case on several sides: checked against the first of them, then timed in turn with it."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from benchmarks.case import Row, Settings, Work
from benchmarks.gpu.sides import OnDevice
from benchmarks.gpu.timing import Runner, check, results, turns
from benchmarks.timing import Wrong, compared

Make = Callable[[], Work]


class Contest(NamedTuple):
    """A case, and how each side makes its work; ratios are to the first side."""

    case: str
    tf32: bool
    made: Mapping[str, tuple[OnDevice, Make]]
    tolerance: float | tuple[float, ...]


def rows(contest: Contest, budget: float, settings: Settings) -> Iterator[Row]:
    """A row for each side: its time, and the ratio to the first side's; or why there is no figure."""
    runners: dict[str, Runner] = {}
    failed: dict[str, Row] = {}
    expected: Any = None
    libraries = [t for t, _ in contest.made.values()]
    release(libraries)
    for name, (t, make) in contest.made.items():
        try:
            work = make()
            found = results(work)
            expected = found if expected is None else expected
            check(found, expected, contest.tolerance)
        except Wrong as error:
            failed[name] = {"error": str(error)}
        except Exception as error:  # whatever a library raises is what there is to tell; others go on
            failed[name] = failure(error)
        else:
            runners[name] = Runner(work, t.wait)
            continue
        release(libraries)
    times: dict[str, list[float]] = {}
    try:
        times = turns(runners, budget, settings.clock)
    except Exception as error:  # as above: all of them run while one is timed, and need more memory
        failed |= dict.fromkeys(runners, failure(error))
    first = next(iter(contest.made))
    for name in contest.made:
        row: Row = {"case": contest.case, "side": name, "tf32": contest.tf32, "unit": "s"}
        yield row | (failed[name] if name in failed else _figures(times[name], times.get(first)))


def release(libraries: Iterable[OnDevice]) -> None:
    """Leave the whole card to what comes next."""
    gc.collect()
    for t in libraries:
        t.wait()
        t.release()


def failure(error: Exception) -> Row:
    """What a row says of an exception: a card that is too small is no fault."""
    kind, words = type(error).__name__, (str(error) or "no word").splitlines()[0]
    if "OutOfMemory" in kind or "out of memory" in words.lower():
        return {"note": "more memory than the card has"}
    return {"error": f"{kind}: {words}"}


def _figures(times: list[float], base: list[float] | None) -> Row:
    found = compared(times, times if base is None else base)
    row = {"time": found["ours"], "best": min(times), "rounds": found["rounds"]}
    return row if base is None else row | {name: found[name] for name in ("ratio", "low", "high")}
