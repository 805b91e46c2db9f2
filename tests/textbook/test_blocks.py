"""Every code block of the documents runs as it stands, but for its own slips, and builds what PyTorch builds."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import minicnn as mc
from minicnn.compat import format_error, pretrained, run_script
from minicnn.compat.stand_in import StandIn
from tests.textbook.documents import FOLDER, blocks, documents
from tests.textbook.measure import (
    HAS_TORCH,
    Measured,
    captured,
    compare,
    compare_summaries,
    measure,
    stored,
    summary,
    text,
    with_torch,
)
from tests.textbook.table import BLOCKS, Block, script
from tests.web import serving

pytestmark = [
    pytest.mark.skipif(not FOLDER.exists(), reason="the documents are not at hand; test_networks has its own"),
    pytest.mark.host("scripts for PyTorch mean the CPU where they name no device, and print none"),
]

TEXTS = documents()
CODES = [blocks(document) for document in TEXTS]
BY_NAME = {block.name: block for block in BLOCKS}


def run(block: Block, folder: Path, code: str | None = None) -> tuple[dict[str, Any], str]:
    """The names that the block's script leaves, and what it prints."""
    path = folder / "block.py"
    path.write_text(script(block, CODES[block.document]) if code is None else code, encoding="utf-8")
    with captured() as printed:
        names = run_script(path, [str(folder)])
    return names, printed()


def measured(block: Block, torch: Any, names: dict[str, Any], printed: str) -> Measured:
    assert block.shape is not None
    return measure(torch, names["model"], block.shape, printed, names.get("part"), block.part_shape)


def without_spaces(words: str) -> str:
    return re.sub(r"\s", "", words)


def test_no_block_is_left_out() -> None:
    there = [(document, number) for document, codes in enumerate(CODES) for number in range(len(codes))]
    assert [(block.document, block.number) for block in BLOCKS] == there


@pytest.mark.parametrize("block", [block for block in BLOCKS if block.pytorch], ids=lambda block: block.name)
def test_a_block_does_what_it_does_in_pytorch(block: Block, tmp_path: Path) -> None:
    names, printed = run(block, tmp_path)
    found = {"printed": text(printed)}
    if block.shape:
        mine = measured(block, mc, names, printed)
        found = summary(mine)
        compare_summaries(found, stored(block.key))
    else:
        assert found["printed"].tobytes() == stored(block.key)["printed"].tobytes()
    if HAS_TORCH and block.live:
        import torch

        code = script(block, CODES[block.document]).replace("from d2l import torch as d2l", "")
        theirs, shown = with_torch(code)
        assert printed == shown
        if block.shape:
            compare(mine, measured(block, torch, theirs, shown))


@pytest.mark.parametrize(
    ("name", "slip", "message"),
    [
        ("a residual network for CIFAR-10", "out.siza(0)", "Tensor has no attribute 'siza'"),
        ("an Inception module", "import F", "pandas"),
        ("its convolutions", "add_module(layer[0]", "'layer1.conv1'"),
    ],
)
def test_a_slip_is_shown_by_the_documents_own_line(name: str, slip: str, message: str, tmp_path: Path) -> None:
    block = BY_NAME[name]
    code = script(block, CODES[block.document])
    for wrong, meant in block.mended:
        code = code.replace(meant, wrong)
    with pytest.raises((AttributeError, ImportError, KeyError)) as caught:
        run(block, tmp_path, code + "\nmodel(torch.zeros(1, 3, 32, 32))\n")
    lines = format_error(caught.value, tmp_path / "block.py").splitlines()
    assert all("minicnn/" not in line for line in lines)
    assert any(slip in line for line in lines) and any(message in line for line in lines)


@pytest.mark.parametrize(
    ("name", "begins"),
    [
        ("SimpleCNN", "SimpleCNN("), ("its first two layers", "Sequential(\n  (0)"),
        ("the names of its parameters", "layer1.conv1.weight"), ("the printed ResNet-18", "ResNet("),
    ],
)  # fmt: skip
def test_what_a_block_prints_is_what_the_document_shows(name: str, begins: str, tmp_path: Path) -> None:
    block = BY_NAME[name]
    _, printed = run(block, tmp_path)
    # As PyTorch printed it when the documents were written.
    shown = printed[printed.index(begins) :].replace("inplace=True", "inplace").replace(", bias=True, track", ", track")
    assert without_spaces(shown) in without_spaces(TEXTS[block.document])


def test_the_augmentation_is_applied_to_cifar10(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mc.datasets.CIFAR10, "images_a_file", None)  # six images a file here
    pixels = np.random.default_rng(0).integers(0, 256, (6, 3, 32, 32), np.uint8)
    (tmp_path / "cifar-10-batches-bin").mkdir()
    records = b"".join(bytes([i]) + image.tobytes() for i, image in enumerate(pixels))
    for name in ("test_batch.bin", *(f"data_batch_{i}.bin" for i in range(1, 6))):
        (tmp_path / "cifar-10-batches-bin" / name).write_bytes(records)
    block = BY_NAME["augmentation of CIFAR-10"]
    use = """
import sys
from torchvision import datasets
from torch.utils.data import DataLoader
train = datasets.CIFAR10(sys.argv[1], train=True, transform=train_transform, download=True)
test = datasets.CIFAR10(sys.argv[1], train=False, transform=test_transform)
images, labels = next(iter(DataLoader(train, batch_size=6)))
"""
    with pytest.warns(UserWarning, match="Scale"):
        names, _ = run(block, tmp_path, script(block, CODES[1]) + use)
    image, label = names["test"][5]
    np.testing.assert_allclose(image.numpy(), (pixels[5] / 255 - 0.5) / 0.5, atol=1e-6)
    assert label == 5 and names["images"].shape == (6, 3, 32, 32) and names["labels"].tolist() == list(range(6))
    assert names["images"].abs().max() <= 1 and len(names["train"]) == 30


def test_the_alexnet_of_torchvision_is_the_one_of_the_chapter(tmp_path: Path) -> None:
    given, _ = run(BY_NAME["AlexNet of torchvision"], tmp_path)
    built, _ = run(BY_NAME["AlexNet with adaptive pooling"], tmp_path)
    x = mc.randn(1, 3, 64, 64)
    given["alexnet"].load_state_dict(built["model"].state_dict())
    assert mc.equal(given["alexnet"].eval()(x), built["model"].eval()(x))
    assert given["alexnet"](x).shape == (1, 2)


def test_the_hub_gives_a_network_with_its_weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    published = mc.models.resnet50()
    mc.save(published.state_dict(), tmp_path / "resnet50.pth")
    monkeypatch.setenv("MINICNN_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.setitem(pretrained.FILES, "resnet50", ("resnet50.pth",))
    with serving({"/resnet50.pth": (tmp_path / "resnet50.pth").read_bytes()}) as server:
        monkeypatch.setattr(pretrained, "ADDRESS", server.url("/"))
        with pytest.warns(UserWarning, match="pretrained=True"):
            names, _ = run(BY_NAME["ResNet-50 of the hub, with its weights"], tmp_path)
    assert all(map(mc.equal, names["model"].state_dict().values(), published.state_dict().values()))


def test_nothing_of_a_block_stays_behind(tmp_path: Path) -> None:
    run(BY_NAME["a residual block"], tmp_path)
    assert not any(isinstance(module, StandIn) for module in sys.modules.values())
