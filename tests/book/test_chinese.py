"""The Chinese edition has the code, figures, links and formulas of the pages that it translates."""

from __future__ import annotations

import io
import re
import tokenize
from pathlib import Path

import pytest

from docs.pages import BORROWED, figures
from tests.test_documents import CHINESE, DOCS, ROOT, name

CHAPTERS = sorted((CHINESE / "book").glob("*.md"))
PAIRS = [(ROOT / "README.md", CHINESE / "README.md"), *((DOCS / "book" / page.name, page) for page in CHAPTERS)]
FENCED = re.compile(r"^```(\w+)\n(.*?)^```", re.MULTILINE | re.DOTALL)
DISPLAYED = re.compile(r"^\$\$.*?\$\$", re.MULTILINE | re.DOTALL)
LEADS = re.compile(r"\]\((?:[^)\s]*/)?([^)/]+)\)")
HEADING = re.compile(r"^(#+) ", re.MULTILINE)


def bare(block: str) -> list[str]:
    """The lines of Python code without their comments."""
    lines = block.splitlines()
    for token in tokenize.generate_tokens(io.StringIO(block).readline):
        if token.type == tokenize.COMMENT:
            row, column = token.start
            lines[row - 1] = lines[row - 1][:column].rstrip()
    return lines


def code(text: str) -> list[list[str]]:
    """All fenced blocks, those of Python without comments, which are translated."""
    return [bare(block) if kind in ("py", "python") else block.splitlines() for kind, block in FENCED.findall(text)]


@pytest.mark.parametrize(("english", "chinese"), PAIRS, ids=[name(page) for _, page in PAIRS])
def test_a_chinese_page_has_the_code_figures_links_and_formulas_of_the_english_one(
    english: Path, chinese: Path
) -> None:
    said, told = english.read_text(encoding="utf-8"), chinese.read_text(encoding="utf-8")
    assert code(told) == code(said)
    assert BORROWED.findall(told) == figures(english)
    if chinese.parent.name == "book":  # README leads to some pages by other ways
        assert sorted(LEADS.findall(told)) == sorted(LEADS.findall(said))
    assert DISPLAYED.findall(told) == DISPLAYED.findall(said)
    assert HEADING.findall(FENCED.sub("", told)) == HEADING.findall(FENCED.sub("", said))


@pytest.mark.parametrize("page", sorted(CHINESE.rglob("*.md")), ids=name)
def test_emphasis_in_chinese_text_is_seen_as_such(page: Path) -> None:
    """Behind a mark, ``**`` ends nothing if a character follows at once, and is shown instead."""
    for paragraph in FENCED.sub("", page.read_text(encoding="utf-8")).split("\n\n"):
        parts = paragraph.split("**")
        for bold, after in zip(parts[1::2], parts[2::2], strict=True):
            assert re.search(r"\w$", bold) or not re.match(r"\w", after), bold
