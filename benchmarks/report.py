"""Results as Markdown and JSON."""

from __future__ import annotations

import ctypes
import json
import os
import platform
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from benchmarks.case import Row, Settings, cores
from benchmarks.goals import goal_of, means
from benchmarks.tables import (
    growth_table,
    mnist_table,
    peers_table,
    products_table,
    profile_table,
    ratio_table,
    sharing_table,
)

TABLES: dict[str, Callable[[list[Row]], list[str]]] = {
    "growth": growth_table, "profile": profile_table, "peers": peers_table, "products": products_table,
    "mnist": mnist_table, "threads": sharing_table,
}  # fmt: skip
"""The tables of suites that tell more than two times and their ratio."""

LIMITS = ("OPENBLAS_CORETYPE", "MKL_ENABLE_INSTRUCTIONS", "ATEN_CPU_CAPABILITY", "ONEDNN_MAX_CPU_ISA",
          "NPY_DISABLE_CPU_FEATURES")  # fmt: skip
"""Variables that choose a library's kernels. ``OPENBLAS_CORETYPE`` alone makes it half as fast, and only one side."""


def line(row: Row) -> str:
    """One row, as it is found."""
    start = f"{row['suite']}: {row['case']}"
    if "library" in row:
        start += f", {row['library']}"
    start += f", {row['threads']} threads: "
    if "ratio" not in row:
        return start + str(row.get("error") or row.get("note"))
    unit, scale = ("MB", 1.0) if row["unit"] == "MB" else ("ms", 1e3)
    return start + f"{row['ours'] * scale:.3f} {unit}, {row['theirs'] * scale:.3f} {unit}, ratio {row['ratio']:.2f}"


def table(suite: str, rows: list[Row]) -> str:
    """The table of one suite's rows."""
    return "\n".join(TABLES.get(suite, ratio_table)(rows))


def markdown(rows: list[Row], facts: dict[str, str]) -> str:
    """All tables, the goals first."""
    text = ["# minicnn beside PyTorch", "", *(f"- {name}: {value}" for name, value in facts.items()), ""]
    text += ["## Goals", "", goals_table(rows), ""]
    for suite in dict.fromkeys(row["suite"] for row in rows):
        text += [f"## {suite}", "", table(suite, [row for row in rows if row["suite"] == suite]), ""]
    return "\n".join(text)


def goals_table(rows: list[Row]) -> str:
    """What was to be reached, and what was."""
    text = ["| goal | threads | at most | found | |", "|---|---|---|---|---|"]
    for suite in dict.fromkeys(row["suite"] for row in rows):
        goal, of_suite = goal_of(suite), [row for row in rows if row["suite"] == suite and "ratio" in row]
        for threads, mean in means(of_suite).items():
            if goal.each is not None:
                worst = max((row for row in of_suite if row["threads"] == threads), key=lambda row: row["ratio"])
                text.append(_goal(f"{suite}: each", threads, goal.each, worst["ratio"], worst["case"]))
            if goal.mean is not None:
                text.append(_goal(f"{suite}: geometric mean", threads, goal.mean, mean, ""))
    return "\n".join(text) if len(text) > 2 else "None of these suites has one."


def _goal(name: str, threads: int, most: float, found: float, case: str) -> str:
    of = f" ({case})" if case else ""
    return f"| {name} | {threads} | {most:.1f} | {found:.2f}{of} | {'reached' if found <= most else 'not reached'} |"


def about(settings: Settings) -> dict[str, str]:
    """Versions, machine, and how it was measured."""
    import torch

    import minicnn

    return {"minicnn": minicnn.__version__, "NumPy": np.__version__, "BLAS": _blas(), "PyTorch": torch.__version__,
            "Python": platform.python_version(), "processor": f"{_processor()}, {cores()} cores",
            "system": f"{platform.machine()} {platform.system()}",
            "run": "a quick look, with few repetitions" if settings.quick else "whole",
            "clock": "the processor's time" if settings.clock is time.process_time else "the wall's",
            **instructions()}  # fmt: skip


def instructions() -> dict[str, str]:
    """The variables that keep one of the libraries from using all that the processor can do, where any is set."""
    found = [f"{name}={os.environ[name]}" for name in LIMITS if name in os.environ]
    return {"limited by": ", ".join(found)} if found else {}


def _blas() -> str:
    """NumPy's BLAS and, of an OpenBLAS that came with NumPy, the processor that its kernels are for."""
    for path in Path(np.__file__).parent.parent.glob("numpy.libs/*openblas*"):
        config = getattr(ctypes.CDLL(str(path)), "scipy_openblas_get_config64_", None)
        if config is not None:
            config.restype = ctypes.c_char_p
            return str(config().decode())
    return str(np.show_config(mode="dicts")["Build Dependencies"]["blas"]["name"])  # type: ignore[call-overload, index]  # NumPy types it as what mode=None returns


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    return next((text.split(":")[1].strip() for text in lines if text.startswith("model name")), platform.processor())


def write(rows: list[Row], folder: Path, settings: Settings) -> str:
    """``results.md`` and ``results.json``; returns the Markdown."""
    folder.mkdir(parents=True, exist_ok=True)
    facts = about(settings)
    text = markdown(rows, facts)
    (folder / "results.md").write_text(text, encoding="utf-8")
    (folder / "results.json").write_text(json.dumps({"about": facts, "rows": rows}, indent=1), encoding="utf-8")
    return text
