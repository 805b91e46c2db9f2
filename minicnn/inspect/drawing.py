"""SVG by hand: rectangles, texts, lines and grids of numbers, and frames that take turns."""

from __future__ import annotations

import html
from collections.abc import Iterator
from contextlib import contextmanager

CELL = 36
"""Pixels of a grid's cell."""

INK, PALE, WINDOW, RESULT = "#222222", "#f4f4f4", "#ffd166", "#8ecae6"
"""Lines and texts; padding; what a window covers; what it makes."""


class Canvas:
    """A picture that grows with what is drawn on it."""

    def __init__(self) -> None:
        self.parts: list[str] = []
        self.width = self.height = 0.0

    def rect(
        self, x: float, y: float, width: float, height: float, *, fill: str = "none", stroke: str = INK,
        dashed: bool = False, radius: float = 0,
    ) -> None:  # fmt: skip
        """A rectangle with its left upper corner at (x, y)."""
        dash = ' stroke-dasharray="3 3"' if dashed else ""
        self.parts.append(f'<rect x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}" rx="{radius:g}" '
                          f'fill="{fill}" stroke="{stroke}"{dash}/>')  # fmt: skip
        self._grow(x + width, y + height)

    def text(self, x: float, y: float, words: str, *, size: float = 12, anchor: str = "middle") -> None:
        """Words whose middle line is at y."""
        self.parts.append(f'<text x="{x:g}" y="{y:g}" font-size="{size:g}" text-anchor="{anchor}" '
                          f'dominant-baseline="central" fill="{INK}">{html.escape(words)}</text>')  # fmt: skip
        reach = {"start": 0.62, "middle": 0.31, "end": 0}[anchor] * size * len(words)
        self._grow(x + reach, y + size / 2)

    def path(self, shape: str, *, stroke: str = INK, fill: str = "none", end: str = "") -> None:
        """A path in SVG's own words."""
        marker = f' marker-end="url(#{end})"' if end else ""
        self.parts.append(f'<path d="{shape}" stroke="{stroke}" fill="{fill}"{marker}/>')

    @contextmanager
    def frame(self, number: int, count: int, seconds: float) -> Iterator[None]:
        """What is drawn in the block is seen in its turn, the ``number``-th of ``count``, again and again."""
        start, end = number / count, (number + 1) / count
        values, times = ("1;0", f"0;{end:.6f}") if number == 0 else ("0;1;0", f"0;{start:.6f};{end:.6f}")
        values, times = (values, times) if end < 1 else (values[:-2], times.rpartition(";")[0])
        self.parts.append(f'<g opacity="{int(number == 0)}">')
        if count > 1:
            self.parts.append(f'<animate attributeName="opacity" calcMode="discrete" values="{values}" '
                              f'keyTimes="{times}" dur="{count * seconds:g}s" repeatCount="indefinite"/>')  # fmt: skip
        yield
        self.parts.append("</g>")

    def svg(self, margin: float = 10) -> str:
        """The whole picture."""
        width, height = self.width + 2 * margin, self.height + 2 * margin
        box = f"{-margin:g} {-margin:g} {width:g} {height:g}"
        return "\n".join([
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="{box}" width="{width:g}" height="{height:g}" '
            'font-family="sans-serif">',
            f'<rect x="{-margin:g}" y="{-margin:g}" width="{width:g}" height="{height:g}" fill="white"/>',
            *self.parts, "</svg>",
        ])  # fmt: skip

    def _grow(self, x: float, y: float) -> None:
        self.width, self.height = max(self.width, x), max(self.height, y)


def short(value: float) -> str:
    """A number that fits a cell."""
    return f"{value:.2g}" if 0 < abs(value) < 1 else f"{value:.4g}"
