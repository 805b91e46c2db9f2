"""Questions about CUDA devices, as PyTorch code asks them; ``mc.device("cuda")`` and ``.to("cuda")`` do the rest."""

from __future__ import annotations

from minicnn.backend import Device, backend_for
from minicnn.errors import DeviceError


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


def synchronize(device: Device | str | None = None) -> None:
    """Wait until everything asked of a CUDA device is done.

    Raises:
        DeviceError: there is no such device, or it is of another type.
    """
    backend = backend_for("cuda" if device is None else device)
    if backend.device_type != "cuda":
        raise DeviceError(f"synchronize: {device} is no CUDA device", got=str(device), hint='"cuda"')
    backend.synchronize()


def manual_seed(seed: int) -> None:
    """Nothing: random numbers of every device come from the one stream that ``mc.manual_seed`` seeds.

    PyTorch seeds a stream of its own on the GPU here and leaves the CPU's alone, as this does.
    """


manual_seed_all = manual_seed
