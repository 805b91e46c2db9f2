"""Checkpoints in bad times: damaged files, full disks, places that cannot be written, trainings that are others."""

from __future__ import annotations

import errno
import itertools
import os
import random
import subprocess
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

import minicnn as mc
from minicnn.data import DataLoader
from minicnn.errors import DataError, OptionError, StateError
from minicnn.training import Callback, Checkpoint, EarlyStopping, Run, fit
from tests.training.resumable import LOADERS, Stop, Stopped, loader, train
from tests.training.test_fit import data, net

L = mc.optim.lr_scheduler


@pytest.fixture(autouse=True)
def unsynced(monkeypatch: pytest.MonkeyPatch) -> None:
    """These tests lose no power."""
    monkeypatch.setattr("os.fsync", lambda handle: None)


def finished(folder: Path, **options: Any) -> dict[str, Any]:
    return train(LOADERS["shuffled"], checkpoint=folder, **options)[0]


def stopped(folder: Path, steps: int = 9, every: int = 1) -> None:
    with pytest.raises(Stopped):
        train(LOADERS["shuffled"], [Stop(steps)], checkpoint=Checkpoint(folder, every_steps=every))


def test_where_nothing_is_a_training_begins_and_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    expected = train(LOADERS["shuffled"])[0]
    assert finished(tmp_path / "a", resume=True) == expected
    assert capsys.readouterr().out == f"{tmp_path / 'a'} holds no checkpoint: the training begins\n"
    assert finished(tmp_path / "a", resume=True) == expected
    assert capsys.readouterr().out == f"goes on from {tmp_path / 'a' / 'last.pt'}: after epoch 3 of 3, step 18\n"


