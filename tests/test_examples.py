"""Every example runs, and prints what it promises."""

from __future__ import annotations

import re
import runpy
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from docs.pages import blocks
from tests.test_documents import ROOT

EXAMPLES = ROOT / "examples"
Run = Callable[..., str]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    """What an example prints; it starts in an empty folder, where it leaves nothing."""

    def of(name: str, *arguments: str) -> str:
        monkeypatch.setattr(sys, "argv", [name, *arguments])
        monkeypatch.chdir(tmp_path)
        runpy.run_path(str(EXAMPLES / name), run_name="__main__")
        assert list(tmp_path.iterdir()) == []
        return capsys.readouterr().out

    return of


def figures(pattern: str, text: str) -> list[float]:
    found = [float(figure.replace(",", "")) for figure in re.findall(pattern, text)]
    assert found, text
    return found


def test_every_example_is_run_and_listed() -> None:
    page = (EXAMPLES / "README.md").read_text(encoding="utf-8")
    here = Path(__file__).read_text(encoding="utf-8")
    for path in EXAMPLES.glob("*.py"):
        assert f"]({path.name})" in page
        assert f'run("{path.name}"' in here


def test_the_readmes_example_is_the_first_example(run: Run) -> None:
    assert (EXAMPLES / "first_steps.py").read_text(encoding="utf-8").endswith(blocks(ROOT / "README.md")[0])
    assert figures(r"loss ([\d.]+)", run("first_steps.py"))[0] < 0.5


def test_one_convolution_adds_up(run: Run) -> None:
    printed = run("one_convolution.py")
    assert "output[1, 0] = 45 × 1 + 237 × 0 + 20 × 1 + 67 × 0 = 65" in printed
    assert "conv2d gives the same: [[12.0, 13.0], [65.0, 45.0]]" in printed
    assert printed.count("  .######.\n") == 2
    assert printed.count("  .#....#.\n") == 6


def test_sizes_follow_the_formula(run: Run) -> None:
    printed = run("sizes.py")
    assert "→ 55, 55 × 55" in printed
    assert "weights and biases: 1216" in printed
    assert "there and back: 32 × 32 → 16 × 16 → 32 × 32" in printed


def test_pooling_passes_on_what_it_says(run: Run) -> None:
    printed = run("pooling.py")
    assert "largest: [6.0, 9.0]" in printed
    assert "    0.111  0.111  0.222  0.111  0.111\n" * 3 in printed
    assert printed.count("scores (1, 2)") == 3


def test_models_are_compared(run: Run) -> None:
    printed = run("compare_models.py")
    accuracy = {name: figures(rf"\n{name} +([\d.]+)%", printed)[0] for name in
                ("ReLU", "Tanh", "Sigmoid", "cnn1", "cnn2", "cnn2_bn")}  # fmt: skip
    assert min(accuracy["ReLU"], accuracy["Tanh"]) > accuracy["Sigmoid"] + 2
    assert min(accuracy["cnn1"], accuracy["cnn2"], accuracy["cnn2_bn"]) > accuracy["ReLU"]
    assert "fc.weight          (10, 1568)" in printed


def test_batch_norm_rescues_what_does_not_learn(run: Run) -> None:
    without, with_norm = re.findall(r"batch norm: .* ([\d.]+)\n", run("batch_norm.py"))
    assert float(without) > 2.29  # log 10 = 2.303: nothing learnt
    assert float(with_norm) < 0.8


def test_dropout_learns_less_by_heart(run: Run) -> None:
    printed = run("dropout.py")
    (seen, unseen), (dropped_seen, dropped_unseen) = (
        figures(r"([\d.]+)%", line) for line in printed.splitlines()[-2:]
    )
    assert dropped_seen < seen
    assert dropped_unseen > unseen + 1


def test_layers_and_weights_are_listed(run: Run) -> None:
    printed = run("layers_and_weights.py")
    assert "in all 1,175,818" in printed
    assert "(4, 32, 16, 16) → (4, 64, 8, 8) → (4, 128, 4, 4) → (4, 10)" in printed
    normal, xavier, kaiming = figures(r"normal_ +([\d.]+)", printed)
    assert normal > 1000 > kaiming > xavier


def test_the_lenet_example_learns(run: Run) -> None:
    assert figures(r"test accuracy ([\d.]+)%", run("lenet_digits.py", "1"))[0] > 90


def test_the_deeper_network_learns(run: Run) -> None:
    assert figures(r"test accuracy ([\d.]+)%", run("deep_digits.py"))[0] > 93


def test_the_history_counts_published_parameters(run: Run) -> None:
    printed = run("history.py")
    for published in ("61,100,840", "132,863,336", "11,689,512", "7,978,856", "5,288,548"):
        assert f"     {published} parameters" in printed
    assert "3×224×224 → 64×112×112 → 64×56×56 → 128×28×28 → 256×14×14 → 512×7×7" in printed


def test_augmentation_helps_where_images_are_few(run: Run) -> None:
    plain, augmented = figures(r": ([\d.]+)% of 500", run("augmentation.py"))
    assert augmented > plain + 2


def test_the_residual_network_learns_the_shapes(run: Run) -> None:
    assert figures(r"test accuracy ([\d.]+)%", run("residual_shapes.py", "2"))[0] > 55


def test_transfer_beats_starting_from_nothing(run: Run) -> None:
    head, whole, nothing = figures(r": +([\d.]+)%", run("transfer_learning.py"))
    assert head > nothing + 5
    assert whole >= head - 1


def test_the_own_operation_example_catches_the_mistake(run: Run) -> None:
    lines = run("own_operation.py").splitlines()
    assert lines[:2] == ["first derivative: True", "second derivative: True"]
    assert "wrong gradient in input 0[0, 0]" in lines[2]
