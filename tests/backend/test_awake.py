"""Threads that keep the cores awake come while work is shared, and go: seen in the system's list of threads."""

from __future__ import annotations

import ctypes
import os
import subprocess
import sys

import pytest

CORES = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 1

PROGRAM = """
import os, sys, time
from pathlib import Path
import minicnn as mc
from minicnn.backend.cpu import awake
from minicnn.backend.cpu.threads import run

def awake_cores():
    stats = [path.read_text().rsplit(")", 1)[1].split() for path in Path("/proc/self/task").glob("*/stat")]
    return sorted(int(stat[36]) for stat in stats if stat[38] == "5")

def share(seconds):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        run(lambda piece: time.sleep(0.001), range(2 * threads))

threads = int(sys.argv[1])
mc.set_num_threads(threads)
share(0.01)
time.sleep(3 * awake.PAUSE)
first = awake_cores()
share(0.5)
during = awake_cores()
child = os.fork()
if child == 0:
    alone = awake_cores()
    share(0.5)
    os._exit(0 if not alone and awake_cores() == during else 1)
_, status = os.waitpid(child, 0)
time.sleep(0.5)
print(first, during, awake_cores(), status)
"""

pytestmark = [
    pytest.mark.skipif(not sys.platform.startswith("linux") or not hasattr(ctypes.CDLL(None), "pthread_setaffinity_np"),
                       reason="only Linux has this class of threads"),
    pytest.mark.host("threads are those of the CPU's kernels"),
]


def seen(threads: int, **variables: str) -> str:
    done = subprocess.run([sys.executable, "-c", PROGRAM, str(threads)], env={**os.environ, **variables},
                          capture_output=True, text=True, check=True)  # fmt: skip
    return done.stdout.strip()


@pytest.mark.skipif(not 2 <= CORES <= 8, reason="there are as many as cores, for two to eight of them")
def test_each_core_is_kept_awake_while_work_lasts() -> None:
    cores = sorted(os.sched_getaffinity(0))
    assert seen(CORES) == f"[] {cores} [] 0"


@pytest.mark.parametrize(("threads", "variables"), [(CORES, {"MINICNN_KEEP_AWAKE": "0"}), (max(1, CORES - 1), {})])
def test_none_is_where_a_variable_says_so_or_threads_are_fewer(threads: int, variables: dict[str, str]) -> None:
    assert seen(threads, **variables) == "[] [] [] 0"
