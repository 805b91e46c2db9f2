"""Cores that stay awake while threads share work.

Who waits sleeps, and a core with nothing to do sleeps, too. Waking both takes 50 µs, in a virtual machine some hundred,
and in one step of a small network two threads wait for each other 450 times: for work, for the end of a job, for
Python's lock. PyTorch's threads go round in a loop until there is work. Ours cannot, as only one at a time runs Python;
so each core gets one more thread that does nothing else, of the class "idle": it runs where nothing else wants to, and
gives way at once. With it ``steps: ResNet-20`` takes .8 of the time on two threads.

Such a thread knows nothing of Python. It is the C library's ``pthread_spin_lock``, called with a lock that is taken;
opening the lock ends it. They come when shared work lasts, and go when there was none for ``PAUSE`` seconds.

Only on Linux, where work is shared by as many threads as there are cores, no more than ``MOST`` (no kernel cuts its
work into more pieces), and where the system does not ration processor time. ``MINICNN_KEEP_AWAKE=0`` turns them off.
"""

from __future__ import annotations

import ctypes
import functools
import math
import os
import signal
import sys
import threading
import time
from pathlib import Path
from typing import Any

PAUSE = 0.02
MOST = 8
IDLE = 5  # the number of the class in Linux

_FUNCTIONS = ("pthread_create", "pthread_join", "pthread_setaffinity_np", "pthread_setschedparam", "pthread_spin_init",
              "pthread_spin_lock", "pthread_spin_unlock")  # fmt: skip


class Watch:
    """Looks whether threads share work, from a thread of its own that sleeps nearly always."""

    def __init__(self) -> None:
        self.jobs = 0
        self.busy = threading.Event()
        self.thread: threading.Thread | None = None

    def note(self, threads: int) -> None:
        """``threads`` share work now."""
        self.jobs += 1
        if not self.busy.is_set() and threads >= _cores():
            self.busy.set()
            if self.thread is None:
                self.thread = threading.Thread(target=self.look, name="minicnn awake", daemon=True)
                self.thread.start()

    def look(self) -> None:
        """Keep the cores awake from the second look that finds work until one that finds none."""
        signal.pthread_sigmask(signal.SIG_SETMASK, signal.valid_signals())  # nor will threads started here get any
        while self.busy.wait():
            time.sleep(PAUSE)
            started: list[_Awake] = []
            seen = 0
            while self.jobs != seen:
                seen = self.jobs
                time.sleep(PAUSE)
                started = started or [_Awake(core) for core in os.sched_getaffinity(0)]
            self.busy.clear()
            for core in started:
                core.end()


class _Awake:
    """A thread of the C library's that keeps one core awake."""

    def __init__(self, core: int) -> None:
        c, self.lock, self.thread = ctypes.CDLL(None), ctypes.c_int(), ctypes.c_void_p()
        c.pthread_spin_init(ctypes.byref(self.lock), 0)
        c.pthread_spin_lock(ctypes.byref(self.lock))
        wait = ctypes.cast(c.pthread_spin_lock, ctypes.c_void_p)
        self.runs = c.pthread_create(ctypes.byref(self.thread), None, wait, ctypes.byref(self.lock)) == 0
        if self.runs and not self._settle(c, core):
            self.end()

    def _settle(self, c: Any, core: int) -> bool:
        """Bind it to its core, in the class that gives way; returns whether the system allows that."""
        cores = (ctypes.c_ubyte * 128)()
        cores[core // 8] = 1 << core % 8
        none = (ctypes.c_int * 16)()
        return (c.pthread_setschedparam(self.thread, IDLE, none) == 0
                and c.pthread_setaffinity_np(self.thread, len(cores), cores) == 0)  # fmt: skip

    def end(self) -> None:
        """Open the lock, and wait until the thread has found it open."""
        if self.runs:
            c, self.runs = ctypes.CDLL(None), False
            c.pthread_spin_unlock(ctypes.byref(self.lock))
            c.pthread_join(self.thread, None)


@functools.cache
def _cores() -> float:
    """How many cores a program's threads must have for these to be kept awake; infinity where none are."""
    if not sys.platform.startswith("linux") or os.environ.get("MINICNN_KEEP_AWAKE") == "0":
        return math.inf
    if not all(hasattr(ctypes.CDLL(None), name) for name in _FUNCTIONS):
        return math.inf
    count = len(os.sched_getaffinity(0))
    return math.inf if count > MOST or container_limit() < count else count


def container_limit() -> int:
    """The cores that a Linux container may keep busy, from its quota of time; a great number where there is none."""
    try:
        quota, period = Path("/sys/fs/cgroup/cpu.max").read_text(encoding="ascii").split()
        return math.ceil(int(quota) / int(period))
    except (OSError, ValueError):
        return 1 << 30
