"""DataLoader: a dataset in batches, shuffled if asked to."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import minicnn.random as streams
from minicnn.arguments import checked
from minicnn.data.collate import default_collate, default_convert
from minicnn.data.dataset import Dataset, IterableDataset
from minicnn.data.epoch import Epoch, ask_streams
from minicnn.data.fetch import batch_of, batches_in_turn
from minicnn.data.pinning import PinningCrew, can_pin, pinned, warn_where_unpinned
from minicnn.data.sampler import BatchSampler, RandomSampler, SequentialSampler
from minicnn.data.worker import PROCESS, THREAD, Job
from minicnn.errors import OptionError
from minicnn.random import Generator

if TYPE_CHECKING:
    from minicnn.data.pinning import Crew

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
        num_workers: how many workers fetch batches ahead of time, in turn; the batches come in the same order as
            without. 0 fetches in the thread that iterates.
        collate_fn: makes a batch of a list of samples; ``default_collate`` where None.
        drop_last: leave out a last batch that is not full (of each worker, where an IterableDataset is read).
        timeout: seconds to wait for a batch of a worker; 0 is for ever.
        worker_init_fn: called in each worker, with its number, when its streams are seeded.
        multiprocessing_context: how processes start, "fork", "forkserver" or "spawn", or such a context; Python's
            default where None.
        generator: where orders and the workers' seed come from; the default generator where None.
        prefetch_factor: batches that each worker is ahead; 2 where None.
        persistent_workers: keep the workers, and their copies of the dataset, from epoch to epoch.
        in_order: False gives batches as they are ready.
        worker_method: "multiprocessing" for workers that are processes, as PyTorch's are, or "thread". Threads start at
            once, share the dataset and hand batches over as they are; but only one of them runs Python at a time, so
            they help where Pillow, NumPy or a disk do the work.
        pin_memory: put the tensors of each batch into page-locked memory, from where ``x.to("cuda",
            non_blocking=True)`` does not wait for the copy; where there are workers, a thread of its own does it. Where
            there is no CUDA device, a warning says that it is left out.
        pin_memory_device: accepted for PyTorch's sake; page-locked memory is for all CUDA devices.

    Random numbers: each worker has minicnn's default generator to itself, at the seed that PyTorch's worker has, so
    augmentations are not repeated from one worker to the next, and are the same in every run. A process has Python's
    ``random`` and ``numpy.random`` so, too; threads share those.

    An exception of a worker is raised here as a ``WorkerError``, which is of its own class too, with the worker's
    traceback and the number of the sample; a process that is killed is named. Where processes start by "fork" (Linux,
    up to Python 3.13) any dataset will do; otherwise it is pickled, and a script needs ``if __name__ == "__main__":``.

    Raises:
        OptionError: for options that are out of range or exclude each other; WorkerError when a worker fails, and
            StateError after ``timeout``.

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
        worker_method: str = PROCESS,
    ) -> None:
        _check_workers(num_workers, timeout, prefetch_factor, persistent_workers, worker_method)
        self.multiprocessing_context = _context(multiprocessing_context, num_workers, worker_method)
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
        self.in_order, self.worker_method = in_order, worker_method
        self._crew: Crew | None = None
        self._base_seed = 0
        self.pin_memory_device = pin_memory_device

    def __setattr__(self, name: str, value: Any) -> None:
        if name in _FIXED and "pin_memory_device" in self.__dict__:
            raise OptionError(f"DataLoader: {name} cannot be changed afterwards", got=repr(value)[:80],
                              rule="its samplers are already made", hint=f"DataLoader(dataset, {name}=…)")
        super().__setattr__(name, value)

    def __iter__(self) -> Iterator[Any]:
        return self.resumed(0)

    def resumed(self, done: int) -> Iterator[Any]:
        """The rest of an epoch, without its first ``done`` batches.

        Where the streams of random numbers stand as they stood when that epoch began, it is the same rest. Workers draw
        numbers for each batch, so theirs are fetched and dropped; without workers only their order is drawn.

        Example:
            >>> mc.set_rng_state(state)
            >>> for images, labels in loader.resumed(120):
            ...     train_step(images, labels)
        """
        # The order of the next lines is PyTorch's, and what they draw decides every later draw.
        indices = None if self._iterable else iter(self._numbers)
        if self._crew is not None and self._crew.close.alive:
            return _without(self._ahead(self._crew, indices), done)
        if self.pin_memory:
            warn_where_unpinned(self.pin_memory_device)
        base_seed = (self.generator or streams.default_generator).random_int64()
        if self.num_workers:
            return _without(self._ahead(self._new_crew(base_seed), indices), done)
        if indices is None:
            samples = iter(self.dataset)
            batches = _without(batches_in_turn(samples, self.batch_size, self.drop_last, self.collate_fn), done)
        else:
            fetch = batch_of(self.dataset, self.collate_fn, self.batch_sampler is not None)
            batches = map(fetch, _without(indices, done))
        return map(pinned, batches) if self._pins else batches

    def worker_state(self) -> dict[str, Any] | None:
        """Where the random numbers of workers are that stay from epoch to epoch, which ``set_worker_state`` undoes.

        It is empty where none have started yet, and None within an epoch, where they are on their way.
        """
        if self._crew is None or not self._crew.close.alive:
            return {}
        if self._crew.busy:
            return None
        return {"base_seed": self._base_seed, "workers": ask_streams(self._crew, None, self.num_workers)}

    def set_worker_state(self, state: dict[str, Any]) -> None:
        """Let the workers go on from a ``worker_state``; they are started, or ended, as it was then."""
        if self._crew is not None and (not state or self._crew.busy):
            self._crew.close()
        if state:
            alive = self._crew is not None and self._crew.close.alive
            crew = self._crew if self._crew is not None and alive else self._new_crew(state["base_seed"])
            self._base_seed = state["base_seed"]
            ask_streams(crew, state["workers"], self.num_workers)

    def _new_crew(self, base_seed: int) -> Crew:
        from minicnn.data.crew import make_crew  # multiprocessing is loaded where it is needed

        job = Job(self.dataset, self.collate_fn, self._iterable, self.batch_sampler is not None, self.batch_size,
                  self.drop_last, self.num_workers, base_seed, self.worker_init_fn, self.worker_method)  # fmt: skip
        fetching = make_crew(job, self.multiprocessing_context)
        crew = PinningCrew(fetching, self.num_workers) if self._pins else fetching
        self._base_seed = base_seed
        self._crew = crew if self.persistent_workers else None
        return crew

    def _ahead(self, crew: Crew, indices: Iterator[Any] | None) -> Epoch:
        return Epoch(crew, itertools.repeat(None) if indices is None else indices, self.num_workers,
                     self.prefetch_factor or 1, self.timeout, self.in_order, self.persistent_workers)  # fmt: skip

    @property
    def _pins(self) -> bool:
        return self.pin_memory and can_pin()

    @property
    def _numbers(self) -> Any:
        return self.sampler if self.batch_sampler is None else self.batch_sampler

    def __len__(self) -> int:
        if not self._iterable:
            return len(self._numbers)
        size = len(self.dataset)
        if self.batch_size is None:
            return size
        return size // self.batch_size if self.drop_last else -(-size // self.batch_size)


def _without(items: Iterator[Any], count: int) -> Iterator[Any]:
    """``items`` when the first ``count`` are gone, which they are at once."""
    next(itertools.islice(items, count, count), None)
    return items


@partial(checked, name="DataLoader")
def _check_workers(
    num_workers: int, timeout: float, prefetch_factor: int | None, persistent_workers: bool, worker_method: str
) -> None:
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
    if worker_method not in (PROCESS, THREAD):
        raise OptionError("DataLoader: there is no such worker_method", got=repr(worker_method),
                          rule=f'"{PROCESS}" or "{THREAD}"')
    if num_workers == 0:
        options = {"prefetch_factor": prefetch_factor, "timeout": timeout, "persistent_workers": persistent_workers}
        for name, value in options.items():
            if value:
                raise OptionError(f"DataLoader: {name} is an option of workers", got=f"{name} {value}, num_workers 0",
                                  rule="without workers nothing is fetched ahead", hint="num_workers=2")


def _context(context: Any, num_workers: int, worker_method: str) -> Any:
    """A context of multiprocessing, by its name or itself; None for Python's default."""
    if context is None:
        return None
    import multiprocessing.context

    if isinstance(context, multiprocessing.context.BaseContext):
        found = context
    elif context in multiprocessing.get_all_start_methods():
        found = multiprocessing.get_context(context)
    else:
        raise OptionError("DataLoader: this is no multiprocessing_context", got=repr(context),
                          rule=f"{', '.join(multiprocessing.get_all_start_methods())}, or such a context")
    if num_workers == 0 or worker_method == THREAD:
        raise OptionError("DataLoader: multiprocessing_context is an option of processes",
                          got=f"num_workers {num_workers}, worker_method {worker_method!r}",
                          rule="it says how processes start", hint="leave it out")
    return found


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
