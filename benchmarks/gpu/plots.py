"""Plots of a card's results: ratios, and the roofline."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks import plots
from benchmarks.canvas import COLOURS, new_figure
from benchmarks.case import Row
from benchmarks.goals import geometric_mean
from benchmarks.gpu.goals import GOALS
from benchmarks.gpu.roofline import WHOLE
from benchmarks.gpu.tables import switch

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def write(rows: list[Row], folder: Path) -> list[Path]:
    """Draw every suite that has figures. Errors: ImportError without Matplotlib."""
    return plots.save(lambda: figures(rows), folder)


def figures(rows: list[Row]) -> list[tuple[str, Figure]]:
    """The name and the figure of each plot."""
    return [(name, draw()) for name, draw in drawings(rows)]


def drawings(rows: list[Row]) -> Iterator[tuple[str, Callable[[], Figure]]]:
    """The name of each plot, and what draws it; a suite has one without TF32 and one with it."""
    for suite in dict.fromkeys(row["suite"] for row in rows):
        of_suite = [row for row in rows if row["suite"] == suite]
        base = of_suite[0]["side"]
        for tf32 in (False, True):
            mine, name = [row for row in of_suite if row["tf32"] == tf32], suite + ("-tf32" if tf32 else "")
            dots = [row for row in mine if "fraction" in row]
            others = [row for row in mine if "ratio" in row and row["side"] != base and suite != "forms"]
            if dots:
                yield name, functools.partial(roofline, dots, mine)
            elif others:
                yield name, functools.partial(ratios, others, base)


def ratios(rows: list[Row], base: str) -> Figure:
    """A dot with its quartiles for each case and side; dotted: the goals."""
    cases = list(dict.fromkeys(row["case"] for row in rows))[::-1]
    sides = list(dict.fromkeys(row["side"] for row in rows))
    figure, axes = new_figure(7.5, 1.4 + 0.3 * len(cases))
    for i, side in enumerate(sides):
        mine = [row for row in rows if row["side"] == side]
        x, y = [row["ratio"] for row in mine], [cases.index(row["case"]) + 0.14 * (len(sides) / 2 - i) for row in mine]
        spread = [[max(0.0, row["ratio"] - row.get("low", row["ratio"])) for row in mine],
                  [max(0.0, row.get("high", row["ratio"]) - row["ratio"]) for row in mine]]  # fmt: skip
        label = f"{side}: geometric mean {geometric_mean(x):.2f}"
        axes.errorbar(x, y, xerr=spread, fmt="o", ms=4, lw=1.2, color=COLOURS[i], label=label)
        for goal in GOALS:
            if (goal.suite, goal.side) == (rows[0]["suite"], side):
                axes.axvline(goal.most, color=COLOURS[i], ls=":", lw=1, label=f"goal of its mean: {goal.most:g}")
    axes.axvline(1, color="#bbbbbb", lw=0.8, zorder=0)
    axes.set_yticks(range(len(cases)), cases)
    axes.set_ylim(-0.7, len(cases) - 0.3)
    axes.set_xlim(left=0)
    axes.set_xlabel(f"its {'memory' if rows[0]['unit'] == 'MB' else 'time'} / that of {base}; less is better; "
                    f"TF32 {switch(rows[0]['tf32'])}")
    axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1), ncols=2, frameon=False)
    return figure


def roofline(dots: list[Row], rows: list[Row]) -> Figure:
    """Each kernel by its operations a byte and what it reaches, under the roof; larger where more time goes."""
    figure, axes = new_figure(7.5, 5)
    limits = next(row["limits"] for row in rows if row.get("kernel") == WHOLE)
    computing = [row for row in dots if _operations(row)]
    intensity = np.geomspace(1 / 32, 2.0 * max([limits["products"] / limits["bytes"], *map(_intensity, computing)]))
    for name, style, label in (("operations", "-", "the limit"), ("doubles", "--", "the limit of float64"),
                               ("products", ":", "the limit of products")):  # fmt: skip
        roof = np.minimum(intensity * limits["bytes"], limits[name])
        axes.plot(intensity, roof, style, color="#222222", lw=1, label=label)
    for i, case in enumerate(dict.fromkeys(row["case"] for row in computing)):
        mine = [row for row in computing if row["case"] == case]
        whole = sum(row["calls"] * row["time"] for row in dots if row["case"] == case)
        size = [8 + 300 * row["calls"] * row["time"] / whole for row in mine]
        axes.scatter([_intensity(row) for row in mine], [_operations(row) / row["time"] for row in mine], size,
                     color=COLOURS[i % len(COLOURS)], alpha=0.7, label=case)  # fmt: skip
    axes.set_xscale("log", base=2)
    axes.set_yscale("log")
    axes.set_xlabel(f"operations for each byte; TF32 {switch(rows[0]['tf32'])}")
    axes.set_ylabel("operations a second")
    axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1), ncols=3, frameon=False)
    return figure


def _operations(row: dict[str, Any]) -> float:
    return float(row["operations"] + row["doubles"])


def _intensity(row: dict[str, Any]) -> float:
    return _operations(row) / float(row["bytes"])
