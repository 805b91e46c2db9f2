"""The benchmarks of a CUDA device, on one that is none: what is run, checked, recorded and written, not how fast."""

from __future__ import annotations

import functools
import gc
import json
import sys
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

import minicnn as mc
from benchmarks import networks
from benchmarks import steps as cpu_steps
from benchmarks.__main__ import CUDA, main, run
from benchmarks.case import Row, Settings
from benchmarks.gpu import card, comparison, forms, kernels, memory, roofline, sides, steps, timing
from benchmarks.gpu.comparison import Contest
from benchmarks.gpu.sides import CPU, MINICNN, MINICNN_GRAPH, TORCH, TORCH_GRAPH, TORCH_LAST, OnDevice
from minicnn.backend import backend_for
from tests.backend.hostcuda import COMPILER
from tests.benchmarks import fakecard
from tests.benchmarks.ticks import ticks


def small(t: Any) -> Any:
    """A network without convolutions, whose forms may change."""
    nn = t.nn
    return nn.Sequential(nn.BatchNorm2d(3), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(48, 10))


needs_compiler = pytest.mark.skipif(COMPILER is None, reason="no C++ compiler here to build the kernels for the host")


@pytest.fixture(autouse=True)
def _no_collection(monkeypatch: pytest.MonkeyPatch) -> None:
    """To collect what a process with PyTorch holds takes long, and no memory is measured here."""
    monkeypatch.setattr(gc, "collect", lambda: 0)


@pytest.fixture
def a_card(monkeypatch: pytest.MonkeyPatch) -> None:
    """A card without PyTorch, and small networks."""
    fakecard.install(monkeypatch)
    monkeypatch.setattr(card, "why_no_torch", lambda: "PyTorch is not installed")
    monkeypatch.setattr(steps, "NETWORKS", {"LeNet": (small, (3, 8, 8))})
    monkeypatch.setattr(steps, "BATCHES", (2,))
    monkeypatch.setattr(memory, "LATE", (small, (2, 3, 8, 8)))
    monkeypatch.setattr(timing, "CHECKED", 4)
    monkeypatch.setattr(roofline, "NUMBERS", 64)
    monkeypatch.setattr(roofline, "SIDE", 4)
    monkeypatch.setattr(roofline, "REPEATS", 2)
    monkeypatch.setattr(roofline, "SAMPLES", 1)


