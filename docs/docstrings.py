"""minicnn's docstrings as napoleon and reStructuredText read them."""

from __future__ import annotations

import re

SECTION = re.compile(r"(Args|Shapes|Errors|Raises|Returns|Source|Example|Attributes|Yields): +(\S.*)")
CODE = re.compile(r"(``.*?``)")
MARKUP = re.compile(r"([*|`]|\\(?!\.)|(?<=\w)_(?!\w))")


def as_rst(lines: list[str]) -> list[str]:
    """Sections that begin on their title's line move below it; what is set in from the text is code; signs are plain.

    A docstring says ``Shapes: x (N, C)``, shows formulas by setting them in, and writes ``|x|`` and ``a * b`` as they
    are; reStructuredText would take these for quotations, substitutions and emphasis.
    """
    return _plain(_formulas(_sections(lines)))


def _sections(lines: list[str]) -> list[str]:
    found: list[str] = []
    inside = False
    for line in lines:
        section = SECTION.fullmatch(line)
        if section:
            found += ["", f"{section[1]}:", f"    {section[2]}"]
            inside = True
        else:
            inside = inside and bool(line) and not re.fullmatch(r"\w+:", line)
            found.append(f"    {line}" if inside else line)
    return found


def _formulas(lines: list[str]) -> list[str]:
    """A block that is set in, after a blank line and outside of a section, gets the mark of literal text."""
    found: list[str] = []
    title = ""
    for line in lines:
        if line and not line.startswith(" "):
            title = line
        if line.startswith(" ") and found and not found[-1] and not re.fullmatch(r"\w+:", title):
            found += ["::", ""] if not _literal(found) else []
        found.append(line)
    return found


def _literal(found: list[str]) -> bool:
    """Whether the text above already is literal, or announces it."""
    above = next((line for line in reversed(found) if line), "")
    return above.startswith(" ") or above.endswith("::")


def _plain(lines: list[str]) -> list[str]:
    found: list[str] = []
    literal = False
    for line in lines:
        if line and not line.startswith(" "):
            literal = line.endswith("::") or line == "Example:"
        found.append(line if literal else _escaped(line))
    return found


def _escaped(line: str) -> str:
    """The line without markup, but for code between double backticks, of which a plural ``s`` is no part."""
    line = re.sub(r"^(\s*[A-Z])\. ", r"\1\\. ", line)  # initials of a name, no list
    parts = [p if p.startswith("``") else MARKUP.sub(r"\\\1", p) for p in CODE.split(line)]
    return "".join(rf"\ {p}" if before.startswith("``") and p[:1].isalnum() else p
                   for before, p in zip(["", *parts], parts, strict=False))  # fmt: skip
