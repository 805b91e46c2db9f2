"""The code blocks of the four documents that minicnn is written for. They are not in the repository, but beside it."""

from __future__ import annotations

import re
from pathlib import Path

FOLDER = Path(__file__).parents[3] / "shared" / "seeds"

_FENCED = re.compile(r"^```(?:py|python)\n(.*?)^```", re.MULTILINE | re.DOTALL)
_BEGINS = re.compile(r"(?:import|from|class|def|for) |[a-z_]\w* = |print\(|# [A-Z]")
_GOES_ON = re.compile(r"    |[\])]|$")


def documents() -> list[str]:
    """The texts, in the order of their files' names; none where they are not at hand."""
    return [path.read_text(encoding="utf-8") for path in sorted(FOLDER.glob("*.txt"))]


def blocks(text: str) -> list[str]:
    """The code blocks of a document: those in fences, or, where it has none, what is indented and begins as code does.

    What Python would print after ``print(model)`` is no code, and left out.
    """
    fenced = [block.partition("\n\nResNet(\n")[0].rstrip() + "\n" for block in _FENCED.findall(text)]
    return fenced or _unfenced(text)


def _unfenced(text: str) -> list[str]:
    found: list[list[str]] = [[]]
    for line in text.splitlines():
        if _BEGINS.match(line) or (found[-1] and _GOES_ON.match(line)):
            found[-1].append(line)
        elif found[-1]:
            found.append([])
    return ["\n".join(lines).rstrip() + "\n" for lines in found if lines]
