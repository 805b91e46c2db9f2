"""Memory that a kernel's blocks use again, each thread its own.

A block's columns or tiles live for some hundred microseconds. Asked for and given back each time, such memory comes
from the system page by page, which took a fifth of SimpleCNN's step (``steps: SimpleCNN``); kept, it stays in the
cache. What ``scratch`` returns holds anything, is valid until the thread asks for the same name again, and must never
leave the kernel.
"""

from __future__ import annotations

import math
import threading
from typing import Any

import numpy as np

Array = Any

MOST = 1 << 22  # bytes that are kept under one name; larger pieces of memory are rare, and asked for each time


class _Kept(threading.local):
    """This thread's memory, by name and dtype."""

    def __init__(self) -> None:
        self.arrays: dict[tuple[str, Any], Array] = {}


_kept = _Kept()


def scratch(name: str, shape: tuple[int, ...], dtype: Any) -> Array:
    """An array to fill and to read, within one block's work."""
    size, dtype = math.prod(shape), np.dtype(dtype)
    array = _kept.arrays.get((name, dtype))
    if array is None or array.size < size:
        array = np.empty(size, dtype)
        if array.nbytes <= MOST:
            _kept.arrays[name, dtype] = array
    return array[:size].reshape(shape)
