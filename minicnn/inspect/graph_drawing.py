"""A graph as SVG, and as a page that steps through the backward pass."""

from __future__ import annotations

import html
import json
from typing import TYPE_CHECKING

from minicnn.inspect.drawing import Canvas
from minicnn.inspect.layout import Place, layout

if TYPE_CHECKING:
    from minicnn.inspect.graph import Graph

LINE, LETTER, GAP = 15.0, 6.6, 36.0
"""Pixels of a line's height, a letter's width, and between layers."""

HEAD = ('<defs><marker id="arrow" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">'
        '<path d="M0,0 L8,4 L0,8 z"/></marker></defs>')  # fmt: skip

PAGE = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>Backward, step by step</title>
<style>
body {{ font-family: sans-serif; margin: 1em; }}
.bar {{ position: sticky; top: 0; background: white; padding: 0.5em 0; }}
g.node.now rect {{ fill: #ffd166; }}
g.node.done rect {{ fill: #e0f0e0; }}
</style></head><body>
<div class="bar"><button id="back">&larr; back</button> <button id="next">next &rarr;</button>
<span id="words">loss {loss}; press next to send its gradient back</span></div>
{svg}
<script>
const steps = {steps};
let at = 0;
function show() {{
  document.querySelectorAll("g.node").forEach(node => node.classList.remove("now", "done"));
  steps.slice(0, at).forEach(([node], i) => {{
    const box = document.getElementById("n" + node);
    box.classList.add("done");
    if (i === at - 1) {{ box.classList.add("now"); box.scrollIntoView({{block: "nearest"}}); }}
  }});
  document.getElementById("words").textContent = at ? steps[at - 1][1] : "loss {loss}";
}}
document.getElementById("next").onclick = () => {{ at = Math.min(at + 1, steps.length); show(); }};
document.getElementById("back").onclick = () => {{ at = Math.max(at - 1, 0); show(); }};
</script></body></html>
"""


def draw(graph: Graph) -> str:
    """Boxes and arrows, from the inputs at the top to the loss at the bottom."""
    labels = [node.lines() for node in graph.nodes]
    found = layout([max(map(len, lines)) * LETTER + 16 for lines in labels], graph.edges)
    lines_of = dict(zip(found.nodes, labels, strict=True))
    tops, heights, y = [], [], 0.0
    for rank in found.ranks:
        tops.append(y)
        heights.append(max((len(lines_of[p]) for p in rank if p in lines_of), default=1) * LINE + 10)
        y += heights[-1] + GAP
    canvas = Canvas()
    canvas.parts.append(HEAD)
    bottoms = {place: tops[place.rank] + len(lines) * LINE + 10 for place, lines in lines_of.items()}
    for way in found.ways:
        canvas.path(_curve(way, tops, bottoms, heights), stroke="#888888", end="arrow")
    for node, place in zip(graph.nodes, found.nodes, strict=True):
        canvas.parts.append(f'<g id="n{node.number}" class="node">')
        top = tops[place.rank]
        canvas.rect(place.x - place.width / 2, top, place.width, bottoms[place] - top, fill="#f0f4fa", radius=5)
        for row, line in enumerate(lines_of[place]):
            canvas.text(place.x, top + 5 + (row + 0.5) * LINE, line, size=11)
        canvas.parts.append("</g>")
    return canvas.svg()


def _curve(way: list[Place], tops: list[float], bottoms: dict[Place, float], heights: list[float]) -> str:
    """From the bottom of a box to the top of another, straight down past the layers between."""
    x, y = way[0].x, bottoms[way[0]]
    shape = f"M{x:.1f},{y:.1f}"
    for place in way[1:]:
        top = tops[place.rank]
        middle = (y + top) / 2
        shape += f" C{x:.1f},{middle:.1f} {place.x:.1f},{middle:.1f} {place.x:.1f},{top:.1f}"
        x, y = place.x, top
        if place is not way[-1]:
            y = top + heights[place.rank]
            shape += f" L{x:.1f},{y:.1f}"
    return shape


def page(graph: Graph) -> str:
    """The picture with two buttons; no other file is needed."""
    steps = [[step.node.number, f"{step} ({step.number} of {len(graph.backward)})"] for step in graph.backward]
    words = json.dumps(steps, ensure_ascii=False).replace("<", "\\u003c")
    return PAGE.format(svg=draw(graph), steps=words, loss=html.escape(f"{graph.loss:.6g}"))
