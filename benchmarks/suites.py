"""All suites, by name: each yields its rows one after the other."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator

from benchmarks import memory, overhead
from benchmarks.case import Case, Row, Settings
from benchmarks.growth import growth
from benchmarks.kernels import kernels
from benchmarks.mnist import mnist
from benchmarks.peers.suite import peers
from benchmarks.products import products
from benchmarks.profiles import profile
from benchmarks.sharing import sharing
from benchmarks.steps import TRAINED, inference, training_steps
from benchmarks.timing import Wrong, timed

Wanted = Callable[[str, str], bool]
Suite = Callable[[Settings, Wanted], Iterator[Row]]


def rows(settings: Settings) -> Iterator[Row]:
    """Every figure that was asked for, as it is found."""
    for name, suite in SUITES.items():
        for row in suite(settings, functools.partial(settings.wants, suites=tuple(SUITES))):
            yield {"suite": name, **row}


def _timed(suite: str, cases: Callable[[], Iterator[Case]], budget: float) -> Suite:
    """The suite of cases that are timed on either library for about ``budget`` seconds."""

    def run(settings: Settings, wanted: Wanted) -> Iterator[Row]:
        for case in cases():
            for threads in settings.threads if wanted(suite, case.name) else ():
                row = {"case": case.name, "threads": threads, "unit": "s"}
                try:
                    yield {**row, **timed(cases, case, threads, 0.3 if settings.quick else budget, settings)}
                except Wrong as found:
                    yield {**row, "error": str(found)}

    return run


def _memory(settings: Settings, wanted: Wanted) -> Iterator[Row]:
    for name in TRAINED:
        for threads in settings.threads if wanted("memory", f"memory {name}") else ():
            yield {"case": f"memory {name}", "threads": threads, "unit": "MB", **memory.peaks(name, threads)}


def _import(settings: Settings, wanted: Wanted) -> Iterator[Row]:
    if wanted("import", "import"):
        found = overhead.import_times(3 if settings.quick else 10, settings.wall)
        yield {"case": "import", "threads": 1, "unit": "s", **found}


SUITES: dict[str, Suite] = {
    "steps": _timed("steps", training_steps, 4.0),
    "inference": _timed("inference", inference, 3.0),
    "overhead": _timed("overhead", overhead.overhead, 3.0),
    "memory": _memory,
    "import": _import,
    "mnist": mnist,
    "peers": peers,
    "growth": growth,
    "profile": profile,
    "threads": sharing,
    "products": products,
    "kernels": _timed("kernels", kernels, 0.6),
}
