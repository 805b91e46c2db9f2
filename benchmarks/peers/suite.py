"""minicnn beside the other libraries that are installed."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import NamedTuple

from benchmarks.case import Row, Settings


class Peer(NamedTuple):
    """What a library is called, and what to know of it."""

    title: str
    about: str


PEERS = {
    "mygrad": Peer("MyGrad", "no optimiser: the step is written in NumPy here; no grouped and no transposed "
                             "convolution"),
    "dezero": Peer("DeZero", "written for NumPy 1: here `np.int` is given back to it, and NumPy 2 makes "
                             "its gradients float64; no grouped and no dilated convolution"),
    "pydynet": Peer("PyDyNet", "no grouped, dilated or transposed convolution; keeps all nodes in one list, which "
                               "it searches for each that is freed"),
    "autograd": Peer("autograd", "no layers and no optimiser: written here around its "
                                 "`scipy.signal.convolve`, as its own example is; so no strides, groups or batch norm"),
    "tinygrad": Peer("tinygrad", "needs clang; steps compiled before they are timed; each hundred operations of the "
                                 "chain become one kernel, and its gradient a constant, thought out anew at each call"),
    "jax": Peer("JAX", "steps compiled before they are timed; the chain as Python calls it, "
                       "without a compiler"),
}  # fmt: skip
TASKS = ("LeNet b64", "SimpleCNN b64", "overhead forward ×1000", "overhead forward and backward ×1000")
PATIENCE = 100.0
"""Seconds that one task of one peer may take, its compiler included."""


def peers(settings: Settings, wanted: Callable[[str, str], bool]) -> Iterator[Row]:
    """A row for each task of each library, with all threads; one that says so where the library is not installed."""
    threads = max(settings.threads)
    for peer, (title, about) in PEERS.items():
        for task in TASKS if wanted("peers", f"peer {title}") else ():
            row = {"case": task, "library": title, "about": about, "threads": threads, "unit": "s"}
            if importlib.util.find_spec(peer) is None:
                yield {**row, "note": f"not installed: pip install {peer}"}
            else:
                yield {**row, **_apart(peer, task, threads, 0.5 if settings.quick else 2.0)}


def _apart(peer: str, task: str, threads: int, budget: float) -> Row:
    """The figures, from a process that has so many cores."""
    variables = dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"), str(threads))
    command = [sys.executable, "-m", "benchmarks.peers.one", peer, task, str(threads), str(budget)]
    if hasattr(os, "sched_setaffinity"):
        chosen = sorted(os.sched_getaffinity(0))[:threads]
        command[1:3] = ["-c", f"import os, runpy; os.sched_setaffinity(0, {chosen}); "
                              "runpy.run_module('benchmarks.peers.one', run_name='__main__')"]  # fmt: skip
    try:
        done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, **variables},
                              timeout=PATIENCE, check=False)  # fmt: skip
    except subprocess.TimeoutExpired:
        return {"error": f"took more than {PATIENCE:.0f} s"}
    lines = (done.stdout if done.returncode == 0 else done.stderr).splitlines() or ["no output"]
    found: Row = json.loads(lines[-1]) if done.returncode == 0 else {"error": lines[-1]}
    return found
