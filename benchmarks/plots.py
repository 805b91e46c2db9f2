"""Plots of the results, as SVG (Matplotlib, the extra "plot"): ``write`` draws one or more for each suite."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks import curves
from benchmarks.canvas import COLOURS, new_figure
from benchmarks.case import Row
from benchmarks.goals import goal_of, means
from benchmarks.profiles import summed
from benchmarks.sharing import PARTS, WHOLE, lossless

if TYPE_CHECKING:
    from matplotlib.figure import Figure

LONG = ("kernels",)
"""Suites with more cases than one plot of ratios can hold: they get one for each group."""

WIDTH, SECOND = 0.34, 0.4
"""A bar's width where bars come in groups of two; and how far below the first the second lies. Groups are 1 apart."""


def write(rows: list[Row], folder: Path) -> list[Path]:
    """Draw every suite that has figures. Errors: ImportError without Matplotlib."""
    return save(lambda: figures([row for row in rows if "error" not in row]), folder)


def save(draw: Callable[[], list[tuple[str, Figure]]], folder: Path) -> list[Path]:
    """Write ``NAME.svg`` for each name and figure that ``draw`` makes, the same bytes for the same rows."""
    import matplotlib

    drawn = []
    with matplotlib.rc_context({"svg.hashsalt": "minicnn", "svg.fonttype": "none", "font.size": 9}):
        for name, figure in draw():
            drawn.append(folder / f"{name}.svg")
            figure.savefig(drawn[-1], metadata={"Date": None})
    return drawn


def figures(rows: list[Row]) -> list[tuple[str, Figure]]:
    """The name and the figure of each plot."""
    found = []
    for suite in dict.fromkeys(row["suite"] for row in rows):
        of_suite = [row for row in rows if row["suite"] == suite and ("ratio" in row or "curves" in row)]
        if not of_suite:
            continue
        if suite in SPECIAL:
            found.append((suite, SPECIAL[suite](of_suite)))
        elif suite in LONG:
            found += [(f"{suite}-{group}", ratios(members)) for group, members in _groups(of_suite).items()]
        else:
            found.append((suite, ratios(of_suite)))
    return found


def _groups(rows: list[Row]) -> dict[str, list[Row]]:
    """Convolutions by their part (y, dx, dw), and all else."""
    groups: dict[str, list[Row]] = {}
    for row in rows:
        words = row["case"].split()
        groups.setdefault(f"{words[0]}-{words[-1]}" if words[0] == "conv" else "others", []).append(row)
    return groups


def ratios(rows: list[Row]) -> Figure:
    """A dot with its quartiles for each case and number of threads; dashed: the goal of each; dotted: of the mean."""
    cases = list(dict.fromkeys(row["case"] for row in rows))[::-1]
    figure, axes = new_figure(7.5, 1.3 + 0.24 * len(cases))
    goal, counts = goal_of(rows[0]["suite"]), sorted({row["threads"] for row in rows})
    for i, threads in enumerate(counts):
        mine = [row for row in rows if row["threads"] == threads]
        y = [cases.index(row["case"]) + 0.16 * ((len(counts) - 1) / 2 - i) for row in mine]
        x = [row["ratio"] for row in mine]
        low, high = ([row.get(side, row["ratio"]) for row in mine] for side in ("low", "high"))
        spread = [[max(0.0, a - b) for a, b in zip(*ends, strict=True)] for ends in ((x, low), (high, x))]
        label = f"{threads} thread{'s' if threads > 1 else ''}: geometric mean {means(mine)[threads]:.2f}"
        axes.errorbar(x, y, xerr=spread, fmt="o", ms=4, lw=1.2, color=COLOURS[i], label=label)
    for limit, style, name in ((goal.each, "--", "each"), (goal.mean, ":", "mean")):
        if limit is not None:
            axes.axvline(limit, color="#222222", ls=style, lw=1, label=f"goal of {name}: {limit:g}")
    axes.axvline(1, color="#bbbbbb", lw=0.8, zorder=0)
    axes.set_yticks(range(len(cases)), cases)
    axes.set_ylim(-0.7, len(cases) - 0.3)
    axes.set_xlim(left=0)
    axes.set_xlabel("minicnn / PyTorch: less is better")
    axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1), ncols=2, frameon=False)
    return figure


