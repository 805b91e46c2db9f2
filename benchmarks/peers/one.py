"""One task of one peer beside minicnn, each in a process of its own."""

from __future__ import annotations

import importlib
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from benchmarks import networks, overhead, sides
from benchmarks.case import Case, Clock, Row
from benchmarks.peers.layers import Layers, described
from benchmarks.sides import Failed, Here
from benchmarks.steps import MOMENTUM, Network, Shape, batch_of, step_of
from benchmarks.timing import Wrong, check, paired

STEPS: dict[str, tuple[Network, Shape]] = {
    "LeNet b64": (networks.lenet, (64, 1, 28, 28)),
    "SimpleCNN b64": (networks.simple_cnn, (64, 3, 32, 32)),
}
CHAINS = {"overhead forward ×1000": False, "overhead forward and backward ×1000": True}
LR = 0.05
"""Large enough that a wrong gradient shows in the next loss."""

PATIENCE = 100.0
"""Seconds that one task of one peer may take, its compiler included."""


def measured(peer: str, task: str, threads: int, budget: float, clock: Clock) -> Row:
    """The row's figures, or why there are none."""
    try:
        tolerance = next(case.tolerance for case in tasks() if case.name == task)
        weights = _weights(task) if task in STEPS else None
        with (
            _cores(threads),
            sides.Apart(sides.here, "minicnn", tasks, task, threads, clock, patience=PATIENCE) as ours,
            sides.Apart(beside, peer, task, weights, clock, patience=PATIENCE) as theirs,
        ):
            check(ours, theirs, tolerance)
            return paired(ours, theirs, budget)
    except (Wrong, Failed) as found:
        return {"error": str(found)}
    except ValueError as failure:  # results of another shape, or another number of them
        return {"error": f"ValueError: {failure}"}


def tasks() -> Iterator[Case]:
    """What minicnn does: the chains, and steps that return their loss."""
    for chain in overhead.overhead():
        yield chain._replace(tolerance=1e-4)
    for name, (network, shape) in STEPS.items():
        yield Case(name, lambda t, a=(network, shape): _loss_of(step_of(t, *a, lr=LR)), 1e-5)


def beside(peer: str, task: str, weights: tuple[Layers, list[Any]] | None, clock: Clock) -> Here:
    """The same of a peer, in this process."""
    _prepare(peer)
    library = importlib.import_module(f"benchmarks.peers.{peer}")
    if weights is None:
        chain = (overhead.numbers(), overhead.LENGTH, overhead.FACTOR, overhead.TERM)
        return Here(library.chain(*chain, backward=CHAINS[task]), clock)
    return Here(library.step(*weights, *batch_of(STEPS[task][1]), LR, MOMENTUM), clock)


def _loss_of(step: Any) -> Any:
    return lambda: step()[0]


def _weights(task: str) -> tuple[Layers, list[Any]]:
    """The layers and the weights that minicnn's step begins with."""
    import minicnn

    minicnn.manual_seed(0)
    return described(STEPS[task][0](minicnn))


def _prepare(peer: str) -> None:
    """What two libraries need before they are imported."""
    if peer == "dezero":
        np.int = int  # type: ignore[attr-defined]  # NumPy 1.24 gave the name up, DeZero 0.0.13 imports with it
    if peer == "tinygrad":  # it asks for a compiler named clang; Debian's has its version in its name
        compilers = ["clang", *(f"clang-{version}" for version in range(25, 13, -1))]
        os.environ.setdefault("CC", next((name for name in compilers if shutil.which(name)), "clang"))


@contextmanager
def _cores(threads: int) -> Iterator[None]:
    """Processes that start in such a block have so many cores, and variables that say so before they load anything."""
    names = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")
    before = {name: os.environ[name] for name in names if name in os.environ}
    cores = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else None
    os.environ.update(dict.fromkeys(names, str(threads)))
    if cores is not None:
        os.sched_setaffinity(0, sorted(cores)[:threads])
    try:
        yield
    finally:
        for name in names:
            del os.environ[name]
        os.environ.update(before)
        if cores is not None:
            os.sched_setaffinity(0, cores)
