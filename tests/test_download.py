"""Files from the web, from a server on this machine."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from minicnn.download import download, matches
from minicnn.errors import DataError, OptionError
from tests.web import Server, serving

CONTENT = bytes(range(256)) * 4000
DIGEST = "sha256:" + hashlib.sha256(CONTENT).hexdigest()[:8]


@pytest.fixture
def web(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with serving({"/data.bin": CONTENT}) as server:
        yield server


def test_a_file_is_fetched_once(web: Server, tmp_path: Path) -> None:
    target = tmp_path / "new" / "data.bin"
    for _ in range(2):
        assert download(web.url("/data.bin"), target, digest=DIGEST) == target
    assert target.read_bytes() == CONTENT and len(web.asked) == 1
    assert [p.name for p in target.parent.iterdir()] == ["data.bin"]


def test_without_a_digest_nothing_is_kept_of_a_broken_download(web: Server, tmp_path: Path) -> None:
    web.stop_after = 1000
    with pytest.raises(DataError, match="broke off"):
        download(web.url("/data.bin"), tmp_path / "data.bin")
    assert list(tmp_path.iterdir()) == []
    web.stop_after = None
    assert download(web.url("/data.bin"), tmp_path / "data.bin").read_bytes() == CONTENT


@pytest.mark.parametrize("ranges", [True, False])
def test_an_interrupted_download_goes_on(web: Server, tmp_path: Path, ranges: bool) -> None:
    web.stop_after, web.ranges = 100_000, ranges
    with pytest.raises(DataError, match="broke off"):
        download(web.url("/data.bin"), tmp_path / "data.bin", digest=DIGEST)
    assert not (tmp_path / "data.bin").exists() and [p.name for p in tmp_path.iterdir()] == [".data.bin.part"]
    have = (tmp_path / ".data.bin.part").stat().st_size
    web.stop_after = 300_000 if ranges else None
    assert download(web.url("/data.bin"), tmp_path / "data.bin", digest=DIGEST).read_bytes() == CONTENT
    assert web.asked[5] == ("/data.bin", f"bytes={have}-") and have > 0
    assert [p.name for p in tmp_path.iterdir()] == ["data.bin"]


def test_a_part_that_is_whole_needs_only_its_name(web: Server, tmp_path: Path) -> None:
    (tmp_path / ".data.bin.part").write_bytes(CONTENT)
    assert download(web.url("/data.bin"), tmp_path / "data.bin", digest=DIGEST).read_bytes() == CONTENT


def test_a_part_of_another_file_is_thrown_away(web: Server, tmp_path: Path) -> None:
    (tmp_path / ".data.bin.part").write_bytes(b"another file")
    assert download(web.url("/data.bin"), tmp_path / "data.bin", digest=DIGEST).read_bytes() == CONTENT
    (tmp_path / "data.bin").write_bytes(b"tampered with")
    assert download(web.url("/data.bin"), tmp_path / "data.bin", digest=DIGEST).read_bytes() == CONTENT


def test_a_tampered_file_is_refused(web: Server, tmp_path: Path) -> None:
    web.files["/data.bin"] = CONTENT[:-1] + b"x"
    with pytest.raises(DataError, match=f"not the one with the hash {DIGEST}"):
        download(web.url("/data.bin"), tmp_path / "data.bin", digest=DIGEST)
    assert list(tmp_path.iterdir()) == []


def test_mirrors_are_tried_in_turn(web: Server, tmp_path: Path) -> None:
    mirrors = ["http://127.0.0.1:9/data.bin", web.url("/absent"), web.url("/data.bin")]
    assert download(mirrors, tmp_path / "data.bin").read_bytes() == CONTENT
    with pytest.raises(DataError) as caught:
        download(mirrors[:2], tmp_path / "other.bin")
    text = str(caught.value)
    assert "no connection" in text and "404" in text and "other.bin could not be downloaded" in text
    assert str(tmp_path / "other.bin") in text


def test_a_server_that_sends_another_part_is_refused(web: Server, tmp_path: Path) -> None:
    (tmp_path / ".data.bin.part").write_bytes(CONTENT[:100])
    web.shift = 1
    with pytest.raises(DataError, match="another part"):
        download(web.url("/data.bin"), tmp_path / "data.bin", digest=DIGEST)


def test_options_are_checked(tmp_path: Path) -> None:
    with pytest.raises(OptionError, match="is no address"):
        download("file:///etc/passwd", tmp_path / "x")
    with pytest.raises(OptionError, match="digest"):
        matches(Path(__file__), "crc:12")


def test_a_folder_that_cannot_be_written_is_named_before_the_web_is_asked(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(DataError, match=r"cannot keep what is downloaded\n  got   Not a directory\n.*\n.*MINICNN_HOME"):
        download("http://nowhere.invalid/a.bin", tmp_path / "file" / "below" / "a.bin")
