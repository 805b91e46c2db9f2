"""PyTorch's save and load: any suffix, open files, old ways to say where to."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

import minicnn as mc
from minicnn.compat import files
from minicnn.errors import DataError, MinicnnError


@pytest.mark.parametrize("name", ["best.pth.tar", "model", "model.pkl", "model.t7", "model.pt"])
def test_any_suffix_is_pytorchs_format(name: str, tmp_path: Path) -> None:
    saved = {"epoch": 3, "arch": "resnet18", "state_dict": mc.nn.Linear(2, 3).state_dict()}
    files.save(saved, tmp_path / name, _use_new_zipfile_serialization=True)
    loaded = files.load(str(tmp_path / name), weights_only=True)
    assert loaded["epoch"] == 3 and mc.equal(loaded["state_dict"]["weight"], saved["state_dict"]["weight"].cpu())
    try:
        import torch
    except ImportError:
        return
    assert torch.load(tmp_path / name)["arch"] == "resnet18"


def test_open_files() -> None:
    buffer = io.BytesIO()
    files.save([mc.arange(3)], buffer)
    buffer.seek(0)
    assert files.load(buffer)[0].tolist() == [0, 1, 2]


@pytest.mark.parametrize("where", [None, "cpu", mc.device("cpu"), lambda storage, location: storage, {"cuda:0": "cpu"}])
def test_ways_to_say_where_to(where: object, tmp_path: Path) -> None:
    files.save({"x": mc.ones(2)}, tmp_path / "x.pth")
    assert files.load(tmp_path / "x.pth", where)["x"].device.type == "cpu"


def test_other_formats_are_read_by_their_suffix(tmp_path: Path) -> None:
    mc.save({"x": mc.ones(2)}, tmp_path / "x.npz")
    assert files.load(tmp_path / "x.npz")["x"].tolist() == [1, 1]


def test_what_cannot_be_saved_and_read(tmp_path: Path) -> None:
    with pytest.raises(MinicnnError, match="state_dict"):
        files.save(mc.nn.Linear(1, 1), tmp_path / "model.pth")
    assert not any(tmp_path.iterdir())
    (tmp_path / "text").write_text("nothing of PyTorch's")
    with pytest.raises(DataError):
        files.load(tmp_path / "text")
    with pytest.raises(DataError):
        files.load(tmp_path / "absent.pth")
