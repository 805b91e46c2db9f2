"""Callbacks and what they leave: early stopping, checkpoints, CSV, TensorBoard, and how a training ends."""

from __future__ import annotations

import csv
import os
import struct
from pathlib import Path
from typing import Any

import pytest

import minicnn as mc
from minicnn import nn
from minicnn.data import DataLoader
from minicnn.errors import DataError, MissingPackageError, OptionError
from minicnn.training import Callback, Checkpoint, CSVLog, EarlyStopping, Epoch, History, Run, fit
from tests.training.test_fit import data, net

L = mc.optim.lr_scheduler


def history(*losses: float, accuracies: tuple[float, ...] = ()) -> History:
    accuracies = accuracies or (0.5,) * len(losses)
    return History(Epoch(i, 9.0, 0.1, loss, accuracy, 0.1, 1.0, 10.0)
                   for i, (loss, accuracy) in enumerate(zip(losses, accuracies, strict=True), 1))  # fmt: skip


def stopped_after(callback: EarlyStopping, records: History) -> int | None:
    model = net()
    run = Run(model, mc.optim.SGD(model.parameters(), 0.1), [], 100)
    for record in records:
        run.epoch = record.epoch
        run.history.append(record)
        callback.on_epoch_end(run)
        if run.stop:
            return record.epoch
    return None


@pytest.mark.parametrize(
    ("losses", "patience", "min_delta", "expected"),
    [
        ((1.0, 0.9, 0.95, 0.96, 0.5), 2, 0.0, 4), ((1.0, 0.9, 0.95, 0.89, 0.95, 0.95), 2, 0.0, 6),
        ((3.0, 2.0, 1.0, 0.5), 1, 0.0, None), ((1.0, 1.0), 1, 0.0, 2), ((1.0, 0.99, 0.98, 0.97), 2, 0.1, 3),
        ((float("nan"), float("nan")), 2, 0.0, 2), ((float("nan"), 2.0, 1.0), 2, 0.0, None),
    ],
)  # fmt: skip
def test_early_stopping_stops_at_the_right_epoch(
    losses: tuple[float, ...], patience: int, min_delta: float, expected: int | None
) -> None:
    assert stopped_after(EarlyStopping(patience, min_delta=min_delta), history(*losses)) == expected


def test_early_stopping_knows_that_more_accuracy_is_better() -> None:
    records = history(5.0, 4.0, 3.0, 2.0, accuracies=(0.5, 0.6, 0.6, 0.55))
    assert stopped_after(EarlyStopping(2, "validation_accuracy"), records) == 4
    assert stopped_after(EarlyStopping(1, "validation_accuracy", mode="min"), records) == 2
    with pytest.raises(OptionError, match="min or max"):
        stopped_after(EarlyStopping(1, mode="least"), records)


def test_a_training_that_learns_nothing_is_stopped() -> None:
    model = net()
    optimizer = mc.optim.SGD(model.parameters(), 0.0)
    found = fit(model, DataLoader(data(20), 10), optimizer, epochs=50, validation=DataLoader(data(20), 10),
                early_stopping=2, progress=False)  # fmt: skip
    assert len(found) == 3


class Swings(Callback):
    """Rates that first help and then do harm; keeps the weights of each epoch."""

    def __init__(self) -> None:
        self.states: list[dict[str, Any]] = []

    def on_epoch_begin(self, run: Run) -> None:
        run.optimizer.param_groups[0]["lr"] = (0.1, 0.1, 0.1, 30.0, 30.0)[run.epoch - 1]

    def on_epoch_end(self, run: Run) -> None:
        self.states.append({name: value.clone() for name, value in run.model.state_dict().items()})


def same(a: dict[str, Any], b: dict[str, Any]) -> bool:
    return all(a[name].tolist() == b[name].tolist() for name in a) and a.keys() == b.keys()


@pytest.mark.parametrize("monitor", [None, "loss", "validation_accuracy"])
def test_the_best_checkpoint_is_of_the_best_epoch(tmp_path: Path, monitor: str | None) -> None:
    model, swings = net(), Swings()
    found = fit(model, DataLoader(data(40), 10), mc.optim.SGD(model.parameters(), 0.1), epochs=5, callbacks=[swings],
                validation=DataLoader(data(40), 40), checkpoint=Checkpoint(tmp_path / "runs" / "a", monitor),
                progress=False)  # fmt: skip
    values = found.column(monitor or "validation_loss")
    best = values.index(max(values) if monitor == "validation_accuracy" else min(values))
    assert best < 4
    files = {name: mc.load(tmp_path / "runs" / "a" / f"{name}.pt") for name in ("best", "last")}
    assert sorted(os.listdir(tmp_path / "runs" / "a")) == ["best.pt", "last.pt", "previous.pt"]
    assert same(files["best"]["model"], swings.states[best]) and files["best"]["epoch"] == best + 1
    assert same(files["last"]["model"], swings.states[4]) and same(files["last"]["model"], model.state_dict())
    assert History.from_records(files["last"]["history"]) == found
    again = net()
    mc.hub.load_weights(again, tmp_path / "runs" / "a" / "best.pt")
    assert same(again.state_dict(), swings.states[best])


