"""CUDA devices: what there is, their memory and time, and whole steps as graphs; ``.to("cuda")`` needs none of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from minicnn.absent import hints
from minicnn.backend import Device, backend_for
from minicnn.cuda import amp
from minicnn.cuda.devices import cuda_index
from minicnn.cuda.graphs import graph
from minicnn.cuda.memory import (
    empty_cache,
    max_memory_allocated,
    mem_get_info,
    memory_allocated,
    memory_reserved,
    memory_summary,
    reset_peak_memory_stats,
)
from minicnn.cuda.timing import Event

__all__ = [
    "Event", "amp", "current_device", "device_count", "empty_cache", "get_device_name", "graph", "is_available",
    "manual_seed", "manual_seed_all", "max_memory_allocated", "mem_get_info", "memory_allocated", "memory_reserved",
    "memory_summary", "reset_peak_memory_stats", "synchronize",
]  # fmt: skip


def is_available() -> bool:
    """Whether CuPy, a driver and a device are there. False, never an error, where anything is missing.

    Example:
        >>> device = mc.device("cuda" if mc.cuda.is_available() else "cpu")
    """
    return device_count() > 0


def device_count() -> int:
    """The number of CUDA devices; 0 where CuPy or a driver is missing."""
    from minicnn.backend import cupy

    return cupy.device_count()


def synchronize(device: Device | str | int | None = None) -> None:
    """Wait until everything asked of a CUDA device is done.

    Raises:
        DeviceError: there is no such device, or it is of another type.
    """
    backend_for(f"cuda:{cuda_index('synchronize', device)}").synchronize()


def current_device() -> int:
    """The number of the CUDA device that ``"cuda"`` means.

    Raises:
        DeviceError: there is none.
    """
    return cuda_index("current_device", None)


def get_device_name(device: Device | str | int | None = None) -> str:
    """What the maker calls a CUDA device. Errors: as ``synchronize``."""
    from minicnn.backend import cupy

    return cupy.device_name(cuda_index("get_device_name", device))


def manual_seed(seed: int) -> None:
    """Nothing: random numbers of every device come from the one stream that ``mc.manual_seed`` seeds.

    PyTorch seeds a stream of its own on the GPU here and leaves the CPU's alone, as this does.
    """


manual_seed_all = manual_seed

if not TYPE_CHECKING:
    __getattr__ = hints(globals())
