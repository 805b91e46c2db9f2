"""safetensors files, through the library."""

from __future__ import annotations

import json
import struct
import sys
from pathlib import Path

import pytest

import minicnn as mc
from minicnn.errors import DataError, MissingPackageError

pytest.importorskip("safetensors", reason='pip install "minicnn[weights]"')


def file_of(header: object, values: bytes = b"") -> bytes:
    text = (header if isinstance(header, str) else json.dumps(header)).encode()
    return struct.pack("<Q", len(text)) + text + values


def test_round_trip(tmp_path: Path) -> None:
    state = {"w": mc.arange(6.0).view(2, 3).t(), "b": mc.tensor([True, False]), "one": mc.tensor(3)}
    state["none"] = mc.zeros(0, 2)
    state |= {str(d): mc.arange(3).to(d) for d in (mc.float16, mc.float64, mc.uint8, mc.int8, mc.int16, mc.int32)}
    mc.save(state, tmp_path / "m.safetensors")
    found = mc.load(tmp_path / "m.safetensors")
    assert set(found) == set(state)
    for name, value in state.items():
        assert found[name].dtype == value.dtype and mc.equal(found[name], value.cpu())
    found["w"].mul_(2)
    assert [p.name for p in tmp_path.iterdir()] == ["m.safetensors"]


def test_the_library_reads_what_is_written(tmp_path: Path) -> None:
    from safetensors.numpy import load_file

    mc.save({"w": mc.arange(6.0).view(2, 3).t()}, tmp_path / "m.safetensors")
    assert load_file(tmp_path / "m.safetensors")["w"].tolist() == [[0, 3], [1, 4], [2, 5]]


def test_bfloat16_is_widened(tmp_path: Path) -> None:
    (tmp_path / "m.safetensors").write_bytes(
        file_of({"w": {"dtype": "BF16", "shape": [1, 2], "data_offsets": [0, 4]}}, b"\x80\x3f\x20\xc0"))
    assert mc.load(tmp_path / "m.safetensors")["w"].tolist() == [[1.0, -2.5]]


ENTRY = {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}


@pytest.mark.parametrize(
    "content",
    [
        b"", b"short", struct.pack("<Q", 1 << 60) + b"{}", file_of("no json"), file_of("[" * 50_000), file_of([1]),
        file_of({"w": ENTRY}), file_of({"w": ENTRY}, b"12345"), file_of({"w": ENTRY, "v": ENTRY}, b"1234"),
        file_of({"w": {**ENTRY, "shape": [1 << 62, 4]}}, b"1234"),
        file_of({"w": {**ENTRY, "dtype": "F8_E5M2"}}, b"1234"),
        file_of({"w": {"dtype": "F8_E5M2", "shape": [1], "data_offsets": [0, 1]}}, b"1"),
        file_of(f'{{"w": {json.dumps(ENTRY)}, "w": {json.dumps(ENTRY)}}}', b"1234"),
    ],
)  # fmt: skip
def test_damaged_files_are_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "m.safetensors").write_bytes(content)
    with pytest.raises(DataError, match=r"m\.safetensors"):
        mc.load(tmp_path / "m.safetensors")


def test_the_missing_library_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "safetensors", None)
    with pytest.raises(MissingPackageError, match=r"minicnn\[weights\]"):
        mc.load(tmp_path / "m.safetensors")
    with pytest.raises(MissingPackageError, match=r"minicnn\[weights\]"):
        mc.save({"w": mc.ones(1)}, tmp_path / "m.safetensors")
