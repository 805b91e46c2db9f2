"""NumPy's BLAS at one thread while our own threads work.

A BLAS with threads of its own cuts a product by how many it has, so the last bits of the result depend on the machine;
and under a pool of workers its threads would only fight them for the cores. Where this library is one whose setting
we know (OpenBLAS, MKL, BLIS), ``one_thread`` turns it down for as long as any kernel runs, and back after the last.
Another BLAS (Apple's Accelerate) works all the same, with its own threads.

The functions are looked up in NumPy's own extension module: a lookup there also searches what it is linked to.
"""

from __future__ import annotations

import ctypes
import functools
import importlib
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

_OPENBLAS = [(prefix, suffix) for prefix in ("scipy_", "") for suffix in ("64_", "")]
_NAMES = (
    *((f"{prefix}openblas_get_num_threads{suffix}", f"{prefix}openblas_set_num_threads{suffix}")
      for prefix, suffix in _OPENBLAS),
    ("MKL_Get_Max_Threads", "MKL_Set_Num_Threads"),
    ("bli_thread_get_num_threads", "bli_thread_set_num_threads"),
)  # fmt: skip


class _State:
    """How many kernels are running, and how many threads BLAS had before the first of them."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.kernels = 0
        self.threads_before = 1


_state = _State()


class _OneThread:
    """What ``one_thread`` is; a generator's context would take four times as long."""

    def __enter__(self) -> None:
        if (control := _control()) is not None:
            with _state.lock:
                if _state.kernels == 0:
                    _state.threads_before = control[0]()
                    if _state.threads_before != 1:
                        control[1](1)
                _state.kernels += 1

    def __exit__(self, *error: object) -> None:
        if (control := _control()) is not None:
            with _state.lock:
                _state.kernels -= 1
                if _state.kernels == 0 and _state.threads_before != 1:
                    control[1](_state.threads_before)


one_thread = _OneThread()
"""BLAS computes each product in the thread that asks for it, until the last block like this one ends."""


def after_fork() -> None:
    """In the child no kernel runs, whatever the parent's other threads were doing."""
    global _state
    was, _state = _state, _State()
    control = _control()
    if control is not None and was.kernels and was.threads_before != 1:
        control[1](was.threads_before)


@functools.cache
def _control() -> tuple[Callable[[], int], Callable[[int], Any]] | None:
    """The functions that tell and set how many threads BLAS uses; None where it has none that we know."""
    for library in _libraries():
        for get, set_ in _NAMES:
            if hasattr(library, get) and hasattr(library, set_):
                return getattr(library, get), getattr(library, set_)
    return None


@functools.cache
def leaves_small_as_they_lie() -> bool:
    """Whether BLAS multiplies small matrices without copying them first: OpenBLAS does, where it has AVX-512."""
    for library in _libraries():
        for prefix, suffix in _OPENBLAS:
            if (name := getattr(library, f"{prefix}openblas_get_corename{suffix}", None)) is not None:
                name.restype = ctypes.c_char_p
                return name() in (b"SkylakeX", b"Cooperlake", b"SapphireRapids")
    return False


def _libraries() -> Iterator[ctypes.CDLL]:
    """NumPy's extension module and, for systems whose lookups do not follow links, the libraries that came with it."""
    module = importlib.import_module("numpy._core._multiarray_umath")
    bundled = Path(np.__file__).parent.parent.glob("numpy.libs/*blas*")
    for path in (Path(str(module.__file__)), *sorted(bundled)):
        try:
            yield ctypes.CDLL(str(path))
        except OSError:
            continue
