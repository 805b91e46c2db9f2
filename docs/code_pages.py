"""Links of pages to Python files of the repository lead to a page that shows the file."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx import addnodes
from sphinx.application import Sphinx

ROOT = Path(__file__).resolve().parent.parent


def connect(app: Sphinx) -> None:
    """Have the links led there, and the pages written."""
    app.connect("doctree-read", _lead, priority=400)  # before Sphinx collects the files to download
    app.connect("html-collect-pages", _shown)
    app.connect("env-purge-doc", _forget)


def _linked(env: Any) -> dict[str, set[str]]:
    """For each page, the files that it links."""
    if not hasattr(env, "linked_code"):
        env.linked_code = {}
    found: dict[str, set[str]] = env.linked_code
    return found


def _forget(app: Sphinx, env: Any, docname: str) -> None:
    _linked(env).pop(docname, None)


def _lead(app: Sphinx, doctree: nodes.document) -> None:
    docname = app.env.docname
    for link in list(doctree.findall(addnodes.download_reference)):
        target = link["reftarget"]
        folder = Path(app.srcdir) if target.startswith("/") else (Path(app.srcdir) / docname).parent
        file = Path(os.path.normpath(folder / target.lstrip("/")))
        if file.suffix == ".py" and file.is_relative_to(ROOT):
            name = file.relative_to(ROOT).as_posix()
            _linked(app.env).setdefault(docname, set()).add(name)
            uri = app.builder.get_relative_uri(docname, f"code/{name.removesuffix('.py')}")
            link.replace_self(nodes.reference("", "", *link.children, refuri=uri, internal=True))


def _shown(app: Sphinx) -> Iterator[tuple[str, dict[str, Any], str]]:
    for name in sorted(set().union(*_linked(app.env).values())):
        source = (ROOT / name).read_text(encoding="utf-8")
        body = app.builder.highlighter.highlight_block(source, "python", linenos=False)  # type: ignore[attr-defined]  # HTML builders have one
        yield f"code/{name.removesuffix('.py')}", {"title": name, "body": f"<h1>{name}</h1>{body}"}, "page.html"
