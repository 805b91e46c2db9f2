"""Curves: how a step grows, and how a training learns."""

from __future__ import annotations

from typing import Any

from benchmarks.canvas import COLOURS, new_figure
from benchmarks.case import Row
from benchmarks.mnist import GOAL

LIBRARIES = (("ours", "minicnn", "-"), ("theirs", "PyTorch", "--"))


def growth(rows: list[Row]) -> Any:
    """Time above, memory below, one column for each axis."""
    names = list(dict.fromkeys(row["axis"] for row in rows))
    figure, grid = new_figure(2.4 * len(names) + 0.6, 4.6, nrows=2, ncols=len(names), squeeze=False)
    for column, name in enumerate(names):
        for line, (unit, label) in enumerate((("s", "time, ms"), ("MB", "peak memory, MB"))):
            axes, points = grid[line][column], [r for r in rows if r["axis"] == name and r["unit"] == unit]
            scale = 1e3 if unit == "s" else 1
            for i, (side, library, style) in enumerate(LIBRARIES):
                axes.plot([r["value"] for r in points], [r[side] * scale for r in points], style, marker="o", ms=3,
                          color=COLOURS[i], label=library)
            axes.set_xscale("log", base=2)
            axes.set_yscale("log")
            axes.yaxis.set_major_formatter("{x:g}")
            axes.yaxis.set_minor_formatter("")
            axes.set_xticks([r["value"] for r in points], [str(r["value"]) for r in points])
            axes.set_xlabel(name)
            axes.set_ylabel(label if column == 0 else "")
    grid[0][0].legend(frameon=False)
    return figure


def mnist(rows: list[Row]) -> Any:
    """Accuracy over the seconds of training, and the loss over the batches."""
    figure, (left, right) = new_figure(7.5, 3.2, nrows=1, ncols=2)
    for row in rows:
        for i, (side, library, style) in enumerate(LIBRARIES):
            curve = row["curves"][side]
            left.plot(curve["seconds"], curve["accuracy"], style, color=COLOURS[i], label=library)
            right.plot(curve["batches"], curve["loss"], style, color=COLOURS[i], label=library)
    left.axhline(GOAL, color="#222222", lw=1, ls=":")
    left.set_ylim(0.95, 1)
    left.set_xlabel("seconds of training")
    left.set_ylabel("accuracy on the test images")
    right.set_yscale("log")
    right.set_xlabel("batches")
    right.set_ylabel("loss")
    left.legend(frameon=False)
    return figure
