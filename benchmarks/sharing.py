"""What a step or a forward pass gains from more threads, and why not more: its time by whether threads share it.

minicnn's kernels hand their pieces of work to ``minicnn.backend.cpu.threads.run``. A clock runs around each call of
that, and two around each piece: the wall's, and the processor's time of its thread. In the same run the work is timed
with one thread, whose pieces nobody disturbs.
"""

from __future__ import annotations

import functools
import itertools
import operator
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack
from typing import Any

from benchmarks import sides
from benchmarks.case import Case, Clock, Row, Settings
from benchmarks.replaced import replaced
from benchmarks.steps import inference, training_steps
from benchmarks.timing import PAUSE, Wrong, check, compared

try:
    import resource
except ImportError:  # on Windows
    resource = None

Parts = dict[str, float]
"""Seconds by part of the work; and ``SLEEPS``."""

WHOLE, SLEEPS = "whole", "sleeps"
"""All of it; and how often a thread gave its core away in it, to wait for something."""

OWN, WAITS, ALONE, REST = "own", "waits", "alone", "rest"
PARTS = {OWN: "this thread's share of the pieces", WAITS: "to hand out pieces, and to wait for help",
         ALONE: "kernels too small to share", REST: "what is not in pieces"}  # fmt: skip
"""minicnn's work, as the thread sees it that walks through the network; the four add up to it. What is not in pieces is
Python, operations that have no pieces (additions, small ReLUs), and a kernel's small arrays around its own."""

PIECES, BUSY = "pieces", "busy"
"""What all threads together spend on pieces; and how much of that they were on a core."""

SHARED = "shared"
"""Calls of ``run`` that threads share, with all that is in them."""


def lossless(row: Row) -> float:
    """Seconds of minicnn's work, if pieces took as long as with one thread and no thread waited for another."""
    one: Parts = row["parts"]["ours"][0]
    return one[WHOLE] - one[OWN] + one[OWN] / row["threads"]


def cases() -> Iterator[Case]:
    """What is measured."""
    return itertools.chain(training_steps(), inference())


def sharing(settings: Settings, wanted: Callable[[str, str], bool]) -> Iterator[Row]:
    """A row for each training step, each forward pass, and each number of threads above one."""
    for case in cases():
        kind, _, name = case.name.partition(" ")
        for threads in settings.threads if wanted("threads", f"threads {name}") else ():
            row = {"case": f"threads {name}", "threads": threads, "unit": "s", "kind": kind}
            if resource is None:
                yield {**row, "note": "this system does not say how often a thread sleeps: Linux and macOS do"}
            elif threads > 1:
                try:
                    yield {**row, **_measured(case, threads, 0.3 if settings.quick else 15.0, settings.wall)}
                except Wrong as found:
                    yield {**row, "error": str(found)}
            elif len(settings.threads) == 1:
                yield {**row, "note": "one thread shares its work with nobody: --threads 2"}


def _measured(case: Case, threads: int, budget: float, clock: Clock) -> Row:
    """Either library with one thread and with ``threads``, all four in turn, each in a process of its own."""
    with ExitStack() as stack:
        workers = [stack.enter_context(sides.Apart(Worker, library, case.name, count, threads, clock))
                   for library in ("minicnn", "torch") for count in (1, threads)]  # fmt: skip
        for ours, theirs in zip(workers[:2], workers[2:], strict=True):
            check(ours, theirs, case.tolerance)
        once = sum(worker.parts()[WHOLE] for worker in workers)
        found: list[list[Parts]] = [[] for _ in workers]
        for _ in range(max(5, min(60, int(budget / once))) | 1):  # an odd number has a round in the middle
            for worker, parts in zip(workers, found, strict=True):
                time.sleep(PAUSE)
                worker.parts()  # brings the caches back, as in ``timing.paired``
                parts.append(worker.parts())
    times = ([parts[WHOLE] for parts in of] for of in found[1::2])
    median = [sorted(parts, key=operator.itemgetter(WHOLE))[len(parts) // 2] for parts in found]
    return {**compared(*times), "parts": {"ours": median[:2], "theirs": median[2:]}}


class Worker(sides.Here):
    """A library that does the case of this name with ``threads`` threads, and tells what its work was made of; for
    minicnn, by what ``most`` threads would share."""

    def __init__(self, library: str, name: str, threads: int, most: int, clock: Clock) -> None:
        super().__init__(sides.work_of(library, cases, name, threads), clock)
        self.watch = Watch(most, clock) if library == "minicnn" else None

    def parts(self) -> Parts:
        """Of doing it once."""
        if self.watch is None:
            return self._timed()
        with self.watch.measured():
            return self.watch.told(self._timed())

    def _timed(self) -> Parts:
        asleep, seconds = _sleeps(), self.seconds(1)
        return {WHOLE: seconds, SLEEPS: _sleeps() - asleep}


class Watch:
    """The time of the work that minicnn's kernels hand to threads, while a ``measured`` block runs."""

    def __init__(self, most: int, clock: Clock, busy: Clock = time.thread_time) -> None:
        from minicnn.backend.cpu import threads

        self.most, self.clock, self.busy, self.run = most, clock, busy, threads.run
        self.here = threading.local()
        self.pieces: list[tuple[int, float, float]] = []
        self.calls: Parts = {}

    def measured(self) -> AbstractContextManager[None]:
        """Every call of ``run`` on the clock, until the block ends."""
        self.pieces, self.calls = [], defaultdict(float)
        modules = [module for name, module in list(sys.modules.items()) if name.startswith("minicnn.")]
        return replaced((module, "run", self._run) for module in modules if vars(module).get("run") is self.run)

    def told(self, whole: Parts) -> Parts:
        """The parts of what has just been measured."""
        own = sum(seconds for thread, seconds, _ in self.pieces if thread == threading.get_ident())
        shared, alone = self.calls[SHARED], self.calls[ALONE]
        return {**whole, OWN: own, WAITS: shared - own, ALONE: alone, REST: whole[WHOLE] - shared - alone,
                PIECES: sum(seconds for _, seconds, _ in self.pieces),
                BUSY: sum(busy for _, _, busy in self.pieces)}  # fmt: skip

    def _run(self, work: Callable[[Any], Any], pieces: Any, each: int = 1) -> list[Any]:
        if getattr(self.here, "in_a_piece", False):
            return self.run(work, pieces, each)
        shared = min(self.most, len(pieces) // each) > 1
        inner, start = -sum(self.calls.values()), self.clock()
        try:
            return self.run(functools.partial(self._piece, work) if shared else work, pieces, each)
        finally:
            inner += sum(self.calls.values())  # of calls within this one, which have been counted
            self.calls[SHARED if shared else ALONE] += self.clock() - start - inner

    def _piece(self, work: Callable[[Any], Any], piece: Any) -> Any:
        self.here.in_a_piece = True
        start, busy = self.clock(), self.busy()
        try:
            return work(piece)
        finally:
            self.pieces.append((threading.get_ident(), self.clock() - start, self.busy() - busy))
            self.here.in_a_piece = False


def _sleeps() -> int:
    """How often this process's threads have gone to sleep so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_nvcsw
