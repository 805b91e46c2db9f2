"""Model files whose headers lie: petabytes, places outside of the file, one name twice, text without end, bombs."""

from __future__ import annotations

import io
import json
import struct
import time
import zipfile
from pathlib import Path

import numpy as np
import pytest

import minicnn as mc
from minicnn.errors import DataError
from tests.io.test_hostile import load

PETABYTE = 1 << 50


def npy(header: str, values: bytes = b"") -> bytes:
    text = header.encode()
    return b"\x93NUMPY\1\0" + struct.pack("<H", len(text)) + text + values


def plain(shape: str, dtype: str = "<f4") -> str:
    return f"{{'descr': '{dtype}', 'fortran_order': False, 'shape': {shape}, }}"


def archive_of(path: Path, how: int = zipfile.ZIP_STORED, **members: bytes) -> Path:
    with zipfile.ZipFile(path, "w", how) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


@pytest.mark.parametrize("content", [
    npy(plain(f"({PETABYTE},)")), npy(plain("(" + f"{1 << 62}, " * 20 + ")")), npy(plain("(" + "9" * 5000 + ",)")),
    npy(plain("(0, " + "9" * 30 + ")")), npy(plain("(-1,)"), bytes(4)), npy(plain("(1,)", "|O8"), bytes(8)),
    npy(plain("(2,)"), bytes(4)), npy(plain("(1,)"), bytes(8)), npy(plain("(1)"), bytes(4)),
    npy(plain("(" + "1, " * 99 + ")")),
    npy("__import__('os').system('false')"), npy("[" * 60_000), npy(plain("(1,)", "<f4', 'x': '"), bytes(4)),
    b"\x93NUMPY\2\0" + struct.pack("<I", 0xFFFFFFFF), b"\x93NUMPY\x09\0\0\0", b"", b"\x93NUMPY",
])  # fmt: skip
def test_lying_arrays(tmp_path: Path, content: bytes) -> None:
    assert "m.npz" in load(archive_of(tmp_path / "m.npz", **{"w.npy": content}))


def test_a_header_is_matched_in_linear_time(tmp_path: Path) -> None:
    """Not in all the ways in which a row of digits can be cut into numbers."""
    for tail in ("x", " ", ",,", ""):
        started = time.perf_counter()
        load(archive_of(tmp_path / "m.npz", **{"w.npy": npy(plain("(" + "1" * 9000 + tail + "}"))}))
        load(archive_of(tmp_path / "m.npz", **{"w.npy": npy(plain("(" + "1, " * 3000 + tail + "}"))}))
        assert time.perf_counter() - started < 8


def test_every_shape_that_numpy_writes_is_read(tmp_path: Path) -> None:
    arrays = {"a": np.float32(3), "b": np.zeros(2), "c": np.zeros((2, 3, 1)), "d": np.zeros((3, 0)), "e": np.eye(3).T}
    np.savez(tmp_path / "m.npz", **arrays)
    found = mc.load(tmp_path / "m.npz")
    assert {name: tuple(value.shape) for name, value in found.items()} == {
        "a": (), "b": (2,), "c": (2, 3, 1), "d": (3, 0), "e": (3, 3)}  # fmt: skip


def test_an_archive_bomb_is_refused_unopened(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    np.save(buffer, np.zeros(1 << 24, np.float32))
    path = archive_of(tmp_path / "m.npz", zipfile.ZIP_DEFLATED, w=buffer.getvalue(), v=buffer.getvalue())
    assert path.stat().st_size < 1 << 18
    assert "claim" in load(path)


def test_a_member_that_is_longer_than_it_says_is_refused(tmp_path: Path) -> None:
    path = archive_of(tmp_path / "m.npz", zipfile.ZIP_DEFLATED, **{"w.npy": npy(plain("(1000,)"), bytes(4000))})
    content = bytearray(path.read_bytes())
    entry = content.index(b"PK\1\2")
    for size in (0, 100, 4200, 0xFFFFFFFF):
        content[entry + 24 : entry + 28] = struct.pack("<I", size)
        path.write_bytes(content)
        assert load(path) != "values"


def test_one_name_with_and_without_its_ending_is_refused(tmp_path: Path) -> None:
    one = npy(plain("(1,)"), bytes(4))
    assert "one name" in load(archive_of(tmp_path / "m.npz", **{"w": one, "w.npy": one}))


@pytest.mark.parametrize("header, values", [
    ({"w": {"dtype": "F32", "shape": [PETABYTE], "data_offsets": [0, 4 * PETABYTE]}}, 4),
    ({"w": {"dtype": "F32", "shape": [1], "data_offsets": [4, 8]}}, 4),
    ({"w": {"dtype": "F32", "shape": [1], "data_offsets": [4, 0]}}, 4),
    ({"w": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}, "v": {"dtype": "F32", "shape": [1],
                                                                        "data_offsets": [0, 4]}}, 4),
    ({"w": {"dtype": "F32", "shape": [1 << 63, 2], "data_offsets": [0, 0]}}, 0),
    ({"w": {"dtype": "F32", "shape": [-1], "data_offsets": [0, 4]}}, 4),
    ({"w": {"dtype": "F4", "shape": [2], "data_offsets": [0, 1]}}, 1),
    ({"w": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}}, 8), ({"w": None}, 4), ([], 0), ("x", 0), (None, 0),
])  # fmt: skip
def test_lying_safetensors(tmp_path: Path, header: object, values: int) -> None:
    pytest.importorskip("safetensors", reason='pip install "minicnn[weights]"')
    text = json.dumps(header).encode()
    (tmp_path / "m.safetensors").write_bytes(struct.pack("<Q", len(text)) + text + bytes(values))
    assert load(tmp_path / "m.safetensors") != "values"


@pytest.mark.parametrize("content", [
    struct.pack("<Q", PETABYTE), struct.pack("<Q", (1 << 64) - 1) + b"{}", struct.pack("<Q", 200_000) + b"[" * 200_000,
    struct.pack("<Q", 2) + b"{}" + bytes(9), b"", bytes(7),
    struct.pack("<Q", 129) + b'{"w":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"w":{"dtype":"F32","shape":[1],'
    b'"data_offsets":[4,8]}}'.ljust(129) + bytes(8),
], ids=range(7))  # fmt: skip
def test_damaged_safetensors(tmp_path: Path, content: bytes) -> None:
    pytest.importorskip("safetensors", reason='pip install "minicnn[weights]"')
    (tmp_path / "m.safetensors").write_bytes(content)
    assert load(tmp_path / "m.safetensors") != "values"


def test_a_flipped_bit_of_an_npz_is_an_error_or_harmless(tmp_path: Path) -> None:
    """Each member has a checksum; what lies outside of them holds no values."""
    state = {"w": mc.arange(40.0), "b": mc.arange(7)}
    mc.save(state, tmp_path / "whole.npz")
    content = (tmp_path / "whole.npz").read_bytes()
    for at in range(0, len(content), 3):
        (tmp_path / "m.npz").write_bytes(content[:at] + bytes([content[at] ^ 16]) + content[at + 1 :])
        try:
            found = mc.load(tmp_path / "m.npz")
        except DataError as error:
            assert "m.npz" in str(error)
        else:
            assert [v.tolist() for v in found.values()] == [v.tolist() for v in state.values()]
