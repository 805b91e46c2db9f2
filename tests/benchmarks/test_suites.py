"""The benchmarks' harness: one small case of each suite, with a clock that counts calls, so that no test waits."""

from __future__ import annotations

import gzip
import json
import struct
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import minicnn as mc
from tests.benchmarks.ticks import ticks

pytest.importorskip("torch", reason="what the benchmarks compare with; the suite needs no PyTorch")

import torch

from benchmarks import (
    memory,
    mnist,
    overhead,
    regions,
    report,
    suites,
)
from benchmarks.__main__ import parser, run
from benchmarks.case import Case, Settings, difference
from benchmarks.peers import one, suite
from tests.benchmarks import fakepeer
from tests.benchmarks.quick import figures

pytestmark = [
    pytest.mark.host("benchmarks of the CPU, beside libraries that compute there"), pytest.mark.usefixtures("small")
]  # fmt: skip


@pytest.mark.parametrize(
    "only", ["step LeNet", "inference ResNet-18 b1", "overhead forward ×", "ReLU y", "conv depthwise 3x3 576@14 dw",
             "transposed 2x2 s2 128-64@14 dx", "SGD step", "cross-entropy dx"],
)  # fmt: skip
def test_both_sides_are_timed_by_the_clock(only: str, tmp_path: Path) -> None:
    rows, text = figures(tmp_path, only)
    (row,) = rows
    assert only in row["case"]
    assert [row[name] for name in ("threads", "ours", "theirs", "ratio", "low", "high", "best")] == [1] + [1.0] * 6
    assert f"| {row['case']} | 1 | 1.00 s | 1.00 s | 1.00 | 1.00 to 1.00 | 1.00 |" in text
    (plot,) = tmp_path.glob("*.svg")
    drawn = plot.read_text(encoding="utf-8")
    assert plot.stem.split("-")[0] == row["suite"]
    assert row["case"] in drawn and "geometric mean 1.00" in drawn
    assert ("goal of each" in drawn) == (row["suite"] in ("steps", "overhead"))


