"""Files that nobody vouches for: one clear error, bounded memory and time, nothing outside of the file is touched."""

from __future__ import annotations

import pickle
import struct
import time
import tracemalloc
import warnings
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

import minicnn as mc
from minicnn.errors import DataError

REFERENCE = Path(__file__).parent.parent / "reference"
CHECKPOINT = (REFERENCE / "checkpoint.pt").read_bytes()
OLD = (REFERENCE / "checkpoint_before_1.6.pt").read_bytes()
ROOM = 200 << 20

with zipfile.ZipFile(REFERENCE / "checkpoint.pt") as _archive:
    MEMBERS = {name: _archive.read(name) for name in _archive.namelist()}
PICKLE = MEMBERS["checkpoint/data.pkl"]


def load(path: Path) -> str:
    """What became of loading ``path``: the values, or a DataError that names the file; with little memory and time."""
    tracemalloc.start()
    started = time.perf_counter()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            mc.load(path)
        result = "values"
    except DataError as error:
        assert path.name in str(error) and len(str(error)) < 2000
        result = str(error)
    finally:
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert peak < ROOM and time.perf_counter() - started < 30
    return result


def archive_of(path: Path, described: bytes, **members: bytes) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("m/data.pkl", described)
        for name, content in members.items():
            archive.writestr(f"m/data/{name.removeprefix('_')}", content)
    return path


kinds = st.sampled_from(["flip", "cut", "insert", "repeat"])
places = st.floats(0, 1, exclude_max=True)
mutations = st.lists(st.tuples(kinds, places, st.binary(max_size=9)), min_size=1, max_size=6)


def mutated(content: bytes, changes: list[tuple[str, float, bytes]]) -> bytes:
    for kind, where, data in changes:
        at = int(where * len(content))
        if kind == "flip":
            content = content[:at] + data + content[at + len(data) :]
        elif kind == "cut":
            content = content[:at] + content[at + 1 + 50 * len(data) :]
        elif kind == "insert":
            content = content[:at] + data + content[at:]
        else:
            content = content[: at + 40] + content[at:]
    return content


fuzzed = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@fuzzed
@given(mutations)
def test_fuzzed_archives(tmp_path: Path, changes: list[tuple[str, float, bytes]]) -> None:
    (tmp_path / "m.pt").write_bytes(mutated(CHECKPOINT, changes))
    load(tmp_path / "m.pt")


@fuzzed
@given(mutations)
@example([("flip", 0.02, b"\x8e" + b"\xff" * 8)])
def test_fuzzed_pickles(tmp_path: Path, changes: list[tuple[str, float, bytes]]) -> None:
    with zipfile.ZipFile(tmp_path / "m.pt", "w") as archive:
        for name, content in MEMBERS.items():
            archive.writestr(name, mutated(content, changes) if content is PICKLE else content)
    load(tmp_path / "m.pt")


@fuzzed
@given(mutations)
@example([("flip", 0.03, b"\x8e" + b"\xff" * 7 + b"\x7f")])
def test_fuzzed_checkpoints_before_1_6(tmp_path: Path, changes: list[tuple[str, float, bytes]]) -> None:
    (tmp_path / "m.pt").write_bytes(mutated(OLD, changes))
    load(tmp_path / "m.pt")


@fuzzed
@given(mutations)
def test_fuzzed_npz(tmp_path: Path, changes: list[tuple[str, float, bytes]]) -> None:
    path = tmp_path / "whole.npz"
    if not path.exists():
        mc.save({"w": mc.ones(3, 4), "b": mc.arange(5)}, path)
    (tmp_path / "m.npz").write_bytes(mutated(path.read_bytes(), changes))
    load(tmp_path / "m.npz")


@fuzzed
@given(mutations)
def test_fuzzed_safetensors(tmp_path: Path, changes: list[tuple[str, float, bytes]]) -> None:
    pytest.importorskip("safetensors", reason='pip install "minicnn[weights]"')
    path = tmp_path / "whole.safetensors"
    if not path.exists():
        mc.save({"w": mc.ones(3, 4), "b": mc.arange(5)}, path)
    (tmp_path / "m.safetensors").write_bytes(mutated(path.read_bytes(), changes))
    load(tmp_path / "m.safetensors")


@pytest.mark.parametrize("content", [CHECKPOINT, OLD], ids=["zip", "before 1.6"])
def test_every_truncation_is_an_error(tmp_path: Path, content: bytes) -> None:
    for length in range(0, len(content), 97):
        (tmp_path / "m.pt").write_bytes(content[:length])
        assert load(tmp_path / "m.pt") != "values"


