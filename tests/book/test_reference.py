"""The reference has every public name."""

from __future__ import annotations

import importlib
import re
from pathlib import Path
from types import ModuleType

import pytest

from docs.docstrings import as_rst
from tests.test_documents import DOCS
from tests.test_structure import ROOMS

PAGES = sorted((DOCS / "reference").glob("*.md"))
MODULE = re.compile(r"^\.\. automodule:: ([\w.]+)", re.M)
INTERNAL = {"absent", "deprecation", "dtypes", "shapes", "methods", "tensor", "keywords", "arguments", "printing",
            "ops", "download", "pickles", "unpacking", "cli", "__main__", "command"}  # fmt: skip
"""Rooms that users do not enter: what is public of them is ``mc.something``, or a command."""


def modules(page: Path) -> list[str]:
    return MODULE.findall(page.read_text(encoding="utf-8"))


def public(module: str) -> set[str]:
    """``__all__``, or where there is none what the module shows, but for other modules."""
    opened = importlib.import_module(module)
    names = getattr(opened, "__all__", None) or [n for n in vars(opened) if not n.startswith("_")]
    own = {n for n in names if not isinstance(value := getattr(opened, n), ModuleType)
           and str(getattr(value, "__module__", "minicnn")).startswith("minicnn")}  # fmt: skip
    return own - {"annotations", "hints", "TYPE_CHECKING"}


def test_every_room_has_a_page() -> None:
    there = {module.split(".")[1] for page in PAGES for module in modules(page) if module != "minicnn"}
    assert there == set(ROOMS) - INTERNAL, "a room has a page in docs/reference, or is in INTERNAL"


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.stem)
def test_every_public_name_is_on_its_page(page: Path, site: Path) -> None:
    made = (site / "reference" / page.stem).with_suffix(".html").read_text(encoding="utf-8")
    shown = set(re.findall(r'class="sig-name descname"><span class="pre">(\w+)</span>', made))
    told = set(re.findall(r'<span class="pre">(\w+)</span></code>', made))
    assert set().union(*map(public, modules(page))) - shown - told == set()


def test_docstrings_are_said_in_the_words_of_sphinx() -> None:
    docstring = [
        "The sum |a| * b, of ``Value``s.",
        "",
        "    y = a * b",
        "",
        "Args:",
        "    x: of some_",
        "",
        "Shapes: (N, C) →",
        "(N,).",
        "Source: M. Lin.",
        "",
        "Example:",
        "    >>> a * b",
    ]
    assert as_rst(docstring) == [
        r"The sum \|a\| \* b, of ``Value``\ s.",
        "",
        "::",
        "",
        "    y = a * b",
        "",
        "Args:",
        r"    x: of some\_",
        "",
        "",
        "Shapes:",
        "    (N, C) →",
        "    (N,).",
        "",
        "Source:",
        r"    M\. Lin.",
        "",
        "Example:",
        "    >>> a * b",
    ]
