"""A run of the benchmarks that no test waits for."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from benchmarks.__main__ import run
from benchmarks.case import Row, Settings
from tests.benchmarks.ticks import ticks


def figures(folder: Path, only: str, threads: tuple[int, ...] = (1,), **options: Any) -> tuple[list[Row], str]:
    """The rows and the Markdown of a run, whose JSON is what the rows are."""
    import torch

    settings = Settings(only, threads, quick=True, clock=ticks(), **options)
    assert run(settings, folder) == 0
    content = json.loads((folder / "results.json").read_text(encoding="utf-8"))
    assert content["about"]["PyTorch"] == torch.__version__
    return content["rows"], (folder / "results.md").read_text(encoding="utf-8")