def test_memory_and_import(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(overhead.subprocess, "run", lambda *arguments, **options: None)
    rows, text = figures(tmp_path, "memory,import")
    assert [(row["case"], row["ratio"]) for row in rows] == [("memory LeNet b64", 0.75), ("import", 1.0)]
    assert "| memory LeNet b64 | 1 | 3.0 MB | 4.0 MB | 0.75 |" in text
    assert "| memory: each | 1 | 1.1 | 0.75 (memory LeNet b64) | reached |" in text
    assert "| import: each | 1 | 0.2 | 1.00 (import) | not reached |" in text
    assert "goal of each: 0.2" in (tmp_path / "import.svg").read_text(encoding="utf-8")


def test_the_peak_of_memory_is_that_of_the_step() -> None:
    assert 0 <= memory.added("minicnn", "LeNet b64", 1) < 50
    assert 0 <= memory.added("minicnn", "2 8 1", 1) < 50


def test_a_process_that_fails_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    assert "minicnn: ValueError: invalid literal" in memory.peaks("LeNet b0", 1)["error"]


def test_growth(tmp_path: Path) -> None:
    rows, text = figures(tmp_path, "growth")
    assert [(row["axis"], row["value"], row["unit"], row["ratio"]) for row in rows] == [
        ("depth", 1, "s", 1.0), ("depth", 1, "MB", 0.75)
    ]  # fmt: skip
    assert "| depth | 1 | 1.00 s | 1.00 s | 1.00 | 3.0 MB | 4.0 MB | 0.75 |" in text
    assert "peak memory, MB" in (tmp_path / "growth.svg").read_text(encoding="utf-8")


def test_a_profile_tells_the_whole_step(tmp_path: Path) -> None:
    product, forward = np.matmul, mc.nn.functional.relu
    rows, text = figures(tmp_path, "profile")
    (row,) = rows
    assert row["ours"] == sum(row["families"]["ours"].values()) and row["ratio"] == row["ours"] / row["theirs"]
    assert {"convolution: products", "norm", "optimiser", regions.ENGINE} <= row["families"]["ours"].keys()
    assert {"convolution", "norm", "optimiser", "linear"} <= row["families"]["theirs"].keys()
    assert "| norm |" in text and "| **all** (minicnn / PyTorch, ms) |" in text
    assert "LeNet b64, PyTorch" in (tmp_path / "profile.svg").read_text(encoding="utf-8")
    assert np.matmul is product and mc.nn.functional.relu is forward  # nothing stays wrapped


def test_a_familys_time_is_its_own() -> None:
    watch = regions.Stopwatch(ticks())
    inner = watch.inside("convolution: windows", lambda: None)
    product = watch.inside(None, lambda: None)
    watch.inside("convolution: the rest", lambda: (inner(), product()))()
    watch.inside("norm", product)()
    # Each change of family asks the clock once, and each span between two changes is a second.
    assert watch.stop() == {"engine": 3, "convolution: the rest": 3, "convolution: windows": 1,
                            "convolution: products": 1, "norm": 3}  # fmt: skip


def test_products(tmp_path: Path) -> None:
    (row,), text = figures(tmp_path, "product square 256")
    assert row["flops"] == 2 * 256**3
    assert "| square 256 | 1 | 0 GFLOP/s | 0 GFLOP/s | 1.00 |" in text


def test_a_convolutions_operations_are_those_of_its_definition() -> None:
    from benchmarks.kernels import convolution

    assert convolution("1x1 64-256@56", "y").flops == 2 * 4 * 56 * 56 * 64 * 256
    assert convolution("depthwise 3x3 s2 144@56", "y").flops == 2 * 4 * 28 * 28 * 144 * 9


def idx(path: Path, numbers: Any) -> None:
    head = struct.pack(f">HBB{numbers.ndim}I", 0, 8, numbers.ndim, *numbers.shape)
    path.write_bytes(gzip.compress(head + numbers.astype("uint8").tobytes()))


@pytest.fixture
def digits(tmp_path: Path) -> Path:
    root = tmp_path / "data"
    root.mkdir()
    for train, name in ((True, "train"), (False, "t10k")):
        data = mc.datasets.Digits(train=train)
        idx(root / f"{name}-images-idx3-ubyte.gz", data.data.numpy()[: 3 * mnist.BATCH])
        idx(root / f"{name}-labels-idx1-ubyte.gz", data.targets.numpy()[: 3 * mnist.BATCH])
    return root


def test_the_same_curves_on_the_way_to_99_percent(digits: Path, tmp_path: Path) -> None:
    (row,), text = figures(tmp_path, "mnist", root=digits)
    ours, theirs = row["curves"]["ours"], row["curves"]["theirs"]
    assert ours["batches"] == theirs["batches"] == [6] and row["note"] == "not reached in 6 batches"
    assert ours["loss"] == pytest.approx(theirs["loss"], rel=1e-4) and ours["accuracy"] == theirs["accuracy"]
    assert row["per_batch"] == [1 / 6, 1 / 6] and f"{ours['accuracy'][0]:.2%}" in text
    assert "accuracy on the test images" in (tmp_path / "mnist.svg").read_text(encoding="utf-8")


def test_seconds_until_99_percent_are_those_of_training(
    digits: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("benchmarks.mnist.GOAL", 0.0)
    (row,), text = figures(tmp_path, "mnist", root=digits)
    assert (row["ours"], row["theirs"], row["ratio"]) == (1, 1, 1.0)
    assert "| training until 99 % | 1 | 1.00 s | 1.00 s | 1.00 |" in text


def test_a_training_that_is_interrupted_leaves_its_curves(
    digits: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    judge = mnist.Learner.judge

    def interrupted(learner: Any, *test: Any) -> float:
        if learner.t is torch:
            raise KeyboardInterrupt
        return judge(learner, *test)

    monkeypatch.setattr(mnist.Learner, "judge", interrupted)
    assert run(Settings("mnist", quick=True, clock=ticks(), root=digits), tmp_path) == 130
    (row,) = json.loads((tmp_path / "results.json").read_text(encoding="utf-8"))["rows"]
    assert row["note"] == "not reached in 6 batches" and row["per_batch"] == [1 / 6, 1 / 6]
    assert [len(row["curves"][side]["accuracy"]) for side in ("ours", "theirs")] == [1, 0]
    assert (tmp_path / "mnist.svg").exists()


def test_where_mnist_comes_from(tmp_path: Path) -> None:
    (row,), text = figures(tmp_path, "mnist", root=tmp_path)
    assert "no MNIST in" in row["note"] and "download=True" in text


def test_peers_that_are_not_installed_are_named(tmp_path: Path) -> None:
    rows, text = figures(tmp_path, "peers")
    assert {row["library"] for row in rows} == {"MyGrad", "DeZero", "PyDyNet", "autograd", "tinygrad", "JAX"}
    assert "not installed: pip install jax" in text


@pytest.mark.parametrize("wrong", [False, True])
def test_peers_are_held_to_the_same_losses(wrong: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(one, "beside", fakepeer.beside)
    monkeypatch.setattr(fakepeer.Peer, "wrong", wrong)
    found = one.measured("peer", "LeNet b64", 1, 0.1, ticks())
    if wrong:
        assert "the results of call 3 differ by" in found["error"]
    else:
        assert (found["ours"], found["theirs"]) == (1.0, 1.0)
    assert one.measured("peer", "overhead forward and backward ×1000", 1, 0.1, ticks())["ratio"] == 1.0


@pytest.mark.parametrize("peer", suite.PEERS)
def test_a_peer_that_is_installed_gives_the_same_losses(peer: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    if suite.importlib.util.find_spec(peer) is None:
        pytest.skip(f"{peer} is not installed; the benchmarks name it so, too")
    found = one.measured(peer, "LeNet b64", 1, 0.1, time.perf_counter)
    assert found["ratio"] > 0, found


def test_a_wrong_result_is_told_and_not_timed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cases = [Case("wrong", lambda t: lambda: t.ones(3) if t is torch else t.zeros(3)),
             Case("right", lambda t: lambda: t.ones(3))]  # fmt: skip
    monkeypatch.setattr(suites, "SUITES", {"kernels": suites._timed("kernels", lambda: iter(cases), 1.0)})
    assert run(Settings(quick=True, clock=ticks()), tmp_path) == 1
    wrong, right = json.loads((tmp_path / "results.json").read_text(encoding="utf-8"))["rows"]
    assert wrong["error"] == "the results of call 1 differ by 1.0e+00, more than 1e-03" and "ratio" not in wrong
    assert right["ratio"] == 1.0
    assert difference(torch.ones(2), torch.ones(2)) == 0


def test_ctrl_c_writes_what_was_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(settings: Settings, wanted: Any) -> Any:
        yield {"case": "one", "threads": 1, "unit": "s", "ours": 1.0, "theirs": 2.0, "ratio": 0.5}
        raise KeyboardInterrupt

    monkeypatch.setattr(suites, "SUITES", {"steps": interrupted})
    assert run(Settings(), tmp_path) == 130
    (row,) = json.loads((tmp_path / "results.json").read_text(encoding="utf-8"))["rows"]
    assert row["case"] == "one"
    assert (tmp_path / "steps.svg").exists() and "| one | 1 |" in (tmp_path / "results.md").read_text(encoding="utf-8")


def test_the_command_line_says_what_there_is() -> None:
    told = parser().format_help()
    assert all(name in told for name in suites.SUITES) and "--threads" in told


def test_a_report_says_what_keeps_a_library_from_the_processors_instructions(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in report.LIMITS:
        monkeypatch.delenv(name, raising=False)
    assert report.instructions() == {}
    monkeypatch.setenv("OPENBLAS_CORETYPE", "Haswell")
    monkeypatch.setenv("ONEDNN_MAX_CPU_ISA", "AVX2")
    assert report.instructions() == {"limited by": "OPENBLAS_CORETYPE=Haswell, ONEDNN_MAX_CPU_ISA=AVX2"}