@pytest.fixture
def beside_torch(a_card: None, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("torch", reason="what the benchmarks compare with; the suite needs no PyTorch")
    fakecard.with_torch(monkeypatch)


def measured(folder: Path, only: str) -> tuple[list[Row], str]:
    """The rows and the Markdown of a run, whose JSON is what the rows are."""
    assert run(Settings(only, quick=True, clock=ticks()), folder, CUDA) == 0
    content = json.loads((folder / "results.json").read_text(encoding="utf-8"))
    assert content["device"] == "cuda" and content["about"]["card"].startswith("a card of the test's, 2 multi")
    return content["rows"], (folder / "results.md").read_text(encoding="utf-8")


def of(rows: list[Row], suite: str, **same: Any) -> list[Row]:
    return [row for row in rows if row["suite"] == suite and all(row[name] == value for name, value in same.items())]


def test_without_a_card_there_is_one_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    with mock.patch.dict(sys.modules, {"cupy": None}):
        assert main(["--device", "cuda"]) == 2
    told = capsys.readouterr()
    assert told.out == "" and told.err.count("\n") == 1
    assert told.err.startswith("There is no CUDA device to measure on (cuda: CuPy is not installed")
    assert 'pip install "minicnn[cuda12]"' in told.err


@needs_compiler
def test_steps_graphs_and_memory_beside_pytorch(beside_torch: None, tmp_path: Path) -> None:
    rows, text = measured(tmp_path, "steps,graphs,memory")
    for suite, names in (("steps", [TORCH, TORCH_LAST, MINICNN]),
                         ("graphs", [TORCH, TORCH_GRAPH, MINICNN, MINICNN_GRAPH])):  # fmt: skip
        for tf32 in (False, True):
            assert [row["side"] for row in of(rows, suite, tf32=tf32)] == names
        assert {(row["case"], row["time"], row["ratio"]) for row in of(rows, suite)} == {("step LeNet b2", 1.0, 1.0)}
    assert [(row["side"], row["allocated"], row["reserved"], row["ratio"]) for row in of(rows, "memory")] == [
        (TORCH, 2.0, 0.0, 1.0), (TORCH_LAST, 2.0, 0.0, 1.0), (TORCH_GRAPH, 2.0, 0.0, 1.0), (MINICNN, 3.0, 0.0, 1.5),
        (MINICNN_GRAPH, 3.0, 0.0, 1.5),
    ]  # fmt: skip
    assert "| step LeNet b2 | on | 1.00 s | 1.00 s: 1.00 (1.00 to 1.00) | 1.00 s: 1.00 (1.00 to 1.00) |" in text
    assert "| graphs: minicnn, graph | off | 1 | 1.0 | 1.00 | reached |" in text
    assert "| memory: minicnn | off | 1 | 1.2 | 1.50 | not reached |" in text
    drawn = {path.name for path in tmp_path.glob("*.svg")}
    assert drawn == {"steps.svg", "steps-tf32.svg", "graphs.svg", "graphs-tf32.svg", "memory.svg"}
    assert "goal of its mean: 1.5" in (tmp_path / "steps.svg").read_text(encoding="utf-8")


@needs_compiler
def test_without_pytorch_minicnn_is_measured_beside_itself(
    a_card: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cpu_steps, "INFERRED", {"ResNet-18": small})
    monkeypatch.setattr(steps, "INFERRED", (1,))
    images = cpu_steps.batch_of((1, 3, 8, 8))[0]  # not 224×224, which takes a host long
    monkeypatch.setattr(steps, "inference_of", lambda t, network, batch: functools.partial(network(t).to(t.device),
                                                                                     t.from_numpy(images)))
    monkeypatch.setattr(kernels, "TIMES", 1)
    rows, text = measured(tmp_path, "steps,graphs,inference,cross-entropy dx")
    assert [row["side"] for row in of(rows, "steps", tf32=False)] == [CPU, MINICNN]
    assert [row["side"] for row in of(rows, "graphs", tf32=True)] == [MINICNN, MINICNN_GRAPH]
    assert [row["side"] for row in (*of(rows, "inference", tf32=False), *of(rows, "kernels"))] == [MINICNN] * 2
    assert "- PyTorch: PyTorch is not installed" in text and "| inference ResNet-18 b1 | off | 1.00 s |" in text
    assert "There is no goal for what was measured." in text


@needs_compiler
def test_the_roofline_of_a_step(a_card: None, tmp_path: Path) -> None:
    rows, text = measured(tmp_path, "roofline")
    kernel = {row["kernel"]: row for row in of(rows, "roofline", tf32=False)}
    whole = kernel.pop(roofline.WHOLE)
    # 64 float32 numbers are read and written in half a tick, as two copies are between two ticks; so with products.
    rate = 2 * 4**3 / 0.5
    assert whole["limits"] == {"bytes": 2 * 256 / 0.5, "operations": rate, "doubles": rate, "products": rate}
    assert {"norm_sums", "norm_apply", "norm_grad", "max_pool", "max_pool_grad", "product 2×48×10", "softmax_nll",
            "formula"} <= kernel.keys()  # fmt: skip
    # The windows of 2 images of 3×8×8 are 96; each pixel is compared once, and a winner takes 8 bytes.
    pool = kernel["max_pool"]
    assert (pool["calls"], pool["bytes"], pool["operations"]) == (1, 4 * 384 + 4 * 96 + 8 * 96, 384)
    assert pool["limit"] == "memory" and pool["cached"] and pool["least"] == 2688 / 1024
    assert pool["fraction"] == 2688 / 1024 / 0.5
    product = kernel["product 2×48×10"]
    assert product["operations"] == 2 * 2 * 48 * 10 and product["limit"] == "arithmetic"
    assert "| max_pool | 1 | 2.69 kB | 384 | 0.14 | 500 ms | 525% | memory, may be cached |" in text
    assert "| **the whole step**, as a CUDA graph | | | | | **500 ms** | | |" in text
    assert "1.02 kB/s, 256 FLOP/s, 256 FLOP/s in float64, 256 FLOP/s of products" in text
    assert "the limit of float64" in (tmp_path / "roofline-tf32.svg").read_text(encoding="utf-8")


@needs_compiler
def test_each_form_of_a_convolution(a_card: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    convolutions = {"3x3 2-3@6": (1, 2, 6, 3, 3, 1, 1, 1, 1), "depthwise 3x3 2@6": (1, 2, 6, 2, 3, 1, 1, 1, 2)}
    monkeypatch.setattr(forms, "CONVOLUTIONS", convolutions)
    monkeypatch.setattr(forms, "TIMES", 1)
    rows, text = measured(tmp_path, "forms")
    plain = of(rows, "forms", tf32=False, case="form 3x3 2-3@6 forward")
    assert {row["side"] for row in plain} == {"winograd", "implicit", "columns"}
    assert len(of(rows, "forms")) == 2 * 3 * (3 + 4) and {row["time"] for row in rows} == {0.5}
    each = [of(rows, "forms", tf32=tf32, case=case) for case in {row["case"] for row in rows} for tf32 in (False, True)]
    assert all(sum(row["chosen"] for row in case) == 1 for case in each)
    assert [row["side"] for row in rows if row["chosen"] and "depthwise" in row["case"]] == ["depthwise"] * 6
    assert "The rule takes the fastest form in 12 of 12 cases; the geometric mean of its time" in text
    assert "**500 ms**" in text and list(tmp_path.glob("*.svg")) == []


@needs_compiler
def test_forms_compute_on_what_they_are_given(a_card: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forms, "CONVOLUTIONS", {"3x3": (1, 2, 6, 3, 3, 1, 1, 1, 1)})
    monkeypatch.setattr(forms, "TIMES", 1)
    layer = forms.layer_of("3x3")
    for direction, place in (("forward", 3), ("input_grad", 2), ("weight_grad", 2)):
        found = []
        for form in forms.FORMS:
            if form.fits(layer):
                arrays = forms.arrays_of(layer, direction)
                getattr(form, direction)(backend_for("cuda"), *arrays, layer)
                found.append(mc.tensor(arrays[place].tolist()))
        assert len(found) == 3 and all(mc.allclose(other, found[0], 1e-4, 1e-5) for other in found[1:])


@needs_compiler
def test_a_record_leaves_the_backend_as_it_was(a_card: None) -> None:
    backend = backend_for("cuda")
    step = sides.sides()[MINICNN].make(small, (2, 3, 8, 8))
    with roofline.recorded(backend) as calls:
        step()
    assert "launch_source" not in vars(backend) and "product" not in vars(backend)
    before = {call.kernel: call.times for call in calls.values()}
    step()
    assert {call.kernel: call.times for call in calls.values()} == before


def test_a_side_that_computes_something_else_is_told() -> None:
    def made(value: float) -> Any:
        return lambda: lambda: mc.full((2,), value)

    t = OnDevice(mc, "cpu")
    each = {"right": (t, made(1.0)), "wrong": (t, made(2.0)), "again": (t, made(1.0))}
    right, wrong, again = comparison.rows(Contest("a case", False, each, 1e-3), 1.0, Settings(clock=ticks()))
    assert right["ratio"] == again["ratio"] == 1.0
    assert wrong["error"] == "the results of call 1 differ by 1.0e+00, more than 1e-03" and "time" not in wrong


def test_a_side_that_fails_leaves_the_others() -> None:
    class OutOfMemoryError(Exception):
        pass

    def failing(error: Exception) -> Any:
        def make() -> Any:
            raise error

        return make

    t = OnDevice(mc, "cpu")
    made = {"small": (t, failing(OutOfMemoryError("12 GiB"))), "refused": (t, failing(ValueError("a graph\nholds it"))),
            "fine": (t, lambda: lambda: mc.ones(2))}  # fmt: skip
    small, refused, fine = comparison.rows(Contest("a case", False, made, 1e-3), 1.0, Settings(clock=ticks()))
    assert small["note"] == "more memory than the card has" and refused["error"] == "ValueError: a graph"
    assert fine["time"] == 1.0 and "ratio" not in fine


def test_dropout_rests_where_losses_are_compared() -> None:
    def network(t: Any) -> Any:
        return t.nn.Sequential(t.nn.Linear(3, 3), t.nn.Dropout(0.9))

    model = steps.without_dropout(network)(mc)
    x = mc.ones(4, 3)
    assert model.training and mc.equal(model(x), model[0](x))


def test_channels_last_is_the_memory_of_images_and_weights(beside_torch: None) -> None:
    import torch

    seen: list[bool] = []

    def network(t: Any) -> Any:
        model = networks.stack(t, depth=1, width=4)
        model[0].register_forward_pre_hook(lambda module, inputs: seen.extend(
            x.is_contiguous(memory_format=torch.channels_last) for x in (*inputs, module.weight)))  # fmt: skip
        return model

    sides.sides()[TORCH_LAST].make(network, (2, 3, 8, 8))()
    assert seen == [True, True]


def test_precision_is_set_on_both_sides_and_put_back(beside_torch: None) -> None:
    import torch

    before = torch.backends.cudnn.allow_tf32, torch.backends.cudnn.benchmark
    for tf32 in (True, False):
        with sides.precision(tf32):
            assert torch.backends.cuda.matmul.allow_tf32 == torch.backends.cudnn.allow_tf32 == tf32
            assert mc.backends.cuda.matmul.allow_tf32 == tf32
            assert torch.backends.cudnn.benchmark and mc.backends.cuda.conv.benchmark
    assert before == (torch.backends.cudnn.allow_tf32, torch.backends.cudnn.benchmark)
    assert not mc.backends.cuda.matmul.allow_tf32 and not mc.backends.cuda.conv.benchmark


def test_why_pytorch_is_not_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    with mock.patch.dict(sys.modules, {"torch": None}):
        assert card.why_no_torch() == "PyTorch is not installed"
    torch = pytest.importorskip("torch", reason="PyTorch is what is asked about")
    monkeypatch.setattr(torch.backends.cuda, "is_built", lambda: False)
    assert card.why_no_torch() == f"PyTorch {torch.__version__} is built for the CPU alone"
    monkeypatch.setattr(torch.backends.cuda, "is_built", lambda: True)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert card.why_no_torch() == f"PyTorch {torch.__version__} finds no CUDA device"
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert card.why_no_torch() is None
