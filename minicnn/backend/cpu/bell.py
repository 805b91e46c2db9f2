"""A bell that one thread rings and another listens for: awake for a moment, before it goes to sleep.

To wake a sleeping thread takes 25 to 30 µs until it runs, and 8 of the thread that wakes it: a good part of a small
piece of work. A loop in Python that looks again and again takes Python's lock each time, which the others need. So the
loop is the C library's own, which Python's lock has no part in: ``lfind`` goes along an array and calls a function that
compares each element with what is looked for, until the two are equal. Here all its elements are one and the same place
in memory, which whoever rings writes to.

What compares them, ``strverscmp``, takes its time over two equal texts, and that is wanted, too: it is the ``pause`` in
which the other thread gets on from Python into NumPy, and lets go of the lock. Without it both want the lock at once,
and one goes to sleep after all (``steps: ResNet-20``: 1.05 of the time with two threads; ``SimpleCNN``: 1.03).

A bell promises nothing: whoever has listened still waits, at a lock or a queue, for what it was rung for. Where the C
library lacks one of the two functions (macOS, Windows) listening takes no time, and neither does it where the variable
``OMP_WAIT_POLICY=passive`` says that waiting threads should sleep, as it says to OpenMP's.
"""

from __future__ import annotations

import ctypes
import functools
import os
from collections.abc import Callable
from typing import Any

LOOKS = 1 << 18  # at the bell, until a listener goes to sleep: about a millisecond
_RUNG, _SILENT = b"1", b"0"


class Bell:
    """Silent until somebody rings; ``pause`` is how many characters are compared after that, 2 ns each."""

    def __init__(self, pause: int) -> None:
        self._sought = ctypes.create_string_buffer(_RUNG + pause * b".")
        self._place = ctypes.create_string_buffer(_SILENT + pause * b".")
        self._looked_at = ctypes.addressof(self._sought), ctypes.addressof(self._place)

    def ring(self) -> None:
        """Wake whoever listens, and whoever will."""
        self._place[0] = _RUNG

    def hush(self) -> None:
        """No longer ring."""
        self._place[0] = _SILENT

    def listen(self) -> None:
        """Return when the bell rings; about a millisecond later if it does not, and at once if it rang before."""
        if self._place[0] == _SILENT and (search := _search()) is not None:
            search(*self._looked_at)


@functools.cache
def _search() -> Callable[[int, int], Any] | None:
    """Compare what is at two addresses until it is equal, LOOKS times at most."""
    if os.environ.get("OMP_WAIT_POLICY", "").lower() == "passive":
        return None
    try:
        library = ctypes.CDLL(None)
        find, compare = library.lfind, ctypes.cast(library.strverscmp, ctypes.c_void_p)
    except (AttributeError, TypeError):
        return None
    address, size = ctypes.c_void_p, ctypes.c_size_t
    find.argtypes, find.restype = (address, address, ctypes.POINTER(size), size, address), address
    looks = ctypes.pointer(size(LOOKS))
    return lambda sought, place: find(sought, place, looks, 0, compare)
