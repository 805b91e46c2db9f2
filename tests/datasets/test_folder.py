"""Folders of files, and of images in several formats."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pytest

from minicnn.datasets import DatasetFolder, ImageFolder
from minicnn.errors import DataError, MissingPackageError, OptionError
from minicnn.transforms import ToTensor

Image = pytest.importorskip("PIL.Image", reason='pip install "minicnn[vision]"')


@pytest.fixture
def photographs(tmp_path: Path) -> Path:
    """Two classes, four formats, a folder in a folder, and a file that is no image."""
    for name, colour, mode in (
        ("dog/b.png", (10, 20, 30), "RGB"), ("dog/a.BMP", (40, 50, 60), "RGB"),
        ("dog/at/home/c.webp", (7, 8, 9), "RGB"), ("cat/x.gif", 5, "L"), ("cat/y.png", (1, 2, 3, 4), "RGBA"),
    ):  # fmt: skip
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new(mode, (5, 4), colour).save(path, lossless=True)
    (tmp_path / "cat" / "notes.txt").write_text("no image")
    return tmp_path


def test_images_in_folders(photographs: Path) -> None:
    data = ImageFolder(photographs, transform=ToTensor())
    assert data.classes == ["cat", "dog"] and data.class_to_idx == {"cat": 0, "dog": 1}
    assert [(Path(p).relative_to(photographs).as_posix(), label) for p, label in data.samples] == [
        ("cat/x.gif", 0), ("cat/y.png", 0), ("dog/a.BMP", 1), ("dog/b.png", 1), ("dog/at/home/c.webp", 1)]  # fmt: skip
    assert data.imgs == data.samples and data.targets == [0, 0, 1, 1, 1] and len(data) == 5
    image, label = data[3]
    assert image.shape == (3, 4, 5) and label == 1
    assert (image[:, 0, 0] * 255).round().tolist() == [10, 20, 30]
    assert (data[0][0][:, 0, 0] * 255).round().tolist() == [5, 5, 5]  # grey and transparent become RGB
    assert (data[1][0][:, 0, 0] * 255).round().tolist() == [1, 2, 3]
    assert len(pickle.loads(pickle.dumps(data))) == 5


def test_damaged_images_are_named(photographs: Path) -> None:
    path = photographs / "dog" / "b.png"
    path.write_bytes(path.read_bytes()[:-26])
    data = ImageFolder(photographs)
    with pytest.raises(DataError, match=r"b\.png is no whole image"):
        data[3]
    path.write_text("no image either")
    with pytest.raises(DataError, match=r"b\.png is no whole image"):
        data[3]
    path.unlink()
    with pytest.raises(DataError, match=r"b\.png"):
        data[3]


def test_folders_that_do_not_fit(photographs: Path) -> None:
    (photographs / "ant").mkdir()
    with pytest.raises(DataError, match="no files for ant"):
        ImageFolder(photographs)
    assert ImageFolder(photographs, allow_empty=True).targets == [1, 1, 2, 2, 2]
    with pytest.raises(DataError, match="no folders"):
        ImageFolder(photographs / "ant")
    with pytest.raises(DataError, match="cannot be read"):
        ImageFolder(photographs / "none")


def test_files_of_ones_own_format(tmp_path: Path) -> None:
    for name in ("a/1.npy", "a/2.npy", "b/1.npy", "b/1.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        np.save(tmp_path / name, np.array([len(name)])) if name.endswith("npy") else (tmp_path / name).touch()
    data = DatasetFolder(tmp_path, np.load, (".npy",), target_transform=lambda label: 10 * label)
    assert [(x.tolist(), label) for x, label in data] == [([7], 0), ([7], 0), ([7], 10)]
    chosen = DatasetFolder(tmp_path, np.load, is_valid_file=lambda path: path.endswith("1.npy"))
    assert chosen.targets == [0, 1]
    for options in ({}, {"extensions": ".npy", "is_valid_file": bool}):
        with pytest.raises(OptionError, match="which files count"):
            DatasetFolder(tmp_path, np.load, **options)


def test_without_pillow_folders_of_images_say_so(photographs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "PIL", None)
    with pytest.raises(MissingPackageError, match="pip install"):
        ImageFolder(photographs)
