"""Arrays and the kernels on them, behind one interface; the only folder that imports numpy kernels or cupy.

``backend_of(array)`` finds the backend from the array's type, so an array library is never imported unless it
is used. ``register_backend`` adds another one.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from minicnn.backend.cpu.threads import get_num_threads, set_num_threads
from minicnn.backend.device import UNCHOSEN, Device, current
from minicnn.backend.numpy import NumpyBackend
from minicnn.backend.portable import Backend
from minicnn.errors import DeviceError, DtypeError

__all__ = [
    "Backend", "Device", "backend_for", "backend_of", "chosen_device", "default_device", "get_num_threads",
    "is_array", "register_arrays", "register_backend", "set_default_device", "set_num_threads",
]  # fmt: skip

_cpu = NumpyBackend()
_BY_TYPE: dict[type, Callable[[Any], Backend]] = {}
_LOADERS: dict[str, Callable[[int | None], Backend]] = {}


def register_backend(
    device_type: str, load: Callable[[int | None], Backend], array_type: type | None = None
) -> None:
    """Add a device type. ``load(index)`` returns its backend, and may import a library or raise a DeviceError.

    Args:
        device_type: the name, as in ``mc.device(device_type)``.
        load: makes, or finds again, the backend of one device; called on use, never at registration.
        array_type: the type of its arrays, where that can be named without importing the library; a backend that
            leaves it out is known from its own ``array_type`` once it is loaded.
    """
    _LOADERS[device_type] = load
    if array_type is not None:
        _BY_TYPE[array_type] = lambda array: load(None).of_array(array)


def register_arrays(array_type: type, find: Callable[[Any], Any]) -> None:
    """Let ``backend_of`` know another type of array; ``find`` gives the backend of one."""
    _BY_TYPE[array_type] = find


def backend_of(array: Any) -> Backend:
    """The backend that computes on ``array``."""
    kind = type(array)
    if kind is _cpu.array_type:
        return _cpu
    find = _BY_TYPE.get(kind)
    if find is None:
        raise DtypeError(f"{kind.__name__} is not an array of any loaded backend", got=repr(array)[:80],
                         rule="arrays come from a device that was asked for", hint="mc.as_tensor(value)")
    return find(array)


def is_array(value: Any) -> bool:
    """Whether ``value`` is an array of a loaded backend."""
    return type(value) is _cpu.array_type or type(value) in _BY_TYPE


def backend_for(device: Device | str | None) -> Backend:
    """The backend of a device (of the default device where None), loading its library on first use."""
    device = current.device if device is None else Device(device)
    if device.type == "cpu":
        if device.index:
            raise DeviceError(f"{device} does not exist", got=str(device), rule="there is one CPU", hint='"cpu"')
        return _cpu
    load = _LOADERS.get(device.type)
    if load is None:
        raise DeviceError(f"no backend for device type '{device.type}'", got=str(device),
                          rule=f"one of {', '.join(['cpu', *_LOADERS])}", hint="register_backend adds another")
    backend = load(device.index)
    _BY_TYPE.setdefault(backend.array_type, backend.of_array)
    return backend


def default_device() -> Device:
    """The device of new tensors; the CPU unless changed. Each thread has its own."""
    return current.device


def chosen_device() -> Device | None:
    """The default device where one was chosen, be it the CPU; else None."""
    return None if current.device is UNCHOSEN else current.device


def set_default_device(device: Device | str | None) -> None:
    """Make ``device`` the one of new tensors in this thread; it must exist. None takes the choice back."""
    current.device = UNCHOSEN if device is None else backend_for(device).device


def _load_cupy(index: int | None) -> Backend:
    from minicnn.backend import cupy

    return cupy.load(index)


register_backend("cuda", _load_cupy)