def test_a_damaged_checkpoint_is_named_and_the_one_before_it_used(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    expected = train(LOADERS["shuffled"])[0]
    stopped(tmp_path)
    last = tmp_path / "last.pt"
    content = last.read_bytes()
    last.write_bytes(content[: len(content) // 2])
    with pytest.warns(UserWarning, match=r"last\.pt is damaged.*the one before it, previous\.pt, is used"):
        found = finished(tmp_path, resume=True)
    assert found == expected
    assert "previous.pt: after batch 2 of epoch 2 of 3, step 8\n" in capsys.readouterr().out
    assert mc.load(last)["step"] == 18


def test_the_one_before_is_not_replaced_by_the_damaged_one(tmp_path: Path) -> None:
    stopped(tmp_path)
    (tmp_path / "last.pt").write_bytes(b"")
    with pytest.warns(UserWarning, match="damaged|no checkpoint"), pytest.raises(Stopped):
        train(LOADERS["shuffled"], [Stop(9)], checkpoint=Checkpoint(tmp_path, every_steps=1), resume=True)
    assert [mc.load(tmp_path / name)["step"] for name in ("last.pt", "previous.pt")] == [9, 8]


def test_where_all_are_damaged_the_training_does_not_begin_anew(tmp_path: Path) -> None:
    stopped(tmp_path)
    for name in ("last.pt", "previous.pt"):
        (tmp_path / name).write_bytes(b"PK\x03\x04")
    with pytest.raises(DataError, match=r"(?s)no checkpoint in .*last\.pt is damaged.*previous\.pt is damaged"):
        finished(tmp_path, resume=True)


def test_a_rename_that_was_cut_short_leaves_the_one_before(tmp_path: Path) -> None:
    expected = train(LOADERS["shuffled"])[0]
    stopped(tmp_path)
    (tmp_path / "last.pt").unlink()
    (tmp_path / ".next.pt").write_bytes(b"whatever")
    (tmp_path / "..next.pt.0123456789ab.part").write_bytes(b"half")
    assert finished(tmp_path, resume=True) == expected
    assert sorted(os.listdir(tmp_path)) == ["best.pt", "last.pt", "previous.pt"]


def test_no_flipped_bit_is_taken_for_a_whole_checkpoint(tmp_path: Path) -> None:
    stopped(tmp_path, steps=1)
    path = tmp_path / "last.pt"
    content, draw = path.read_bytes(), random.Random(3)

    def state() -> str:
        return repr([(name, value.tolist()) for name, value in mc.load(path)["model"].items()])

    whole = state()
    refused = 0
    for _ in range(400):
        bit = draw.randrange(8 * len(content))
        changed = bytearray(content)
        changed[bit // 8] ^= 1 << bit % 8
        path.write_bytes(changed)
        try:
            assert state() == whole  # it was in a date, or in what fills up
        except DataError:
            refused += 1
    assert refused > 300


def test_a_new_training_leaves_no_checkpoint_of_an_older_one(tmp_path: Path) -> None:
    finished(tmp_path)
    assert (tmp_path / "previous.pt").exists()
    with pytest.raises(Stopped):
        train(LOADERS["shuffled"], [Stop(1)], checkpoint=Checkpoint(tmp_path, every_steps=1))
    assert mc.load(tmp_path / "last.pt")["step"] == 1 and not (tmp_path / "previous.pt").exists()


def other(**changes: Any) -> None:
    """A training like that of ``fit_one``, with something changed."""
    wide, lr, epochs, batch, rows = (changes.get(name, usual) for name, usual in
                                     (("inputs", 6), ("lr", 0.1), ("epochs", 2), ("batch", 10), ("rows", 40)))
    model = net(wide)
    kind = changes.get("optimizer", mc.optim.SGD)
    optimizer = kind(model.parameters(), lr)
    schedule = L.StepLR(optimizer, 1) if "schedule" in changes else None
    fit(model, DataLoader(data(rows, wide), batch, shuffle=True), optimizer, epochs=epochs, scheduler=schedule,
        progress=False, checkpoint=changes["folder"], resume=changes.get("resume", True),
        accumulate=changes.get("accumulate", 1))  # fmt: skip


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"inputs": 7}, r"0.weight: there \(8, 6\), here \(8, 7\)"), ({"lr": 0.2}, "lr: there 0.1, here 0.2"),
        ({"epochs": 3}, "epochs: there 2, here 3"), ({"batch": 8}, "batch_size: there 10, here 8"),
        ({"rows": 39}, "images: there 40, here 39"), ({"optimizer": mc.optim.Adam}, "optimizer: there SGD, here Adam"),
        ({"schedule": True}, "scheduler: there NoneType, here StepLR"), ({"accumulate": 2}, "accumulate: there 1"),
    ],
)  # fmt: skip
def test_a_checkpoint_of_another_training_is_refused(change: dict[str, Any], message: str, tmp_path: Path) -> None:
    other(folder=tmp_path, resume=False)
    before = (tmp_path / "last.pt").read_bytes()
    with pytest.raises(StateError, match=f"(?s)last.pt is of another training.*{message}"):
        other(folder=tmp_path, **change)
    assert (tmp_path / "last.pt").read_bytes() == before


def test_what_is_no_checkpoint_of_fit_is_refused(tmp_path: Path) -> None:
    mc.save(net().state_dict(), tmp_path / "last.pt")
    with pytest.raises(DataError, match="no checkpoint that a training can go on from"):
        other(folder=tmp_path)
    with pytest.raises(OptionError, match="where is the checkpoint"):
        train(LOADERS["shuffled"], resume=True)


class Dwindling(list[Any]):
    """Batches that are fewer than they were."""

    most = 3

    def __iter__(self) -> Iterator[Any]:
        return itertools.islice(super().__iter__(), self.most)


def test_a_loader_that_gives_fewer_batches_is_refused(tmp_path: Path) -> None:
    batches = Dwindling([data(4)[:]] * 3)

    def run(*callbacks: Callback, **options: Any) -> None:
        model = net()
        fit(model, batches, mc.optim.SGD(model.parameters(), 0.1), epochs=1, callbacks=callbacks, progress=False,
            checkpoint=Checkpoint(tmp_path, every_steps=1), **options)  # fmt: skip

    with pytest.raises(Stopped):
        run(Stop(2))
    batches.most = 1
    with pytest.raises(DataError, match=r"(?s)the loader gives fewer batches.*2 were trained on"):
        run(resume=True)


