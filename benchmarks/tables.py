"""The tables of the suites, as lines of Markdown."""

from __future__ import annotations

from benchmarks.case import Row
from benchmarks.goals import goal_of, means
from benchmarks.profiles import summed
from benchmarks.sharing import BUSY, PARTS, PIECES, SLEEPS, WHOLE, lossless


def header(*names: str) -> list[str]:
    """The first two lines of a table."""
    return [f"| {' | '.join(names)} |", "|" + "---|" * len(names)]


def ratio_table(rows: list[Row]) -> list[str]:
    """Times or memory of both libraries and their ratio, and the geometric mean of the ratios."""
    goal = goal_of(rows[0]["suite"])
    text = header("case", "threads", "minicnn", "PyTorch", "ratio", "quartiles", "of the best")
    for row in rows:
        start = f"| {row['case']} | {row['threads']} | "
        if "ratio" not in row:
            text.append(f"{start}{row.get('error') or row.get('note')} | | | | |")
            continue
        ratio = f"{row['ratio']:.2f}" if goal.each is None or row["ratio"] <= goal.each else f"*{row['ratio']:.2f}*"
        spread = f"{row['low']:.2f} to {row['high']:.2f} | {row['best']:.2f}" if "low" in row else " | "
        text.append(f"{start}{amount(row['ours'], row['unit'])} | {amount(row['theirs'], row['unit'])} | {ratio} | "
                    f"{spread} |")
    if len(rows) > 1:
        text += [f"| **geometric mean** | {n} | | | **{mean:.2f}** | | |" for n, mean in means(rows).items()]
    return text


def amount(value: float, unit: str) -> str:
    """A number with three digits and its unit."""
    if unit == "MB":
        return f"{value:.1f} MB" if value < 100 else f"{value:.0f} MB"
    for scale, name in ((1.0, "s"), (1e3, "ms"), (1e6, "µs")):
        if value * scale >= 1 or name == "µs":
            return f"{value * scale:#.3g} {name}".replace(". ", " ")
    raise AssertionError("the last unit takes what is left")


def kernels_table(rows: list[Row]) -> list[str]:
    """The ratios alone, a layer a line; where there are several, for each number of threads."""
    parts = {"y": "forward", "dx": "input gradient", "dw": "weight gradient", "gradients": "all gradients",
             "step": "step"}  # fmt: skip
    found: dict[str, dict[str, list[str]]] = {}
    for row in rows:
        layer, _, part = row["case"].rpartition(" ")
        if "ratio" in row:
            found.setdefault(layer, {}).setdefault(part, []).append(f"{row['ratio']:.2f}")
    threads = " and ".join(str(n) for n in dict.fromkeys(row["threads"] for row in rows))
    text = header(f"minicnn / PyTorch; threads: {threads}", *parts.values())
    for layer, ratios in found.items():
        text.append(f"| {layer} | {' | '.join(', '.join(ratios.get(part, [])) for part in parts)} |")
    return [*text, *(f"| **geometric mean, {n} thread{'s' if n > 1 else ''}** | **{mean:.2f}** | | | | |"
                     for n, mean in means(rows).items())]  # fmt: skip


def growth_table(rows: list[Row]) -> list[str]:
    """Time and memory, side by side, for each value of each axis."""
    text = header("axis", "value", "time: minicnn", "PyTorch", "ratio", "memory: minicnn", "PyTorch", "ratio")
    points = dict.fromkeys((row["axis"], row["value"]) for row in rows)
    for axis, value in points:
        cells = []
        for unit in ("s", "MB"):
            row = next((r for r in rows if (r["axis"], r["value"], r["unit"]) == (axis, value, unit)), None)
            cells += ([amount(row["ours"], unit), amount(row["theirs"], unit), f"{row['ratio']:.2f}"]
                      if row and "ratio" in row else ["", "", ""])  # fmt: skip
        text.append(f"| {axis} | {value} | {' | '.join(cells)} |")
    return text


def profile_table(rows: list[Row]) -> list[str]:
    """Milliseconds of each step by family of work, minicnn's parts of convolution below their sum."""
    text = header("work", *(row["case"].removeprefix("profile ") for row in rows))
    families = dict.fromkeys(name for row in rows for side in ("ours", "theirs") for name in _sums(row, side))
    for family in sorted(families, key=lambda name: -max(_sums(row, "ours").get(name, 0) for row in rows)):
        text.append(_profile_line(family, [(_sums(r, "ours"), _sums(r, "theirs")) for r in rows], family))
        parts = dict.fromkeys(name for row in rows for name, seconds in row["families"]["ours"].items()
                              if name.startswith(f"{family}: ") and seconds >= 0.005 * row["ours"])  # fmt: skip
        for part in parts:
            text.append(_profile_line(part, [(row["families"]["ours"], {}) for row in rows], f"— {part}"))
    totals = (f"**{row['ours'] * 1e3:.1f}** / **{row['theirs'] * 1e3:.1f}**" for row in rows)
    return [*text, f"| **all** (minicnn / PyTorch, ms) | {' | '.join(totals)} |"]