def test_a_flipped_bit_in_the_memory_is_an_error(tmp_path: Path) -> None:
    for name, content in MEMBERS.items():
        if "/data/" in name and content:
            at = CHECKPOINT.index(content, CHECKPOINT.index(name.encode()))
            (tmp_path / "m.pt").write_bytes(CHECKPOINT[:at] + bytes([content[0] ^ 1]) + CHECKPOINT[at + 1 :])
            assert "CRC" in load(tmp_path / "m.pt")


def tensor(storage: bytes, rest: bytes) -> bytes:
    """A pickle of one tensor from the arguments of its storage and of itself."""
    start = b"\x80\x02ctorch._utils\n_rebuild_tensor_v2\n((X\x07\x00\x00\x00storagectorch\nFloatStorage\n"
    return start + storage + b"tQ" + rest + b"\x89NtR."


def number(n: int) -> bytes:
    return b"\x8a\x09" + n.to_bytes(9, "little", signed=True)


KEY, FOUR = b"X\x01\x00\x00\x000X\x03\x00\x00\x00cpu", number(4)


@pytest.mark.parametrize(
    "described",
    [
        tensor(KEY + number(1 << 50), FOUR + b"K\x02\x85K\x01\x85"),
        tensor(KEY + number(-4), b"K\x00K\x04\x85K\x01\x85"),
        tensor(KEY + FOUR, b"K\x00" + number(1 << 50) + b"\x85K\x01\x85"),
        tensor(KEY + FOUR, b"K\x00" + number(1 << 50) + b"\x85K\x00\x85"),
        tensor(KEY + FOUR, b"K\x01K\x04\x85K\x01\x85"),
        tensor(KEY + FOUR, number(-1) + b"K\x04\x85K\x01\x85"),
        tensor(KEY + FOUR, b"K\x00K\x04\x85" + number(-1) + b"\x85"),
        tensor(KEY + FOUR, b"K\x00K\x04\x85)"),
        tensor(KEY + FOUR, b"K\x00(" + b"K\x01" * 70 + b"t(" + b"K\x01" * 70 + b"t"),
        tensor(KEY + FOUR, b"K\x00(" + number(1 << 40) * 3 + b"K\x00t(K\x01K\x01K\x01K\x01t"),
        tensor(b"X\x0d\x00\x00\x00../../secretsX\x03\x00\x00\x00cpu" + FOUR, b"K\x00K\x04\x85K\x01\x85"),
        tensor(b"NN" + FOUR, b"K\x00K\x04\x85K\x01\x85"),
        b"\x80\x02X\x07\x00\x00\x00storageQ.",
        b"\x80\x02ctorch\nFloatStorage\n.",
        b"\x80\x02](ctorch\nFloatStorage\ne.",
        b"\x80\x02](ctorch\nFloatStorage\n\x85e.",
        b"\x80\x02}ctorch\nFloatStorage\nNs.",
    ],
)  # fmt: skip
def test_lying_tensors(tmp_path: Path, described: bytes) -> None:
    assert load(archive_of(tmp_path / "m.pt", described, _0=bytes(16))) != "values"


def test_the_honest_one_among_them(tmp_path: Path) -> None:
    described = tensor(KEY + FOUR, b"K\x01K\x03\x85K\x01\x85")
    archive_of(tmp_path / "m.pt", described, _0=np.arange(4, dtype="<f4").tobytes())
    assert mc.load(tmp_path / "m.pt").tolist() == [1, 2, 3]


def laughs() -> bytes:
    """Two of the list before, forty times: a trillion values."""
    twice = b"".join(b"q%c](h%ch%ce" % (k, k, k) for k in range(40))
    return b"\x80\x02](" + b"]" + twice + b"e."


