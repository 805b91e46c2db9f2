"""Every Python block of README and docs runs, in order, and every example does what it says."""

from __future__ import annotations

import re
import runpy
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
LINK = re.compile(r"\]\((?!https?:|#)([^)#]+)")


def blocks(page: Path) -> list[str]:
    return re.findall(r"^```python\n(.*?)^```", page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_the_code_of_a_page_runs(page: Path) -> None:
    namespace: dict[str, object] = {"__name__": page.stem}
    for number, block in enumerate(blocks(page)):
        exec(compile(block, f"{page.name} block {number}", "exec"), namespace)


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_the_links_of_a_page_lead_somewhere(page: Path) -> None:
    assert [link for link in LINK.findall(page.read_text(encoding="utf-8")) if not (page.parent / link).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_the_tests_that_a_page_names_are_there(page: Path) -> None:
    named = re.compile(r"`((?:tests|minicnn|\.ci)/[\w./]*)(?:::(\w+))?`")
    for path, function in named.findall(page.read_text(encoding="utf-8")):
        assert (ROOT / path).exists(), path
        assert not function or f"def {function}(" in (ROOT / path).read_text(encoding="utf-8"), function


def test_the_readmes_example_is_the_first_example(capsys: pytest.CaptureFixture[str]) -> None:
    source = (ROOT / "examples" / "first_steps.py").read_text(encoding="utf-8")
    assert source.endswith(blocks(ROOT / "README.md")[0])
    runpy.run_path(str(ROOT / "examples" / "first_steps.py"))
    loss = float(capsys.readouterr().out.split()[1])
    assert loss < 0.5


def test_the_lenet_example_learns(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["lenet_digits.py", "1"])
    runpy.run_path(str(ROOT / "examples" / "lenet_digits.py"))
    accuracy = float(re.search(r"test accuracy ([\d.]+)%", capsys.readouterr().out).group(1))  # type: ignore[union-attr]
    assert accuracy > 90


def test_the_own_operation_example_catches_the_mistake(capsys: pytest.CaptureFixture[str]) -> None:
    runpy.run_path(str(ROOT / "examples" / "own_operation.py"))
    lines = capsys.readouterr().out.splitlines()
    assert lines[:2] == ["first derivative: True", "second derivative: True"]
    assert "wrong gradient in input 0[0, 0]" in lines[2]
