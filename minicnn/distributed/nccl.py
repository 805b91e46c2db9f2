"""Sums between GPUs through NCCL, by CuPy; MPI starts it, and says all that is no array."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from minicnn.backend import backend_of
from minicnn.distributed.mpi import MpiGroup

Array = Any


class NcclGroup(MpiGroup):
    """A GPU for each rank. Arrays on the GPU never leave it for the host; others go by MPI."""

    def __init__(self, device: int) -> None:
        super().__init__()
        from minicnn.backend import cupy

        identity = self.tell(cupy.nccl_identity() if self.rank == 0 else None)
        self.link = cupy.NcclLink(device, self.size, identity, self.rank)

    def start_sum(self, array: Array) -> Callable[[], None]:
        """As ``MpiGroup``'s; on a stream of its own, so that the device goes on with the backward pass."""
        return self.link.start_sum(array) if _on_gpu(array) else super().start_sum(array)

    def broadcast(self, array: Array, root: int) -> None:
        """As ``MpiGroup``'s."""
        if _on_gpu(array):
            self.link.broadcast(array, root)
        else:
            super().broadcast(array, root)


def _on_gpu(array: Array) -> bool:
    return backend_of(array).device_type == "cuda"
