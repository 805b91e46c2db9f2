"""The picture of an explanation."""

from __future__ import annotations

from typing import TYPE_CHECKING

from minicnn.inspect.drawing import CELL, PALE, RESULT, WINDOW, Canvas, short

if TYPE_CHECKING:
    from minicnn.inspect.explain import Explanation

MOST = 4
"""Channels that are drawn; more are only counted."""


def picture(found: Explanation) -> str:
    """Each channel's window in its surroundings, times its kernel; then the sum, maximum or mean."""
    canvas, y = Canvas(), 0.0
    for k in list(found.image)[:MOST]:
        y = _channel(canvas, found, k, y) + CELL / 2
    if len(found.image) > MOST:
        canvas.text(0, y, f"and {len(found.image) - MOST} more channels", anchor="start")
        y += CELL / 2
    lines = str(found).splitlines()
    result = f"y{list(found.position)} = {short(found.value)}"
    canvas.rect(0, y, max(3.0, len(result) / 4) * CELL, CELL, fill=RESULT)
    canvas.text(8, y + CELL / 2, result, anchor="start", size=14)
    if len(found.image) <= MOST:
        for row, line in enumerate(lines[1:]):
            canvas.text(0, y + CELL * 1.5 + 18 * row, line.strip(), anchor="start", size=11)
    return canvas.svg()


def _channel(canvas: Canvas, found: Explanation, k: int, y: float) -> float:
    """Draw one input channel and its kernel from ``y`` on; returns where it ends."""
    terms = [t for t in found.terms if t.channel == k]
    covered = {(t.tap.row, t.tap.column): t for t in terms}
    height, width = found.windows.size
    rows, columns = ([place[axis] for place in covered] for axis in (0, 1))
    (top, bottom), (left, right) = _shown(rows, height), _shown(columns, width)
    canvas.text(0, y + 8, f"x[{found.position[0]}, {k}]", anchor="start")
    y += 20
    for r in range(top, bottom + 1):
        for c in range(left, right + 1):
            inside, hit = 0 <= r < height and 0 <= c < width, (r, c) in covered
            if inside or hit:
                at = (c - left) * CELL, y + (r - top) * CELL
                canvas.rect(*at, CELL, CELL, fill=WINDOW if hit else "white" if inside else PALE, dashed=not inside)
                value = found.image[k][r][c] if inside else covered[r, c].value
                canvas.text(at[0] + CELL / 2, at[1] + CELL / 2, short(value), size=10)
    if k in found.kernels:
        _kernel(canvas, found, k, (right - left + 2) * CELL, y)
    return max(y + (bottom - top + 1) * CELL, y + len(found.kernels.get(k, ())) * CELL)


def _shown(covered: list[int], size: int) -> tuple[int, int]:
    """The first and last position drawn of an axis: all of a small image, else the window and a pixel on each side."""
    first, last = min(covered, default=0), max(covered, default=0)
    if size <= 8:
        return min(first, 0), max(last, size - 1)
    return min(first, max(first - 1, 0)), max(last, min(last + 1, size - 1))


def _kernel(canvas: Canvas, found: Explanation, k: int, x: float, y: float) -> None:
    used = {(t.tap.u, t.tap.v) for t in found.terms if t.channel == k}
    canvas.text(x - CELL / 2, y + CELL, "×", size=16)
    canvas.text(x, y - 12, f"weight for channel {k}", anchor="start")
    for u, row in enumerate(found.kernels[k]):
        for v, weight in enumerate(row):
            canvas.rect(x + v * CELL, y + u * CELL, CELL, CELL, fill=WINDOW if (u, v) in used else "white")
            canvas.text(x + (v + 0.5) * CELL, y + (u + 0.5) * CELL, short(weight), size=10)
