"""fit(resume=True): from every place of a training, with every kind of loader, to the same bits."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest

import minicnn as mc
from minicnn.training import Checkpoint, fit
from tests.training.resumable import LOADERS, WORKERS, Snapshots, Stop, Stopped, train, without_times


@pytest.fixture(autouse=True)
def unsynced(monkeypatch: pytest.MonkeyPatch) -> None:
    """These tests lose no power: that files get to the disk takes most of the time."""
    monkeypatch.setattr("os.fsync", lambda handle: None)


ACCUMULATED, ADAM = {"accumulate": 2, "clip_norm": 1.0}, {"adam": True, "plateau": True}


@pytest.mark.parametrize(("kind", "options"), [*((kind, {}) for kind in LOADERS), ("shuffled", ACCUMULATED),
                                               ("one's own", ACCUMULATED), ("weighted", ADAM)])  # fmt: skip
def test_from_any_step_to_the_same_bits(kind: str, options: dict[str, Any], tmp_path: Path) -> None:
    expected, history = train(LOADERS[kind], epochs=2, **options)
    snapshots = Snapshots(tmp_path)
    found, again = train(LOADERS[kind], epochs=2, checkpoint=snapshots, **options)
    assert found == expected and without_times(again) == without_times(history)  # checkpoints change nothing
    assert len(snapshots.copies) == expected["step"] + 2
    every = 1 if (kind, options) == ("shuffled", {}) else 3
    for copy in snapshots.copies[::every]:
        found, again = train(LOADERS[kind], epochs=2, checkpoint=Checkpoint(copy), resume=True, **options)
        assert found == expected, copy.name
        assert without_times(again) == without_times(history), copy.name


@pytest.mark.parametrize("kind", WORKERS)
def test_from_three_steps_with_workers_to_the_same_bits(kind: str, tmp_path: Path) -> None:
    expected, history = train(WORKERS[kind], epochs=2)
    snapshots = Snapshots(tmp_path)
    found, _ = train(WORKERS[kind], epochs=2, checkpoint=snapshots)
    assert found == expected
    for copy in (snapshots.copies[i] for i in (1, 6, 9)):
        found, again = train(WORKERS[kind], epochs=2, checkpoint=Checkpoint(copy), resume=True)
        assert found == expected and without_times(again) == without_times(history), copy.name


def test_on_a_device(device: str, tmp_path: Path) -> None:
    def run(**options: Any) -> list[Any]:
        mc.manual_seed(0)
        model = mc.nn.Sequential(mc.nn.Linear(6, 8), mc.nn.BatchNorm1d(8), mc.nn.Dropout(0.3), mc.nn.Linear(8, 3))
        model.to(device)
        optimizer = mc.optim.SGD(model.parameters(), 0.1, momentum=0.9)
        batches = mc.data.DataLoader(mc.data.TensorDataset(x, y), 8, shuffle=True)
        fit(model, batches, optimizer, epochs=2, on_nan="skip", progress=False, **options)
        return [value.tolist() for value in model.state_dict().values()]

    generator = mc.Generator().manual_seed(1)
    x, y = mc.randn(40, 6, generator=generator), mc.randint(0, 3, (40,), generator=generator)
    x[7, 2] = math.nan
    with pytest.warns(UserWarning, match="the batch itself"):
        expected = run()
    with pytest.warns(UserWarning, match="the batch itself"), pytest.raises(Stopped):
        run(callbacks=[Stop(5)], checkpoint=Checkpoint(tmp_path, every_steps=1))
    with pytest.warns(UserWarning, match="the batch itself"):
        assert run(checkpoint=tmp_path, resume=True) == expected
