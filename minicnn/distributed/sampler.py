"""Each rank's share of a dataset, and of a loader's batches."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from minicnn.data.loader import DataLoader
from minicnn.data.sampler import RandomSampler, Sampler, SequentialSampler
from minicnn.distributed.group import get_rank, get_world_size, group
from minicnn.errors import OptionError
from minicnn.ops.sampling import randperm
from minicnn.random import Generator, default_generator


class DistributedSampler(Sampler[int]):
    """Every ``num_replicas``-th number of an order that all ranks share, from ``rank`` on.

    So batch k of all ranks together is batch k of one process with batches as large as all of theirs. Numbers from the
    order's beginning fill it up until every rank has as many; or, with ``drop_last``, numbers at the end are left out.

    Args:
        dataset: something with a length.
        num_replicas, rank: of ranks, and this one's; by default the group's.
        shuffle: a new order in each epoch, which ``set_epoch`` numbers (``fit`` calls it).
        seed: of the orders; the same on every rank.
        drop_last: leave numbers out instead of repeating some.

    Errors: OptionError for a rank that there is not, and a dataset with fewer samples than ranks.
    Source: PyTorch's class of that name; the same seed gives its order.

    Example:
        >>> list(mc.distributed.DistributedSampler(range(5), num_replicas=2, rank=1, shuffle=False))
        [1, 3, 0]
    """

    def __init__(
        self, dataset: Any, num_replicas: int | None = None, rank: int | None = None, shuffle: bool = True,
        seed: int = 0, drop_last: bool = False,
    ) -> None:  # fmt: skip
        self.dataset, self.shuffle, self.seed, self.drop_last, self.epoch = dataset, shuffle, seed, drop_last, 0
        self.num_replicas = get_world_size() if num_replicas is None else num_replicas
        self.rank = get_rank() if rank is None else rank
        if not 0 <= self.rank < self.num_replicas:
            raise OptionError("DistributedSampler: there is no such rank", got=f"rank {self.rank}",
                              rule=f"a rank from 0 to {self.num_replicas - 1}")
        length = len(dataset)
        if length < self.num_replicas:
            raise OptionError("DistributedSampler: there are fewer samples than ranks",
                              got=f"{length} samples, {self.num_replicas} ranks", rule="one for each rank at least")
        self.num_samples = length // self.num_replicas if drop_last else -(-length // self.num_replicas)
        self.total_size = self.num_samples * self.num_replicas

    def __iter__(self) -> Iterator[int]:
        order = list(range(len(self.dataset)))
        if self.shuffle:
            stream = Generator()
            stream.manual_seed(self.seed + self.epoch)
            order = randperm(len(order), generator=stream).tolist()
        while len(order) < self.total_size:
            order += order[: self.total_size - len(order)]
        return iter(order[self.rank : self.total_size : self.num_replicas])

    def __len__(self) -> int:
        return self.num_samples

    def set_epoch(self, epoch: int) -> None:
        """Number the epoch, from which its order follows; the same on every rank."""
        self.epoch = epoch


def share(loader: DataLoader[Any]) -> DataLoader[Any]:
    """A loader of this rank's part of each of ``loader``'s batches; itself where there are no other ranks.

    The batch size is divided by the number of ranks. A shuffled loader becomes one with a ``DistributedSampler`` whose
    seed rank 0 draws, so that ranks cannot part ways whatever random numbers else they draw.

    Errors: OptionError for a batch size that the ranks do not divide, and a loader with a sampler of its own.

    Example:
        >>> loader = mc.distributed.share(mc.data.DataLoader(range(8), batch_size=4))
    """
    ranks = get_world_size()
    if ranks == 1 or isinstance(loader.sampler, DistributedSampler):
        return loader
    if type(loader.sampler) not in (RandomSampler, SequentialSampler) or loader.batch_size is None:
        raise OptionError("distributed.share: this loader has an order of its own", got=type(loader.sampler).__name__,
                          rule="each rank takes every n-th sample of a common order",
                          hint="DataLoader(dataset, batch_size, sampler=mc.distributed.DistributedSampler(dataset))")
    if loader.batch_size % ranks:
        raise OptionError("distributed.share: the ranks do not divide the batch", got=f"{loader.batch_size} images, "
                          f"{ranks} ranks", rule="batch_size % ranks == 0", hint=f"batch_size={ranks * 16}")
    seed = group().tell(default_generator.random_int64() % 2**31 if get_rank() == 0 else None)
    sampler = DistributedSampler(loader.dataset, shuffle=isinstance(loader.sampler, RandomSampler), seed=seed,
                                 drop_last=loader.drop_last)  # fmt: skip
    names = ("num_workers", "collate_fn", "pin_memory", "drop_last", "timeout", "worker_init_fn",
             "multiprocessing_context", "persistent_workers", "in_order", "worker_method")  # fmt: skip
    options = {name: getattr(loader, name) for name in names}
    if loader.num_workers:
        options["prefetch_factor"] = loader.prefetch_factor
    return DataLoader(loader.dataset, loader.batch_size // ranks, sampler=sampler, **options)
