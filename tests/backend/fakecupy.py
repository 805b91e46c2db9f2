"""A CuPy without a GPU: what ``minicnn/backend/cupy.py`` asks of it, on the host.

Arrays are the strict stand-in's (they refuse ``np.asarray``, and know only functions that CuPy has), under a class of
their own; ``RawModule`` builds CUDA source by the C++ compiler. ``register()`` adds the real CuPy backend class, put on
top of this, as the device type ``"hostcuda"``.
"""

from __future__ import annotations

import ctypes
import importlib.util
import sys
import time
from types import ModuleType, SimpleNamespace
from typing import Any
from unittest import mock

import numpy as np

from minicnn.backend import register_backend
from minicnn.backend.cuda.launch import THREADS
from minicnn.testing import standin
from tests.backend import hostcuda


def _second_standin() -> ModuleType:
    """The stand-in's module once more, so that its arrays are of another class than those of the device "standin"."""
    spec = importlib.util.spec_from_file_location("tests.backend.second_standin", standin.__file__)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


_second = _second_standin()
DeviceArray = _second.StrictArray
DeviceArray.device = SimpleNamespace(id=0)
traffic = _second.traffic


class Device:
    """``cupy.cuda.Device``: a context, within which NumPy arrays may be copied to the device."""

    def __init__(self, index: int = 0) -> None:
        self.id = index or 0

    def __enter__(self) -> Device:
        return self

    def __exit__(self, *exception: object) -> None:
        pass

    def synchronize(self) -> None:
        traffic.waits += 1


class PinnedMemoryPointer(bytearray):
    """``cupy.cuda.PinnedMemoryPointer``: a buffer."""


class Event:
    """``cupy.cuda.Event``: a mark; ``done`` until a test says otherwise."""

    done = True

    def __init__(self, *, disable_timing: bool = True) -> None:
        self.timed = not disable_timing

    def record(self) -> None:
        self.time = time.perf_counter()

    def synchronize(self) -> None:
        traffic.waits += not self.done
        self.done = True


class Stream:
    """``cupy.cuda.Stream``, whose copies are made when somebody waits for them; ``said`` is what was asked of it."""

    def __init__(self, non_blocking: bool = True) -> None:
        self.asked: list[Any] = []
        self.said: list[str] = []
        self.capturing = False

    def is_capturing(self) -> bool:
        return self.capturing

    def record(self) -> Event:
        self.said.append("record")
        event = Event()
        event.stream = self  # type: ignore[attr-defined]  # what the real one keeps to itself
        return event

    def wait_event(self, event: Event) -> None:
        self.said.append("wait")
        for copy in event.stream.asked:  # type: ignore[attr-defined]  # as above
            copy()
        event.stream.asked.clear()  # type: ignore[attr-defined]  # as above


class Pointer(SimpleNamespace):
    """``cupy.cuda.MemoryPointer`` of an array."""

    def copy_from_host_async(self, source: int, size: int, stream: Stream) -> None:
        traffic.to_device += 1
        stream.said.append("copy")
        if stream is training:
            ctypes.memmove(self.ptr, source, size)
        else:
            stream.asked.append(lambda: ctypes.memmove(self.ptr, source, size))

    def copy_to_host_async(self, target: int, size: int, stream: Stream) -> None:
        traffic.begun += 1
        ctypes.memmove(target, self.ptr, size)


training = Stream()
DeviceArray.data = property(lambda self: Pointer(ptr=self._host.ctypes.data))


class RawModule:
    """``cupy.RawModule``, compiled for the host."""

    def __init__(self, *, code: str, options: tuple[str, ...]) -> None:
        self.library = hostcuda.built(code, options)

    def get_function(self, name: str) -> Any:
        def function(grid: tuple[int], block: tuple[int], arguments: tuple[Any, ...]) -> None:
            assert block == (THREADS,)
            host = tuple(a._host if isinstance(a, DeviceArray) else a for a in arguments)
            hostcuda.start(self.library, name, grid[0], 1, host)

        return function


def _elapsed(start: Event, end: Event) -> float:
    """``cupy.cuda.get_elapsed_time``: milliseconds, by the host's clock."""
    assert start.timed and end.timed
    return 1000 * (end.time - start.time)


def _asarray(values: Any, *rest: Any) -> Any:
    """``cupy.asarray``, which takes NumPy arrays, too."""
    if isinstance(values, np.ndarray):
        traffic.to_device += 1
        return DeviceArray(np.array(values, order="K"))
    return _second.StandinBackend.xp.asarray(values, *rest)


def _cupy() -> ModuleType:
    class Module(ModuleType):
        def __getattr__(self, name: str) -> Any:
            return getattr(_second.StandinBackend.xp, name)

    module = Module("cupy")
    module.ndarray, module.RawModule = DeviceArray, RawModule  # type: ignore[attr-defined]  # made of parts, as a module
    module.asnumpy = lambda array: array.get()  # type: ignore[attr-defined]  # a module made of parts
    module.asarray = _asarray  # type: ignore[attr-defined]  # a module made of parts
    runtime = SimpleNamespace(getDeviceCount=lambda: 1, CUDARuntimeError=RuntimeError)
    cublas = SimpleNamespace(gemmStridedBatchedEx=lambda handle, *rest: hostcuda.gemm_strided_batched_ex(*rest))
    cuda = {"Device": Device, "Stream": Stream, "get_current_stream": lambda: training, "runtime": runtime,
            "PinnedMemoryPointer": PinnedMemoryPointer, "cublas": cublas, "get_cublas_handle": lambda: 0,
            "Event": Event, "get_elapsed_time": _elapsed}  # fmt: skip
    module.cuda = SimpleNamespace(**cuda)  # type: ignore[attr-defined]  # a module made of parts
    pool = SimpleNamespace(malloc=PinnedMemoryPointer)
    module.get_default_pinned_memory_pool = lambda: pool  # type: ignore[attr-defined]  # a module made of parts
    return module


library = _cupy()


def register() -> None:
    """Add the device type ``"hostcuda"``."""
    from minicnn.backend import cupy

    fake = library
    special = ModuleType("cupyx.scipy.special")
    special.erf = _second.StandinBackend().erf  # type: ignore[attr-defined]  # a module made of parts
    packages = {"cupy": fake, "cupyx": ModuleType("cupyx"), "cupyx.scipy": ModuleType("cupyx.scipy"),
                "cupyx.scipy.special": special}  # fmt: skip
    packages["cupyx"].scipy = packages["cupyx.scipy"]  # type: ignore[attr-defined]  # a module made of parts
    packages["cupyx.scipy"].special = special  # type: ignore[attr-defined]  # a module made of parts
    with mock.patch.dict(sys.modules, packages):
        backend = cupy._backend.__wrapped__(0)
    type(backend).device_type = "hostcuda"
    register_backend("hostcuda", lambda _: backend, DeviceArray)
