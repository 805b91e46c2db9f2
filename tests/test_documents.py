"""Every Python block of README and docs runs, and makes the figures beside it."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from docs.pages import BORROWED, FIGURE, figures, run

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
PAGES = [ROOT / "README.md", ROOT / "examples" / "README.md", *sorted(DOCS.rglob("*.md"))]
CHINESE = DOCS / "zh"  # has the blocks of English pages, which run once (tests/book/test_chinese.py compares them)
RUN = [page for page in PAGES if not page.is_relative_to(CHINESE)]
LINK = re.compile(r"\]\((?!https?:|#)([^)#]+)")


def name(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


@pytest.mark.host("pages mean the CPU where they name no device")
@pytest.mark.parametrize("page", RUN, ids=name)
def test_the_code_of_a_page_runs_and_makes_its_figures(page: Path, tmp_path: Path) -> None:
    run(page, tmp_path)
    for figure in figures(page):
        made = (tmp_path / figure).read_bytes()
        assert ET.fromstring(made).tag.endswith("svg")
        assert len(made) < 300_000, f"{figure} is large for a page: {len(made)} bytes"


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_the_links_of_a_page_lead_somewhere(page: Path) -> None:
    text = BORROWED.sub("", FIGURE.sub("", page.read_text(encoding="utf-8")))
    assert [link for link in LINK.findall(text) if not (page.parent / link).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_the_tests_that_a_page_names_are_there(page: Path) -> None:
    named = re.compile(r"`((?:tests|minicnn|\.ci)/[\w./]*)(?:::(\w+))?`")
    for path, function in named.findall(page.read_text(encoding="utf-8")):
        assert (ROOT / path).exists(), path
        assert not function or f"def {function}(" in (ROOT / path).read_text(encoding="utf-8"), function
