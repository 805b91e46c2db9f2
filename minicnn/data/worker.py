"""What runs in a worker of a DataLoader, be it a process or a thread: seeds, then a batch for each task."""

from __future__ import annotations

import pickle
import queue
import random
import threading
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from minicnn.data.fetch import batch_of, batches_in_turn
from minicnn.data.streams import find_streams, read_streams, write_streams
from minicnn.errors import MinicnnError, WorkerError
from minicnn.random import default_generator

Fetch = Callable[[Any], Any]
PROCESS, THREAD = "multiprocessing", "thread"


@dataclass(frozen=True)
class WorkerInfo:
    """What a dataset can know of the worker that asks it.

    Attributes:
        id: the worker's number, from 0.
        num_workers: how many there are.
        seed: the loader's seed of the epoch in which the worker began, plus the worker's number.
        dataset: the dataset, in a process the process's own copy.
        worker_method: "multiprocessing" or "thread".
    """

    id: int
    num_workers: int
    seed: int
    dataset: Any
    worker_method: str = PROCESS


_process_info: WorkerInfo | None = None
_thread = threading.local()


def get_worker_info() -> WorkerInfo | None:
    """Which worker of a DataLoader this is; None outside of one.

    Every worker reads the whole of an IterableDataset, unless ``__iter__`` asks here which part is its own.

    Example:
        >>> class Numbers(mc.data.IterableDataset):
        ...     def __iter__(self):
        ...         info = mc.data.get_worker_info()
        ...         return iter(range(info.id, 100, info.num_workers) if info else range(100))
    """
    return getattr(_thread, "info", _process_info)


@dataclass(frozen=True)
class Job:
    """What all tasks of a loader have in common."""

    dataset: Any
    collate: Fetch
    iterable: bool
    batched: bool
    batch_size: int | None
    drop_last: bool
    num_workers: int
    base_seed: int
    start: Callable[[int], object] | None
    method: str

    def fetcher(self) -> Fetch:
        """A function from a task's item to its batch; one an epoch, since an iterable dataset is read on and on."""
        if not self.iterable:
            return batch_of(self.dataset, self.collate, self.batched)
        batches = batches_in_turn(iter(self.dataset), self.batch_size, self.drop_last, self.collate)
        return lambda _: next(batches)


class Task(NamedTuple):
    """An order for one batch: the number of the epoch, and the numbers of the samples (None of an iterable dataset)."""

    epoch: int
    item: Any


@dataclass(frozen=True)
class Streams:
    """The item of a task for no batch, but for the streams of random numbers that a worker has to itself.

    Attributes:
        states: where to put them first; None leaves them where they are.
    """

    states: dict[str, Any] | None

    def states_in(self, job: Job) -> dict[str, Any]:
        """Where the streams of the worker are now."""
        own = {"minicnn": default_generator} if job.method == THREAD else find_streams(dataset=job.dataset)
        if self.states is not None:
            write_streams(own, self.states)
        return read_streams(own)


class Inbox:
    """The tasks of one worker; those of an epoch that is over are dropped, however many wait."""

    def __init__(self) -> None:
        self._tasks: queue.SimpleQueue[Task] = queue.SimpleQueue()
        self._epoch: float = 0

    def put(self, task: Task | None) -> None:
        """Leave a task, or None as the last one."""
        self._epoch = float("inf") if task is None else task.epoch
        self._tasks.put(task or Task(-1, None))

    def __iter__(self) -> Iterator[Task]:
        while self._epoch != float("inf"):
            task = self._tasks.get()
            if task.epoch == self._epoch:
                yield task


@dataclass(frozen=True)
class Failure:
    """An exception in a form that gets from a process to another."""

    worker: int
    kind: bytes
    parts: tuple[str, Any, str | None, str | None]
    text: str

    @classmethod
    def of(cls, error: BaseException, worker: int) -> Failure:
        """What ``error`` was, with its traceback as text."""
        about = "; ".join([f"{type(error).__name__}: {error}", *getattr(error, "__notes__", [])])
        parts: tuple[str, Any, str | None, str | None] = ("failed", about, None, None)
        if isinstance(error, MinicnnError):
            parts = (f"failed in {error.what}", str(error.got), error.rule, error.hint)
        try:
            kind = pickle.dumps(type(error))
        except Exception:  # a class made in a function, say
            kind = pickle.dumps(Exception)
        return cls(worker, kind, parts, "".join(traceback.format_exception(error)))

    def error(self) -> WorkerError:
        """A WorkerError that is of the class of the exception, too."""
        try:
            kind = pickle.loads(self.kind)
        except Exception:  # a module that is not here
            kind = Exception
        if not issubclass(kind, Exception) or issubclass(kind, StopIteration):  # which would end the epoch
            kind = Exception
        what, got, rule, hint = self.parts
        made = WorkerError.like(kind, f"DataLoader: worker {self.worker} {what}", got, rule, hint, self.text)
        made.worker = self.worker
        return made


class End:
    """Answers a task for which an iterable dataset had no sample left; the worker is silent until the next epoch."""


def work(job: Job, number: int, inbox: Inbox, answer: Callable[[int, Any], None]) -> None:
    """Answer each task in ``inbox`` by its batch, an ``End`` or a ``Failure``."""
    broken = _begin(job, number)
    epoch, ended, fetch = 0, False, None
    for task in inbox:
        if task.epoch != epoch:
            epoch, ended, fetch = task.epoch, False, None
        if ended:
            continue
        try:
            if broken is not None:
                raise broken
            if isinstance(task.item, Streams):
                answer(epoch, task.item.states_in(job))
                continue
            fetch = fetch or job.fetcher()
            answer(epoch, fetch(task.item))
        except StopIteration as error:
            ended = job.iterable
            answer(epoch, End() if ended else Failure.of(error, number))
        except BaseException as error:  # sys.exit(), too: a thread that just ended would be waited for
            broken = None
            answer(epoch, Failure.of(error, number))


def _begin(job: Job, number: int) -> Exception | None:
    """Seed this worker's streams as PyTorch does, and call ``worker_init_fn``; the exception that it raised."""
    global _process_info
    seed = job.base_seed + number
    info = WorkerInfo(number, job.num_workers, seed, job.dataset, job.method)
    if job.method == THREAD:
        _thread.info = info
        default_generator.split_off(seed)
    else:
        _process_info = info
        default_generator.manual_seed(seed)
        random.seed(seed)
        # Not the same seed again: Python's random and NumPy's are one algorithm.
        words = [number, job.base_seed & 0xFFFFFFFF, job.base_seed >> 32, 0]
        np.random.seed(np.random.SeedSequence(words).generate_state(4))
    try:
        if job.start is not None:
            job.start(number)
    except Exception as error:
        return error
    return None
