"""The command line as a user meets it."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

import minicnn as mc
from minicnn.cli import main


def test_train_prints_accuracy_time_and_where_it_saved(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["train", "lenet"]) == 0
    out = capsys.readouterr().out
    assert float(re.search(r"test accuracy ([\d.]+)% on 10,000 images", out).group(1)) > 97  # type: ignore[union-attr]  # it is there, or the test fails
    assert re.search(r"time +[\d.]+ s", out) and "runs/lenet.npz" in out
    model = mc.models.LeNet()
    model.load_state_dict(mc.load(tmp_path / "runs" / "lenet.npz"))


def test_training_gives_the_same_bits_each_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    states = []
    for run in ("a", "b"):
        main(["train", "lenet", "--epochs", "1", "--save", str(tmp_path / f"{run}.npz")])
        states.append(mc.load(tmp_path / f"{run}.npz"))
    assert all(a.numpy().tobytes() == b.numpy().tobytes() for a, b in zip(*map(dict.values, states), strict=True))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["train", "alexnot"], "there is no model 'alexnot'"),
        (["train", "lenet", "--device", "tpu"], "no backend for device type 'tpu'"),
        (["train", "lenet", "--save", "model.bin", "--epochs", "1"], "unknown format"),
    ],
)
def test_errors_have_no_traceback(arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == 1
    error = capsys.readouterr().err
    assert message in error and "Traceback" not in error


def test_a_place_that_cannot_be_written_is_found_before_training(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def trained(*args: object, **kwargs: object) -> None:
        raise AssertionError("trained for nothing")

    monkeypatch.setattr("minicnn.training.fit", trained)
    (tmp_path / "folder.npz").mkdir()
    (tmp_path / "file").touch()
    for target in (tmp_path / "folder.npz", tmp_path / "file" / "weights.npz"):
        assert main(["train", "lenet", "--save", str(target)]) == 1
        assert f"{target} cannot be written" in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments",
    [["train", "lenet", "--epochs=0"], ["train", "lenet", "--lr=nan"], ["train", "lenet", "--lr=inf"], [], ["fly"]],
)
def test_wrong_usage_says_so(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(arguments)
    assert stopped.value.code == 2 and "usage: minicnn" in capsys.readouterr().err


def test_ctrl_c_ends_without_a_traceback(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def interrupted(*args: object, **kwargs: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("minicnn.training.fit", interrupted)
    assert main(["train", "lenet"]) == 130
    assert "interrupted" in capsys.readouterr().err


def test_ctrl_c_while_the_package_is_loaded_ends_in_one_line() -> None:
    code = """
import sys

class CtrlC:
    def find_spec(self, name, path=None, target=None):
        if name == "minicnn.cli":
            raise KeyboardInterrupt

sys.meta_path.insert(0, CtrlC())
command = {}
exec(open(sys.argv[1], encoding="utf-8").read(), command)
sys.exit(command["main"]())
"""
    file = Path(mc.__file__).with_name("command.py")
    found = subprocess.run([sys.executable, "-c", code, str(file)], capture_output=True, text=True, check=False)
    assert found.returncode == 130 and found.stdout == ""
    assert found.stderr.strip() == "minicnn: interrupted"