def profiles(rows: list[Row]) -> Figure:
    """For each step a bar of either library, cut by family of work."""
    figure, axes = new_figure(7.5, 1.6 + 0.6 * len(rows))
    groups = []
    for row in rows:
        sums = [summed(row["families"][side]) for side in ("ours", "theirs")]
        whole, name = sum(sums[1].values()), row["case"].removeprefix("profile ")
        groups.append([(f"{name}, {library}", {family: seconds / whole for family, seconds in families.items()})
                       for library, families in zip(("minicnn", "PyTorch"), sums, strict=True)])  # fmt: skip
    _bars(axes, groups, {family: family for group in groups for _, families in group for family in families})
    axes.set_xlabel("time of a step on one thread; PyTorch's is 1")
    axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1), ncols=4, frameon=False)
    return figure


def sharing(rows: list[Row]) -> Figure:
    """For each row a bar with one thread and one with more, cut by what is shared; a line where this would end if
    nothing were lost."""
    figure, axes = new_figure(7.5, 1.6 + 0.6 * len(rows))
    groups = []
    for place, row in enumerate(rows):
        whole, name = row["parts"]["theirs"][1][WHOLE], row["case"].removeprefix("threads ")
        groups.append([(f"{name}; threads: {threads}", {part: parts[part] / whole for part in PARTS})
                       for threads, parts in zip((1, row["threads"]), row["parts"]["ours"], strict=True)])  # fmt: skip
        middle, least = -place - SECOND, lossless(row) / whole
        axes.plot([least, least], [middle - WIDTH / 2, middle + WIDTH / 2], color="#222222", lw=1.5,
                  label=None if place else "if pieces took no longer and nobody waited")  # fmt: skip
    _bars(axes, groups, PARTS)
    axes.axvline(1, color="#bbbbbb", lw=0.8, zorder=0)
    axes.set_xlabel("PyTorch's time with the larger number of threads is 1")
    figure.legend(loc="outside upper center", ncols=2, frameon=False)  # (wider than the axes)
    return figure


def _bars(axes: Any, groups: list[list[tuple[str, dict[str, float]]]], labels: dict[str, str]) -> None:
    """Groups of two bars, each with its name and the lengths of its parts, which have these labels."""
    names = [name for group in groups for name, _ in group]
    places = [-place - offset for place in range(len(groups)) for offset in (0, SECOND)]
    for place, lengths in zip(places, (lengths for group in groups for _, lengths in group), strict=True):
        left = 0.0
        for i, (part, label) in enumerate(labels.items()):
            length = lengths.get(part, 0)
            axes.barh(place, length, WIDTH, left, color=COLOURS[i % len(COLOURS)], label=None if place else label)
            left += length
    axes.set_yticks(places, names)


def peers(rows: list[Row]) -> Figure:
    """How many times minicnn's time each library takes, for each task."""
    tasks = list(dict.fromkeys(row["case"] for row in rows))
    libraries = list(dict.fromkeys(row["library"] for row in rows))[::-1]
    figure, axes = new_figure(7.5, 1.4 + 0.5 * len(libraries))
    for i, task in enumerate(tasks):
        mine = [row for row in rows if row["case"] == task]
        y = [libraries.index(row["library"]) + 0.18 * ((len(tasks) - 1) / 2 - i) for row in mine]
        axes.barh(y, [1 / row["ratio"] for row in mine], 0.16, color=COLOURS[i], label=task)
    axes.axvline(1, color="#222222", lw=1)
    axes.set_xscale("log")
    axes.set_yticks(range(len(libraries)), libraries)
    axes.set_xlabel("its time / minicnn's")
    axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1), ncols=2, frameon=False)
    return figure


def products(rows: list[Row]) -> Figure:
    """GFLOP/s of NumPy's BLAS and of PyTorch's."""
    cases = list(dict.fromkeys((row["case"], row["threads"]) for row in rows))[::-1]
    figure, axes = new_figure(7.5, 1.2 + 0.32 * len(cases))
    for i, (side, label) in enumerate((("ours", "NumPy's BLAS"), ("theirs", "PyTorch's"))):
        y = [cases.index((row["case"], row["threads"])) + 0.2 * (0.5 - i) for row in rows]
        axes.barh(y, [row["flops"] / row[side] / 1e9 for row in rows], 0.2, color=COLOURS[i], label=label)
    axes.set_yticks(range(len(cases)), [f"{case.removeprefix('product ')}; threads: {n}" for case, n in cases])
    axes.set_xlabel("GFLOP/s")
    axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1), ncols=2, frameon=False)
    return figure


SPECIAL: dict[str, Callable[[list[Row]], Figure]] = {
    "profile": profiles, "peers": peers, "products": products, "growth": curves.growth, "mnist": curves.mnist,
    "threads": sharing,
}  # fmt: skip
