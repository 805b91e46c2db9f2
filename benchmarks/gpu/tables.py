"""The tables of a card's results, as lines of Markdown."""

from __future__ import annotations

from collections.abc import Callable

from benchmarks.case import Row
from benchmarks.goals import geometric_mean
from benchmarks.gpu import goals
from benchmarks.gpu.roofline import WHOLE
from benchmarks.tables import amount, header

Lines = list[str]


def switch(tf32: bool) -> str:
    """How tables say it."""
    return "on" if tf32 else "off"


def goals_table(rows: list[Row]) -> Lines:
    """What was to be reached, and what was."""
    text = header("goal: geometric mean of the ratios to PyTorch", "TF32", "cases", "at most", "found", "")
    for goal, tf32, mean, cases in goals.found(rows):
        reached = "reached" if mean <= goal.most else "not reached"
        text.append(f"| {goal.suite}: {goal.side} | {switch(tf32)} | {cases} | {goal.most:.1f} | {mean:.2f} | "
                    f"{reached} |")
    return text if len(text) > 2 else ["There is no goal for what was measured."]


def sides_table(rows: list[Row]) -> Lines:
    """A line for each case with and without TF32, a column for each side: its time, and the ratio to the first's."""
    names = list(dict.fromkeys(row["side"] for row in rows))
    text = header("case", "TF32", *names)
    for case, tf32 in dict.fromkeys((row["case"], row["tf32"]) for row in rows):
        of_case = {row["side"]: row for row in rows if (row["case"], row["tf32"]) == (case, tf32)}
        cells = [_cell(of_case[name], name == names[0]) if name in of_case else "" for name in names]
        text.append(f"| {case} | {switch(tf32)} | {' | '.join(cells)} |")
    for tf32 in dict.fromkeys(row["tf32"] for row in rows) if len(rows) > len(names) else ():
        means = [_mean([row for row in rows if (row["side"], row["tf32"]) == (name, tf32)]) for name in names[1:]]
        if any(means):
            text.append(f"| **geometric mean** | {switch(tf32)} | | {' | '.join(means)} |")
    return text


def _cell(row: Row, first: bool) -> str:
    if "time" in row:
        told = amount(row["time"], "s")
    elif "allocated" in row:
        told = f"{amount(row['allocated'], 'MB')} (reserved {row['reserved']:.0f}, of the card {row['card']:.0f})"
    else:
        return str(row.get("error") or row["note"])
    if first or "ratio" not in row:
        return told
    return f"{told}: {row['ratio']:.2f}" + (f" ({row['low']:.2f} to {row['high']:.2f})" if "low" in row else "")


def _mean(rows: list[Row]) -> str:
    ratios = [row["ratio"] for row in rows if "ratio" in row]
    return f"**{geometric_mean(ratios):.2f}**" if ratios else ""


def roofline_table(rows: list[Row]) -> Lines:
    """A table for each step: its kernels, those that take longest first."""
    text: Lines = []
    for case, tf32 in dict.fromkeys((row["case"], row["tf32"]) for row in rows):
        of_case = [row for row in rows if (row["case"], row["tf32"]) == (case, tf32)]
        text += [f"**{case}, TF32 {switch(tf32)}**", "", *_step(of_case), ""]
    return text[:-1]


def _step(rows: list[Row]) -> Lines:
    failed = [str(row.get("error") or row.get("note")) for row in rows if "kernel" not in row]
    if failed:
        return failed
    text = header("kernel", "calls", "bytes", "operations", "operations a byte", "time", "of the limit", "limit")
    names = dict.fromkeys(row["kernel"] for row in rows if row["kernel"] != WHOLE)
    parts = sorted(([row for row in rows if row["kernel"] == name] for name in names), key=lambda part: -_time(part))
    text += [_kernel(part) for part in parts]
    whole = next(row for row in rows if row["kernel"] == WHOLE)
    rest = whole["time"] - sum(map(_time, parts))
    text.append(f"| what CuPy's own kernels and the gaps take | | | | | {amount(max(0.0, rest), 's')} | | |")
    text.append(f"| **{WHOLE}**, as a CUDA graph | | | | | **{amount(whole['time'], 's')}** | | |")
    best = {name: count(value) for name, value in whole["limits"].items()}
    return [*text, "", f"The limits, measured beside: {best['bytes']}B/s, {best['operations']}FLOP/s, "
                       f"{best['doubles']}FLOP/s in float64, {best['products']}FLOP/s of products."]  # fmt: skip


def _time(part: list[Row]) -> float:
    return sum(row["calls"] * row["time"] for row in part)


def _kernel(part: list[Row]) -> str:
    calls, moved = (sum(row["calls"] * row.get(name, 1) for row in part) for name in ("", "bytes"))
    operations = sum(row["calls"] * (row["operations"] + row["doubles"]) for row in part)
    least = sum(row["calls"] * row["least"] for row in part)
    limits = " and ".join(dict.fromkeys(row["limit"] for row in part))
    cached = ", may be cached" if all(row["cached"] for row in part) else ""
    sizes = f"{count(moved)}B | {count(operations).strip()} | {operations / moved:.2f}"
    return (f"| {part[0]['kernel']} | {calls} | {sizes} | "
            f"{amount(_time(part), 's')} | {least / _time(part):.0%} | {limits}{cached} |")


def count(number: float) -> str:
    """Three digits and a prefix: 1.23 G."""
    for scale, prefix in ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k")):
        if number >= scale:
            return f"{number / scale:#.3g} {prefix}".replace(". ", " ")
    return f"{number:.0f} "


def forms_table(rows: list[Row]) -> Lines:
    """A line for each convolution, a column for each form, the rule's choice in bold; and how well the rule chooses."""
    names = [name for name in dict.fromkeys(row["side"] for row in rows) if name != "all"]
    text, ratios = header("convolution", "TF32", *names, "the rule's / the fastest"), []
    for case, tf32 in dict.fromkeys((row["case"], row["tf32"]) for row in rows):
        of_case = {row["side"]: row for row in rows if (row["case"], row["tf32"]) == (case, tf32)}
        start = f"| {case.removeprefix('form ')} | {switch(tf32)} |"
        if "all" in of_case:
            text.append(f"{start} {_cell(of_case['all'], first=True)} |")
            continue
        chosen = next(row for row in of_case.values() if row["chosen"])
        cells = [_form(of_case[name]) if name in of_case else "" for name in names]
        text.append(f"{start} {' | '.join(cells)} | {chosen['ratio']:.2f} |")
        ratios.append(chosen["ratio"])
    right = sum(ratio == 1 for ratio in ratios)
    return [*text, "", f"The rule takes the fastest form in {right} of {len(ratios)} cases; the geometric mean of its "
                       f"time to the fastest one's is {geometric_mean(ratios):.2f}."] if ratios else text  # fmt: skip


def _form(row: Row) -> str:
    return f"**{amount(row['time'], 's')}**" if row["chosen"] else amount(row["time"], "s")


TABLES: dict[str, Callable[[list[Row]], Lines]] = {"roofline": roofline_table, "forms": forms_table}
"""The tables of suites that tell more than a figure for each side."""
