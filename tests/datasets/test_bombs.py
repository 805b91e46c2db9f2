"""Data files that claim too much: sizes without end, archive bombs, huge pictures, programs, links in circles."""

from __future__ import annotations

import gzip
import io
import os
import struct
import tarfile
import time
import tracemalloc
import warnings
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from minicnn.cli.network import About
from minicnn.datasets import ImageFolder, read_idx, read_mat
from minicnn.datasets.archive import extract
from minicnn.datasets.folder import image_extensions, load_image
from minicnn.errors import DataError
from minicnn.unpacking import allowed
from tests.long.readers import element, mat, mat_arrays, mat_packed

ROOM = 160 << 20
ZEROS = bytes(100 << 20)


@contextmanager
def refused(path: Path, match: str, room: int = ROOM) -> Iterator[None]:
    """A DataError that names the file, in little memory and time."""
    tracemalloc.start()
    started = time.perf_counter()
    with pytest.raises(DataError, match=match) as error:
        yield
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert path.name in str(error.value) and len(str(error.value)) < 2000
    assert peak < room and time.perf_counter() - started < 20


def idx(*sizes: int, code: int = 8) -> bytes:
    return bytes([0, 0, code, len(sizes)]) + np.array(sizes, ">u4").tobytes()


@pytest.mark.parametrize("suffix", ["", ".gz"])
def test_idx_sizes_that_no_array_has(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"m{suffix}"
    most = (1 << 32) - 1
    for content, match in (
        (idx(most, most, most, most, code=0x0E), "truncated"), (idx(1 << 30, 1 << 20), "truncated"),
        (idx(0, most, most, most), "damaged"), (idx(most, 0, most, most, code=0x0E), "damaged"),
    ):  # fmt: skip
        path.write_bytes(gzip.compress(content) if suffix else content)
        with refused(path, match):
            read_idx(path)


def test_a_bomb_of_gzip(tmp_path: Path) -> None:
    path = tmp_path / "m.gz"
    path.write_bytes(gzip.compress(idx(100 << 20) + ZEROS, 1))
    assert len(ZEROS) > allowed(path.stat().st_size)
    with refused(path, "unpacks to too much"):
        read_idx(path)


@pytest.mark.parametrize("reader", [read_idx, read_mat])
def test_folders_and_absent_files(tmp_path: Path, reader) -> None:
    with pytest.raises(DataError, match="cannot be read"):
        reader(tmp_path)
    with pytest.raises(DataError, match="does not exist"):
        reader(tmp_path / "absent")


def array(sizes: bytes, values: bytes, flags: int = 9) -> bytes:
    return element(14, element(6, struct.pack("<II", flags, 0)) + element(5, sizes) + element(1, b"X")
                   + element(2, values))  # fmt: skip


@pytest.mark.parametrize("content", [
    array(struct.pack("<ii", -1, 2), bytes(8)), array(struct.pack("<ii", 1 << 30, 1 << 30), bytes(8)),
    array(b"", bytes(8)), array(bytes(3), bytes(8)),
    struct.pack("<II", 14, 0xFFFFFFF0), struct.pack("<II", 14, 8) + bytes(8), struct.pack("<II", 15, 4) + b"abcd",
    array(struct.pack("<" + "i" * 70, *[1] * 70), bytes(1)),
])  # fmt: skip
def test_lying_matlab_files(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "m.mat"
    path.write_bytes(mat(content))
    with refused(path, "m.mat"):
        read_mat(path)


def test_bombs_in_matlab_files(tmp_path: Path) -> None:
    path = tmp_path / "m.mat"
    whole = array(struct.pack("<ii", 100, 1 << 20), ZEROS)
    path.write_bytes(mat_packed(whole))
    with refused(path, "unpacks to too much"):
        read_mat(path)
    third = array(struct.pack("<ii", 30, 1 << 20), ZEROS[: 30 << 20])
    packed = zlib.compress(third)
    path.write_bytes(mat((struct.pack("<II", 15, len(packed)) + packed) * 3))
    with refused(path, "unpacks to too much", 400 << 20):
        read_mat(path)


def test_what_is_packed_twice_is_not_opened(tmp_path: Path) -> None:
    """A stream that unpacks to itself would be opened for ever."""
    inner = zlib.compress(mat_arrays()[0])
    (tmp_path / "m.mat").write_bytes(mat_packed(struct.pack("<II", 15, len(inner)) + inner))
    assert read_mat(tmp_path / "m.mat") == {}


def tar_bomb() -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz", compresslevel=1) as tar:
        entry = tarfile.TarInfo("f/x")
        entry.size = len(ZEROS)
        tar.addfile(entry, io.BytesIO(ZEROS))
    return buffer.getvalue()


def zip_bomb() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        archive.writestr("f/x", ZEROS)
    return buffer.getvalue()


@pytest.mark.parametrize("name, content", [("m.tar.gz", tar_bomb), ("m.zip", zip_bomb)])
@pytest.mark.parametrize("wanted", ["x", "y"])
def test_bombs_in_archives(tmp_path: Path, name: str, content, wanted: str) -> None:
    """Whether the bomb is what is asked for, or lies before it."""
    (tmp_path / name).write_bytes(content())
    with refused(tmp_path / name, "unpacks to too much"):
        extract(tmp_path / name, [wanted], tmp_path / "out")
    assert list((tmp_path / "out").iterdir()) == []


def test_a_zip_file_that_is_encrypted_or_odd(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("x", b"1")
    for at, byte in ((6, 1), (8, 99)):  # encrypted; compressed in an unknown way
        content = bytearray(buffer.getvalue())
        content[at] = byte
        content[content.index(b"PK\1\2") + at + 2] = byte
        (tmp_path / "m.zip").write_bytes(content)
        with refused(tmp_path / "m.zip", "damaged"):
            extract(tmp_path / "m.zip", ["x"], tmp_path / "out")


Image = pytest.importorskip("PIL.Image", reason='pip install "minicnn[vision]"')


def png(width: int, height: int, rows: bytes = b"") -> bytes:
    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


@pytest.mark.parametrize("width, height", [(10_000, 10_000), (100_000, 100_000), (1 << 31, 1), ((1 << 31) - 1,) * 2])
def test_huge_pictures(tmp_path: Path, width: int, height: int) -> None:
    path = tmp_path / "m.png"
    path.write_bytes(png(width, height, bytes(1250 * 10_000) if width == height == 10_000 else b""))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Pillow's, which goes on
        with refused(path, "too large|no whole image"):
            load_image(str(path))


def test_postscript_is_not_run(tmp_path: Path) -> None:
    """Pillow would start Ghostscript, whatever the file's name."""
    path = tmp_path / "m.png"
    path.write_bytes(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 8 8\n%%EndComments\nshowpage\n")
    with Image.open(path) as found:
        assert found.format == "EPS"
    with refused(path, "no whole image"):
        load_image(str(path))
    assert not {".eps", ".ps"} & set(image_extensions()) and {".png", ".jpg"} <= set(image_extensions())


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes with names")
def test_a_pipe_among_the_pictures_is_not_waited_for(tmp_path: Path) -> None:
    (tmp_path / "cat").mkdir()
    os.mkfifo(tmp_path / "cat" / "1.png")
    with refused(Path("1.png"), "is no file"):
        ImageFolder(tmp_path)[0]


needs_links = pytest.mark.skipif(not hasattr(os, "symlink") or os.name == "nt", reason="links need rights on Windows")


@needs_links
def test_links_in_circles_end(tmp_path: Path) -> None:
    cat, dog = tmp_path / "cat", tmp_path / "dog"
    for place in (cat / "far", dog):
        place.mkdir(parents=True)
        Image.new("RGB", (2, 2)).save(place / "1.png")
    (cat / "far" / "back").symlink_to(cat)
    (cat / "out").symlink_to(dog)
    (dog / "in").symlink_to(cat)
    found = [os.path.relpath(path, tmp_path) for path, _ in ImageFolder(tmp_path).samples]
    assert found == ["cat/far/1.png", "cat/out/1.png", "dog/1.png", "dog/in/far/1.png"]


@needs_links
def test_links_without_end_are_refused(tmp_path: Path) -> None:
    """Twelve folders that lead to one another: half a thousand million paths."""
    folders = [tmp_path / "class" / str(n) for n in range(12)]
    for folder in folders:
        folder.mkdir(parents=True)
        for other in folders:
            (folder / f"to{other.name}").symlink_to(other)
    started = time.perf_counter()
    with pytest.raises(DataError, match="links without end"):
        ImageFolder(tmp_path)
    assert time.perf_counter() - started < 20


@pytest.mark.parametrize("content", [
    "[" * 100_000, "{}", "[]", "null", '{"model": "lenet"}', "\x00", '{"model": ' + "9" * 5000,
])  # fmt: skip
def test_descriptions_of_weights_that_are_none(tmp_path: Path, content: str) -> None:
    (tmp_path / "m.json").write_text(content)
    with refused(tmp_path / "m.json", "does not describe weights"):
        About.load(tmp_path / "m.npz")
