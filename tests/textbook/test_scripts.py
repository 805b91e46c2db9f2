"""Whole scripts written for PyTorch, as they stand: they print what PyTorch prints, and learn."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import minicnn as mc
from minicnn.compat import run_script
from tests.datasets.test_vision import WHOLE, idx
from tests.textbook.measure import HAS_TORCH, captured, stored, with_torch
from tests.textbook.table import PRINTING, SCRIPTS

pytestmark = pytest.mark.host("scripts for PyTorch mean the CPU where they name no device, and print none")
NUMBER = re.compile(r"\d+\.\d+")


def assert_same(found: str, expected: str) -> None:
    """The same words, and the same numbers to 1e-5."""
    assert NUMBER.sub("#", found) == NUMBER.sub("#", expected)
    numbers = [[float(number) for number in NUMBER.findall(printed)] for printed in (found, expected)]
    np.testing.assert_allclose(*numbers, rtol=1e-5, atol=2e-6)


def run(name: str, *arguments: object) -> str:
    with captured() as printed:
        run_script(SCRIPTS / name, [str(argument) for argument in arguments])
    return printed()


@pytest.mark.parametrize("name", PRINTING)
def test_a_script_prints_what_pytorch_prints(name: str, tmp_path: Path) -> None:
    printed = run(name, tmp_path / "checkpoint.pt")
    assert_same(printed, stored(f"script {name}")["printed"].tobytes().decode())
    if HAS_TORCH:
        source = (SCRIPTS / name).read_text(encoding="utf-8")
        assert_same(printed, with_torch(source, [str(tmp_path / "checkpoint.pt")])[1])


def test_a_script_on_the_command_line(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "minicnn", "run", SCRIPTS / "loop_of_today.py", tmp_path / "c.pt", "--epochs", "1"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stderr == "" and re.match(r"epoch 1: loss .*\nbest ", done.stdout)
    assert set(mc.load(tmp_path / "c.pt")) == {"epoch", "state_dict"}


def small_mnist(folder: Path) -> None:
    """Files in MNIST's form: each class is a bright square in a place of its own."""
    rng = np.random.default_rng(0)
    folder.mkdir(parents=True)
    for prefix, count in (("train", 300), ("t10k", 100)):
        labels = rng.integers(0, 10, count)
        pixels = rng.integers(0, 60, (count, 28, 28))
        for image, label in zip(pixels, labels, strict=True):
            image[label // 4 * 9 : label // 4 * 9 + 6, label % 4 * 7 : label % 4 * 7 + 6] += 180
        (folder / f"{prefix}-images-idx3-ubyte").write_bytes(idx(pixels))
        (folder / f"{prefix}-labels-idx1-ubyte").write_bytes(idx(labels))


@pytest.mark.parametrize("whole", [False, True], ids=["small", "MNIST"])
def test_the_table_of_models(tmp_path: Path, whole: bool) -> None:
    if whole and not WHOLE.exists():
        pytest.skip("MNIST is not at hand")
    if not whole:
        small_mnist(tmp_path / "MNIST" / "raw")
    rows = run("compare_models.py", WHOLE if whole else tmp_path, 1000 if whole else 200).splitlines()
    accuracy = {row[:12].strip(): float(row[12:].split()[0]) for row in rows}
    assert list(accuracy) == ["ReLU", "Tanh", "Sigmoid", "one layer", "two layers", "two with BN"]
    assert min(accuracy.values()) > 20  # ten in a hundred is chance
    if whole:  # sigmoid learns slowest, and convolutions see more than linear layers
        assert accuracy["Sigmoid"] < min(accuracy["ReLU"], accuracy["Tanh"]) < accuracy["two layers"]


def test_transfer_to_a_folder_of_images(tmp_path: Path) -> None:
    image = pytest.importorskip("PIL.Image", reason='pip install "minicnn[vision]"')
    rng = np.random.default_rng(0)
    for label, name in enumerate(("cat", "fish")):
        (tmp_path / "images" / name).mkdir(parents=True)
        for i in range(4):
            pixels = rng.integers(0, 100, (40, 48, 3), np.uint8)
            pixels[..., 2 * label] += 120
            image.fromarray(pixels).save(tmp_path / "images" / name / f"{i}.png")
    printed = run("transfer.py", tmp_path / "images", tmp_path / "seen.png")
    assert printed == "{'cat': 0, 'fish': 1} [0.0025]\n(67, 34)\n"
    with image.open(tmp_path / "seen.png") as seen:
        assert seen.size == (70, 70)
