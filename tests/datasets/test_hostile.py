"""Every dataset's download and files at their worst: broken off, tampered with, cut short, of wrong sizes."""

from __future__ import annotations

import gzip
import hashlib
import io
import pickle
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from minicnn.datasets import CIFAR10, CIFAR100, EMNIST, KMNIST, MNIST, SVHN, FashionMNIST
from minicnn.datasets.pickled import read_pickled
from minicnn.errors import DataError
from tests.datasets.test_archive import tar_of
from tests.datasets.test_vision import COLOUR, LABELS, cifar10_records, mat, mnist_files, python2
from tests.web import Server, serving


def zipped_idx(prefix: str) -> dict[str, bytes]:
    return {f"{name}.gz": gzip.compress(content) for name, content in mnist_files(prefix).items()}


def zip_of(members: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in members.items():
            archive.writestr(f"gzip/{name}", content)
    return buffer.getvalue()


CIFAR10_FILES = {f"c/data_batch_{i + 1}.bin": cifar10_records(i, 1) for i in range(5)} | {
    "c/test_batch.bin": cifar10_records(0, 1)}  # fmt: skip
CIFAR100_RECORDS = b"".join(bytes([0, i]) + COLOUR[i].tobytes() for i in range(4))
IDX, MAT = zipped_idx("train"), mat(X=COLOUR[:4].transpose(2, 3, 1, 0), y=LABELS[:, None].astype(np.float64))

# dataset: the files of a mirror, the folder they go to, and how it is made; each has four images
SETS: dict[Any, tuple[dict[str, bytes], str, Callable[[Path], Any]]] = {
    MNIST: (IDX, "MNIST/raw", lambda root: MNIST(root, download=True)),
    FashionMNIST: (IDX, "FashionMNIST/raw", lambda root: FashionMNIST(root, download=True)),
    KMNIST: (IDX, "KMNIST/raw", lambda root: KMNIST(root, download=True)),
    EMNIST: ({"gzip.zip": zip_of(zipped_idx("emnist-digits-train"))}, "EMNIST/raw",
             lambda root: EMNIST(root, "digits", download=True)),
    CIFAR10: ({"cifar-10-binary.tar.gz": tar_of(CIFAR10_FILES)}, ".", lambda root: CIFAR10(root, download=True)),
    CIFAR100: ({"cifar-100-binary.tar.gz": tar_of({"c/train.bin": CIFAR100_RECORDS, "c/test.bin": CIFAR100_RECORDS})},
               ".", lambda root: CIFAR100(root, download=True)),
    SVHN: ({"test_32x32.mat": MAT}, ".", lambda root: SVHN(root, "test", download=True)),
}  # fmt: skip
EVERY = pytest.mark.parametrize("kind", SETS, ids=lambda kind: kind.__name__)


@pytest.fixture
def web(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """A server of which all sets are downloaded, with the right hashes."""
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with serving({f"/{kind.__name__}/{name}": content for kind, (files, _, _) in SETS.items()
                  for name, content in files.items()}) as server:  # fmt: skip
        for kind, (files, _, _) in SETS.items():
            digests = {name: hashlib.md5(content).hexdigest() for name, content in files.items()}
            folder = server.url(f"/{kind.__name__}/")
            if kind in (CIFAR10, CIFAR100):
                monkeypatch.setattr(kind, "urls", (folder + next(iter(files)),))
                monkeypatch.setattr(kind, "md5", next(iter(digests.values())))
            else:
                monkeypatch.setattr(kind, "mirrors", (folder + "gzip.zip" if kind is EMNIST else folder,))
                split = {"test": digests["test_32x32.mat"]} if kind is SVHN else {}
                monkeypatch.setattr(kind, "md5", {n.removesuffix(".gz"): d for n, d in digests.items()} | split)
        yield server


def files_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.rglob("*") if path.is_file())


@EVERY
def test_a_download_that_broke_off_goes_on(web: Server, tmp_path: Path, kind: Any) -> None:
    files, folder, make = SETS[kind]
    first = next(iter(files))
    web.stop_after = 10
    with pytest.raises(DataError, match=rf"{first} could not be downloaded(.|\n)*broke off") as error:
        make(tmp_path)
    assert str(tmp_path / folder / first) in str(error.value)
    assert files_in(tmp_path) == [f".{first}.part"]  # nothing has its name yet
    web.stop_after = None
    assert len(make(tmp_path)) == (5 if kind is CIFAR10 else 4)
    asked = [wanted for path, wanted in web.asked if path.endswith(first)]
    assert asked[-1] == "bytes=50-"
    assert set(files) <= set(files_in(tmp_path)) and not any(name.endswith(".part") for name in files_in(tmp_path))


@EVERY
def test_a_tampered_download_is_refused(web: Server, tmp_path: Path, kind: Any) -> None:
    files, _, make = SETS[kind]
    path = f"/{kind.__name__}/{next(iter(files))}"
    whole = web.files[path]
    for wrong in (whole[:-1] + bytes([whole[-1] ^ 1]), whole[:-1], whole + b"\0", b"", b"<html>Not here</html>"):
        web.files[path] = wrong
        with pytest.raises(DataError, match="not the one with the hash md5:"):
            make(tmp_path)
        assert files_in(tmp_path) == []


@EVERY
def test_without_a_network_the_address_and_the_place_are_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: Any
) -> None:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    gone = ("http://127.0.0.1:9/",)
    monkeypatch.setattr(kind, "urls" if hasattr(kind, "urls") else "mirrors", gone)
    with pytest.raises(DataError, match="no connection") as error:
        SETS[kind][2](tmp_path)
    assert "127.0.0.1:9" in str(error.value) and str(tmp_path) in str(error.value)
    assert files_in(tmp_path) == []


