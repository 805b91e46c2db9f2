"""The site, built strictly, asks for nothing from elsewhere; chapters are offered as notebooks of the same code."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from docs.pages import CHAPTER, blocks, figures, notebook
from tests.test_documents import DOCS, PAGES

CHAPTERS = sorted(DOCS.glob(CHAPTER))


class _Asked(HTMLParser):
    """What a page asks for when it is opened, and where its links lead."""

    def __init__(self) -> None:
        super().__init__()
        self.assets: set[str] = set()
        self.links: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        asset = given.get("href") if tag == "link" and given.get("rel") not in ("search", "prev", "next") else None
        self.assets |= {a for a in (asset, given.get("src"), given.get("srcset"), given.get("data")) if a}
        if tag == "a" and given.get("href"):
            self.links.add(str(given["href"]))


def asked(page: Path) -> _Asked:
    found = _Asked()
    found.feed(page.read_text(encoding="utf-8"))
    return found


def test_the_site_builds_without_a_warning_and_holds_every_page(site: Path) -> None:
    for page in PAGES:
        if page.is_relative_to(DOCS):
            assert (site / page.relative_to(DOCS)).with_suffix(".html").exists()


def test_nothing_comes_from_another_server(site: Path) -> None:
    pages = sorted(site.rglob("*.html"))
    assert pages
    assert {a for page in pages for a in asked(page).assets if urlsplit(a).netloc} == set()
    for style in site.rglob("*.css"):
        assert not re.search(r"(url\(|@import)\s*['\"]?(https?:)?//", style.read_text(encoding="utf-8")), style


def test_links_inside_of_the_site_lead_somewhere(site: Path) -> None:
    for page in sorted(site.rglob("*.html")):
        inside = {unquote(urlsplit(link).path) for link in asked(page).links | asked(page).assets
                  if not urlsplit(link).scheme and not urlsplit(link).netloc} - {""}  # fmt: skip
        assert [link for link in inside if not (page.parent / link).exists()] == [], page


def test_formulas_are_mathml_and_figures_have_captions(site: Path) -> None:
    for chapter in CHAPTERS:
        made = (site / "book" / chapter.stem).with_suffix(".html").read_text(encoding="utf-8")
        assert made.count("<figcaption>") == len(figures(chapter)) and "$$" not in made
        assert ("<math " in made) == bool(re.search(r"\$\S", chapter.read_text(encoding="utf-8")))


@pytest.mark.parametrize("chapter", CHAPTERS, ids=lambda p: p.stem)
def test_a_chapter_is_offered_as_a_notebook_of_the_same_code(chapter: Path, site: Path) -> None:
    import nbformat

    (link,) = (link for link in asked((site / "book" / chapter.stem).with_suffix(".html")).links
               if link.endswith(".ipynb"))  # fmt: skip
    text = (site / "book" / unquote(link)).read_text(encoding="utf-8")
    book = json.loads(text)
    nbformat.validate(nbformat.reads(text, as_version=4))
    code = ["".join(cell["source"]) for cell in book["cells"] if cell["cell_type"] == "code"]
    assert code == [block.rstrip("\n") for block in blocks(chapter)]  # the cells that test_documents.py runs
    assert text.rstrip() == notebook(chapter).rstrip()


def test_chapters_have_figures_of_different_names_and_numbers_of_their_own() -> None:
    names = [figure for chapter in CHAPTERS for figure in figures(chapter)]
    assert len(names) == len(set(names))
    numbers = [chapter.name[:2] for chapter in CHAPTERS]
    assert len(numbers) == len(set(numbers))
    for chapter in CHAPTERS:
        assert chapter.read_text(encoding="utf-8").startswith(f"# {int(chapter.name[:2])} ")
