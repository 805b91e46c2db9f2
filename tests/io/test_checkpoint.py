"""PyTorch's checkpoints: read without PyTorch, and written so that PyTorch reads them."""

from __future__ import annotations

import math
import pickle
import subprocess
import sys
import warnings
import zipfile
from collections import OrderedDict
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import minicnn as mc
from minicnn.errors import DataError, DtypeError

REFERENCE = Path(__file__).parent.parent / "reference"
KINDS = [mc.float16, mc.float64, mc.uint8, mc.int8, mc.int16, mc.int32, mc.int64, mc.bool]
STORED = ["checkpoint.pt", "checkpoint_protocol4.pt", "checkpoint_before_1.6.pt"]


@pytest.fixture(params=STORED)
def stored(request: pytest.FixtureRequest) -> dict[str, Any]:
    with pytest.warns(UserWarning, match="bfloat16"):
        return mc.load(REFERENCE / request.param)


def test_a_stored_checkpoints_plain_values(stored: dict[str, Any]) -> None:
    assert (stored["epoch"], stored["loss"], stored["done"]) == (3, 0.25, None)
    assert stored["plain"] == (1, -2, 2**40, "ä", True, (), [1.5, [2]], {"k": {}})
    assert stored["size"] == mc.Size([3, 4]) and type(stored["size"]) is mc.Size
    assert (stored["device"], stored["dtype"]) == ("cuda:1", mc.float32)
    assert (stored["set"], stored["frozen"], stored["bytes"]) == ({1, 2}, frozenset("a"), b"\xff")


def test_a_stored_checkpoints_tensors(stored: dict[str, Any]) -> None:
    whole, turned, strided, one, expanded = stored["views"]
    assert whole.tolist() == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9, 10, 11]] and whole.dtype == mc.float32
    assert turned.tolist() == [[1, 5, 9], [2, 6, 10], [3, 7, 11]]
    assert strided.tolist() == [1, 9] and one.shape == () and one.item() == 0
    assert expanded.tolist() == [[1, 1, 1], [1, 1, 1]]
    for kind, tensor in stored["kinds"].items():
        assert tensor.tolist() == [0, 1, 2]
        assert str(tensor.dtype) == ("float32" if kind == "bfloat16" else kind)
    assert stored["bool"].tolist() == [True, False] and stored["bool"].dtype == mc.bool
    assert stored["empty"].shape == (0, 3)
    assert isinstance(stored["parameter"], mc.nn.Parameter) and stored["parameter"].requires_grad


def test_tensors_of_one_storage_share_memory_and_can_be_edited(stored: dict[str, Any]) -> None:
    whole, turned, *_ = stored["views"]
    whole.mul_(2)
    assert turned[0].tolist() == [2, 10, 18]


def test_a_stored_model_and_its_optimiser_go_on(stored: dict[str, Any]) -> None:
    model = mc.nn.Sequential(mc.nn.Conv2d(1, 2, 3), mc.nn.BatchNorm2d(2))
    optimizer = mc.optim.AdamW(model.parameters(), lr=1.0)
    assert str(model.load_state_dict(stored["model"])) == "<All keys matched successfully>"
    assert stored["model"]._metadata["1"] == {"version": 2}
    optimizer.load_state_dict(stored["optimizer"])
    assert optimizer.param_groups[0]["lr"] == 0.01
    model(mc.linspace(-1, 1, 25).view(1, 1, 5, 5)).square().sum().backward()
    optimizer.step()
    assert optimizer.state_dict()["state"][0]["step"] == 2


def test_the_stored_checkpoint_is_what_pytorch_reads() -> None:
    torch = pytest.importorskip("torch", reason="compares with PyTorch live")
    expected = torch.load(REFERENCE / "checkpoint.pt", weights_only=False, map_location="cpu")
    with pytest.warns(UserWarning, match="bfloat16"):
        found = mc.load(REFERENCE / "checkpoint.pt")
    assert_same(found, expected, torch)


