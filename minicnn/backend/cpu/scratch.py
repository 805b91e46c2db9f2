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
HEAP = 1 << 24  # bytes; ``steps: dense block`` takes 3 to 14 % less, a half of it helps SimpleCNN no more


class _Kept(threading.local):
    """This thread's memory, by name and dtype."""

    def __init__(self) -> None:
        self.arrays: dict[tuple[str, Any], Array] = {}
        _keep_heap()


def _keep_heap() -> None:
    """Let the C library keep memory that results give back, where it would return it to the system after each step.

    Linux's gives back whatever is free at the heap's end beyond twice the largest piece that a program has ever freed
    (of up to 32 MB). So one piece is asked for, never touched, and freed; elsewhere this does nothing.
    """
    np.empty(HEAP, np.uint8)


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
