"""The memory of a CUDA device: what arrays hold, what CuPy's pool keeps for the next ones, and what is left."""

from __future__ import annotations

from minicnn.backend import Device
from minicnn.cuda.devices import cuda_index
from minicnn.errors import StateError

Which = Device | str | int | None


def memory_allocated(device: Which = None) -> int:
    """Bytes that arrays hold now. Errors: DeviceError where there is no such device.

    Example:
        >>> before = mc.cuda.memory_allocated()
    """
    return _memory("memory_allocated", device)["allocated"]


def max_memory_allocated(device: Which = None) -> int:
    """The most bytes that arrays held at a time since ``reset_peak_memory_stats``, rounded up to the pool's blocks.

    Errors: StateError where that was not called before: CuPy keeps no peak unasked. DeviceError where there is no
    such device.

    Example:
        >>> mc.cuda.reset_peak_memory_stats()
        >>> loss = train_step(images, labels)
        >>> peak = mc.cuda.max_memory_allocated()
    """
    index = cuda_index("max_memory_allocated", device)
    from minicnn.backend import cupy

    most = cupy.most_memory(index)
    if most is None:
        raise StateError("max_memory_allocated: nobody watched", got="no call of reset_peak_memory_stats before",
                         rule="CuPy keeps no peak unless it is asked to", hint="mc.cuda.reset_peak_memory_stats()")
    return most


def reset_peak_memory_stats(device: Which = None) -> None:
    """Begin anew to note the most that arrays of this thread hold; from then on an allocation costs a call more.

    What a CUDA graph takes while it is captured counts, too. Errors: DeviceError where there is no such device.
    """
    index = cuda_index("reset_peak_memory_stats", device)
    from minicnn.backend import cupy

    cupy.watch_memory(index)


def memory_reserved(device: Which = None) -> int:
    """Bytes that CuPy's pool has of the device, in arrays or for the next ones; it falls only by ``empty_cache``.

    So after ``empty_cache`` and some steps it is the most that those steps needed at a time.
    """
    return _memory("memory_reserved", device)["reserved"]


def mem_get_info(device: Which = None) -> tuple[int, int]:
    """(free, total) bytes of the device itself, whoever uses it."""
    found = _memory("mem_get_info", device)
    return found["free"], found["total"]


def memory_summary(device: Which = None, abbreviated: bool = False) -> str:  # noqa: ARG001  (PyTorch has it)
    """The figures above as a table in text.

    Args:
        device: the device; the first where None.
        abbreviated: accepted for PyTorch's sake.
    """
    found = _memory("memory_summary", device)
    rows = [("in arrays", found["allocated"]), ("kept for arrays", found["reserved"] - found["allocated"]),
            ("free on the device", found["free"]), ("the device's total", found["total"])]  # fmt: skip
    return "\n".join(f"{name:<20}{bytes_ / 2**20:>12,.1f} MiB" for name, bytes_ in rows)


def empty_cache() -> None:
    """Give the memory that CuPy keeps for arrays to come back to the GPU. Nothing happens where there is none."""
    from minicnn.backend import cupy

    if cupy.device_count():
        cupy.empty_cache()


def _memory(name: str, device: Which) -> dict[str, int]:
    index = cuda_index(name, device)
    from minicnn.backend import cupy

    return cupy.memory(index)
