"""Questions about CUDA devices, as PyTorch code asks them; ``mc.device("cuda")`` and ``.to("cuda")`` do the rest."""

from __future__ import annotations

from typing import TYPE_CHECKING

from minicnn.absent import hints
from minicnn.backend import Backend, Device, backend_for
from minicnn.errors import DeviceError

__all__ = [
    "current_device", "device_count", "empty_cache", "get_device_name", "is_available", "manual_seed",
    "manual_seed_all", "synchronize",
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
    _backend("synchronize", device).synchronize()


def current_device() -> int:
    """The number of the CUDA device that ``"cuda"`` means.

    Raises:
        DeviceError: there is none.
    """
    return _backend("current_device", None).device.index or 0


def get_device_name(device: Device | str | int | None = None) -> str:
    """What the maker calls a CUDA device. Errors: as ``synchronize``."""
    from minicnn.backend import cupy

    return cupy.device_name(_backend("get_device_name", device).device.index or 0)


def empty_cache() -> None:
    """Give the memory that CuPy keeps for arrays to come back to the GPU. Nothing happens where there is none."""
    if is_available():
        from minicnn.backend import cupy

        cupy.empty_cache()


def _backend(name: str, device: Device | str | int | None) -> Backend:
    """The backend of a CUDA device, which may be given by its number alone."""
    if isinstance(device, int):
        device = f"cuda:{device}"
    backend = backend_for("cuda" if device is None else device)
    if backend.device_type != "cuda":
        raise DeviceError(f"{name}: {device} is no CUDA device", got=str(device), hint='"cuda"')
    return backend


def manual_seed(seed: int) -> None:
    """Nothing: random numbers of every device come from the one stream that ``mc.manual_seed`` seeds.

    PyTorch seeds a stream of its own on the GPU here and leaves the CPU's alone, as this does.
    """


manual_seed_all = manual_seed

if not TYPE_CHECKING:
    __getattr__ = hints(globals())
