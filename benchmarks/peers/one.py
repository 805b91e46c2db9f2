"""One task of one peer beside minicnn, in a process of its own: ``python -m benchmarks.peers.one PEER TASK …``.

Of its own, because libraries disagree about threads and memory, and because one that fails must not end the rest.
"""

from __future__ import annotations

import importlib
import json
import os
import shutil
import sys
import time
from typing import Any

import numpy as np

import minicnn
from benchmarks import networks, overhead
from benchmarks.case import Clock, Work
from benchmarks.peers.layers import described
from benchmarks.sides import Here
from benchmarks.steps import MOMENTUM, Network, Shape, batch_of, step_of
from benchmarks.timing import Wrong, check, paired

STEPS: dict[str, tuple[Network, Shape]] = {
    "LeNet b64": (networks.lenet, (64, 1, 28, 28)),
    "SimpleCNN b64": (networks.simple_cnn, (64, 3, 32, 32)),
}
CHAINS = {"overhead forward ×1000": False, "overhead forward and backward ×1000": True}
LR = 0.05
"""Large enough that a wrong gradient shows in the next loss."""


def works(peer: str, task: str) -> tuple[Work, Work, float]:
    """minicnn's function, the peer's, and how far their results may be apart."""
    _prepare(peer)
    library = importlib.import_module(f"benchmarks.peers.{peer}")
    if task in CHAINS:
        chain = overhead.chain(minicnn, backward=CHAINS[task])
        theirs = library.chain(overhead.numbers(), overhead.LENGTH, overhead.FACTOR, overhead.TERM,
                               backward=CHAINS[task])  # fmt: skip
        return chain, theirs, 1e-4
    network, shape = STEPS[task]
    minicnn.manual_seed(0)
    layers, arrays = described(network(minicnn))
    step = step_of(minicnn, network, shape, lr=LR)
    return lambda: step()[0], library.step(layers, arrays, *batch_of(shape), LR, MOMENTUM), 1e-5


def _prepare(peer: str) -> None:
    """What two libraries need before they are imported."""
    if peer == "dezero":
        np.int = int  # type: ignore[attr-defined]  # NumPy 1.24 gave the name up, DeZero 0.0.13 imports with it
    if peer == "tinygrad":  # it asks for a compiler named clang; Debian's has its version in its name
        compilers = ["clang", *(f"clang-{version}" for version in range(25, 13, -1))]
        os.environ.setdefault("CC", next((name for name in compilers if shutil.which(name)), "clang"))


def measured(peer: str, task: str, threads: int, budget: float, clock: Clock = time.perf_counter) -> dict[str, Any]:
    """The row's figures, or why there are none."""
    try:
        minicnn.set_num_threads(threads)
        *both, tolerance = works(peer, task)
        ours, theirs = (Here(work, clock) for work in both)
        check(ours, theirs, tolerance)
        return paired(ours, theirs, budget)
    except Wrong as found:
        return {"error": str(found)}
    except Exception as failure:  # whatever another library raises is what there is to tell
        return {"error": f"{type(failure).__name__}: {str(failure).splitlines()[0] if str(failure) else ''}"}


if __name__ == "__main__":
    print(json.dumps(measured(sys.argv[1], sys.argv[2], int(sys.argv[3]), float(sys.argv[4]))))