def test_intervals_out_of_range() -> None:
    for options in ({"every_steps": 0}, {"every_seconds": -1.0}):
        with pytest.raises(OptionError, match="every_"):
            Checkpoint("a", **options)  # type: ignore[arg-type]  # what is wrong is the point


def test_every_second(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr("minicnn.training.checkpoint.time.monotonic", lambda: now[0])
    steps: list[int] = []

    class Note(Checkpoint):
        def _write(self, run: Run, *, best: bool = False) -> None:
            super()._write(run, best=best)
            steps.append(run.step)

        def on_step_end(self, run: Run) -> None:
            now[0] += 1
            super().on_step_end(run)

    train(LOADERS["shuffled"], epochs=1, checkpoint=Note(tmp_path, every_seconds=2.5))
    assert steps == [3, 6, 6]


def test_callbacks_keep_what_they_count(tmp_path: Path) -> None:
    class Average(Callback):
        """A running mean of the weights, with numbers of its own."""

        def __init__(self) -> None:
            self.mean: Any = None
            self.steps = 0

        def on_step_end(self, run: Run) -> None:
            weight = next(run.model.parameters()).detach()
            self.mean = weight.clone() if self.mean is None else 0.9 * self.mean.to(weight.device) + 0.1 * weight
            self.steps += 1

        def state_dict(self) -> dict[str, Any]:
            return {"mean": self.mean, "steps": self.steps}

        def load_state_dict(self, state: dict[str, Any]) -> None:
            self.mean, self.steps = state["mean"], state["steps"]

    whole, half, rest = Average(), Average(), Average()
    train(LOADERS["shuffled"], [whole])
    with pytest.raises(Stopped):
        train(LOADERS["shuffled"], [half, Stop(8)], checkpoint=Checkpoint(tmp_path, every_steps=1))
    train(LOADERS["shuffled"], [rest], checkpoint=tmp_path, resume=True)
    assert rest.steps == 18 and rest.mean.tolist() == whole.mean.tolist()


def test_a_training_that_stopped_early_stays_so(tmp_path: Path) -> None:
    options: dict[str, Any] = {"epochs": 9, "early_stopping": EarlyStopping(1, "accuracy", mode="min")}
    _, history = train(LOADERS["shuffled"], checkpoint=tmp_path, **options)
    assert len(history) < 9
    _, again = train(LOADERS["shuffled"], checkpoint=tmp_path, resume=True, **options)
    assert again == history


def test_gradients_that_the_optimiser_does_not_forget_and_frozen_layers_are_kept(tmp_path: Path) -> None:
    class Freeze(Callback):
        def on_step_end(self, run: Run) -> None:
            next(run.model.parameters()).requires_grad_(run.step < 3)

    def run(callbacks: list[Callback], **options: Any) -> list[Any]:
        model = net()
        head = list(model.parameters())[2:]  # the gradients of the others add up, and count in the norm
        fit(model, DataLoader(data(40), 5), mc.optim.SGD(head, 1.0), epochs=1, clip_norm=0.1, progress=False,
            callbacks=[Freeze(), *callbacks], **options)  # fmt: skip
        return [p.tolist() for p in model.parameters()]

    expected = run([])
    with pytest.raises(Stopped):
        run([Stop(5)], checkpoint=Checkpoint(tmp_path, every_steps=1))
    assert run([], checkpoint=tmp_path, resume=True) == expected


class Between(Callback):
    """Does something after one step and undoes it after another."""

    def __init__(self, begin: Callable[[], None], end: Callable[[], None], steps: tuple[int, int] = (4, 8)) -> None:
        self.todo = dict(zip(steps, (begin, end), strict=True))

    def on_batch_end(self, run: Run) -> None:
        self.todo.pop(run.step, lambda: None)()


def goes_on(folder: Path, begin: Callable[[], None], end: Callable[[], None], reason: str, **options: Any) -> None:
    """Assert that the training goes on to the same bits, says so once, and that the last good checkpoint stays."""
    expected = train(LOADERS["shuffled"])[0]
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        found, _ = train(LOADERS["shuffled"], [Between(begin, end)], checkpoint=Checkpoint(folder, every_steps=1),
                         **options)  # fmt: skip
    assert found == expected
    said = [str(warning.message) for warning in caught]
    assert len(said) == 2 and reason in said[0] and "the training goes on" in said[0].lower(), said
    assert "can be written again" in said[1]
    assert mc.load(folder / "last.pt")["step"] == 18


def test_a_full_disk_is_said_once_and_the_training_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any) -> None:
        assert mc.load(tmp_path / "last.pt")["step"] == 4  # the last good one, all the time
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def begin() -> None:
        monkeypatch.setattr("os.fsync", full)

    def end() -> None:
        monkeypatch.setattr("os.fsync", lambda handle: None)

    goes_on(tmp_path, begin, end, "No space left on device")


