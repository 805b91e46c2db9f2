"""What is asked of CuPy, and in which order, by a stand-in that writes it down; what is said where it is missing."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any
from unittest import mock

import pytest

import minicnn as mc
from minicnn.backend import cupy as backend
from minicnn.errors import DeviceError, StateError


class CudaError(Exception):
    """``CUDARuntimeError``."""


class Recorder:
    """A module ``cupy`` for captures, memory and events; ``said`` is what was asked of it."""

    def __init__(self, *, devices: int = 1, fails: bool = False) -> None:
        self.said: list[str] = []
        self.pinned: Any = "the pool's"
        self.fails = fails
        say = self.said.append

        @contextmanager
        def named(name: str) -> Any:
            say(f"enter {name}")
            yield self
            say(f"leave {name}")

        recorder = self

        class Stream:
            def __init__(self, non_blocking: bool) -> None:
                assert non_blocking

            def __enter__(self) -> None:
                say("enter stream")

            def __exit__(self, *error: object) -> None:
                say("leave stream")

            def begin_capture(self) -> None:
                say("begin")

            def end_capture(self) -> Any:
                say("end")
                if recorder.fails:
                    raise CudaError("cudaErrorStreamCaptureInvalidated")
                return SimpleNamespace(launch=lambda: say("launch"))

        class Device:
            def __init__(self, index: int = 0) -> None:
                pass

            def __enter__(self) -> None:
                pass

            def __exit__(self, *error: object) -> None:
                pass

            def synchronize(self) -> None:
                say("synchronize")

        class Event:
            def __init__(self, disable_timing: bool) -> None:
                self.done = False

            def record(self) -> None:
                say("record")

            def synchronize(self) -> None:
                self.done = True

        def set_pinned(allocator: Any) -> None:
            self.pinned = allocator

        def count() -> int:
            if devices < 0:
                raise CudaError("cudaErrorInsufficientDriver: CUDA driver version is insufficient")
            return devices

        self.cuda = SimpleNamespace(
            runtime=SimpleNamespace(CUDARuntimeError=CudaError, getDeviceCount=count,
                                    memGetInfo=lambda: (3 << 20, 8 << 20)),
            MemoryPool=lambda: SimpleNamespace(malloc="pool"), Stream=Stream, Device=Device, Event=Event,
            using_allocator=named, set_pinned_memory_allocator=set_pinned,
            get_elapsed_time=lambda start, end: 1.5,
        )  # fmt: skip

    def get_default_memory_pool(self) -> Any:
        return SimpleNamespace(used_bytes=lambda: 1 << 20, total_bytes=lambda: 2 << 20)

    def get_default_pinned_memory_pool(self) -> Any:
        return SimpleNamespace(malloc="the pool's again")


@pytest.fixture
def recorder(monkeypatch: pytest.MonkeyPatch) -> Recorder:
    found = Recorder()
    monkeypatch.setitem(sys.modules, "cupy", found)  # type: ignore[arg-type]  # as much of a module as is asked of it
    return found


def test_a_capture_has_memory_of_its_own_and_none_that_is_pinned(recorder: Recorder) -> None:
    during: list[Any] = []
    result, run = backend.captured(0, lambda: during.append(recorder.pinned) or "loss")  # type: ignore[func-returns-value]  # append gives None, and then the word
    assert result == "loss"
    assert recorder.said == ["synchronize", "enter pool", "enter stream", "begin", "end", "leave stream", "leave pool"]
    run()
    run()
    assert recorder.said[7:] == ["launch", "launch"]
    with pytest.raises(StateError, match="cannot hold") as error:
        during[0](64)
    assert "64 bytes brought from the host" in str(error.value)
    assert recorder.pinned == "the pool's again"


def test_what_cuda_cannot_capture_is_said(recorder: Recorder) -> None:
    recorder.fails = True
    with pytest.raises(StateError, match="StreamCaptureInvalidated"):
        backend.captured(0, lambda: None)
    assert recorder.pinned == "the pool's again"


def test_an_error_of_the_step_ends_the_capture(recorder: Recorder) -> None:
    with pytest.raises(ZeroDivisionError):
        backend.captured(0, lambda: 1 / 0)
    assert "end" in recorder.said and recorder.pinned == "the pool's again"


def test_memory(recorder: Recorder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("minicnn.cuda.memory.cuda_index", lambda name, device: 0)
    assert mc.cuda.memory_allocated() == 1 << 20 and mc.cuda.memory_reserved() == 2 << 20
    assert mc.cuda.mem_get_info() == (3 << 20, 8 << 20)
    assert mc.cuda.memory_summary().splitlines() == [
        "in arrays                    1.0 MiB", "kept for arrays              1.0 MiB",
        "free on the device           3.0 MiB", "the device's total           8.0 MiB",
    ]  # fmt: skip


def test_events(recorder: Recorder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("minicnn.cuda.timing.cuda_index", lambda name, device: 0)
    start, end = mc.cuda.Event(enable_timing=True), mc.cuda.Event(enable_timing=True)
    start.record()
    with pytest.raises(StateError, match="no time to tell"):
        start.elapsed_time(end)
    end.record()
    assert not end.query() and start.elapsed_time(end) == 1.5 and end.query()
    with pytest.raises(StateError, match="enable_timing False"):
        mc.cuda.Event().elapsed_time(end)


def test_no_cupy() -> None:
    with mock.patch.dict(sys.modules, {"cupy": None}), pytest.raises(DeviceError) as error:
        backend.load(None)
    assert "CuPy is not installed" in str(error.value) and "minicnn[cuda12]" in str(error.value)


def test_no_driver_and_too_few_devices() -> None:
    with mock.patch.dict(sys.modules, {"cupy": Recorder(devices=-1)}), pytest.raises(DeviceError) as error:  # type: ignore[dict-item]  # as much of a module as is asked of it
        backend.load(None)
    assert "no usable NVIDIA driver" in str(error.value) and "InsufficientDriver" in str(error.value)
    with mock.patch.dict(sys.modules, {"cupy": Recorder(devices=2)}), pytest.raises(DeviceError) as error:  # type: ignore[dict-item]  # as above
        backend.load(2)
    assert "cuda:2 does not exist" in str(error.value) and "2 CUDA devices" in str(error.value)


def test_a_cupy_that_does_not_fit(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "cupy.py").write_text("raise ImportError('libcudart.so.12: cannot open shared object file')\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "cupy", raising=False)
    with pytest.raises(DeviceError) as error:
        backend.load(None)
    assert "does not fit" in str(error.value) and "libcudart.so.12" in str(error.value)
    assert not mc.cuda.is_available()
