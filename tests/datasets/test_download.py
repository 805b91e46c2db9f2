"""Downloads from a server on this machine: mirrors, resuming, hashes, and what is left behind."""

from __future__ import annotations

import hashlib
import io
import sys
import tarfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from minicnn.datasets.archive import extract
from minicnn.datasets.download import download
from minicnn.errors import DataError, OptionError
from tests.datasets.server import Server, serving

WHOLE = bytes(range(256)) * 300
MD5, SHA = hashlib.md5(WHOLE).hexdigest(), hashlib.sha256(WHOLE).hexdigest()


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with serving({"a/f": WHOLE, "b/f": WHOLE, "bad/f": WHOLE[:-1] + b"!", "short/f": WHOLE[:100]}) as running:
        yield running


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_file_is_fetched_once(server: Server, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = download([server.url("a/f")], tmp_path / "new" / "f", md5=MD5, sha256=SHA)
    assert path.read_bytes() == WHOLE and names(path.parent) == ["f"]
    assert capsys.readouterr().err == "downloading f (0.1 MB)\n"
    download([server.url("a/f")], path, md5=MD5)
    assert server.log == [("a/f", None)]


def test_the_next_mirror_is_tried(server: Server, tmp_path: Path) -> None:
    urls = [server.url("none/f"), server.url("bad/f"), "http://127.0.0.1:1/f", server.url("b/f")]
    assert download(urls, tmp_path / "f", md5=MD5).read_bytes() == WHOLE
    assert [path for path, _ in server.log] == ["none/f", "bad/f", "b/f"] and names(tmp_path) == ["f"]


def test_what_broke_off_is_resumed_at_once(server: Server, tmp_path: Path) -> None:
    server.breaks["a/f"] = [1000, 50_000]
    assert download([server.url("a/f")], tmp_path / "f", md5=MD5).read_bytes() == WHOLE
    assert server.log == [("a/f", None), ("a/f", "bytes=1000-"), ("a/f", "bytes=51000-")]


def test_what_broke_off_is_resumed_by_the_next_call(server: Server, tmp_path: Path) -> None:
    server.breaks["a/f"] = [1000, 0]
    with pytest.raises(DataError, match="1000 of 76800 bytes") as error:
        download([server.url("a/f")], tmp_path / "f", md5=MD5)
    assert "f could not be had" in str(error.value) and names(tmp_path) == ["f.part"]
    assert download([server.url("a/f")], tmp_path / "f", md5=MD5).read_bytes() == WHOLE
    assert server.log[-1] == ("a/f", "bytes=1000-")


def test_a_server_without_ranges_sends_all_again(server: Server, tmp_path: Path) -> None:
    (tmp_path / "f.part").write_bytes(b"something else")
    server.ranges = False
    assert download([server.url("a/f")], tmp_path / "f").read_bytes() == WHOLE


@pytest.mark.parametrize("begun", [b"something else", WHOLE + b"more", WHOLE])
def test_a_wrong_beginning_is_thrown_away(server: Server, tmp_path: Path, begun: bytes) -> None:
    (tmp_path / "f.part").write_bytes(begun)
    assert download([server.url("a/f")], tmp_path / "f", sha256=SHA).read_bytes() == WHOLE


def test_a_tampered_file_is_named_and_deleted(server: Server, tmp_path: Path) -> None:
    for kind, expected in (("md5", MD5), ("sha256", SHA)):
        with pytest.raises(DataError, match=f"bad/f: its {kind} is .*should be {expected}"):
            download([server.url("bad/f")], tmp_path / "f", **{kind: expected})  # type: ignore[arg-type]
        assert names(tmp_path) == []


def test_every_mirrors_fault_is_told(server: Server, tmp_path: Path) -> None:
    with pytest.raises(DataError) as error:
        download([server.url("none/f"), server.url("short/f"), "http://127.0.0.1:1/f"], tmp_path / "f", md5=MD5)
    assert "404" in str(error.value) and "its md5" in str(error.value) and "refused" in str(error.value)
    assert names(tmp_path) == []


def test_only_the_web_is_asked(tmp_path: Path) -> None:
    with pytest.raises(OptionError, match="no web address"):
        download(["file:///etc/hosts"], tmp_path / "f")


def test_a_terminal_sees_a_bar(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    download([server.url("a/f")], tmp_path / "f")
    assert "76.8/76.8 kB" in terminal.getvalue()


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
