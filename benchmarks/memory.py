"""The peak of resident memory that a training step adds, each in a process of its own."""

from __future__ import annotations

import importlib
import statistics
import subprocess
import sys
from pathlib import Path
from typing import Any

from benchmarks.steps import TRAINED, Network, Shape, step_of

STEPS = 4
RUNS = 3
"""Of each library, of which the median counts: from one to the next a peak differs by up to a fifth."""


def peaks(name: str, threads: int) -> dict[str, Any]:
    """MB above what the process held before the step, for either library; for a name of TRAINED, or the batch, side
    and depth of a point of ``growth``. An error, where one of the processes fails."""
    found: dict[str, list[float]] = {"minicnn": [], "torch": []}
    for _ in range(RUNS):
        for library, peaks_of in found.items():
            done = subprocess.run([sys.executable, "-m", "benchmarks.memory", library, name, str(threads)],
                                  capture_output=True, text=True, check=False)  # fmt: skip
            if done.returncode:
                return {"error": f"{library}: {(done.stderr.splitlines() or ['no word'])[-1]}"}
            peaks_of.append(float(done.stdout))
    ours, theirs = map(statistics.median, found.values())
    return {"ours": ours, "theirs": theirs, "ratio": ours / theirs}


def added(library: str, name: str, threads: int) -> float:
    """What some steps add to this process's peak, in MB."""
    t = importlib.import_module(library)
    t.set_num_threads(threads)
    network, shape = _found(name)
    step_of(t, lambda t: t.nn.Linear(1, 10), (4, 1))()  # what both load late is no part of a step
    before = _peak()
    step = step_of(t, network, shape)
    for _ in range(STEPS):
        step()
    return _peak() - before


def _found(name: str) -> tuple[Network, Shape]:
    if name in TRAINED:
        return TRAINED[name]
    from benchmarks.growth import Point

    return Point(*map(int, name.split())).network


def _peak() -> float:
    """This process's peak so far, in MB. (``getrusage`` would begin with that of the process that started it.)"""
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) * 1024 / 1e6


if __name__ == "__main__":
    print(added(sys.argv[1], sys.argv[2], int(sys.argv[3])))
