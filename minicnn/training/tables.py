"""Tables of strings: as text, as Markdown, and in a terminal by rich; the first column flush left, the others right."""

from __future__ import annotations

import sys
from collections.abc import Sequence

Rows = Sequence[Sequence[str]]

WIDE = 160
"""Columns where there is no terminal, so that nothing is folded in a file or a pipe."""


def text(headers: Sequence[str], rows: Rows) -> str:
    """Aligned columns."""
    widths = [max(map(len, column)) for column in zip(headers, *rows, strict=True)]
    lines = [[row[0].ljust(widths[0]), *(cell.rjust(w) for cell, w in zip(row[1:], widths[1:], strict=True))]
             for row in (headers, *rows)]  # fmt: skip
    return "\n".join("  ".join(line).rstrip() for line in lines)


def markdown(headers: Sequence[str], rows: Rows) -> str:
    """A table in Markdown."""
    ruler = [":--", *["--:"] * (len(headers) - 1)]
    lines = [[cell.replace("|", "\\|") for cell in row] for row in (headers, ruler, *rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def show(headers: Sequence[str], rows: Rows, left: int = 1) -> None:
    """Print a table; ``left`` columns are flush left, and fold in a narrow terminal."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, header_style="bold")
    for i, header in enumerate(headers):
        table.add_column(header, justify="left" if i < left else "right", overflow="fold")
    for row in rows:
        table.add_row(*map(Text, row))
    Console(width=None if sys.stdout.isatty() else WIDE).print(table)
