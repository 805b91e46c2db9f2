"""A card without a GPU: the CUDA backend on the host under its own name, clocks that count, and PyTorch on the CPU."""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import nullcontext
from types import SimpleNamespace
from typing import Any

import pytest

from benchmarks.gpu import card
from minicnn import backend as backends
from minicnn.backend import backend_for
from minicnn.backend import cupy as backend
from tests.backend import fakecupy
from tests.benchmarks.ticks import ticks

PROPERTIES = {"name": b"a card of the test's", "multiProcessorCount": 2, "totalGlobalMem": 8 << 30,
              "l2CacheSize": 1 << 20}  # fmt: skip


class Event:
    """``cupy.cuda.Event``, stamped by a clock that counts what is stamped."""

    clock = staticmethod(ticks())

    def __init__(self, disable_timing: bool) -> None:
        self.at = 0

    def record(self) -> None:
        self.at = self.clock()

    def synchronize(self) -> None:
        pass


class MemoryHook:
    """``cupy.cuda.MemoryHook``, told of one block."""

    def __enter__(self) -> Any:
        return self


class Pool:
    """``cupy.get_default_memory_pool()`` of a library that takes 3 MB for arrays and 4 MB from the card."""

    def used_bytes(self) -> int:
        return 1_000_000

    def total_bytes(self) -> int:
        return 2_000_000

    def free_all_blocks(self) -> None:
        pass


def install(patch: pytest.MonkeyPatch) -> None:
    """Until the test ends, ``"cuda"`` is the CUDA backend on the host."""
    fakecupy.register()
    patch.setattr(type(backend_for("hostcuda")), "device_type", "cuda")
    patch.setitem(backends._LOADERS, "cuda", lambda index: backend_for("hostcuda"))
    fake: Any = fakecupy._cupy()
    fake.__version__ = "0"
    fake.get_default_memory_pool = fake.get_default_pinned_memory_pool = Pool
    free = iter(range(1 << 30, 0, -1_000_000))
    stream = SimpleNamespace(is_capturing=lambda: False)
    vars(fake.cuda).update(Event=Event, MemoryHook=MemoryHook, get_current_stream=lambda: stream,
                           get_elapsed_time=lambda start, end: 1e3 * (end.at - start.at))  # fmt: skip
    vars(fake.cuda.runtime).update(
        memGetInfo=lambda: (next(free), 1 << 30), getDeviceProperties=lambda index: PROPERTIES,
        runtimeGetVersion=lambda: 12040, driverGetVersion=lambda: 13000)  # fmt: skip
    patch.setitem(sys.modules, "cupy", fake)
    patch.setattr(backend, "captured", captured)
    backend._peaks.cache_clear()
    patch.setattr(backend._peaks(), "most", _Most())


class _Most(dict[int, int]):
    """A peak of 4 MB, whatever is watched."""

    def get(self, index: int, default: Any = None) -> int:
        return 4_000_000


def captured(index: int, work: Callable[[], Any]) -> tuple[Any, Callable[[], None]]:
    """``minicnn.backend.cupy.captured`` that runs the work at capture, then not at the first replay, then at each."""
    results, ran = work(), [True]

    def run() -> None:
        if ran:
            ran.clear()
            return
        for place, new in zip(_several(results), _several(work()), strict=True):
            place.array[...] = new.array

    return results, run


def _several(results: Any) -> tuple[Any, ...]:
    return results if isinstance(results, tuple) else () if results is None else (results,)


def with_torch(patch: pytest.MonkeyPatch) -> None:
    """PyTorch on the CPU stands for PyTorch on the card; its graphs run a step once, when they capture it."""
    import torch

    patch.setattr(card, "why_no_torch", lambda: None)
    patch.setattr(card, "THEIRS", "cpu")
    patch.setattr(card, "_torch", lambda: "on the CPU")
    stream = SimpleNamespace(wait_stream=lambda other: None)
    parts: dict[str, Any] = {
        "Stream": lambda: stream, "current_stream": lambda: stream, "stream": lambda one: nullcontext(),
        "CUDAGraph": lambda: SimpleNamespace(replay=lambda: None), "graph": lambda one: nullcontext(),
        "memory_allocated": lambda: 1_000_000, "max_memory_allocated": lambda: 3_000_000,
        "memory_reserved": lambda: 2_000_000, "mem_get_info": lambda: (1 << 30, 1 << 30),
        "reset_peak_memory_stats": lambda: None, "empty_cache": lambda: None,
    }  # fmt: skip
    for name, part in parts.items():
        patch.setattr(torch.cuda, name, part)