def test_the_last_checkpoint_holds_all_that_a_training_goes_on_from(tmp_path: Path) -> None:
    def parts() -> tuple[nn.Module, mc.optim.SGD, L.OneCycleLR]:
        mc.manual_seed(3)
        model = nn.Sequential(net(), nn.Dropout(0.3))
        optimizer = mc.optim.SGD(model.parameters(), 0.1, momentum=0.9)
        return model, optimizer, L.OneCycleLR(optimizer, 0.1, total_steps=16)

    loader = DataLoader(data(40), 10, shuffle=True)
    whole, optimizer, scheduler = parts()
    fit(whole, loader, optimizer, epochs=4, scheduler=scheduler, progress=False)

    model, optimizer, scheduler = parts()
    fit(model, loader, optimizer, epochs=2, scheduler=scheduler, checkpoint=tmp_path, progress=False)
    mc.rand(5)
    model, optimizer, scheduler = parts()
    state = mc.load(tmp_path / "last.pt")
    for part, name in ((model, "model"), (optimizer, "optimizer"), (scheduler, "scheduler")):
        part.load_state_dict(state[name])
    mc.set_rng_state(state["random"].cpu().numpy())
    fit(model, loader, optimizer, epochs=2, scheduler=scheduler, progress=False)
    assert (state["epoch"], state["step"]) == (2, 8)
    assert same(model.state_dict(), whole.state_dict())


def test_the_table_has_a_line_an_epoch(tmp_path: Path) -> None:
    model, path = net(), tmp_path / "logs" / "run.csv"
    found = fit(model, DataLoader(data(20), 10), mc.optim.SGD(model.parameters(), 0.1), epochs=2, log_csv=path,
                progress=False)  # fmt: skip
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == ["epoch", "loss", "accuracy", "validation_loss", "validation_accuracy", "lr", "seconds",
                             "images_per_second"]  # fmt: skip
    assert [float(row["loss"]) for row in rows] == found.column("loss")
    assert [row["epoch"] for row in rows] == ["1", "2"] and rows[0]["validation_loss"] == "" and rows[0]["lr"] == "0.1"
    assert found.to_dict()["loss"] == found.column("loss") and list(found.to_dict()) == list(rows[0])


def test_an_unknown_figure_is_named() -> None:
    with pytest.raises(OptionError, match="no figure 'val_loss'"):
        history(1.0).column("val_loss")
    with pytest.raises(OptionError, match="has no validation_loss"):
        History([Epoch(1, 1.0, None, None, None, 0.1, 1.0, 1.0)]).best("validation_loss")


def events(folder: Path) -> list[tuple[str, int, float]]:
    """The scalars of a folder's event files: records of a length, its checksum, a message and its checksum."""
    event_pb2 = pytest.importorskip("tensorboardX.proto.event_pb2", reason='pip install "minicnn[tensorboard]"')
    found = []
    for path in folder.iterdir():
        content = path.read_bytes()
        while content:
            (length,) = struct.unpack("<Q", content[:8])
            event = event_pb2.Event.FromString(content[12 : 12 + length])
            found += [(value.tag, event.step, value.simple_value) for value in event.summary.value]
            content = content[16 + length :]
    return found


def test_tensorboard_gets_every_figure(tmp_path: Path) -> None:
    pytest.importorskip("tensorboardX", reason='pip install "minicnn[tensorboard]"')
    model = net()
    found = fit(model, DataLoader(data(20), 10), mc.optim.SGD(model.parameters(), 0.1), epochs=2, progress=False,
                validation=DataLoader(data(8), 8), log_tensorboard=tmp_path / "tb")  # fmt: skip
    written = {(tag, step): value for tag, step, value in events(tmp_path / "tb")}
    columns = {"loss/training": "loss", "loss/validation": "validation_loss", "accuracy/training": "accuracy",
               "accuracy/validation": "validation_accuracy", "lr": "lr", "images_per_second": "images_per_second"}
    assert written == {(tag, r.epoch): pytest.approx(getattr(r, name), rel=1e-6)
                       for tag, name in columns.items() for r in found}  # fmt: skip


def test_missing_packages_are_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("tensorboardX", "matplotlib.figure"):
        monkeypatch.setitem(__import__("sys").modules, name, None)
    model = net()
    with pytest.raises(MissingPackageError, match=r"minicnn\[tensorboard\]"):
        fit(model, [data(4)[:]], mc.optim.SGD(model.parameters(), 0.1), epochs=1, log_tensorboard=tmp_path)
    with pytest.raises(MissingPackageError, match=r"minicnn\[plot\]"):
        history(1.0).plot()


