"""What a training on several ranks has to agree on; alone, each of these is nothing."""

from __future__ import annotations

from typing import Any

from minicnn import distributed
from minicnn.data.loader import DataLoader
from minicnn.dtypes import float64
from minicnn.nn.module import Module
from minicnn.ops.creation import tensor


def writes() -> bool:
    """Whether this rank shows and saves what happens: rank 0 does."""
    return distributed.get_rank() == 0


def several() -> bool:
    """Whether there are other ranks."""
    return distributed.get_world_size() > 1


def any_rank(flag: bool) -> bool:
    """Whether ``flag`` is True on any rank; all ranks must ask, or they would part ways."""
    return bool(total(float(flag))[0]) if several() else flag


def total(*values: float) -> list[float]:
    """Each of ``values`` summed over the ranks."""
    if not several():
        return list(values)
    sums: list[float] = distributed.all_reduce(tensor(values, dtype=float64)).tolist()
    return sums


def part_of(loader: Any, model: Module) -> Any:
    """This rank's part of the loader's batches, where the model is trained on several ranks."""
    shared = isinstance(model, distributed.DataParallel) and isinstance(loader, DataLoader)
    return distributed.share(loader) if shared else loader


def order_of_epoch(loader: Any, epoch: int) -> None:
    """Tell a ``DistributedSampler`` which epoch begins, so that all ranks take the same new order."""
    sampler: Any = getattr(loader, "sampler", None)
    if hasattr(sampler, "set_epoch"):
        sampler.set_epoch(epoch)


def share_buffers(model: Module) -> None:
    """Give every rank rank 0's running statistics, so that all validate the same network."""
    if isinstance(model, distributed.DataParallel):
        model.share_buffers()
