"""The page on the GPU: its places, what fills them, and that nothing is told which was not measured."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from benchmarks import docs
from benchmarks.case import Row
from benchmarks.gpu.report import TITLES
from benchmarks.gpu.sides import MINICNN, TORCH
from benchmarks.gpu.suites import SUITES

PAGE = docs.GPU_PAGE.read_text(encoding="utf-8")
NOTHING = "Not measured yet."


def results(path: Path, *rows: Row) -> Path:
    content = {"device": "cuda", "about": {"card": "the test's"}, "rows": rows}
    path.write_text(json.dumps(content), encoding="utf-8")
    return path


def row(suite: str, side: str, time: float, ratio: float, tf32: bool = False) -> Row:
    return {"suite": suite, "case": "step LeNet b128", "side": side, "tf32": tf32, "unit": "s", "time": time,
            "ratio": ratio, "low": ratio, "high": ratio}  # fmt: skip


def test_every_place_of_the_page_is_one_that_a_run_fills() -> None:
    places = re.findall(r"<!-- results: (.+?) -->", PAGE)
    assert sorted(places) == sorted(["about", "goals", *SUITES]) and SUITES.keys() == TITLES.keys()
    assert PAGE.count("<!-- end -->") == len(docs.PLACE.findall(PAGE)) == len(places)


def test_a_place_has_figures_with_the_card_they_were_taken_on_or_says_that_there_are_none() -> None:
    blocks = {match[2]: match[0].split("\n", 1)[1].rsplit("\n", 1)[0] for match in docs.PLACE.finditer(PAGE)}
    filled = [name for name, block in blocks.items() if block.strip() != NOTHING]
    assert not filled or "- card: " in blocks["about"]
    assert all(re.search(r"\d", block) for name, block in blocks.items() if name in filled)


def test_results_of_a_card_fill_its_page(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib", reason="what draws the plots")
    page = tmp_path / "page.md"
    page.write_text(PAGE, encoding="utf-8")
    first = results(tmp_path / "1.json", row("steps", TORCH, 0.002, 1.0), row("steps", MINICNN, 0.004, 2.0))
    second = results(tmp_path / "2.json", row("steps", MINICNN, 0.003, 1.5),
                     row("steps", TORCH, 0.001, 1.0, True), row("steps", MINICNN, 0.001, 1.0, True))  # fmt: skip
    for _ in range(2):
        assert docs.main([str(first), str(second)], page, tmp_path / "figures") == 0
    text = page.read_text(encoding="utf-8")
    assert "- card: the test's" in text and text.count(NOTHING) == len(SUITES) - 1
    assert text.count("| step LeNet b128 | off | 2.00 ms | 3.00 ms: 1.50 (1.50 to 1.50) |") == 1
    assert "| steps: minicnn | off | 1 | 1.5 | 1.50 | reached |" in text
    assert "![The time of each training step](figures/gpu/steps.svg)\n" in text
    assert "![The time of each training step, with TF32](figures/gpu/steps-tf32.svg)\n" in text
    assert {path.name for path in (tmp_path / "figures").iterdir()} == {"steps.svg", "steps-tf32.svg"}


def test_results_of_both_kinds_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    gpu, cpu = results(tmp_path / "gpu.json"), tmp_path / "cpu.json"
    cpu.write_text(json.dumps({"about": {}, "rows": []}), encoding="utf-8")
    with pytest.raises(SystemExit):
        docs.main([str(gpu), str(cpu)], tmp_path / "page.md", tmp_path)
    assert "a page each" in capsys.readouterr().err
