"""Batches in page-locked memory, from where a CUDA device copies by itself: made so by a thread of their own."""

from __future__ import annotations

import threading
import warnings
import weakref
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

from minicnn.data.collate import is_namedtuple, like_mapping, like_sequence
from minicnn.data.worker import Task

if TYPE_CHECKING:
    from minicnn.data.crew import Arrivals, ProcessCrew, ThreadCrew

    Crew: TypeAlias = "ThreadCrew | ProcessCrew | PinningCrew"

_LOOK_AROUND = 0.05
"""Seconds after which the thread looks whether it is to end."""


def can_pin() -> bool:
    """Whether there is a CUDA device to copy from page-locked memory."""
    from minicnn.backend import cupy

    return cupy.device_count() > 0


def warn_where_unpinned(device: str) -> None:
    """The warnings, as PyTorch's, where there is nothing to pin for, and of a ``device``, which changes nothing."""
    if device:
        warnings.warn(f"DataLoader: pin_memory_device={device!r} is ignored: page-locked memory serves all CUDA "
                      "devices", stacklevel=4)  # fmt: skip
    if not can_pin():
        warnings.warn("DataLoader: pin_memory=True, but there is no CUDA device: batches stay in pageable memory",
                      stacklevel=4)  # fmt: skip


def pinned(data: Any) -> Any:
    """A batch with its tensors in page-locked memory; anything else that has ``pin_memory`` is asked for its own."""
    if hasattr(data, "pin_memory"):
        return data.pin_memory()
    if isinstance(data, Mapping):
        return like_mapping(data, {key: pinned(value) for key, value in data.items()})
    if is_namedtuple(data):
        return type(data)(*map(pinned, data))
    if isinstance(data, tuple):
        return type(data)(map(pinned, data))
    if isinstance(data, Sequence) and not isinstance(data, str | bytes):
        return like_sequence(data, [pinned(item) for item in data])
    return data


class PinningCrew:
    """A crew whose answers pass through a thread that pins them, so that nobody waits while a batch is copied."""

    epoch = 0
    busy = False

    def __init__(self, crew: ThreadCrew | ProcessCrew, workers: int) -> None:
        from minicnn.data.crew import Arrivals

        self._crew, self._arrivals, end = crew, Arrivals(workers), threading.Event()
        thread = threading.Thread(target=_pin, args=(crew, range(workers), self._arrivals, end), daemon=True,
                                  name="minicnn-pin")  # fmt: skip
        self.close = weakref.finalize(self, _stop, thread, end, crew.close)
        thread.start()

    def send(self, worker: int, task: Task) -> None:
        """Give a task to a worker."""
        self._crew.send(worker, task)

    def receive(self, workers: Sequence[int], timeout: float) -> tuple[int, Any]:
        """As of the crew; an error of the crew is raised here."""
        worker, answer = self._arrivals.receive(workers, timeout)
        if isinstance(answer, Exception):
            self.close()
            raise answer
        return worker, answer


def _pin(crew: Any, workers: range, arrivals: Arrivals, end: threading.Event) -> None:
    """The thread: a worker's answer comes in, and goes out in page-locked memory."""
    while not end.is_set():
        try:
            worker, (epoch, answer) = crew.receive(workers, _LOOK_AROUND)
            arrivals.put(worker, (epoch, pinned(answer)))
        except TimeoutError:
            continue
        except Exception as error:
            for worker in workers:
                arrivals.put(worker, error)
            return


def _stop(thread: threading.Thread, end: threading.Event, close: Any) -> None:
    end.set()
    if thread is not threading.current_thread():
        thread.join()
    close()
