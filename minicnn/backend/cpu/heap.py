"""Memory that results give back stays with the process, for the next step's results.

A step frees what it made, and the next asks for as much again. The C library hands such memory back to the system
between the two, and the system clears it page by page when it is touched again: a twentieth of VGG-11's step, an eighth
of a dense block's (``steps: VGG-11``, ``dense block``). Linux's C library can be told to keep it: to take large arrays,
too, from its heap, and to return the heap's free end only beyond ``KEPT`` bytes. The price: what a program frees stays
with its process, for whatever that asks for next. Elsewhere nothing is changed.

The variable ``MINICNN_KEEP_MEMORY=0`` leaves the C library as it is, and so does any of its own (``MALLOC_…``).
"""

from __future__ import annotations

import ctypes
import functools
import os
import sys

KEPT = 1 << 30
_TRIM_THRESHOLD, _MMAP_MAX = -1, -4  # the C library's numbers for the two settings, in malloc.h


class _Counts(ctypes.Structure):
    """The C library's ``mallinfo2``: ten numbers, of which the ninth counts the bytes that are free."""

    _fields_ = [(f"count{i}", ctypes.c_size_t) for i in range(10)]


def free_bytes() -> int:
    """What is kept for whatever is asked for next; 0 where the C library does not tell."""
    if not sys.platform.startswith("linux") or (count := getattr(ctypes.CDLL(None), "mallinfo2", None)) is None:
        return 0
    count.restype = _Counts
    return int(count().count8)


@functools.cache
def keep() -> bool:
    """Tell the C library, once; returns whether it was told."""
    if not sys.platform.startswith("linux") or os.environ.get("MINICNN_KEEP_MEMORY") == "0":
        return False
    if any(name.startswith("MALLOC_") for name in os.environ):
        return False
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)  # musl has none
    return mallopt is not None and bool(mallopt(_TRIM_THRESHOLD, KEPT)) and bool(mallopt(_MMAP_MAX, 0))
