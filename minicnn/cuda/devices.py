"""Which CUDA device a caller means."""

from __future__ import annotations

from minicnn.backend import Device, backend_for
from minicnn.errors import DeviceError


def cuda_index(name: str, device: Device | str | int | None) -> int:
    """The number of a CUDA device, which may be given by that alone; of the first where None.

    Raises:
        DeviceError: there is no such device, or it is of another type.
    """
    if isinstance(device, int):
        device = f"cuda:{device}"
    backend = backend_for("cuda" if device is None else device)
    if backend.device_type != "cuda":
        raise DeviceError(f"{name}: {device} is no CUDA device", got=str(device), hint='"cuda"')
    return backend.device.index or 0
