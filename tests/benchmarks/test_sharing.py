"""What threads share of a step: the clock around pieces of work, and the rows and plot that come of it."""

from __future__ import annotations

import functools
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

import minicnn as mc
from minicnn.backend.cpu import conv, threads
from tests.benchmarks.ticks import ticks

pytest.importorskip("torch", reason="what the benchmarks compare with; the suite needs no PyTorch")

import torch

from benchmarks import networks, sharing, steps
from benchmarks.case import Settings
from tests.benchmarks.quick import figures

pytestmark = [
    pytest.mark.host("benchmarks of the CPU, beside libraries that compute there"), pytest.mark.usefixtures("small")
]  # fmt: skip


@pytest.fixture(autouse=True)
def as_many_threads_as_before() -> Iterator[None]:
    ours, theirs = mc.get_num_threads(), torch.get_num_threads()
    yield
    mc.set_num_threads(ours)
    torch.set_num_threads(theirs)


def test_work_is_the_sum_of_its_parts(tmp_path: Path) -> None:
    rows, text = figures(tmp_path, "threads", (1, 2))
    assert [row["case"] for row in rows] == ["threads LeNet b64", "threads ResNet-18 b1", "threads ResNet-18 b8"]
    for row in rows:
        (one, more), theirs = row["parts"]["ours"], row["parts"]["theirs"]
        assert row["threads"] == 2 and row["ours"] == more["whole"] and row["theirs"] == theirs[1]["whole"] == 1
        assert one["whole"] == sum(one[part] for part in sharing.PARTS) and more["whole"] > more["rest"] > 0
    assert "| step, ms | LeNet b64, 2 threads |" in text and "| — kernels too small to share |" in text
    assert "| inference, ms | ResNet-18 b1, 2 threads | ResNet-18 b8, 2 threads |" in text
    assert "this thread's share of the pieces" in (tmp_path / "threads.svg").read_text(encoding="utf-8")


def test_parts_are_those_of_the_round_in_the_middle(monkeypatch: pytest.MonkeyPatch) -> None:
    class Uneven(sharing.Worker):
        """Each time takes longer than the one before, by one of its parts in turn."""

        def parts(self) -> sharing.Parts:
            self.asked = getattr(self, "asked", 0) + 1
            own, rest = self.asked * 10.0, (self.asked * 7) % 10 / 10
            return {"whole": own + rest, "own": own, "rest": rest, "waits": 0.0, "alone": 0.0, "sleeps": 0}

    monkeypatch.setattr(sharing, "Worker", Uneven)
    (row,) = sharing.sharing(Settings("threads", (2,), quick=True), lambda suite, case: "LeNet" in case)
    # Asked once to begin with, and twice in each of five rounds, of which the second answer counts: 3, 5, 7, 9, 11.
    expected = {"whole": 70.9, "own": 70.0, "rest": 0.9, "waits": 0.0, "alone": 0.0, "sleeps": 0}
    assert row["parts"]["ours"] == row["parts"]["theirs"] == [expected, expected] and row["ours"] == 70.9


def test_a_layer_that_is_large_enough_is_shared(monkeypatch: pytest.MonkeyPatch) -> None:
    network = functools.partial(networks.stack, depth=1, width=32)
    monkeypatch.setattr(steps, "TRAINED", {"large": (network, (8, 3, 64, 64))})
    parts = sharing.Worker("minicnn", "step large", 2, 2, time.perf_counter).parts()
    assert 0 < parts["own"] < parts["pieces"] and parts["own"] + parts["waits"] < parts["whole"]
    assert sum(parts[part] for part in sharing.PARTS) == pytest.approx(parts["whole"])


def test_one_thread_shares_nothing(tmp_path: Path) -> None:
    rows, text = figures(tmp_path, "threads")
    assert len(rows) == 3
    for row in rows:
        assert "--threads 2" in row["note"] and f"- {row['case']}: {row['note']}" in text


def test_pieces_are_timed_inside_calls() -> None:
    watch, run = sharing.Watch(2, ticks(), ticks()), threads.run
    mc.set_num_threads(1)

    def outer(piece: int) -> int:
        return sum(threads.run(lambda number: number, [piece, piece]))

    with watch.measured():
        assert conv.run is not run
        assert threads.run(outer, [1, 2, 3, 4]) == [2, 4, 6, 8]
        assert threads.run(outer, [5, 6], each=2) == [10, 12]
    assert threads.run is run and conv.run is run
    # Each look at the clock takes a second. The first call is shared: two looks, and two for each of its pieces, which
    # run what is within them themselves. The second is not: two looks, around two calls that are shared, of two pieces.
    assert watch.told({"whole": 30.0, "sleeps": 3}) == {
        "whole": 30, "sleeps": 3, "own": 4 + 4, "waits": 9 - 4 + 2 * (5 - 2), "alone": 13 - 2 * 5, "rest": 30 - 9 - 13,
        "pieces": 8, "busy": 8,
    }  # fmt: skip


def test_the_others_pieces_are_not_this_threads_own() -> None:
    watch, both = sharing.Watch(2, time.perf_counter), threading.Barrier(2)
    mc.set_num_threads(2)
    with watch.measured():
        threads.run(lambda piece: both.wait(60), [0, 1])
    parts = watch.told({"whole": 1.0, "sleeps": 0})
    assert len({thread for thread, *_ in watch.pieces}) == 2
    assert 0 < parts["own"] < parts["pieces"] and parts["waits"] > 0


def test_the_sleeps_of_all_threads_are_counted() -> None:
    def sleep() -> None:
        for _ in range(40):
            time.sleep(0.0001)

    before = sharing._sleeps()
    thread = threading.Thread(target=sleep)
    thread.start()
    thread.join()
    assert sharing._sleeps() - before >= 20


def test_a_system_that_counts_no_sleeps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sharing, "resource", None)
    (row,) = sharing.sharing(Settings("threads", (2,)), lambda suite, case: "LeNet" in case)
    assert "Linux and macOS do" in row["note"]


def test_the_processors_time_is_no_clock_for_several_threads() -> None:
    assert Settings(clock=time.process_time).wall is time.perf_counter
    assert Settings(clock=time.monotonic).wall is time.monotonic


def test_other_numbers_are_told_and_not_timed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(steps, "TOLERANCE", (-1.0, -1.0))
    settings = Settings("threads", (2,), quick=True, clock=ticks())
    (row,) = sharing.sharing(settings, lambda suite, case: "LeNet" in case)
    assert "the results of call 1 differ by" in row["error"] and "parts" not in row
