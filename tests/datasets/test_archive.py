"""Files out of archives: only those asked for, whole or not at all."""

from __future__ import annotations

import io
import tarfile
import zipfile
from pathlib import Path

import pytest

from minicnn.datasets.archive import extract
from minicnn.errors import DataError

WHOLE = bytes(range(256)) * 300


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def tar_of(members: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        for name, content in members.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            tar.addfile(entry, io.BytesIO(content))
        link = tarfile.TarInfo("folder/link")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/hosts"
        tar.addfile(link)
    return buffer.getvalue()


def test_only_the_members_asked_for_are_extracted(tmp_path: Path) -> None:
    archive = tmp_path / "a.tar.gz"
    archive.write_bytes(tar_of({"folder/x": b"1", "../y": b"2", "folder/z": b"3"}))
    extract(archive, ["x", "y"], tmp_path / "out")
    assert names(tmp_path / "out") == ["x", "y"] and (tmp_path / "out" / "y").read_bytes() == b"2"
    assert names(tmp_path) == ["a.tar.gz", "out"]
    with pytest.raises(DataError, match="lacks link, q"):  # a link is no file
        extract(archive, ["x", "link", "q"], tmp_path / "out")


def test_damaged_archives_are_named(tmp_path: Path) -> None:
    archive = tmp_path / "a.tar.gz"
    archive.write_bytes(tar_of({"x": WHOLE})[:-40])
    with pytest.raises(DataError, match=r"a\.tar\.gz is damaged"):
        extract(archive, ["x", "y"], tmp_path / "out")
    zipped = tmp_path / "a.zip"
    with zipfile.ZipFile(zipped, "w") as made:
        made.writestr("gzip/x", WHOLE)
    extract(zipped, ["x"], tmp_path / "more")
    assert (tmp_path / "more" / "x").read_bytes() == WHOLE
    zipped.write_bytes(zipped.read_bytes().replace(WHOLE[:100], WHOLE[1:101]))
    with pytest.raises(DataError, match=r"a\.zip is damaged"):
        extract(zipped, ["x"], tmp_path / "third")
    assert names(tmp_path / "third") == []
