"""A pool of threads that share a kernel's pieces of work, and how many there are.

NumPy and BLAS let go of Python's lock while they compute, so threads do run side by side. A kernel cuts its work into
pieces by the sizes of its arrays alone and hands them to ``run``; which thread takes which piece does not matter, so
results are the same bits for any number of threads.

Nothing is started before the first large piece of work. The thread that asks always works along, and takes a piece
whenever it can, so threads that train two models at once share the workers, and neither can wait for the other.
"""

from __future__ import annotations

import functools
import itertools
import math
import operator
import os
import threading
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path
from queue import SimpleQueue
from typing import Any, TypeVar

from minicnn.backend.cpu import blas
from minicnn.backend.cpu.bell import Bell
from minicnn.backend.quiet import silence
from minicnn.errors import OptionError

T = TypeVar("T")

VARIABLES = ("MINICNN_NUM_THREADS", "OMP_NUM_THREADS")


CALLED, ANSWERED = 12000, 4000  # pauses of who is asked to help, and of who asked: Python's way into NumPy, and out


class _Job:
    """Pieces of work, which threads take one by one until none is left.

    Neighbours lie near each other in memory. So each thread begins with its own share of them, the same for every job:
    what it reads is what it wrote in the job before, and still in its core's cache (``steps: dense block``). Who has
    done his own helps another, from the far end.
    """

    def __init__(self, work: Callable[[Any], Any], pieces: Sequence[Any], threads: int, bell: Bell) -> None:
        self.work, self.shares = work, [deque(share) for share in shares(list(enumerate(pieces)), threads)]
        self.results: list[Any] = [None] * len(pieces)
        self.error: BaseException | None = None
        self.helpers, self.closed = 0, False
        self.lock, self.bell, self.done = threading.Lock(), bell, SimpleQueue[None]()

    def share(self, seat: int) -> None:
        """Work along, unless the job is over; each helper has another seat."""
        with self.lock:
            if self.closed:
                return
            self.helpers += 1
        try:
            self.do(seat)
        finally:
            with self.lock:
                self.helpers -= 1
                last = self.closed and self.helpers == 0
            if last:
                self.done.put(None)
                self.bell.ring()

    def do(self, seat: int = 0) -> None:
        """Take pieces until there are no more, or one of them failed."""
        own = seat % len(self.shares)
        try:
            self._do_all(self.shares[own].popleft)
            for share in self.shares:
                self._do_all(share.pop)
        except BaseException as error:
            self.error = error

    def _do_all(self, take: Callable[[], tuple[int, Any]]) -> None:
        while self.error is None:
            try:
                i, piece = take()  # no two threads get the same from a deque
            except IndexError:
                return
            self.results[i] = self.work(piece)

    def finish(self) -> list[Any]:
        """Wait for the threads that still work; the results, in the order of the pieces."""
        with self.lock:
            self.closed, helped = True, self.helpers > 0
        if helped:
            _wait(self.done, self.bell)
        self.work = _over  # a worker that comes late to the queue finds no arrays here
        self.shares.clear()
        if self.error is not None:
            raise self.error
        return self.results


