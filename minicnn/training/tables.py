"""Tables of strings: as text, as Markdown, and in a terminal by rich; the first column flush left, the others right."""

from __future__ import annotations

import sys
from collections.abc import Sequence

Rows = Sequence[Sequence[str]]

WIDE = 160
"""Columns where there is no terminal, so that nothing is folded in a file or a pipe."""

NAME = 8
"""Columns that a name keeps in a narrow terminal."""


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


def show(headers: Sequence[str], rows: Rows) -> None:
    """Print a table. In a narrow terminal headers and the first column fold, numbers never do."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    least = [max((len(row[i]) for row in rows), default=0) for i in range(len(headers))]
    least[0] = min(least[0], NAME)
    table = Table(box=None, pad_edge=False, header_style="bold")
    for i, (header, width) in enumerate(zip(headers, least, strict=True)):
        table.add_column(Text(header), justify="right" if i else "left", min_width=width, overflow="fold")
    for row in rows:
        table.add_row(*map(Text, row))
    room = Console().width if sys.stdout.isatty() else WIDE
    Console(width=max(room, sum(least) + 2 * len(least))).print(table)