def _sums(row: Row, side: str) -> dict[str, float]:
    return summed(row["families"][side])


def _profile_line(family: str, times: list[tuple[dict[str, float], dict[str, float]]], title: str) -> str:
    cells = [f"{ours.get(family, 0) * 1e3:.1f}" + (f" / {theirs.get(family, 0) * 1e3:.1f}" if theirs else "")
             for ours, theirs in times]  # fmt: skip
    return f"| {title} | {' | '.join(cells)} |"


def sharing_table(rows: list[Row]) -> list[str]:
    """Milliseconds with one thread and with more, and what those are made of: a table for each kind of work."""
    text: list[str] = []
    for kind in dict.fromkeys(row["kind"] for row in rows if "parts" in row):
        columns = [(row, _sharing_cells(row)) for row in rows if "parts" in row and row["kind"] == kind]
        text += header(f"{kind}, ms", *(f"{row['case'].removeprefix('threads ')}, {row['threads']} threads"
                                        for row, _ in columns))  # fmt: skip
        text += [f"| {title} | {' | '.join(cells[title] for _, cells in columns)} |" for title in columns[0][1]]
        text.append("")
    notes = [f"- {row['case']}: {row.get('error') or row.get('note')}" for row in rows if "parts" not in row]
    return [*text, *notes] if notes else text[:-1]


def _sharing_cells(row: Row) -> dict[str, str]:
    (one, more), (their_one, their_more) = row["parts"]["ours"], row["parts"]["theirs"]
    return {
        "one thread: minicnn / PyTorch": _milliseconds(one[WHOLE], their_one[WHOLE]),
        "**more threads**: minicnn / PyTorch": _milliseconds(more[WHOLE], their_more[WHOLE]),
        **{f"— {title}": _milliseconds(more[part]) for part, title in PARTS.items()},
        "pieces of all threads together: more / one": _milliseconds(more[PIECES], one[PIECES]),
        "— of that on a core": _milliseconds(more[BUSY], one[BUSY]),
        "**more threads**, if pieces took no longer and nobody waited": _milliseconds(lossless(row)),
        "times that a thread goes to sleep": f"{more[SLEEPS]:.0f}",
    }


def _milliseconds(*seconds: float) -> str:
    return " / ".join(f"{number * 1e3:.1f}" for number in seconds)


def peers_table(rows: list[Row]) -> list[str]:
    """Each library's time, and how many times minicnn's it is; what to know of the library below."""
    tasks = list(dict.fromkeys(row["case"] for row in rows))
    text = header("library", *(f"{task}: its time, times minicnn's" for task in tasks))
    for library in dict.fromkeys(row["library"] for row in rows):
        found = {row["case"]: row for row in rows if row["library"] == library}
        cells = [_peer_cell(found[task]) if task in found else "" for task in tasks]
        text.append(f"| {library} | {' | '.join(cells)} |")
    notes = dict.fromkeys(f"- {row['library']}: {row['about']}." for row in rows if "ratio" in row)
    return [*text, "", *notes] if notes else text


def _peer_cell(row: Row) -> str:
    if "ratio" not in row:
        return str(row.get("error") or row.get("note"))
    return f"{amount(row['theirs'], 's')}, {1 / row['ratio']:.1f}"


def products_table(rows: list[Row]) -> list[str]:
    """GFLOP/s of both libraries."""
    text = header("product", "threads", "NumPy's BLAS", "PyTorch's", "ratio of times")
    for row in rows:
        ours, theirs = (f"{row['flops'] / row[side] / 1e9:.0f} GFLOP/s" for side in ("ours", "theirs"))
        text.append(f"| {row['case'].removeprefix('product ')} | {row['threads']} | {ours} | {theirs} | "
                    f"{row['ratio']:.2f} |")
    return text


def mnist_table(rows: list[Row]) -> list[str]:
    """Seconds to the goal, a batch's time, and the accuracy in the end."""
    text = header("", "threads", "minicnn", "PyTorch", "ratio")
    for row in rows:
        if "ratio" in row:
            ours, theirs = (amount(row[side], "s") for side in ("ours", "theirs"))
            text.append(f"| training until 99 % | {row['threads']} | {ours} | {theirs} | {row['ratio']:.2f} |")
        else:
            text.append(f"| {row.get('error') or row.get('note')} | {row['threads']} | | | |")
        if "curves" in row:
            ours, theirs = row["per_batch"]
            times = f"{amount(ours, 's')} | {amount(theirs, 's')}"
            text.append(f"| a batch | {row['threads']} | {times} | {ours / theirs:.2f} |")
            best = [max(row["curves"][side]["accuracy"], default=0) for side in ("ours", "theirs")]
            text.append(f"| best accuracy | {row['threads']} | {best[0]:.2%} | {best[1]:.2%} | |")
    return text
