"""The most memory that arrays held: what CuPy's hook tells, added up."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any, ClassVar

import pytest

import minicnn as mc
from minicnn.backend import cupy as backend
from minicnn.errors import StateError


class MemoryHook:
    """``cupy.cuda.MemoryHook``, which in ``with`` is told of what the pool does."""

    hooks: ClassVar[list[Any]] = []

    def __enter__(self) -> MemoryHook:
        self.hooks.append(self)
        return self


class Device:
    def __init__(self, index: int) -> None:
        pass

    def __enter__(self) -> None:
        pass

    def __exit__(self, *error: object) -> None:
        pass


@pytest.fixture(autouse=True)
def _cupy(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    pool = SimpleNamespace(used_bytes=lambda: 1000, total_bytes=lambda: 4000)
    runtime = SimpleNamespace(memGetInfo=lambda: (1, 2))
    cuda = SimpleNamespace(MemoryHook=MemoryHook, Device=Device, runtime=runtime)
    monkeypatch.setitem(sys.modules, "cupy", SimpleNamespace(cuda=cuda, get_default_memory_pool=lambda: pool))  # type: ignore[misc]  # as much of a module as is asked of it
    monkeypatch.setattr("minicnn.cuda.memory.cuda_index", lambda name, device: device or 0)
    backend._peaks.cache_clear()
    yield
    MemoryHook.hooks.clear()
    backend._peaks.cache_clear()


def taken(bytes_: int, device: int = 0, address: int = 1) -> None:
    for hook in MemoryHook.hooks:
        hook.malloc_postprocess(device_id=device, size=bytes_, mem_size=bytes_, mem_ptr=address, pmem_id=1)


def given_back(bytes_: int, device: int = 0) -> None:
    for hook in MemoryHook.hooks:
        hook.free_postprocess(device_id=device, mem_size=bytes_, mem_ptr=1, pmem_id=1)


def test_the_peak_is_of_what_is_held_at_a_time() -> None:
    mc.cuda.reset_peak_memory_stats()
    assert mc.cuda.max_memory_allocated() == 1000
    taken(500)
    taken(300)
    given_back(500)
    taken(400)
    assert mc.cuda.max_memory_allocated() == 1800
    taken(9999, address=0)  # the device had none left
    taken(9999, device=1)  # which nobody watches
    assert mc.cuda.max_memory_allocated() == 1800
    mc.cuda.reset_peak_memory_stats()
    assert mc.cuda.max_memory_allocated() == 1000 and len(MemoryHook.hooks) == 1


def test_a_peak_that_nobody_watched_is_refused() -> None:
    mc.cuda.reset_peak_memory_stats(1)
    with pytest.raises(StateError, match="nobody watched"):
        mc.cuda.max_memory_allocated()
    assert mc.cuda.max_memory_allocated(1) == 1000
