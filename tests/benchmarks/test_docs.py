"""The page that tells the speed: its places, what fills them, its plots, and the benchmarks that comments name."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

import minicnn

pytest.importorskip("torch", reason="what the benchmarks compare with; the suite needs no PyTorch")

from benchmarks import docs, plots
from benchmarks.goals import geometric_mean, means
from benchmarks.kernels import kernels
from benchmarks.report import goals_table, table
from benchmarks.steps import TRAINED
from benchmarks.suites import SUITES
from benchmarks.tables import amount

PAGE = docs.PAGE.read_text(encoding="utf-8")


def row(suite: str, case: str, ratio: float, threads: int = 1, **more: Any) -> dict[str, Any]:
    return {"suite": suite, "case": case, "threads": threads, "unit": "s", "ours": ratio, "theirs": 1.0,
            "ratio": ratio, **more}  # fmt: skip


def results(path: Path, *rows: dict[str, Any]) -> Path:
    path.write_text(json.dumps({"about": {"NumPy": "2"}, "rows": rows}), encoding="utf-8")
    return path


def test_every_place_of_the_page_is_one_that_a_run_fills() -> None:
    places = {match[1].partition(" of ")[0] for match in re.finditer(r"<!-- results: (.+?) -->", PAGE)}
    assert places == {"about", "goals", *SUITES}
    assert PAGE.count("<!-- results: ") == PAGE.count("<!-- end -->") == len(docs.PLACE.findall(PAGE))


def test_places_are_filled_and_filled_anew(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("a\n<!-- results: steps -->\nold\n<!-- end -->\nb\n<!-- results: steps of avx -->\n<!-- end -->\n"
                    "<!-- results: mnist -->\nkept\n<!-- end -->\n", encoding="utf-8")  # fmt: skip
    first = results(tmp_path / "1.json", row("steps", "LeNet", 1.5), row("steps", "VGG", 2.0))
    second = results(tmp_path / "2.json", row("steps", "LeNet", 1.25))
    avx = results(tmp_path / "3.json", row("steps", "LeNet", 0.75))
    for _ in range(2):
        assert docs.main([str(first), str(second), f"avx={avx}"], page, tmp_path / "figures") == 0
    text = page.read_text(encoding="utf-8")
    assert text.count("| LeNet | 1 | 1.25 s | 1.00 s | 1.25 |") == 1 and text.count("| VGG | 1 | 2.00 s |") == 1
    assert text.count("| LeNet | 1 | 750 ms |") == 1 and "old" not in text and "kept" in text
    drawn = {str(path.relative_to(tmp_path / "figures")) for path in (tmp_path / "figures").rglob("*.svg")}
    assert drawn == {"steps.svg", "avx/steps.svg"}


def test_the_same_results_give_the_same_plots(tmp_path: Path) -> None:
    rows = [row("steps", "LeNet", 1.5), row("steps", "LeNet", 1.2, threads=2)]
    first, second = (plots.write(rows, tmp_path)[0].read_bytes() for _ in range(2))
    assert first == second
    assert b"2 threads: geometric mean 1.20" in first and b"goal of mean: 1" in first


def test_a_long_suite_is_drawn_in_groups() -> None:
    rows = [row("kernels", case.name, 1.0) for case in kernels()]
    names = {name for name, _ in plots.figures(rows)}
    assert names == {"kernels-conv-y", "kernels-conv-dx", "kernels-conv-dw", "kernels-others"}


def test_goals() -> None:
    rows = [row("steps", "a", 1.2), row("steps", "b", 0.8), row("inference", "c", 1.3)]
    assert geometric_mean([4.0, 1.0]) == pytest.approx(2) and means(rows[:2])[1] == pytest.approx(0.96**0.5)
    lines = goals_table(rows).splitlines()[2:]
    assert lines == [
        "| steps: each | 1 | 1.3 | 1.20 (a) | reached |",
        "| steps: geometric mean | 1 | 1.0 | 0.98 | reached |",
        "| inference: geometric mean | 1 | 1.2 | 1.30 | not reached |",
    ]


def test_tables_of_kernels_and_of_peers() -> None:
    kernel = [row("kernels", "conv 1x1 y", 1.0), row("kernels", "conv 1x1 y", 2.0, threads=2),
              row("kernels", "conv 1x1 dw", 0.5)]  # fmt: skip
    assert "| conv 1x1 | 1.00, 2.00 |  | 0.50 |  |  |" in docs.kernels_table(kernel)
    peers = [row("peers", "LeNet", 0.5, library="JAX", about="compiled"),
             {**row("peers", "LeNet", 1.0, library="DeZero", about="old"), "error": "ImportError: x"}]  # fmt: skip
    del peers[1]["ratio"]
    text = table("peers", peers)
    assert "| JAX | 1.00 s, 2.0 |" in text and "| DeZero | ImportError: x |" in text
    assert "- JAX: compiled." in text and "old" not in text


def test_a_profiles_table_adds_up_what_both_have() -> None:
    ours = {"convolution: products": 0.006, "convolution: windows": 0.002, "convolution: tiles": 0.00001, "norm": 0.001}
    profile = row("profile", "profile LeNet", 2.0, families={"ours": ours, "theirs": {"convolution": 0.004}})
    assert table("profile", [{**profile, "ours": 0.009, "theirs": 0.004}]).splitlines()[2:] == [
        "| convolution | 8.0 / 4.0 |", "| — convolution: products | 6.0 |", "| — convolution: windows | 2.0 |",
        "| norm | 1.0 / 0.0 |", "| **all** (minicnn / PyTorch, ms) | **9.0** / **4.0** |",
    ]  # fmt: skip


def test_a_table_of_what_threads_share() -> None:
    one = {"whole": 0.1, "sleeps": 0, "own": 0.064, "waits": 0.001, "alone": 0.015, "rest": 0.02, "pieces": 0.064,
           "busy": 0.064}  # fmt: skip
    more = {"whole": 0.09, "sleeps": 480, "own": 0.045, "waits": 0.007, "alone": 0.016, "rest": 0.022, "pieces": 0.088,
            "busy": 0.08}  # fmt: skip
    theirs = [{"whole": 0.08, "sleeps": 0}, {"whole": 0.05, "sleeps": 0}]
    found = row("threads", "threads LeNet", 1.8, threads=2, parts={"ours": [one, more], "theirs": theirs}, kind="step")
    assert table("threads", [found]).splitlines()[2:] == [
        "| one thread: minicnn / PyTorch | 100.0 / 80.0 |", "| **more threads**: minicnn / PyTorch | 90.0 / 50.0 |",
        "| — this thread's share of the pieces | 45.0 |", "| — to hand out pieces, and to wait for help | 7.0 |",
        "| — kernels too small to share | 16.0 |", "| — what is not in pieces | 22.0 |",
        "| pieces of all threads together: more / one | 88.0 / 64.0 |", "| — of that on a core | 80.0 / 64.0 |",
        # 100 − 64 / 2
        "| **more threads**, if pieces took no longer and nobody waited | 68.0 |",
        "| times that a thread goes to sleep | 480 |",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [(0.0000123, "s", "12.3 µs"), (0.25, "s", "250 ms"), (12.345, "s", "12.3 s"), (123.4, "MB", "123 MB"),
     (0.00000000012, "s", "0.000120 µs"), (9.99, "MB", "10.0 MB")],
)  # fmt: skip
def test_amounts(value: float, unit: str, text: str) -> None:
    assert amount(value, unit) == text


def test_the_benchmarks_that_comments_name_are_there() -> None:
    cases = {"kernels": [case.name for case in kernels()], "steps": [f"step {name}" for name in TRAINED]}
    found = 0
    for path in Path(minicnn.__file__).parent.rglob("*.py"):
        for suite, name in re.findall(r"``(kernels|steps): ([^`\n]+)``", path.read_text(encoding="utf-8")):
            found += 1
            assert any(name in case for case in cases[suite]), f"{path.name} names {suite}: {name}"
    assert found > 5
