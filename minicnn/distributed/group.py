"""The group of processes that this one belongs to, and what a script may ask of it."""

from __future__ import annotations

import sys
import traceback
from functools import partial
from importlib.util import find_spec
from typing import Any

from minicnn.backend import Device
from minicnn.distributed.mpi import MpiGroup
from minicnn.distributed.nccl import NcclGroup
from minicnn.errors import OptionError, StateError
from minicnn.tensor import Tensor

_group: MpiGroup | None = None


def init(device: Device | str = "cpu") -> None:
    """Join the processes that ``mpirun`` started. Once, before models are made; a second call changes nothing.

    From here on an exception that nobody catches ends all ranks, with this one's traceback: the others would wait for
    its gradients for ever.

    Args:
        device: "cpu" talks by MPI, "cuda:0" (or "cuda", for the device of this rank's number on its machine) by NCCL.

    Errors: OptionError where mpi4py or an MPI library is missing.

    Example:
        >>> mc.distributed.init()           # alone, without mpirun, a group of one
        >>> mc.distributed.get_world_size()
        1
    """
    global _group
    if _group is not None:
        return
    target = Device(device)
    _group = MpiGroup() if target.type == "cpu" else NcclGroup(_gpu_of_rank(target))
    before = sys.excepthook

    def end_all(kind: Any, error: Any, trace: Any) -> None:
        group = _group
        if group is None or group.size == 1 or issubclass(kind, KeyboardInterrupt):
            before(kind, error, trace)
            return
        text = "".join(traceback.format_exception(kind, error, trace))
        print(f"{text}rank {group.rank} of {group.size} failed, so all ranks end. Go on from a checkpoint, if there is "
              "one, with resume=True, also with another number of ranks.", file=sys.stderr, flush=True)
        group.abort()

    sys.excepthook = end_all
    _group.leave = partial(setattr, sys, "excepthook", before)


def finish() -> None:
    """Leave the group: this process is alone again. (MPI itself ends with the process.)"""
    global _group
    if _group is not None:
        _group.leave()
    _group = None


def is_available() -> bool:
    """Whether mpi4py is installed."""
    return find_spec("mpi4py") is not None


def is_initialized() -> bool:
    """Whether ``init`` was called."""
    return _group is not None


def group() -> MpiGroup:
    """The group. Errors: StateError before ``init``."""
    if _group is None:
        raise StateError("distributed: this process is in no group yet", rule="a group first",
                         hint="mc.distributed.init(), and mpirun -n 4 python script.py")
    return _group


def get_rank() -> int:
    """This process's number, from 0; 0 without a group.

    Example:
        >>> mc.distributed.get_rank()
        0
    """
    return 0 if _group is None else _group.rank


def get_world_size() -> int:
    """How many processes there are; 1 without a group."""
    return 1 if _group is None else _group.size


def barrier() -> None:
    """Wait until every rank is here. Errors: StateError before ``init``."""
    group().barrier()


def all_reduce(tensor: Tensor, op: str = "sum") -> Tensor:
    """Replace ``tensor`` by its sum over the ranks, in place, and return it. All ranks must call it.

    Args:
        tensor: of the same shape and dtype on every rank; what is recorded of it does not know of this.
        op: "sum" or "mean".

    Errors: StateError before ``init``; OptionError for another ``op``.

    Example:
        >>> mc.distributed.all_reduce(mc.tensor([1.0, 2.0]), "mean")
        tensor([1., 2.])
    """
    if op not in ("sum", "mean"):
        raise OptionError("all_reduce: there is no such operation", got=repr(op), rule='"sum" or "mean"')
    group().start_sum(tensor.array)()
    if op == "mean":
        tensor.array[...] = tensor.array / group().size
    return tensor


def broadcast(tensor: Tensor, src: int = 0) -> Tensor:
    """Replace ``tensor`` by that of the rank ``src``, in place, and return it. All ranks must call it.

    Errors: StateError before ``init``; OptionError for a rank that is not there.
    """
    if not 0 <= src < group().size:
        raise OptionError("broadcast: there is no such rank", got=src, rule=f"a rank from 0 to {group().size - 1}")
    group().broadcast(tensor.array, src)
    return tensor


def _gpu_of_rank(device: Device) -> int:
    """The device's number; without one, this rank's among those of its machine."""
    if device.index is not None:
        return device.index
    from minicnn.distributed.mpi import _mpi

    mpi = _mpi()
    return int(mpi.COMM_WORLD.Split_type(mpi.COMM_TYPE_SHARED).Get_rank())
