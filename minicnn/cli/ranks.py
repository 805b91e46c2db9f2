"""``--distributed``: the same command in every process that mpirun started."""

from __future__ import annotations

import argparse
from typing import Any

from minicnn.errors import OptionError


def join(options: argparse.Namespace) -> None:
    """Join the other processes, if that was asked for. Errors: OptionError for a batch that they do not divide."""
    if not options.distributed:
        if options.sync_batch_norm:
            raise OptionError("train: there is nothing to synchronise", got="--sync-batch-norm without --distributed",
                              rule="several processes", hint="mpirun -n 4 minicnn train … --distributed")
        return
    from minicnn import distributed

    distributed.init(options.device or "cpu")
    ranks = distributed.get_world_size()
    if options.batch_size % ranks:
        raise OptionError("train: the processes do not divide the batch", got=f"--batch-size {options.batch_size}, "
                          f"{ranks} processes", rule="every process has as many images",
                          hint=f"--batch-size {ranks * max(1, options.batch_size // ranks)}")


def ranked(model: Any, options: argparse.Namespace) -> Any:
    """The model for this process; its random numbers (dropout, augmentation) are not those of the others."""
    if not options.distributed:
        return model
    import minicnn as mc

    if options.sync_batch_norm:
        model = mc.distributed.SyncBatchNorm.convert_sync_batchnorm(model)
    model = mc.distributed.DataParallel(model)
    mc.manual_seed(options.seed + mc.distributed.get_rank())
    return model


def first() -> bool:
    """Whether this process shows and saves what happens."""
    from minicnn import distributed

    return distributed.get_rank() == 0
