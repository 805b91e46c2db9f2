"""The comparison that courses begin with, on the whole MNIST. It takes minutes: ``MINICNN_LONG=1 pytest``."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

import minicnn as mc
from minicnn.cli import main

WHOLE = Path(__file__).parents[3] / "shared" / "data" / "mnist"


@pytest.mark.skipif(not os.environ.get("MINICNN_LONG"), reason="it takes minutes; MINICNN_LONG=1 runs it")
def test_the_first_comparison(monkeypatch: pytest.MonkeyPatch) -> None:
    found: list[mc.training.Comparison] = []
    benchmark = mc.training.benchmark
    monkeypatch.setattr("minicnn.training.benchmark", lambda *a, **k: found.append(benchmark(*a, **k)) or found[-1])
    assert main(["benchmark", "--data", "mnist", "--root", str(WHOLE), "--epochs", "3", "--lr", "0.05"]) == 0
    accuracy = {row.name: row.accuracy or 0.0 for row in found[0]}
    assert accuracy["cnn2_bn"] > 0.99
    assert accuracy["mlp_sigmoid"] < accuracy["mlp_tanh"] < accuracy["cnn1"] < accuracy["cnn2_bn"]
    assert accuracy["mlp_sigmoid"] < accuracy["mlp_relu"] < accuracy["cnn1"] < accuracy["cnn2"]