def test_the_plot_shows_both_losses_and_both_accuracies() -> None:
    pytest.importorskip("matplotlib", reason='pip install "minicnn[plot]"')
    left, right = history(3.0, 2.0).plot().axes
    assert [line.get_ydata().tolist() for line in left.lines] == [[9.0, 9.0], [3.0, 2.0]]
    assert [line.get_ydata().tolist() for line in right.lines] == [[0.1, 0.1], [0.5, 0.5]]
    assert left.get_ylabel() == "loss" and left.get_xlabel() == "epoch"


@pytest.mark.parametrize("option", ["log_csv", "log_tensorboard", "checkpoint"])
def test_a_place_that_cannot_be_written_is_found_before_the_training(tmp_path: Path, option: str) -> None:
    (tmp_path / "file").touch()
    model = net()

    class Never(Callback):
        def on_epoch_begin(self, run: Run) -> None:
            raise AssertionError("trained for nothing")

    with pytest.raises(DataError, match="cannot be written"):
        fit(model, DataLoader(data(4), 4), mc.optim.SGD(model.parameters(), 0.1), epochs=1, callbacks=[Never()],
            progress=False, **{option: tmp_path / "file" / "below"})  # type: ignore[arg-type]  # options of any type


class Notes(Callback):
    def __init__(self) -> None:
        self.seen: list[str] = []

    def __getattribute__(self, name: str) -> Any:
        return (lambda run: self.seen.append(name)) if name.startswith("on_") else super().__getattribute__(name)


def test_the_order_of_the_hooks() -> None:
    notes, model = Notes(), net()
    fit(model, DataLoader(data(30), 10), mc.optim.SGD(model.parameters(), 0.1), epochs=1, accumulate=2,
        callbacks=[notes], progress=False)  # fmt: skip
    assert notes.seen == ["on_fit_begin", "on_epoch_begin", "on_batch_end", "on_batch_end", "on_step_end",
                          "on_batch_end", "on_step_end", "on_epoch_end", "on_fit_end"]  # fmt: skip


def test_what_callbacks_see() -> None:
    class See(Callback):
        def on_batch_end(self, run: Run) -> None:
            seen.append((run.epoch, run.batch, run.batches, run.step, run.meter.images))
            run.stop = True

    seen: list[tuple[Any, ...]] = []
    model = net()
    found = fit(model, DataLoader(data(25), 10), mc.optim.SGD(model.parameters(), 0.1), epochs=9, callbacks=[See()],
                progress=False)  # fmt: skip
    assert seen == [(1, 1, 3, 0, 10), (1, 2, 3, 1, 20), (1, 3, 3, 2, 25)] and len(found) == 1


def test_ctrl_c_leaves_whole_files_and_ends_every_callback(tmp_path: Path) -> None:
    class Interrupt(Callback):
        def on_batch_end(self, run: Run) -> None:
            if run.epoch == 2:
                raise KeyboardInterrupt

    notes, model = Notes(), net()
    with pytest.raises(KeyboardInterrupt):
        fit(model, DataLoader(data(20), 10), mc.optim.SGD(model.parameters(), 0.1), epochs=9, progress=False,
            callbacks=[notes, Interrupt()], checkpoint=tmp_path, log_csv=tmp_path / "run.csv")  # fmt: skip
    assert notes.seen[-1] == "on_fit_end" and mc.load(tmp_path / "last.pt")["epoch"] == 1
    assert len((tmp_path / "run.csv").read_text().splitlines()) == 2
    assert sorted(os.listdir(tmp_path)) == ["best.pt", "last.pt", "run.csv"]


def test_callbacks_of_fit_may_be_passed_as_callbacks(tmp_path: Path) -> None:
    model = net()
    fit(model, DataLoader(data(20), 10), mc.optim.SGD(model.parameters(), 0.0), epochs=9, progress=False,
        callbacks=[EarlyStopping(1), CSVLog(tmp_path / "run.csv")])  # fmt: skip
    assert len((tmp_path / "run.csv").read_text().splitlines()) == 3


def test_a_schedule_that_cannot_be_saved_is_refused_before_the_training(tmp_path: Path) -> None:
    model = net()
    optimizer = mc.optim.SGD(model.parameters(), 0.1)
    scheduler = L.StepLR(optimizer, 1)
    scheduler.note = object()  # type: ignore[attr-defined]  # what cannot be saved is the point
    with pytest.raises(DataError, match="cannot be saved"):
        fit(model, DataLoader(data(4), 4), optimizer, epochs=1, scheduler=scheduler, checkpoint=tmp_path / "a",
            progress=False)  # fmt: skip
