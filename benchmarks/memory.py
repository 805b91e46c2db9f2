"""The peak of resident memory that a training step adds, each in a process of its own."""

from __future__ import annotations

import importlib
import resource
import subprocess
import sys
from typing import Any

from benchmarks.steps import TRAINED, step_of

STEPS = 4


def peaks(name: str, threads: int) -> dict[str, Any]:
    """MB above what the process held before the step, for either library."""
    ours, theirs = (
        float(subprocess.run([sys.executable, "-m", "benchmarks.memory", library, name, str(threads)],
                             capture_output=True, text=True, check=True).stdout)
        for library in ("minicnn", "torch")
    )  # fmt: skip
    return {"ours": ours, "theirs": theirs, "ratio": ours / theirs}


def _added(library: str, name: str, threads: int) -> float:
    t = importlib.import_module(library)
    t.set_num_threads(threads)
    network, shape = TRAINED[name]
    step_of(t, lambda t: t.nn.Linear(1, 10), (4, 1))()  # what both load late is no part of a step
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    step = step_of(t, network, shape)
    for _ in range(STEPS):
        step()
    unit = 1 if sys.platform == "darwin" else 1024
    return (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * unit / 1e6


if __name__ == "__main__":
    print(_added(sys.argv[1], sys.argv[2], int(sys.argv[3])))
