"""The two sides of a measurement: each library's work in a process of its own, which does it when it is asked to.

Libraries that share a process share what one of them does to it: minicnn tells the C library to keep memory
(``minicnn/backend/cpu/heap.py``), and beside it PyTorch's step of AlexNet takes .8 of the time that it takes alone. So
each computes alone, and this process only asks: now you, now you.
"""

from __future__ import annotations

import functools
import gc
import importlib
import multiprocessing
import time
import traceback
from collections.abc import Callable, Iterable
from contextlib import suppress
from multiprocessing.connection import Connection
from typing import Any, Self

from benchmarks.case import Case, Clock, Work, numbers

Cases = Callable[[], Iterable[Case]]


class Failed(Exception):  # noqa: N818 (it says what a process did)
    """Why a process that measures has no answer, in a line; where it knows more, that is a note."""


class Here:
    """Work in this process."""

    def __init__(self, work: Work, clock: Clock) -> None:
        self.work, self.clock = work, clock
        gc.collect()

    def __call__(self) -> tuple[Any, ...]:
        """The numbers of each result."""
        found = self.work()
        return tuple(map(numbers, found if isinstance(found, tuple | list) else (found,)))

    def seconds(self, calls: int) -> float:
        """The time of one call, over so many."""
        gc.disable()
        try:
            start = self.clock()
            for _ in range(calls):
                self.work()
            return (self.clock() - start) / calls
        finally:
            gc.enable()


def here(library: str, cases: Cases, name: str, threads: int, clock: Clock) -> Here:
    """A library's work in this process, which finds the case by its name."""
    return Here(work_of(library, cases, name, threads), clock)


def work_of(library: str, cases: Cases, name: str, threads: int) -> Work:
    """The work of the case of this name, for a library with so many threads."""
    t = importlib.import_module(library)
    t.set_num_threads(threads)
    return next(case for case in cases() if case.name == name).make(t)


class Apart:
    """An object in a process of its own, made there by ``make(*arguments)``; its methods are this one's.

    ``patience`` is how many seconds it may take for all that it is asked, its making included. Errors: Failed.
    """

    def __init__(self, make: Callable[..., Any], *arguments: Any, patience: float | None = None) -> None:
        context = multiprocessing.get_context("spawn")  # a copy of this process would begin with what that has loaded
        self.pipe, far = context.Pipe()
        self.patience, self.start = patience, time.monotonic()
        self.process = context.Process(target=_serve, args=(far, make, arguments), daemon=True)
        self.process.start()
        far.close()

    def __getattr__(self, name: str) -> Callable[..., Any]:
        return functools.partial(self._ask, name)

    def __call__(self, *given: Any) -> Any:
        return self._ask("__call__", *given)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.pipe.close()  # which ends the process, too, once it has done what it was asked
        self.process.join(self._left())
        self.process.kill()
        self.process.join()

    def _ask(self, method: str, *given: Any) -> Any:
        try:
            with suppress(ConnectionError):  # what has ended may have said why
                self.pipe.send((method, given))
            if not self.pipe.poll(self._left()):
                raise Failed(f"took more than {self.patience:.0f} s")
            found = self.pipe.recv()
        except (EOFError, ConnectionError):
            raise Failed("a process that measures has ended without a word") from None
        if isinstance(found, Failed):
            raise found
        return found

    def _left(self) -> float | None:
        return None if self.patience is None else max(0.0, self.start + self.patience - time.monotonic())


Side = Here | Apart


def _serve(pipe: Connection, make: Callable[..., Any], arguments: tuple[Any, ...]) -> None:
    """Answer what ``Apart`` asks, until it closes the pipe."""
    try:
        made = make(*arguments)
        while True:
            method, given = pipe.recv()
            pipe.send(getattr(made, method)(*given))
    except (EOFError, ConnectionError, KeyboardInterrupt):
        pass
    except Exception as failure:  # whatever a library raises is what there is to tell
        told = Failed(f"{type(failure).__name__}: {next(iter(str(failure).splitlines()), '')}")
        told.add_note(traceback.format_exc())
        pipe.send(told)
