"""One training on several processes: data parallel over MPI for CPUs, and NCCL for GPUs.

    import minicnn as mc

    mc.distributed.init()
    model = mc.distributed.DataParallel(mc.models.LeNet())

and ``mpirun -n 4 python script.py``. Every process, called a *rank*, has the whole model and a part of each batch; what
they share are the gradients, whose mean over the ranks every rank steps by. So all models stay equal.

Source: Li et al., "PyTorch Distributed: experiences on accelerating data parallel training", VLDB 2020,
https://arxiv.org/abs/2006.15704
"""

from typing import TYPE_CHECKING

from minicnn.absent import hints
from minicnn.distributed.group import (
    all_reduce,
    barrier,
    broadcast,
    finish,
    get_rank,
    get_world_size,
    init,
    is_available,
    is_initialized,
)
from minicnn.distributed.parallel import DataParallel
from minicnn.distributed.sampler import DistributedSampler, share
from minicnn.distributed.sync_norm import SyncBatchNorm

__all__ = [
    "DataParallel", "DistributedSampler", "SyncBatchNorm", "all_reduce", "barrier", "broadcast", "finish", "get_rank",
    "get_world_size", "init", "is_available", "is_initialized", "share",
]  # fmt: skip

if not TYPE_CHECKING:
    __getattr__ = hints(globals())
