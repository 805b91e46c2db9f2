"""The two sides of a measurement: some work in this process, or a library's in a process of its own.

Libraries that share a process share what one of them does to it: minicnn tells the C library to keep memory
(``minicnn/backend/cpu/heap.py``), and beside it PyTorch's step of AlexNet takes .8 of the time that it takes alone. So
each computes alone, and this process only asks: now you, now you.
"""

from __future__ import annotations

import gc
import importlib
import multiprocessing
from collections.abc import Callable, Iterable
from multiprocessing.connection import Connection
from typing import Any, Protocol

from benchmarks.case import Case, Clock, Work, numbers

Cases = Callable[[], Iterable[Case]]


class Side(Protocol):
    """What is measured: a call gives its results, ``seconds`` the time of one call over so many."""

    def __call__(self) -> Any: ...

    def seconds(self, calls: int) -> float: ...

    def close(self) -> None: ...


class Here:
    """Work in this process."""

    def __init__(self, work: Work, clock: Clock) -> None:
        self.work, self.clock = work, clock
        gc.collect()

    def __call__(self) -> Any:
        return self.work()

    def seconds(self, calls: int) -> float:
        gc.disable()
        try:
            start = self.clock()
            for _ in range(calls):
                self.work()
            return (self.clock() - start) / calls
        finally:
            gc.enable()

    def close(self) -> None:
        """Nothing is left of it."""


class Apart:
    """A library's work in a process of its own, which finds the case by its name."""

    def __init__(self, library: str, cases: Cases, name: str, threads: int, clock: Clock) -> None:
        context = multiprocessing.get_context("spawn")  # a copy of this process would begin with what that has loaded
        self.pipe, far = context.Pipe()
        self.process = context.Process(target=_serve, args=(far, library, cases, name, threads, clock), daemon=True)
        self.process.start()
        far.close()

    def __call__(self) -> Any:
        return self._answer(None)

    def seconds(self, calls: int) -> float:
        return float(self._answer(calls))

    def close(self) -> None:
        self.pipe.close()  # which ends the process, too
        self.process.join()

    def _answer(self, request: int | None) -> Any:
        try:
            self.pipe.send(request)
            return self.pipe.recv()
        except (EOFError, ConnectionError):
            raise RuntimeError("a process that measures has ended; its error is above") from None


def here(library: str, cases: Cases, name: str, threads: int, clock: Clock) -> Here:
    """A library's work in this process."""
    t = importlib.import_module(library)
    t.set_num_threads(threads)
    return Here(next(case for case in cases() if case.name == name).make(t), clock)


def _serve(pipe: Connection, library: str, cases: Cases, name: str, threads: int, clock: Clock) -> None:
    """Answer what ``Apart`` asks, until it closes the pipe."""
    side = here(library, cases, name, threads, clock)
    try:
        while True:
            calls = pipe.recv()
            if calls is not None:
                pipe.send(side.seconds(calls))
            else:
                found = side()
                pipe.send(tuple(map(numbers, found)) if isinstance(found, tuple | list) else numbers(found))
    except (EOFError, KeyboardInterrupt):
        pass
