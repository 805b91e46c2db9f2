"""Results as Markdown and JSON."""

from __future__ import annotations

import json
import math
import platform
from pathlib import Path
from typing import Any

Row = dict[str, Any]


def geometric_mean(values: list[float]) -> float:
    """exp of the mean logarithm."""
    return math.exp(sum(map(math.log, values)) / len(values))


def line(row: Row) -> str:
    """One row of the table of times."""
    spread = f"{row['low']:.2f}–{row['high']:.2f}" if "low" in row else ""
    unit, scale = ("MB", 1.0) if row["suite"] == "memory" else ("ms", 1e3)
    ours, theirs = row["ours"] * scale, row["theirs"] * scale
    times = f"{ours:.3f} {unit} | {theirs:.3f} {unit}"
    best = f"{row['best']:.2f}" if "best" in row else ""
    return f"| {row['case']} | {row['threads']} | {times} | {row['ratio']:.2f} | {spread} | {best} |"


def markdown(rows: list[Row], about: dict[str, str]) -> str:
    """Tables by suite, each with the geometric mean of its ratios."""
    text = ["# minicnn beside PyTorch", "", *(f"- {name}: {value}" for name, value in about.items()), ""]
    for suite in dict.fromkeys(row["suite"] for row in rows):
        text += [f"## {suite}", "", "| case | threads | minicnn | PyTorch | ratio | quartiles | of the best |"]
        text.append("|---|---|---|---|---|---|---|")
        of_suite = [row for row in rows if row["suite"] == suite]
        text += [line(row) for row in of_suite]
        for threads in dict.fromkeys(row["threads"] for row in of_suite):
            mean = geometric_mean([row["ratio"] for row in of_suite if row["threads"] == threads])
            text.append(f"| **geometric mean** | {threads} | | | **{mean:.2f}** | | |")
        text.append("")
    return "\n".join(text)


def about() -> dict[str, str]:
    """Versions and machine."""
    import numpy
    import torch

    import minicnn

    return {"minicnn": minicnn.__version__, "NumPy": numpy.__version__, "PyTorch": torch.__version__,
            "Python": platform.python_version(), "machine": f"{platform.machine()} {platform.system()}"}


def write(rows: list[Row], folder: Path) -> None:
    """``benchmarks.md`` and ``benchmarks.json``."""
    folder.mkdir(parents=True, exist_ok=True)
    facts = about()
    (folder / "benchmarks.md").write_text(markdown(rows, facts), encoding="utf-8")
    (folder / "benchmarks.json").write_text(json.dumps({"about": facts, "rows": rows}, indent=1), encoding="utf-8")
