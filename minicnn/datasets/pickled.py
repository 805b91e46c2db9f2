"""CIFAR's pickled batches, read without executing anything: dicts, lists, numbers, bytes, and arrays of bytes."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import numpy as np

from minicnn.errors import DataError

Array = Any


class _Dtype:
    """Stands for ``numpy.dtype``: remembers the name."""

    def __init__(self, name: Any, *_: Any) -> None:
        self.name = name

    def __setstate__(self, state: Any) -> None:
        """Byte order and such: bytes have none."""


class _Array:
    """Stands for an ndarray while it is read: remembers what the pickle says of it."""

    state: tuple[Any, ...] = ()

    def __setstate__(self, state: Any) -> None:
        self.state = state

    def array(self) -> Array:
        _, shape, dtype, fortran, content = self.state
        if dtype.name not in (b"u1", "u1") or fortran or not isinstance(content, bytes):
            raise pickle.UnpicklingError("an array that is not of bytes")
        return np.frombuffer(content, np.uint8).reshape(shape)


def _new_array(*_: Any) -> _Array:
    return _Array()


_ALLOWED: dict[tuple[str, str], Any] = {
    ("numpy", "dtype"): _Dtype, ("numpy", "ndarray"): _Array, ("numpy.core.multiarray", "_reconstruct"): _new_array,
    ("numpy._core.multiarray", "_reconstruct"): _new_array,
}  # fmt: skip


class _Reader(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in _ALLOWED:
            raise pickle.UnpicklingError(f"it asks for {module}.{name}")
        return _ALLOWED[module, name]


def read_pickled(path: Path) -> Any:
    """What a pickled batch holds; strings of Python 2 are bytes.

    Raises:
        DataError: a damaged file, or one that asks for anything but plain values and arrays of bytes.
    """
    try:
        with path.open("rb") as file:
            held = _Reader(file, encoding="bytes").load()
        if isinstance(held, dict):
            held = {key: value.array() if isinstance(value, _Array) else value for key, value in held.items()}
    except Exception as error:  # a damaged pickle can provoke any
        raise DataError(f"{path} is damaged, or no batch of CIFAR", got=str(error) or type(error).__name__,
                        rule="plain values and arrays of bytes; nothing in a pickle is executed") from None
    return held