@EVERY
def test_a_file_that_was_cut_short_afterwards_is_named(web: Server, tmp_path: Path, kind: Any) -> None:
    make = SETS[kind][2]
    make(tmp_path)
    used = [*tmp_path.rglob({CIFAR10: "data_batch*", CIFAR100: "train.bin", SVHN: "*.mat"}.get(kind, "*-ubyte.gz"))]
    assert used
    for path in used:
        whole = path.read_bytes()
        for part in (whole[: len(whole) // 2 - 1], whole[:-1], b""):
            path.write_bytes(part)
            with pytest.raises(DataError, match=path.name):
                SVHN(tmp_path, "test") if kind is SVHN else make(tmp_path)
        path.write_bytes(whole)
    assert len(make(tmp_path)) == (5 if kind is CIFAR10 else 4)


def test_a_file_without_an_archive_is_fetched_again_where_its_hash_is_wrong(web: Server, tmp_path: Path) -> None:
    (tmp_path / "test_32x32.mat").write_bytes(MAT[:-3])
    assert len(SVHN(tmp_path, "test", download=True)) == 4


def cifar_pickle(**changes: Any) -> dict[str, Any]:
    return {"batch_label": "testing", "data": COLOUR.reshape(6, -1), "labels": list(range(6))} | changes


@pytest.mark.parametrize("changes", [
    {"data": COLOUR.reshape(6, -1)[:, 1:]}, {"data": COLOUR.reshape(6, -1)[:5]}, {"data": COLOUR[0].astype(np.int16)},
    {"labels": [0, 1, 2, 3, 4, 10]}, {"labels": [0, 1, 2, 3, 4, -1]}, {"labels": [0, 1, 2, 3, 4, 2.5]},
    {"labels": [0, 1, 2, 3, 4, 1 << 80]}, {"labels": 3}, {"labels": list("abcdef")}, {"data": None},
    {"data": np.asfortranarray(COLOUR.reshape(6, -1))}, {"labels": np.arange(6)},
])  # fmt: skip
def test_pickled_batches_of_wrong_sizes_are_refused(tmp_path: Path, changes: dict[str, Any]) -> None:
    (tmp_path / "test_batch").write_bytes(pickle.dumps(cifar_pickle(**changes), 3))
    with pytest.raises(DataError, match="test_batch"):
        CIFAR10(tmp_path, train=False)


def test_a_pickle_cut_or_changed_anywhere_is_whole_or_refused(tmp_path: Path) -> None:
    """Never another exception, and never memory that a number in it asks for."""
    held = {b"data": COLOUR[:1].reshape(1, -1), b"labels": [3], b"x": [b"text", 1.5, None, (True,)]}
    whole, path = python2(held), tmp_path / "batch"
    rng = np.random.default_rng(0)
    places = [*range(90), *(len(whole) - i for i in range(1, 60)), *rng.integers(0, len(whole), 60)]
    for place in places:
        flipped = bytearray(whole)
        flipped[place] = int(rng.integers(256))
        for content in (whole[:place], bytes(flipped)):
            path.write_bytes(content)
            try:
                read_pickled(path)
            except DataError as error:
                assert "batch" in str(error)


def test_python_2s_true_form_is_read(tmp_path: Path) -> None:
    """As CIFAR's authors wrote it: protocol 2, and the pixels in one long text."""
    held = {b"batch_label": b"testing batch 1 of 1", b"labels": [7, 2], b"data": COLOUR[:2].reshape(2, -1),
            b"filenames": [b"a.png", b"b.png"]}  # fmt: skip
    path = tmp_path / "batch"
    for content in (python2(held), pickle.dumps(held, 3), pickle.dumps(held, 4)):
        path.write_bytes(content)
        found = read_pickled(path)
        assert found["labels"] == [7, 2] and np.array_equal(found["data"], COLOUR[:2].reshape(2, -1))
