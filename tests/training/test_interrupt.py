"""Ctrl-C: once ends a training after its step, with a checkpoint; twice ends it at once."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import minicnn as mc
from minicnn.cli import main
from minicnn.training import Callback, Run
from tests.training.resumable import LOADERS, train, without_times

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def as_in_a_terminal(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Programs that are started in the background ignore Ctrl-C, and pass that on."""
    monkeypatch.setattr("os.fsync", lambda handle: None)
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler  # as fit found it
    signal.signal(signal.SIGINT, before)


class CtrlC(Callback):
    """Presses Ctrl-C within a step, or in the validation after an epoch."""

    def __init__(self, step: int, times: int = 1, epoch: int | None = None) -> None:
        self.step, self.times, self.epoch = step, times, epoch

    def on_batch_end(self, run: Run) -> None:
        if run.step == self.step:
            self.press()

    def on_epoch_end(self, run: Run) -> None:
        if run.epoch == self.epoch:
            self.press()

    def press(self) -> None:
        for _ in range(self.times):
            os.kill(os.getpid(), signal.SIGINT)


def interrupted(folder: Path, ctrl_c: CtrlC, **options: Any) -> str:
    with pytest.raises(KeyboardInterrupt) as caught:
        train(LOADERS["shuffled"], [ctrl_c], checkpoint=folder, **options)
    return str(caught.value)


@pytest.mark.parametrize(("ctrl_c", "step", "epoch"), [(CtrlC(8), 9, 2), (CtrlC(-1, epoch=2), 12, 2),
                                                       (CtrlC(-1, epoch=3), 18, 3)])  # fmt: skip
def test_once_ends_after_the_step_with_a_checkpoint_that_goes_on(
    ctrl_c: CtrlC, step: int, epoch: int, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    expected, history = train(LOADERS["shuffled"])
    said = interrupted(tmp_path, ctrl_c, log_csv=tmp_path / "log.csv")
    assert said == (f"stopped after step {step}, in epoch {epoch} of 3; {tmp_path / 'last.pt'} holds all of it\n"
                    f"  try   fit(…, checkpoint='{tmp_path}', resume=True)")  # fmt: skip
    assert "Ctrl-C again ends at once" in capfd.readouterr().err
    assert mc.load(tmp_path / "last.pt")["step"] == step
    found, again = train(LOADERS["shuffled"], checkpoint=tmp_path, resume=True, log_csv=tmp_path / "log.csv")
    assert found == expected and without_times(again) == without_times(history)
    assert len((tmp_path / "log.csv").read_text().splitlines()) == 4


def test_twice_ends_at_once(tmp_path: Path) -> None:
    assert interrupted(tmp_path, CtrlC(8, times=2)) == ""
    assert mc.load(tmp_path / "last.pt")["step"] == 6


def test_a_checkpoint_that_cannot_be_written_is_not_promised(tmp_path: Path) -> None:
    folder = tmp_path / "kept"

    class Full(CtrlC):
        def press(self) -> None:
            (folder / "last.pt").rename(tmp_path / "last.pt")
            for path in folder.iterdir():
                path.unlink()
            folder.rmdir()
            folder.touch()
            super().press()

    with pytest.warns(UserWarning, match="cannot be written after step 9"):
        said = interrupted(folder, Full(8))
    assert "last.pt holds it up to step 6" in said


def test_without_a_checkpoint_it_ends_at_once() -> None:
    steps: list[int] = []

    class Steps(Callback):
        def on_step_end(self, run: Run) -> None:
            steps.append(run.step)

    with pytest.raises(KeyboardInterrupt):
        train(LOADERS["shuffled"], [CtrlC(4), Steps()])
    assert steps[-1] == 4


def test_another_handler_and_another_thread_are_left_alone(tmp_path: Path) -> None:
    presses: list[int] = []
    signal.signal(signal.SIGINT, lambda *_: presses.append(1))
    try:
        train(LOADERS["shuffled"], [CtrlC(4)], checkpoint=tmp_path / "a")
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    assert presses == [1]
    done: list[Any] = []
    thread = threading.Thread(target=lambda: done.append(train(LOADERS["shuffled"], checkpoint=tmp_path / "b")))
    thread.start()
    thread.join()
    assert len(done) == 1


@pytest.mark.host("a command names its own device")
def test_on_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("PIL.Image", reason='pip install "minicnn[vision]"')
    code = ("import signal, sys; signal.signal(signal.SIGINT, signal.default_int_handler)\n"
            "from minicnn.cli import main; sys.exit(main(sys.argv[1:]))")  # fmt: skip
    kept, target = tmp_path / "kept", tmp_path / "net.npz"
    command = [sys.executable, "-c", code, "train", "mlp_relu", "--epochs", "3", "--batch-size", "500", "--checkpoint",
               str(kept), "--save", str(target), "--resume"]  # fmt: skip
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as started:
        assert started.stdout is not None
        assert started.stdout.readline() == f"{kept} holds no checkpoint: the training begins\n"
        assert started.stdout.readline().startswith("epoch 1/3")
        started.send_signal(signal.SIGINT)
        error = started.communicate(timeout=60)[1]
    assert started.returncode == 130 and "Traceback" not in error and not target.exists()
    assert f"{kept / 'last.pt'} holds all of it\n  try   the same command with --resume\n" in error
    assert main(command[3:]) == 0
    assert capsys.readouterr().out.startswith(f"goes on from {kept / 'last.pt'}: after ")
    assert main([*command[3:-5], "--save", str(tmp_path / "whole.npz")]) == 0
    weights = [mc.load(path) for path in (target, tmp_path / "whole.npz")]
    assert all(a.numpy().tobytes() == b.numpy().tobytes() for a, b in zip(*map(dict.values, weights), strict=True))
    for change, message in ((["--epochs", "4"], "epochs: there 3, here 4"), (["--lr", "0.5"], "there 0.02, here 0.5"),
                            (["--data", "shapes"], "a training on other images")):  # fmt: skip
        assert main([*command[3:], *change]) == 1
        assert message in capsys.readouterr().err
    assert main([*command[3:-5], "--resume"]) == 1
    assert "--resume without --checkpoint" in capsys.readouterr().err
