"""Events: marks in the order of a device's work. A clock of the host would time how fast work is asked for."""

from __future__ import annotations

from typing import Any

from minicnn.cuda.devices import cuda_index
from minicnn.errors import StateError


class Event:
    """A mark that the device passes when all work asked of it before ``record`` is done.

    Args:
        enable_timing: whether it is for ``elapsed_time``.
        blocking, interprocess: accepted for PyTorch's sake.

    Errors: DeviceError where there is no CUDA device.

    Example:
        >>> start, end = mc.cuda.Event(enable_timing=True), mc.cuda.Event(enable_timing=True)
        >>> start.record()
        >>> loss = model(images).sum()
        >>> end.record()
        >>> end.synchronize()
        >>> milliseconds = start.elapsed_time(end)
    """

    def __init__(
        self, enable_timing: bool = False, blocking: bool = False, interprocess: bool = False  # noqa: ARG002  (PyTorch has them)
    ) -> None:  # fmt: skip
        cuda_index("Event", None)
        from minicnn.backend import cupy

        self.enable_timing, self.recorded = enable_timing, False
        self._event: Any = cupy.event(enable_timing)

    def record(self) -> None:
        """Put the mark behind all work that was asked for so far."""
        self._event.record()
        self.recorded = True

    def synchronize(self) -> None:
        """Wait until the device has passed the mark."""
        self._event.synchronize()

    def query(self) -> bool:
        """Whether the device has passed the mark."""
        return bool(self._event.done)

    def elapsed_time(self, end_event: Event) -> float:
        """Milliseconds of the device between this mark and a later one; waits for that.

        Errors: StateError where either was never recorded, or was not made for timing.
        """
        if not (self.recorded and end_event.recorded and self.enable_timing and end_event.enable_timing):
            raise StateError("Event.elapsed_time: there is no time to tell",
                             got=", ".join(f"recorded {e.recorded}, enable_timing {e.enable_timing}"
                                           for e in (self, end_event)),
                             rule="both events were recorded, and made with enable_timing=True",
                             hint="mc.cuda.Event(enable_timing=True)")  # fmt: skip
        from minicnn.backend import cupy

        end_event.synchronize()
        return cupy.milliseconds(self._event, end_event._event)
