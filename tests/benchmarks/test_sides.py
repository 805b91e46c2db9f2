"""Each library that is measured has a process of its own, which ends when it should and tells why it failed."""

from __future__ import annotations

import functools
import os
import signal
import time
from collections.abc import Callable, Iterator
from multiprocessing import resource_tracker
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch", reason="what the benchmarks compare with; the suite needs no PyTorch")

from benchmarks import mnist, networks, overhead, profiles, sides, steps, suites
from benchmarks.case import Row, Settings, cores
from benchmarks.peers import one
from benchmarks.sides import Apart, Failed
from tests.benchmarks import fakepeer
from tests.benchmarks.spy import Told

pytestmark = [
    pytest.mark.host("benchmarks of the CPU, beside libraries that compute there"),
    pytest.mark.usefixtures("nothing_left"),
]


@pytest.fixture
def nothing_left() -> Iterator[None]:
    """The process that Python starts beside the first one that is spawned ends with the test."""
    yield
    resource_tracker._resource_tracker._stop()  # type: ignore[attr-defined]  # of no public name


def images(settings: Settings, *, train: bool) -> tuple[Any, Any]:
    """Two batches of noise."""
    rng = np.random.default_rng(int(train))
    count = 2 * mnist.BATCH
    return rng.standard_normal((count, 1, 28, 28)).astype("float32"), rng.integers(0, 10, count)


def row_of(suite: str) -> Row:
    """One row of a suite."""
    if suite == "peers":
        return one.measured("peer", "LeNet b64", 1, 0.1, time.perf_counter)
    settings = Settings(quick=True, clock=time.process_time)
    (row,) = suites.SUITES[suite](settings, lambda suite, name: name.endswith(("LeNet b64", "MNIST")))
    return row


@pytest.mark.parametrize("suite", ["steps", "profile", "mnist", "peers"])
def test_each_library_has_a_process_of_its_own(suite: str, monkeypatch: pytest.MonkeyPatch) -> None:
    lenet = {"LeNet b64": (networks.lenet, (64, 1, 28, 28))}
    for module in (steps, profiles):
        monkeypatch.setattr(module, "TRAINED", lenet)
    monkeypatch.setattr(mnist, "_arrays", images)
    monkeypatch.setattr(one, "beside", fakepeer.beside)
    monkeypatch.setattr(sides, "Apart", Told)
    monkeypatch.setattr(Told, "states", [])
    before = cores(), os.environ.get("OMP_NUM_THREADS")
    row = row_of(suite)
    assert sorted(state.libraries for state in Told.states) == [("minicnn",), ("torch",)]
    assert len({state.pid for state in Told.states} | {os.getpid()}) == 3
    assert "error" not in row
    if suite == "mnist":
        ours, theirs = row["curves"]["ours"], row["curves"]["theirs"]
        assert ours["batches"] == [4] and ours["loss"] == pytest.approx(theirs["loss"], rel=1e-4)
        assert min(row["per_batch"]) > 0
    else:
        assert row["ours"] > 0 and row["theirs"] > 0
    if suite == "peers":
        few = 1 if hasattr(os, "sched_setaffinity") else cores()
        assert [(state.cores, state.variable) for state in Told.states] == [(few, "1")] * 2
    assert (cores(), os.environ.get("OMP_NUM_THREADS")) == before


def test_both_compute_the_same_numbers_there() -> None:
    asked: tuple[Any, ...] = (steps.training_steps, "step LeNet b64", 1, time.process_time)
    with Apart(sides.here, "minicnn", *asked) as one_side, Apart(sides.here, "torch", *asked) as other:
        (ours, gradient), (theirs, same) = one_side(), other()
        assert ours == pytest.approx(theirs, rel=1e-5) and gradient.shape == same.shape == (6, 1, 5, 5)
        assert all(0 < side.seconds(2) < 10 for side in (one_side, other))
    assert [side.process.exitcode for side in (one_side, other)] == [0, 0]


def test_a_process_that_fails_says_why() -> None:
    with (
        Apart(sides.here, "minicnn", overhead.overhead, "no such case", 1, time.perf_counter) as side,
        pytest.raises(Failed, match="StopIteration") as told,
    ):
        side.seconds(1)
    assert "sides.py" in told.value.__notes__[0] and "in here" in told.value.__notes__[0]
    found = one.measured("nobody", "overhead forward ×1000", 1, 0.1, time.perf_counter)
    assert found == {"error": "ModuleNotFoundError: No module named 'benchmarks.peers.nobody'"}


@pytest.mark.parametrize(
    ("work", "patience", "told", "status"),
    [(functools.partial(os._exit, 3), None, "has ended without a word", 3),
     (functools.partial(time.sleep, 600), 1.0, "took more than 1 s", -signal.SIGKILL)],
)  # fmt: skip
def test_a_process_that_ends_or_does_not_end(
    work: Callable[[], Any], patience: float | None, told: str, status: int
) -> None:
    with Apart(functools.partial, work, patience=patience) as side, pytest.raises(Failed, match=told):
        side()
    assert side.process.exitcode == status
