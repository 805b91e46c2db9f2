"""How a DataLoader gets its batches: one at a time when asked, or ahead of time in threads."""

from __future__ import annotations

import itertools
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as LateError
from dataclasses import dataclass
from typing import Any

from minicnn.backend import backend_of
from minicnn.data.collate import default_collate
from minicnn.data.dataset import Subset, TensorDataset, samples
from minicnn.errors import StateError
from minicnn.tensor import wrap

Fetch = Callable[[Any], Any]


def batch_of(dataset: Any, collate: Fetch) -> Fetch:
    """A function from a list of numbers to the batch of those samples.

    Where the samples are rows of whole tensors, and are collated as usual, the batch is taken from the tensors at
    once: the same values as row by row, and many times faster.
    """
    rows = _rows(dataset) if collate is default_collate else None

    def fetch(indices: list[int]) -> Any:
        whole = rows(indices) if rows is not None else None
        return collate(samples(dataset, indices)) if whole is None else whole

    return fetch


def _rows(dataset: Any) -> Fetch | None:
    """A function from numbers to a list of tensors (None where a number is unusual), for datasets that have rows."""
    if isinstance(dataset, Subset) and type(dataset).__getitem__ is Subset.__getitem__:
        inner = _rows(dataset.dataset)
        return None if inner is None else lambda indices: inner([dataset.indices[i] for i in indices])
    if not isinstance(dataset, TensorDataset) or type(dataset).__getitem__ is not TensorDataset.__getitem__:
        return None
    if hasattr(dataset, "__getitems__"):
        return None

    def take(indices: list[int]) -> Any:
        tensors = dataset.tensors
        if any(tensor.tracked for tensor in tensors) or not indices or any(type(i) is not int for i in indices):
            return None
        if not 0 <= min(indices) <= max(indices) < len(dataset):
            return None
        return [wrap(t.array[backend_of(t.array).xp.asarray(indices)]) for t in tensors]

    return take


def batches_in_turn(
    samples_in_turn: Iterator[Any], batch_size: int | None, drop_last: bool, collate: Fetch
) -> Iterator[Any]:
    """The batches of an iterable dataset; its samples one by one where ``batch_size`` is None."""
    if batch_size is None:
        for sample in samples_in_turn:
            yield collate(sample)
        return
    while batch := list(itertools.islice(samples_in_turn, batch_size)):
        if len(batch) == batch_size or not drop_last:
            yield collate(batch)
        if len(batch) < batch_size:  # the end was seen: do not ask the dataset again
            return


@dataclass(frozen=True)
class WorkerInfo:
    """What a dataset can know of the thread that it is asked in.

    Attributes:
        id: the worker's number, from 0.
        num_workers: how many there are.
        seed: the loader's seed of this epoch, plus the worker's number.
        dataset: the dataset.
    """

    id: int
    num_workers: int
    seed: int
    dataset: Any


_thread = threading.local()


def get_worker_info() -> WorkerInfo | None:
    """Which worker of a DataLoader this is; None outside of one, and while an IterableDataset is read.

    (An IterableDataset is read by one thread, once, however many workers there are, so it need not be shared out.)
    """
    return getattr(_thread, "worker", None)


class Prefetch:
    """An iterator over ``fetch(item) for item in items`` in their order, computed ahead in threads.

    The first items are asked for at once. An exception of ``fetch`` is raised where its result would come.

    Args:
        fetch: called in the threads.
        items: read in the calling thread.
        threads: how many threads.
        ahead: how many results are computed, or waiting, at a time.
        timeout: seconds to wait for a result; 0 is for ever.
    """

    def __init__(self, fetch: Fetch, items: Iterable[Any], threads: int, ahead: int, timeout: float) -> None:
        self._fetch, self._items, self._timeout = fetch, iter(items), timeout
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="minicnn-data")
        self._waiting: deque[Future[Any]] = deque()
        for _ in range(ahead):
            self._ask()

    def _ask(self) -> None:
        for item in itertools.islice(self._items, 1):
            self._waiting.append(self._pool.submit(self._fetch, item))

    def __iter__(self) -> Iterator[Any]:
        return self

    def __next__(self) -> Any:
        if not self._waiting:
            self._pool.shutdown(wait=False)
            raise StopIteration
        future = self._waiting.popleft()
        self._ask()
        try:
            return future.result(self._timeout or None)
        except LateError as error:
            if future.done():
                raise
            raise StateError("DataLoader: a batch took too long", got=f"{self._timeout} s", rule="within timeout",
                             hint="a longer timeout, or look at what the dataset waits for") from error

    def __del__(self) -> None:
        self._pool.shutdown(wait=False, cancel_futures=True)


def as_worker(
    fetch: Fetch, dataset: Any, workers: int, base_seed: int, start: Callable[[int], object] | None
) -> Fetch:
    """``fetch`` for threads: each gets its number when it first runs, and calls ``start`` with it."""
    numbers = itertools.count()

    def run(item: Any) -> Any:
        if get_worker_info() is None:
            number = next(numbers)
            _thread.worker = WorkerInfo(number, workers, base_seed + number, dataset)
            if start is not None:
                start(number)
        return fetch(item)

    return run