def assert_same(found: Any, expected: Any, torch: Any) -> None:
    if isinstance(expected, torch.Tensor):
        wide = expected.detach().float() if expected.dtype == torch.bfloat16 else expected.detach()
        np.testing.assert_array_equal(found.detach().numpy(), wide.numpy())
        assert found.requires_grad == expected.requires_grad
    elif isinstance(expected, dict):
        assert list(found) == list(expected) and type(found) is type(expected)
        for key in expected:
            assert_same(found[key], expected[key], torch)
    elif isinstance(expected, list | tuple):
        assert len(found) == len(expected)
        for one, other in zip(found, expected, strict=True):
            assert_same(one, other, torch)
    elif isinstance(expected, torch.device | torch.dtype):
        assert str(found) == str(expected).removeprefix("torch.")
    else:
        assert found == expected and type(found) is type(expected)


def test_a_big_endian_checkpoint_is_turned_round(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch", reason="compares with PyTorch live")
    torch.save({"w": torch.tensor([1.0, 2.0]), "i": torch.tensor([1])}, tmp_path / "little.pt")
    rewrite(tmp_path / "little.pt", tmp_path / "big.pt", {
        "byteorder": lambda _: b"big", "data/1": lambda content: content[::-1],
        "data/0": lambda content: np.frombuffer(content, "<f4").astype(">f4").tobytes(),
    })  # fmt: skip
    found = mc.load(tmp_path / "big.pt")
    assert found["w"].tolist() == [1.0, 2.0] and found["i"].tolist() == [1]


def rewrite(source: Path, target: Path, changes: dict[str, Any]) -> None:
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w") as new:
        for name in old.namelist():
            change = changes.get(name.partition("/")[2], lambda content: content)
            new.writestr(name, change(old.read(name)))


def test_python_2_wrote_dictionaries_otherwise(tmp_path: Path) -> None:
    write_archive(tmp_path / "m.pt", b"\x80\x02ccollections\nOrderedDict\n](](U\x01aK\x01ee\x85R.")
    assert mc.load(tmp_path / "m.pt") == OrderedDict(a=1)


def write_archive(path: Path, described: bytes, storages: dict[str, bytes] | None = None) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("m/data.pkl", described)
        for key, content in (storages or {}).items():
            archive.writestr(f"m/data/{key}", content)


class Bomb:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return (exec, ("raise SystemExit('executed')",))


@pytest.mark.parametrize("protocol", [0, 1, 2, 3, 4, 5])
def test_nothing_that_a_file_names_is_run(tmp_path: Path, protocol: int) -> None:
    write_archive(tmp_path / "m.pt", pickle.dumps({"state": Bomb()}, protocol=protocol))
    (tmp_path / "bare.pt").write_bytes(pickle.dumps(Bomb(), protocol=protocol))
    for name in ("m.pt", "bare.pt"):
        with pytest.raises(DataError, match=name):
            mc.load(tmp_path / name)


@pytest.mark.parametrize("name", ["os system", "torch load", "numpy frombuffer", "torch._utils _rebuild_qtensor",
                                  "torch._utils _rebuild_sparse_tensor", "torch.nn.modules.linear Linear",
                                  "builtins getattr", "torch ComplexFloatStorage", "torch QInt8Storage"])  # fmt: skip
def test_names_that_are_not_tensors_are_refused(tmp_path: Path, name: str) -> None:
    write_archive(tmp_path / "m.pt", b"\x80\x02c" + name.replace(" ", "\n").encode() + b"\n.")
    with pytest.raises(DataError, match=name.replace(" ", ".")) as caught:
        mc.load(tmp_path / "m.pt")
    assert "is refused" in str(caught.value) and "try" in str(caught.value)


def test_a_whole_pickled_model_is_refused_with_advice(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch", reason="compares with PyTorch live")
    torch.save(torch.nn.Linear(1, 1), tmp_path / "m.pt")
    with pytest.raises(DataError, match=r"torch\.nn\.modules\.linear\.Linear(.|\n)*state_dict"):
        mc.load(tmp_path / "m.pt")


def test_a_torchscript_program_is_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "m.pt", "w") as archive:
        archive.writestr("m/data.pkl", b"\x80\x02N.")
        archive.writestr("m/constants.pkl", b"\x80\x02N.")
    with pytest.raises(DataError, match="TorchScript"):
        mc.load(tmp_path / "m.pt")


def test_pytorch_reads_what_is_written(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch", reason="compares with PyTorch live")
    mc.manual_seed(0)
    model = mc.nn.Sequential(mc.nn.Conv2d(1, 2, 3), mc.nn.BatchNorm2d(2))
    optimizer = mc.optim.AdamW(model.parameters(), lr=0.01)
    model(mc.randn(1, 1, 5, 5)).square().sum().backward()
    optimizer.step()
    tied = mc.ones(3)
    saved = {
        "model": model.state_dict(), "optimizer": optimizer.state_dict(),
        "numbers": (1, -2, 2**31, 2**40, -(2**70), 1.5), "texts": ["ä", "\n", ""], "flags": [True, False, None],
        "size": mc.Size([1, 2]), "dtype": mc.float16, "tied": [tied, tied], "turned": mc.arange(6).view(2, 3).t(),
        "none": mc.zeros(0, 2), "one": mc.tensor(2.5), "parameter": mc.nn.Parameter(mc.ones(1)), "nested": {1: {2: []}},
        "kinds": [mc.ones(2).to(kind) for kind in KINDS],
    }  # fmt: skip
    mc.save(saved, tmp_path / "m.pt")
    for options in ({}, {"mmap": True}):
        assert_same(mc.load(tmp_path / "m.pt"), torch.load(tmp_path / "m.pt", weights_only=True, **options), torch)
    found = torch.load(tmp_path / "m.pt", weights_only=True)
    assert found["tied"][0].data_ptr() == found["tied"][1].data_ptr()
    theirs = torch.nn.Sequential(torch.nn.Conv2d(1, 2, 3), torch.nn.BatchNorm2d(2))
    theirs.load_state_dict(found["model"])
    assert theirs[0].weight.tolist() == model[0].weight.tolist()
    torch.optim.AdamW(theirs.parameters()).load_state_dict(found["optimizer"])
    with zipfile.ZipFile(tmp_path / "m.pt") as archive:
        assert archive.testzip() is None


def test_round_trip_without_pytorch(tmp_path: Path) -> None:
    state = {"w": mc.ones(2, 3), "more": [mc.arange(3), (1, "two", None, math.pi)], "model": OrderedDict(a=mc.zeros(2))}
    mc.save(state, tmp_path / "m.pth")
    found = mc.load(tmp_path / "m.pth")
    assert mc.equal(found["w"], state["w"].cpu()) and found["more"][0].tolist() == [0, 1, 2]
    assert found["more"][1] == (1, "two", None, math.pi) and type(found["model"]) is OrderedDict


@pytest.mark.parametrize("value", [object(), {(1, 2): 3}, {"a": np.ones(2)}, 1j, [lambda: 0], 1 << 3000])
def test_what_cannot_be_written_is_named_and_leaves_no_file(tmp_path: Path, value: object) -> None:
    with pytest.raises(DtypeError, match="save"):
        mc.save({"value": value}, tmp_path / "m.pt")
    endless: list[Any] = []
    endless.append(endless)
    with pytest.raises(DtypeError, match="without end"):
        mc.save(endless, tmp_path / "m.pt")
    assert list(tmp_path.iterdir()) == []


def test_reading_a_checkpoint_imports_nothing_of_pytorch() -> None:
    code = f"""import sys, warnings, minicnn as mc
warnings.simplefilter("ignore")
for name in {STORED}: mc.load({str(REFERENCE)!r} + "/" + name)
print("torch" in sys.modules)"""
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "False\n"


def test_bfloat16_is_read_exactly(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch", reason="compares with PyTorch live")
    values = torch.tensor([1.0, -3.140625, 1e38, float("inf"), 0.0, 9.183549615799121e-41], dtype=torch.bfloat16)
    torch.save(values, tmp_path / "m.pt")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert mc.load(tmp_path / "m.pt").tolist() == values.float().tolist()
