"""The pages of the book as programs: their blocks run in order, their figures, and notebooks of them.

The site (``docs/conf.py``) and the tests run pages by this one file.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

BLOCK = re.compile(r"^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)
FIGURE = re.compile(r"^!\[[^\]]+\]\((figures/[\w.-]+\.svg)\)", re.MULTILINE)
BORROWED = re.compile(r"^!\[[^\]]+\]\(\.\./\.\./book/(figures/[\w.-]+\.svg)\)", re.MULTILINE)  # a translation's
CHAPTER = "book/[0-9][0-9]-*.md"


def blocks(page: Path) -> list[str]:
    """The page's Python blocks."""
    return BLOCK.findall(page.read_text(encoding="utf-8"))


def figures(page: Path) -> list[str]:
    """The figures that the page embeds, as written there: ``figures/NAME.svg``."""
    return FIGURE.findall(page.read_text(encoding="utf-8"))


def run(page: Path, folder: Path) -> dict[str, Any]:
    """Run the page's blocks in ``folder`` and in one namespace, which is returned.

    A traceback names the page and the line in it.
    """
    text = page.read_text(encoding="utf-8")
    namespace: dict[str, Any] = {"__name__": page.stem}
    with contextlib.chdir(folder), _steady_figures():
        for match in BLOCK.finditer(text):
            above = text.count("\n", 0, match.start(1))
            exec(compile("\n" * above + match[1], str(page), "exec"), namespace)
    return namespace


def make_figures(page: Path) -> None:
    """Put the page's figures beside it, where its present blocks have not made them yet; prints are not shown."""
    wanted = figures(page)
    stamp = page.parent / "figures" / f".{page.stem}.made"
    made = hashlib.sha256("\n".join(blocks(page)).encode()).hexdigest()
    there = all((page.parent / figure).exists() for figure in wanted)
    if wanted and not (there and stamp.exists() and stamp.read_text(encoding="utf-8") == made):
        with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(io.StringIO()):
            run(page, Path(folder))
            for figure in wanted:
                (page.parent / figure).parent.mkdir(exist_ok=True)
                shutil.copy(Path(folder) / figure, page.parent / figure)
        stamp.write_text(made, encoding="utf-8")


def notebook(page: Path) -> str:
    """The page as a Jupyter notebook: a cell for each block, the same bytes each time."""
    import jupytext

    book = jupytext.reads(page.read_text(encoding="utf-8"), fmt="md")
    book.metadata = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    for number, cell in enumerate(book.cells):
        cell["id"] = f"cell-{number}"
    return jupytext.writes(book, fmt="ipynb")


@contextlib.contextmanager
def _steady_figures() -> Iterator[None]:
    """Matplotlib's figures are drawn off screen and are the same bytes each time."""
    before = dict(os.environ)
    os.environ |= {"MPLBACKEND": "agg", "SOURCE_DATE_EPOCH": "0"}
    try:
        import matplotlib as mpl

        with mpl.rc_context({"svg.hashsalt": "minicnn", "svg.fonttype": "none"}):
            yield
    finally:
        os.environ.clear()
        os.environ.update(before)