def shares(things: list[T], count: int) -> list[list[T]]:
    """``things`` in ``count`` runs of neighbours, as even as they can be."""
    cuts = [len(things) * k // count for k in range(count + 1)]
    return [things[start:end] for start, end in itertools.pairwise(cuts)]


def _over(piece: Any) -> None:
    """The work of a job that is done."""


class _Pool:
    """The workers, and the jobs that wait for them."""

    def __init__(self) -> None:
        self.count: int | None = None
        self.lock = threading.Lock()
        self.jobs: SimpleQueue[_Job] = SimpleQueue()
        self.bell = Bell(CALLED)
        self.workers = 0

    def call(self, job: _Job, helpers: int) -> None:
        """Ask ``helpers`` workers to share a job."""
        with self.lock:
            while self.workers < helpers:
                if self.workers == 0:
                    _once_after_fork()
                self.workers += 1
                asked = self.jobs, self.bell, self.workers
                threading.Thread(target=_serve, args=asked, name="minicnn", daemon=True).start()
        for _ in range(helpers):
            self.jobs.put(job)
        self.bell.ring()


class _Here(threading.local):
    """What this thread knows of itself."""

    def __init__(self) -> None:
        self.working = False
        self.bell = Bell(ANSWERED)


_pool = _Pool()
_here = _Here()


def run(work: Callable[[Any], Any], pieces: Sequence[Any], each: int = 1) -> list[Any]:
    """``[work(piece) for piece in pieces]`` by as many threads as are set, with BLAS at one thread in each.

    Pieces write to places of their own, and must not depend on each other's results. ``each`` of them are worth a
    thread: it takes 20 to 40 µs until one begins, and whenever two threads want Python's lock at once, one of them
    sleeps about as long. So a piece should take 200 µs, in calls that take 20.
    """
    with blas.one_thread:
        helpers = min(get_num_threads(), len(pieces) // each) - 1
        if helpers < 1 or _here.working:
            return [work(piece) for piece in pieces]
        _here.bell.hush()
        job = _Job(work, pieces, helpers + 1, _here.bell)
        _pool.call(job, helpers)
        _here.working = True
        try:
            job.do()
        finally:
            _here.working = False
            results = job.finish()
        return results


def set_num_threads(count: int) -> None:
    """How many threads the kernels on the CPU use, this one included. Results are the same bits for any number.

    Raises:
        OptionError: for anything but a positive integer.

    Example:
        >>> mc.set_num_threads(2)
        >>> mc.get_num_threads()
        2
    """
    try:
        number = 0 if isinstance(count, bool) else operator.index(count)
    except TypeError:
        number = 0
    if number < 1:
        raise OptionError("set_num_threads: not a number of threads", got=repr(count), rule="a positive integer",
                          hint="mc.set_num_threads(1)")
    _pool.count = number


def get_num_threads() -> int:
    """How many threads the kernels on the CPU use.

    Unless ``set_num_threads`` said so: what the variable ``MINICNN_NUM_THREADS`` or ``OMP_NUM_THREADS`` says when they
    are first used, or else the number of cores that this process may use.
    """
    if _pool.count is None:
        _pool.count = _default()
    return _pool.count


def _default() -> int:
    for name in VARIABLES:
        value = os.environ.get(name, "")
        if value.isdigit() and int(value) > 0:
            return int(value)
    return _cores()


@functools.cache
def _cores() -> int:
    """The cores that this process may use."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min(cores, _container_limit()))


def _container_limit() -> int:
    """The cores that a Linux container may keep busy, from its quota of time; a great number where there is none."""
    try:
        quota, period = Path("/sys/fs/cgroup/cpu.max").read_text(encoding="ascii").split()
        return math.ceil(int(quota) / int(period))
    except (OSError, ValueError):
        return 1 << 30


def _serve(jobs: SimpleQueue[_Job], bell: Bell, seat: int) -> None:
    """A worker's life."""
    silence()
    _here.working = True
    while True:
        bell.hush()
        job = _wait(jobs, bell)
        job.share(seat)
        del job  # a waiting worker keeps no arrays alive


def _wait(queue: SimpleQueue[T], bell: Bell) -> T:
    """The next of a queue that a bell rings for; awake only if there is a core for each thread."""
    if queue.empty() and get_num_threads() <= _cores():
        bell.listen()
    return queue.get()


_registered = False


def _once_after_fork() -> None:
    """A child process has none of its parent's threads; it starts its own."""
    global _registered
    if not _registered and hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=_after_fork)
        _registered = True


def _after_fork() -> None:
    global _pool, _here
    count, _pool = _pool.count, _Pool()
    _pool.count, _here = count, _Here()
    blas.after_fork()