@pytest.mark.parametrize(
    "described",
    [
        b"\x80\x02" + b"]" * 100_000 + b"a" * 99_999 + b".",
        b"\x80\x02" + b")" + b"\x85" * 100_000 + b".",
        b"\x80\x02}(" + b")" + b"\x85" * 50 + b"Ku.",
        b"\x80\x02}" + b")" + b"\x85" * 50 + b"Ns.",
        b"\x80\x02]q\x00h\x00a.",
        b"\x80\x02]q\x00(]h\x00ae.",
        b"\x80\x02]q\x00]q\x01h\x00ah\x00h\x01a.",
        b"\x80\x02" + b"N" * 1_500_000 + b".",
        b"\x80\x02}(" + b"".join(number((2**61 - 1) * k) + b"N" for k in range(127)) + b"u.",
        b"\x80\x02](" + b"N" * 100_000 + b"eq\x00" + b"c__builtin__\nset\nh\x00\x85R" * 400 + b".",
        b"\x80\x04\x8e" + b"\xff" * 8 + b"x.",
        b"\x80\x02T\xff\xff\xff\x7fx.",
        b"\x80\x02X\xff\xff\xff\xffx.",
        b"\x80\x02\x8b\xff\xff\xff\x7fx.",
        b"\x80\x02h\x07.", b"\x80\x02t.", b"\x80\x02R.", b"\x80\x02.", b"\x80\x02(.", b"", b".", b"\x80\x02NN.",
        b"\x80\x02N",
        b"\x80\x02Ib\n.", b"\x80\x02L" + b"9" * 100_000 + b"L\n.", b"\x80\x02cos\nsystem\n(X\x02\x00\x00\x00lstR.",
        b"\x80\x02Nccollections\nOrderedDict\n)R}(X\x01\x00\x00\x00aNub\x86.",
        b"\x80\x02ccollections\nOrderedDict\n)R}(X\x09\x00\x00\x00_metadataK\x01ub.",
        b"\x80\x04NN\x93.", b"\x80\x04](Ne]\x93.", b"\x80\x02ctorch\nSize\n(NtR.", b"\x80\x02ctorch\ndevice\n(K\x01tR.",
        b"\x80\x02c_codecs\nencode\n(X\x01\x00\x00\x00aX\x04\x00\x00\x00zlibtR.", b"\x80\x02ctorch\nSize\n(tR.",
        laughs(),
    ],
)  # fmt: skip
def test_pickles_without_end_or_sense(tmp_path: Path, described: bytes) -> None:
    assert load(archive_of(tmp_path / "m.pt", described)) != "values"
    magic = pickle.dumps(0x1950A86A20F9469CFC6C, 2) + pickle.dumps(1001, 2) + pickle.dumps({}, 2)
    (tmp_path / "old.pt").write_bytes(magic + described + pickle.dumps([], 2))
    assert load(tmp_path / "old.pt") != "values"


def test_a_small_laugh_is_a_value(tmp_path: Path) -> None:
    archive_of(tmp_path / "m.pt", b"\x80\x02](]q\x00h\x00e.")
    assert mc.load(tmp_path / "m.pt") == [[], []]
    assert "too many" in load(archive_of(tmp_path / "m.pt", laughs()))


def test_members_on_one_another_are_refused(tmp_path: Path) -> None:
    """A directory whose entries are all the same bytes: a small file of any size."""
    archive_of(tmp_path / "m.pt", b"\x80\x02N.", **{f"_{k}": bytes(1000) for k in range(3)})
    content = bytearray((tmp_path / "m.pt").read_bytes())
    entries = [at for at in range(len(content)) if content[at : at + 4] == b"PK\x01\x02"]
    first = content[entries[1] + 42 : entries[1] + 46]
    for at in entries[2:]:
        content[at + 24 : at + 28] = content[at + 20 : at + 24] = struct.pack("<I", 3000)
        content[at + 42 : at + 46] = first
    (tmp_path / "m.pt").write_bytes(content)
    assert "claim" in load(tmp_path / "m.pt")


def test_packed_members_are_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "m.pt", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("m/data.pkl", b"\x80\x02N." + bytes(10_000_000))
    assert "compressed" in load(tmp_path / "m.pt")


def test_names_that_climb_out_touch_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "inside"
    folder.mkdir()
    for name in ("../../data.pkl", "/etc/data.pkl", "../data.pkl", "..\\data.pkl", "m/../../data.pkl"):
        for suffix in (".pt", ".npz"):
            with zipfile.ZipFile(folder / f"m{suffix}", "w") as archive:
                archive.writestr(name, b"\x80\x02N.")
                archive.writestr("m/data/../../../x", b"1234")
            load(folder / f"m{suffix}")
    assert [p.name for p in tmp_path.iterdir()] == ["inside"]


@pytest.mark.parametrize("suffix", [".pt", ".npz", ".safetensors"])
def test_what_is_no_file_is_named(tmp_path: Path, suffix: str) -> None:
    if suffix == ".safetensors":
        pytest.importorskip("safetensors", reason='pip install "minicnn[weights]"')
    assert "does not exist" in load(tmp_path / f"absent{suffix}")
    (tmp_path / f"folder{suffix}").mkdir()
    assert "cannot be read" in load(tmp_path / f"folder{suffix}")
    (tmp_path / f"page{suffix}").write_text("<html>Please sign in</html>")
    assert load(tmp_path / f"page{suffix}") != "values"
