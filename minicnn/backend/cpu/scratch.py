"""Memory that a kernel's blocks use again, and views of it, each thread its own.

A block's columns or tiles live for some hundred microseconds. Asked for and given back each time, such memory comes
from the system page by page, which took a fifth of SimpleCNN's step (``steps: SimpleCNN``); kept, it stays in the
cache. What ``scratch`` returns holds anything, is valid until the thread asks for the same name again, and must never
leave the kernel.

Methods that never run within each other use the same names: "windows" for what a product takes, "gradients" for what it
takes of g, "products" for what it gives. With names of their own a thread kept 13 MB, not 9 (``memory SimpleCNN``).

A dozen views of that memory take as long to make as a small block to compute, and Python's lock is held meanwhile:
another thread waits. So a method lays out its views once for each size of block, in a function that is ``remembered``
(``steps: ResNet-20``: .95 of the time, .8 with two threads).
"""

from __future__ import annotations

import functools
import math
import threading
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

import numpy as np

from minicnn.backend.cpu import heap

Array = Any
P = ParamSpec("P")
R = TypeVar("R")

MOST = 1 << 22  # bytes that are kept under one name; larger pieces of memory are rare, and asked for each time
VIEWS = 1 << 10  # results of remembered functions; a network has some ten for each layer


class _Kept(threading.local):
    """This thread's memory, by name and dtype, and views of it."""

    def __init__(self) -> None:
        self.arrays: dict[tuple[str, Any], Array] = {}
        self.views: dict[Any, Any] = {}
        self.all_kept = True


_kept = _Kept()


def scratch(name: str, shape: tuple[int, ...], dtype: Any) -> Array:
    """An array to fill and to read, within one block's work."""
    size, dtype = math.prod(shape), np.dtype(dtype)
    array = _kept.arrays.get((name, dtype))
    if array is None or array.size < size:
        heap.keep()
        array = np.empty(size, dtype)
        if array.nbytes <= MOST:
            _kept.arrays[name, dtype] = array
            _kept.views.clear()  # some may be of the memory that was too small
        else:
            _kept.all_kept = False
    return array[:size].reshape(shape)


def remembered(lay_out: Callable[P, R]) -> Callable[P, R]:
    """Let a function of sizes, whose result is views of ``scratch`` memory, run once for each thread and sizes.

    A result with memory too large to be kept is not remembered.
    """

    @functools.wraps(lay_out)
    def found(*sizes: P.args, **none: P.kwargs) -> R:
        key = lay_out, sizes
        result: R | None = _kept.views.get(key)
        if result is None:
            before, _kept.all_kept = _kept.all_kept, True
            result = lay_out(*sizes, **none)
            if _kept.all_kept:
                if len(_kept.views) >= VIEWS:
                    _kept.views.clear()
                _kept.views[key] = result
            _kept.all_kept = _kept.all_kept and before
        return result

    return found
