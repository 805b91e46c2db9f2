"""DataLoader: a dataset in batches, shuffled if asked to."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Any, Generic, TypeVar

import minicnn.random as streams
from minicnn.arguments import checked
from minicnn.data.collate import default_collate, default_convert
from minicnn.data.dataset import Dataset, IterableDataset
from minicnn.data.fetch import Prefetch, as_worker, batch_of, batches_in_turn
from minicnn.data.sampler import BatchSampler, RandomSampler, SequentialSampler
from minicnn.errors import OptionError
from minicnn.random import Generator

T_co = TypeVar("T_co", covariant=True)

MOST_WORKERS = 4096

_FIXED = frozenset({"batch_size", "batch_sampler", "sampler", "drop_last", "dataset", "persistent_workers"})


class DataLoader(Generic[T_co]):
    """Batches of a dataset; each ``for batch in loader`` is an epoch. The same seed gives PyTorch's batches.

    Args:
        dataset: a Dataset, anything with ``__getitem__`` and ``__len__``, or an IterableDataset.
        batch_size: samples in a batch; None gives samples one by one, not collated.
        shuffle: a new random order in every epoch.
        sampler: the order of the samples, instead of ``shuffle``.
        batch_sampler: lists of numbers, instead of batch_size, shuffle, sampler and drop_last.
        num_workers: threads that fetch batches ahead of time; they come in the same order. Draws that a dataset
            makes from a shared generator are only repeatable with 0.
        collate_fn: makes a batch of a list of samples; ``default_collate`` where None.
        drop_last: leave out a last batch that is not full.
        timeout: seconds to wait for a batch of a worker; 0 is for ever.
        worker_init_fn: called in each worker, with its number.
        generator: where orders come from; the default generator where None.
        prefetch_factor: batches that each worker is ahead; 2 where None.
        pin_memory, multiprocessing_context, persistent_workers, pin_memory_device, in_order: accepted for PyTorch's
            sake; workers are threads, which need none of it.

    Raises:
        OptionError: for options that are out of range or exclude each other.

    Example:
        >>> loader = mc.data.DataLoader(dataset, batch_size=64, shuffle=True)
        >>> for images, labels in loader:
        ...     train_step(images, labels)
    """

    def __init__(
        self, dataset: Dataset[T_co], batch_size: int | None = 1, shuffle: bool | None = None,
        sampler: Iterable[Any] | None = None, batch_sampler: Iterable[Any] | None = None, num_workers: int = 0,
        collate_fn: Callable[[Any], Any] | None = None, pin_memory: bool = False, drop_last: bool = False,
        timeout: float = 0, worker_init_fn: Callable[[int], object] | None = None,
        multiprocessing_context: Any = None, generator: Generator | None = None, *, prefetch_factor: int | None = None,
        persistent_workers: bool = False, pin_memory_device: str = "", in_order: bool = True,
    ) -> None:
        _check_workers(num_workers, timeout, prefetch_factor, persistent_workers)
        self._iterable = isinstance(dataset, IterableDataset)
        _check_order(self._iterable, batch_size, shuffle, sampler, batch_sampler, drop_last)
        if batch_sampler is not None:
            batch_size, drop_last = None, False
        if sampler is None and not self._iterable:
            sampler = RandomSampler(dataset, generator=generator) if shuffle else SequentialSampler(dataset)
        if batch_size is not None and batch_sampler is None:
            batch_sampler = BatchSampler(sampler if sampler is not None else itertools.repeat(0), batch_size, drop_last)
        if collate_fn is None:
            collate_fn = default_convert if batch_sampler is None else default_collate
        self.dataset: Any = dataset
        self.batch_size, self.drop_last = batch_size, drop_last
        self.sampler, self.batch_sampler, self.generator = sampler, batch_sampler, generator
        self.num_workers, self.timeout, self.worker_init_fn = num_workers, timeout, worker_init_fn
        self.prefetch_factor = 2 if num_workers and prefetch_factor is None else prefetch_factor
        self.collate_fn, self.pin_memory, self.persistent_workers = collate_fn, pin_memory, persistent_workers
        self.multiprocessing_context, self.in_order = multiprocessing_context, in_order
        self.pin_memory_device = pin_memory_device

    def __setattr__(self, name: str, value: Any) -> None:
        if name in _FIXED and "pin_memory_device" in self.__dict__:
            raise OptionError(f"DataLoader: {name} cannot be changed afterwards", got=repr(value)[:80],
                              rule="its samplers are already made", hint=f"DataLoader(dataset, {name}=…)")
        super().__setattr__(name, value)

    def __iter__(self) -> Iterator[Any]:
        # The order of the next two lines is PyTorch's, and what they draw decides every later draw.
        indices = None if self._iterable else iter(self._numbers)
        base_seed = (self.generator or streams.default_generator).random_int64()
        if indices is None:
            batches = batches_in_turn(iter(self.dataset), self.batch_size, self.drop_last, self.collate_fn)
            return self._ahead(batches) if self.num_workers else batches
        if self.batch_sampler is None:
            fetch: Callable[[Any], Any] = self._one
        else:
            fetch = batch_of(self.dataset, self.collate_fn)
        if not self.num_workers:
            return map(fetch, indices)
        run = as_worker(fetch, self.dataset, self.num_workers, base_seed, self.worker_init_fn)
        return Prefetch(run, indices, self.num_workers, self.num_workers * (self.prefetch_factor or 1), self.timeout)

    @property
    def _numbers(self) -> Any:
        return self.sampler if self.batch_sampler is None else self.batch_sampler

    def _one(self, index: Any) -> Any:
        return self.collate_fn(self.dataset[index])

    def _ahead(self, batches: Iterator[Any]) -> Iterator[Any]:
        """``batches`` read by one thread, ahead of time."""
        end = object()
        ahead = self.num_workers * (self.prefetch_factor or 1)
        read = Prefetch(lambda _: next(batches, end), itertools.repeat(None), 1, ahead, self.timeout)
        return itertools.takewhile(lambda batch: batch is not end, read)

    def __len__(self) -> int:
        if not self._iterable:
            return len(self._numbers)
        size = len(self.dataset)
        if self.batch_size is None:
            return size
        return size // self.batch_size if self.drop_last else -(-size // self.batch_size)


@partial(checked, name="DataLoader")
def _check_workers(num_workers: int, timeout: float, prefetch_factor: int | None, persistent_workers: bool) -> None:
    if num_workers < 0:
        raise OptionError("DataLoader: num_workers is negative", got=num_workers, rule="num_workers >= 0",
                          hint="0 fetches in the thread that iterates")
    if num_workers > MOST_WORKERS:
        raise OptionError("DataLoader: no machine runs so many workers", got=f"num_workers {num_workers}",
                          rule=f"num_workers <= {MOST_WORKERS}", hint="as many as there are cores")
    if timeout < 0:
        raise OptionError("DataLoader: timeout is negative", got=timeout, rule="timeout >= 0")
    if prefetch_factor is not None and prefetch_factor < 0:
        raise OptionError("DataLoader: prefetch_factor is negative", got=prefetch_factor, rule="prefetch_factor >= 0")
    if num_workers == 0:
        options = {"prefetch_factor": prefetch_factor, "timeout": timeout, "persistent_workers": persistent_workers}
        for name, value in options.items():
            if value:
                raise OptionError(f"DataLoader: {name} is an option of workers", got=f"{name} {value}, num_workers 0",
                                  rule="without workers nothing is fetched ahead", hint="num_workers=2")


def _check_order(
    iterable: bool, batch_size: int | None, shuffle: bool | None, sampler: Any, batch_sampler: Any, drop_last: bool
) -> None:
    given = {"shuffle": shuffle, "sampler": sampler is not None, "batch_sampler": batch_sampler is not None}
    names = [name for name, there in given.items() if there]
    if iterable and names:
        raise OptionError(f"DataLoader: an IterableDataset takes no {names[0]}", got=", ".join(names),
                          rule="it decides its order itself", hint="shuffle in the dataset's __iter__")
    if sampler is not None and shuffle:
        raise OptionError("DataLoader: sampler and shuffle exclude each other", got="both",
                          rule="a sampler is the order", hint="RandomSampler, or shuffle=True alone")
    if batch_sampler is not None and (batch_size != 1 or shuffle or sampler is not None or drop_last):
        raise OptionError("DataLoader: batch_sampler replaces batch_size, shuffle, sampler and drop_last",
                          got=f"batch_size {batch_size}, shuffle {shuffle}, drop_last {drop_last}",
                          rule="leave them out")
    if batch_size is None and drop_last:
        raise OptionError("DataLoader: drop_last without batches", got="batch_size None, drop_last True",
                          rule="batch_size=None gives single samples")
