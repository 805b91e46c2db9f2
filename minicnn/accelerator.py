"""The GPU by PyTorch's newer name, for scripts that ask which kind there is.

    device = mc.accelerator.current_accelerator().type if mc.accelerator.is_available() else "cpu"
"""

from typing import TYPE_CHECKING

from minicnn.absent import hints
from minicnn.backend import Device
from minicnn.cuda import current_device, device_count, is_available, synchronize

__all__ = ["current_accelerator", "current_device_index", "device_count", "is_available", "synchronize"]

current_device_index = current_device


def current_accelerator(check_available: bool = False) -> Device | None:  # noqa: ARG001 (PyTorch builds for one)
    """``device("cuda")`` where there is a CUDA device, else None."""
    return Device("cuda") if is_available() else None


if not TYPE_CHECKING:
    __getattr__ = hints(globals())