def test_a_disk_that_is_really_full(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=512k", "tmpfs", str(disk)]
    try:
        mounted = subprocess.run(mount, check=False, capture_output=True).returncode == 0
    except FileNotFoundError:
        mounted = False
    if not mounted:
        pytest.skip("only root can make a small disk, and not in every container")
    try:
        fill = disk / "filling"
        goes_on(disk / "kept", lambda: filled(fill), fill.unlink, "No space left on device")
    finally:
        subprocess.run(["umount", str(disk)], check=True)


def filled(path: Path) -> None:
    """Write until nothing more fits."""
    with path.open("wb", buffering=0) as file, pytest.raises(OSError, match="No space left"):
        while True:
            file.write(bytes(4096))


@contextmanager
def _limit(size: int) -> Iterator[None]:
    import resource

    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.skipif(os.name != "posix", reason="limits are POSIX's")
def test_files_that_may_not_grow(tmp_path: Path) -> None:
    limits: list[Any] = []

    def begin() -> None:
        limits.append(_limit(3000))
        limits[-1].__enter__()

    goes_on(tmp_path, begin, lambda: limits.pop().__exit__(None, None, None), "File too large")
    assert sorted(os.listdir(tmp_path)) == ["best.pt", "last.pt", "previous.pt"]


@pytest.mark.parametrize("log", [False, True])
def test_a_folder_that_is_taken_away(tmp_path: Path, log: bool) -> None:
    folder = tmp_path / "kept"
    aside = tmp_path / "aside"

    def begin() -> None:
        folder.rename(aside)
        folder.touch()  # a file: nothing can be made in it

    def end() -> None:
        folder.unlink()
        aside.rename(folder)

    if not log:
        goes_on(folder, begin, end, "kept cannot be written after step 5, in epoch 1: File exists")
        return
    folder.mkdir()
    with (pytest.warns(UserWarning, match="log.csv can be written again, after epoch 2"),
          pytest.warns(UserWarning, match="log.csv cannot be written after epoch 1.*The training goes on")):
        _, history = train(LOADERS["shuffled"], [Between(begin, end)], log_csv=folder / "log.csv")
    assert len((folder / "log.csv").read_text().splitlines()) == len(history) + 1


@pytest.mark.skipif(os.name != "posix", reason="users and rights are POSIX's")
def test_a_folder_without_the_right_to_write(tmp_path: Path) -> None:
    folder = tmp_path / "kept"
    if os.geteuid() == 0:  # who may do anything, and so becomes nobody for a while
        goes_on(folder, lambda: os.seteuid(65534), lambda: os.seteuid(0), "Permission denied")
    else:
        goes_on(folder, lambda: folder.chmod(0o500), lambda: folder.chmod(0o700), "Permission denied")


def test_the_loader_helper_draws_from_every_stream() -> None:
    streams = mc.data.streams.find_streams(loader=loader(generator=mc.Generator()))
    assert {"minicnn", "python", "numpy"} < streams.keys()
    assert {type(stream).__name__ for name, stream in streams.items() if name.startswith("loader")} == {
        "Generator", "Random"}  # fmt: skip
