"""State dicts to .npz and back."""

from __future__ import annotations

import io
import pickle
import zipfile
from pathlib import Path

import numpy as np
import pytest

import minicnn as mc
from minicnn.errors import DataError, OptionError


def test_round_trip_of_a_models_state(tmp_path: Path) -> None:
    model = mc.nn.Sequential(mc.nn.Conv2d(1, 2, 3), mc.nn.BatchNorm2d(2))
    mc.save(model.state_dict(), tmp_path / "new folder" / "m.npz")
    found = mc.load(tmp_path / "new folder" / "m.npz")
    assert list(found) == list(model.state_dict())
    for name, value in model.state_dict().items():
        assert found[name].dtype == value.dtype and mc.equal(found[name], value.cpu())
    assert found["1.num_batches_tracked"].shape == ()


def test_a_failed_save_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "m.npz"
    mc.save({"w": mc.ones(2)}, path)

    def full(*args: object, **kwargs: object) -> None:
        raise OSError("No space left on device")

    monkeypatch.setattr(np.lib.format, "write_array", full)
    with pytest.raises(OSError, match="No space"):
        mc.save({"w": mc.zeros(2)}, path)
    assert mc.load(path)["w"].tolist() == [1.0, 1.0]
    assert [p.name for p in tmp_path.iterdir()] == ["m.npz"]


def test_a_place_that_cannot_be_written_is_named_and_nothing_is_left(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "folder.npz").mkdir()
    for name in ("file/m.npz", "folder.npz", f"{'m' * 300}.npz"):
        with pytest.raises(DataError, match=r"npz cannot be written\n  got   .+\n  rule  .+\n  try   another folder"):
            mc.save({"w": mc.ones(2)}, tmp_path / name)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["file", "folder.npz"]


def test_a_saved_file_has_the_rights_of_any_new_file_and_any_length_of_name(tmp_path: Path) -> None:
    (tmp_path / "plain").touch()
    name = f"{'å' * 125}.npz"  # 254 bytes, of the 255 that there may be
    mc.save({"w": mc.ones(2)}, tmp_path / name)
    assert (tmp_path / name).stat().st_mode == (tmp_path / "plain").stat().st_mode
    assert mc.load(tmp_path / name)["w"].tolist() == [1, 1]


def test_damaged_files_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "m.npz"
    mc.save({"w": mc.ones(20)}, path)
    whole = path.read_bytes()
    for broken in (whole[: len(whole) // 2], b"", b"no archive"):
        path.write_bytes(broken)
        with pytest.raises(DataError, match=r"m\.npz"):
            mc.load(path)
    with pytest.raises(DataError, match="does not exist"):
        mc.load(tmp_path / "absent.npz")


def test_nothing_in_a_file_is_executed(tmp_path: Path) -> None:
    marker = tmp_path / "executed"

    class Bomb:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return (Path.touch, (marker,))  # type: ignore[return-value]  # a shorter form that pickle takes, too

    content = io.BytesIO()
    np.lib.format.write_array(content, np.array([Bomb()], dtype=object), allow_pickle=True)
    with zipfile.ZipFile(tmp_path / "m.npz", "w") as archive:
        archive.writestr("w.npy", content.getvalue())
    with pytest.raises(DataError):
        mc.load(tmp_path / "m.npz")
    (tmp_path / "p.npz").write_bytes(pickle.dumps(Bomb()))
    with pytest.raises(DataError):
        mc.load(tmp_path / "p.npz")
    assert not marker.exists()


def test_every_name_and_layout_comes_back(tmp_path: Path) -> None:
    state = {"file": mc.ones(2), "a/b": mc.arange(6).view(2, 3).t(), "": mc.tensor(True), "x.npy": mc.zeros(0, 3)}
    mc.save(state, tmp_path / "m.npz")
    found = mc.load(tmp_path / "m.npz")
    assert list(found) == list(state)
    assert all(mc.equal(found[name], value.cpu()) and found[name].dtype == value.dtype for name, value in state.items())


def test_what_numpy_wrote_is_read(tmp_path: Path) -> None:
    arrays = {"w": np.arange(6, dtype=">f8").reshape(2, 3), "f": np.asfortranarray(np.eye(3, 2, dtype=np.float16)),
              "i": np.array(3), "b": np.array([True, False])}  # fmt: skip
    for write in (np.savez, np.savez_compressed):
        write(tmp_path / "m.npz", **arrays)
        found = mc.load(tmp_path / "m.npz")
        for name, array in arrays.items():
            assert found[name].dtype == array.dtype.newbyteorder("=") and found[name].tolist() == array.tolist()


def npy(header: str, values: bytes = b"") -> bytes:
    return b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header.encode() + values


@pytest.mark.parametrize(
    "content",
    [
        npy("{'descr': '<f4', 'fortran_order': False, 'shape': (1000000000000000,), }\n", b"1234"),
        npy("{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }\n", b"1234"),
        npy("{'descr': '<f4', 'fortran_order': False, 'shape': (0, 9999999999999999999999), }\n"),
        npy("{'descr': '<f4', 'fortran_order': False, 'shape': (" + "1, " * 70 + "), }\n", b"1234"),
        npy("{'descr': '|O', 'fortran_order': False, 'shape': (1,), }\n", b"12345678"),
        npy("{'descr': '<c8', 'fortran_order': False, 'shape': (1,), }\n", b"12345678"),
        npy("{'descr': __import__('os').getpid(), 'fortran_order': False, 'shape': (), }\n"),
        npy("(" * 60_000),
        b"\x93NUMPY",
        b"",
    ],
)  # fmt: skip
def test_headers_that_lie_are_refused(tmp_path: Path, content: bytes) -> None:
    with zipfile.ZipFile(tmp_path / "m.npz", "w") as archive:
        archive.writestr("w.npy", content)
    with pytest.raises(DataError, match=r"m\.npz"):
        mc.load(tmp_path / "m.npz")


def test_an_archive_bomb_is_refused_unopened(tmp_path: Path) -> None:
    np.savez_compressed(tmp_path / "m.npz", w=np.zeros(1 << 25, np.float32))
    with pytest.raises(DataError, match="its members claim"):
        mc.load(tmp_path / "m.npz")


def test_two_members_of_one_name_are_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "m.npz", "w") as archive, pytest.warns(UserWarning, match="Duplicate"):
        archive.writestr("w.npy", npy("{'descr': '<f4', 'fortran_order': False, 'shape': (), }\n", b"1234"))
        archive.writestr("w.npy", npy("{'descr': '<f4', 'fortran_order': False, 'shape': (), }\n", b"5678"))
    with pytest.raises(DataError, match="one name"):
        mc.load(tmp_path / "m.npz")


def test_only_named_tensors_are_saved(tmp_path: Path) -> None:
    with pytest.raises(OptionError, match="'lr' is no tensor"):
        mc.save({"lr": 0.1}, tmp_path / "m.npz")  # type: ignore[dict-item]  # what is wrong is the point
    with pytest.raises(OptionError, match="unknown format"):
        mc.save({}, tmp_path / "m.pickle")
