"""A card's results as Markdown and JSON."""

from __future__ import annotations

import json
from pathlib import Path

from benchmarks.case import Row, Settings
from benchmarks.gpu import card, plots
from benchmarks.gpu.tables import TABLES, goals_table, sides_table, switch
from benchmarks.tables import amount

DEVICE = "cuda"
"""What results.json calls the device; those of the CPU have no such word."""


TITLES = {
    "steps": "The time of each training step", "graphs": "Steps as CUDA graphs", "inference": "Forward passes",
    "memory": "The peak of memory", "forms": "Each form of a convolution", "kernels": "Each kernel alone",
    "roofline": "Each kernel of a step under what the card can do; the larger, the more of the step's time",
}  # fmt: skip
"""What the plots of a suite show."""


def line(row: Row) -> str:
    """One row, as it is found."""
    start = f"{row['suite']}: {row['case']}, TF32 {switch(row['tf32'])}, {row['side']}: "
    if "error" in row or "note" in row:
        return start + str(row.get("error") or row["note"])
    if "kernel" in row:
        start += f"{row['kernel']} ({row['shapes']}), " if row["shapes"] else f"{row['kernel']}, "
        of = f", {row['fraction']:.0%} of the limit ({row['limit']})" if "fraction" in row else ""
        return f"{start}{row['calls']} times {amount(row['time'], 's')}{of}"
    figure = amount(row["time"], "s") if "time" in row else amount(row["allocated"], "MB")
    return start + figure + (f", ratio {row['ratio']:.2f}" if "ratio" in row else "")


def table(suite: str, rows: list[Row]) -> str:
    """The table of one suite's rows."""
    return "\n".join(TABLES.get(suite, sides_table)(rows))


def markdown(rows: list[Row], facts: dict[str, str]) -> str:
    """All tables, the goals first."""
    text = ["# minicnn on a CUDA device", "", *(f"- {name}: {value}" for name, value in facts.items()), ""]
    text += ["## Goals", "", *goals_table(rows), ""]
    for suite in dict.fromkeys(row["suite"] for row in rows):
        text += [f"## {suite}", "", table(suite, [row for row in rows if row["suite"] == suite]), ""]
    return "\n".join(text)


def block(name: str, facts: dict[str, str], rows: list[Row]) -> str:
    """What a place of docs/gpu.md gets, its plots included; empty where there is nothing for it."""
    if name == "about":
        return "\n".join(f"- {what}: {value}" for what, value in facts.items())
    if name == "goals":
        return "\n".join(goals_table(rows))
    mine = [row for row in rows if row["suite"] == name]
    images = [f"![{TITLES[name]}{', with TF32' if plot != name else ''}](figures/gpu/{plot}.svg)\n"
              for plot, _ in plots.drawings(mine)]  # fmt: skip
    return "\n".join([*images, table(name, mine)]) if mine else ""


def write(rows: list[Row], folder: Path, settings: Settings) -> str:
    """``results.md`` and ``results.json``; returns the Markdown."""
    folder.mkdir(parents=True, exist_ok=True)
    facts = card.about(settings)
    text = markdown(rows, facts)
    (folder / "results.md").write_text(text, encoding="utf-8")
    content = {"device": DEVICE, "about": facts, "rows": rows}
    (folder / "results.json").write_text(json.dumps(content, indent=1), encoding="utf-8")
    return text


