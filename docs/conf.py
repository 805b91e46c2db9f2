"""The site: ``python -m sphinx -W -n -b html docs site`` (extra ``docs``). Nothing on it comes from another server."""

from __future__ import annotations

import re
import sys
import traceback
from pathlib import Path
from typing import Any

from docutils import nodes
from latex2mathml.converter import convert
from sphinx.application import Sphinx
from sphinx.errors import ExtensionError

DOCS = Path(__file__).parent
sys.path[:0] = [str(DOCS), str(DOCS.parent)]

import code_pages  # noqa: E402  what lies beside this file is found from here on
import pages  # noqa: E402  # beside this file, found by the line above
from docstrings import as_rst  # noqa: E402  # as above

project = "minicnn"
author = "The minicnn authors"
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
exclude_patterns = ["_build", "**/figures", "**/notebooks", "solutions"]

html_theme = "furo"
html_title = "minicnn"
html_copy_source = False
html_show_sphinx = False
html_math_renderer = "mathml"
pygments_style = "friendly"

myst_enable_extensions = ["dollarmath"]
myst_heading_anchors = 4

napoleon_google_docstring = True
napoleon_numpy_docstring = False
napoleon_use_ivar = True  # attributes are listed where their class is, also those that are documented as properties
napoleon_custom_sections = ["Shapes", "Errors", "Source"]
autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_preserve_defaults = True
maximum_signature_line_length = 100
python_use_unqualified_type_names = True
add_module_names = False
toc_object_entries = False

# Annotations name types that are internal, or other packages', and have no page here; what pages name must have one.
nitpick_ignore_regex = [("py:(class|obj|exc|data|attr)", ".*")]


def setup(app: Sphinx) -> None:
    """Connect what is made at build time: figures, notebooks, formulas, docstrings."""
    app.add_config_value("run_pages", True, "env")
    app.add_html_math_renderer("mathml", (_inline_formula, None), (_block_formula, None))  # type: ignore[arg-type]  # Sphinx takes None where a visitor leaves nothing to do
    app.connect("builder-inited", _make)
    app.connect("source-read", _offer_notebook)
    app.connect("source-read", _join_lines)
    app.connect("doctree-read", _caption)
    code_pages.connect(app)
    app.connect("autodoc-process-docstring", _translate, priority=400)  # before napoleon


def _make(app: Sphinx) -> None:
    """Make the chapters' figures and notebooks, which are not kept; with ``run_pages`` off, blank figures."""
    for page in sorted(DOCS.rglob("*.md")):
        if app.config.run_pages:
            try:
                pages.make_figures(page)
            except Exception as error:  # Sphinx says only what the exception says, and an assert says nothing
                lines = [f.lineno for f in traceback.extract_tb(error.__traceback__) if f.filename == str(page)]
                raise ExtensionError(f"{page}, line {lines[-1]}: {error!r}") from error
        for figure in pages.figures(page):
            _write(page.parent / figure, '<svg xmlns="http://www.w3.org/2000/svg"/>', anew=False)
    for chapter in DOCS.glob(pages.CHAPTER):
        _write(chapter.parent / "notebooks" / f"{chapter.stem}.ipynb", pages.notebook(chapter))


def _write(path: Path, text: str, *, anew: bool = True) -> None:
    path.parent.mkdir(exist_ok=True)
    if anew or not path.exists():
        path.write_text(text, encoding="utf-8")


def _offer_notebook(app: Sphinx, docname: str, source: list[str]) -> None:
    """Below a chapter's title: the notebook to download."""
    notebook = Path("notebooks") / f"{Path(docname).name}.ipynb"
    if (DOCS / docname).parent.joinpath(notebook).exists():
        title, rest = source[0].split("\n", 1)
        source[0] = f"{title}\n\n{{download}}`This chapter as a notebook <{notebook.as_posix()}>`\n{rest}"


def _join_lines(app: Sphinx, docname: str, source: list[str]) -> None:
    """Chinese has no spaces, so the end of a line inside of a paragraph must not become one."""
    source[0] = re.sub(r"(?<=[\u3000-\u9fff\uff00-\uffef])\n *(?=[\u3000-\u9fff\uff00-\uffef])", "", source[0])


def _caption(app: Sphinx, doctree: nodes.document) -> None:
    """A picture by itself becomes a figure: what Markdown says of it is its caption."""
    for image in list(doctree.findall(nodes.image)):
        words = image.get("alt")
        if words and isinstance(image.parent, nodes.paragraph) and len(image.parent) == 1:
            named = nodes.make_id(Path(image["uri"]).stem)
            image.parent.replace_self(nodes.figure("", image.deepcopy(), nodes.caption("", words), ids=[named]))


def _inline_formula(writer: Any, node: nodes.math) -> None:
    writer.body.append(convert(node.astext()))
    raise nodes.SkipNode


def _block_formula(writer: Any, node: nodes.math_block) -> None:
    writer.body.append(f'<div class="formula">{convert(node.astext(), display="block")}</div>')
    raise nodes.SkipNode


def _translate(app: Sphinx, what: str, name: str, obj: Any, options: Any, lines: list[str]) -> None:
    lines[:] = as_rst(lines)
