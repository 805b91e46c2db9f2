"""Make reference.npz from PyTorch: python -m tests.textbook.make_reference, with the documents at hand."""

from __future__ import annotations

import tempfile

import numpy as np
import torch

from tests.textbook.documents import blocks, documents
from tests.textbook.measure import REFERENCE, Array, measure, summary, text, with_torch
from tests.textbook.table import BLOCKS, PRINTING, SCRIPTS, script


def main() -> None:
    """Run everything with PyTorch, and keep what is compared."""
    kept: dict[str, Array] = {}
    codes = [blocks(document) for document in documents()]
    for block in (block for block in BLOCKS if block.pytorch):
        names, printed = with_torch(script(block, codes[block.document]).replace("from d2l import torch as d2l", ""))
        found = {"printed": text(printed)}
        if block.shape:
            found = summary(measure(torch, names["model"], block.shape, printed, names.get("part"), block.part_shape))
        kept |= {f"{block.key}/{name}": value for name, value in found.items()}
    networks, _ = with_torch((SCRIPTS / "networks.py").read_text(encoding="utf-8"))
    for name, (build, shape) in networks["NETWORKS"].items():
        torch.manual_seed(7)
        kept |= {f"network {name}/{k}": value for k, value in summary(measure(torch, build(), shape)).items()}
    with tempfile.TemporaryDirectory() as folder:
        for name in PRINTING:
            _, printed = with_torch((SCRIPTS / name).read_text(encoding="utf-8"), [f"{folder}/checkpoint.pt"])
            kept[f"script {name}/printed"] = text(printed)
    np.savez_compressed(REFERENCE, **kept)


if __name__ == "__main__":
    main()
