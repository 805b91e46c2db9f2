"""Devices: a name such as ``cpu`` or ``cuda:1``, and the default one."""

from __future__ import annotations

import threading
from typing import Any

from minicnn.errors import DeviceError


class Device:
    """Where a tensor's array lives. ``mc.device("cuda:1")`` has type ``"cuda"`` and index 1.

    In ``with`` it is the default device of new tensors until the block ends.

    Example:
        >>> Device("cuda:1")
        device(type='cuda', index=1)
        >>> Device("cpu") == "cpu"
        True
    """

    __slots__ = ("index", "type")

    type: str
    index: int | None

    def __init__(self, device: str | Device = "cpu", index: int | None = None) -> None:
        if isinstance(device, Device):
            self.type, self.index = device.type, device.index
            return
        if not isinstance(device, str):
            raise DeviceError(f"{device!r} is not a device", got=repr(device), rule='a name such as "cpu" or "cuda:0"')
        name, _, number = device.partition(":")
        if not name or (":" in device and not number.isdigit()) or (number and index is not None):
            raise DeviceError(f"{device!r} is not a device name", got=repr(device),
                              rule="a type, then perhaps a colon and a number", hint='"cpu", "cuda" or "cuda:1"')
        self.type, self.index = name, int(number) if number else index

    def __repr__(self) -> str:
        index = "" if self.index is None else f", index={self.index}"
        return f"device(type='{self.type}'{index})"

    def __str__(self) -> str:
        return self.type if self.index is None else f"{self.type}:{self.index}"

    def __eq__(self, other: object) -> bool:
        if isinstance(other, str):
            other = Device(other)
        return isinstance(other, Device) and (self.type, self.index) == (other.type, other.index)

    def __hash__(self) -> int:
        return hash((self.type, self.index))

    def __enter__(self) -> Device:
        current.stack.append(current.device)
        current.device = self
        return self

    def __exit__(self, *error: Any) -> None:
        current.device = current.stack.pop()


UNCHOSEN = Device("cpu")
"""The default device where nobody has chosen one."""


class _Current(threading.local):
    """This thread's default device."""

    def __init__(self) -> None:
        self.device = UNCHOSEN
        self.stack: list[Device] = []


current = _Current()
