"""Grades as text, and as the files that Gradescope, a spreadsheet and a web page take."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from minicnn.io.files import written_aside


@dataclass(frozen=True)
class Mark:
    """What became of one test.

    Attributes:
        check: the name of the check that it belongs to.
        test: its own.
        score, points: what was got, of how much.
        why: what was wrong, with the smallest example; empty where nothing was.
        visibility: who sees it, in Gradescope's words.
    """

    check: str
    test: str
    score: float
    points: float
    why: str
    visibility: str


@dataclass(frozen=True)
class Grades:
    """What ``grade`` found.

    Attributes:
        student: the file.
        marks: each test's.
        seconds: how long it took.
    """

    student: str
    marks: tuple[Mark, ...]
    seconds: float

    @property
    def score(self) -> float:
        """All points that were got: a plain float, as a cell of nbgrader has to end in."""
        return float(round(sum(m.score for m in self.marks), 2))

    @property
    def points(self) -> float:
        """All points that there are."""
        total = round(sum(m.points for m in self.marks), 2)
        return int(total) if total == int(total) else total

    def __str__(self) -> str:
        lines = [f"{self.student}: {self.score:g} of {self.points:g} points"]
        for m in self.marks:
            lines.append(f"  {m.score:>5g} / {m.points:<5g} {m.test}")
            lines += [f"                {line}" for line in m.why.splitlines()]
        return "\n".join(lines)

    def gradescope(self) -> dict[str, Any]:
        """What Gradescope expects in results.json, with one entry a test.

        Source: https://gradescope-autograders.readthedocs.io/en/latest/specs/, "Output format".
        """
        return {
            "score": self.score,
            "execution_time": round(self.seconds),
            "output": f"{self.score:g} of {self.points:g} points",
            "visibility": "visible",
            "stdout_visibility": "hidden",
            "tests": [
                {"name": m.test, "number": str(number), "score": m.score, "max_score": m.points, "output": m.why,
                 "status": "passed" if m.score == m.points else "failed", "visibility": m.visibility}
                for number, m in enumerate(self.marks, 1)
            ],
        }  # fmt: skip

    def save_gradescope(self, path: str | Path) -> None:
        """Write ``gradescope()`` as JSON: on Gradescope to /autograder/results/results.json."""
        _save(path, json.dumps(self.gradescope(), indent=2))

    def markdown(self) -> str:
        """A table of the tests, then what was wrong."""
        rows = [f"# {self.student}", "", f"**{self.score:g} of {self.points:g} points**", "", "| Test | Points |",
                "|---|---|"]
        rows += [f"| {_cell(m.test)} | {m.score:g} of {m.points:g} |" for m in self.marks]
        for m in self.marks:
            if m.why:
                rows += ["", f"## {m.test}", "", *(f"    {line}" for line in m.why.splitlines())]
        return "\n".join(rows) + "\n"

    def save_markdown(self, path: str | Path) -> None:
        """Write ``markdown()``."""
        _save(path, self.markdown())

    def save_csv(self, path: str | Path) -> None:
        """Write one row, with a column a check; ``save_table`` writes many students' rows."""
        save_table([self], path)


def save_table(grades: Sequence[Grades], path: str | Path) -> None:
    """A CSV file with a row a student: ``student,score,points``, and the score of each check.

    Example:
        >>> save_table([Grades("ada.py", (Mark("relu", "relu: values", 1.0, 2, "", "visible"),), 0.1)], "grades.csv")
        >>> print(Path("grades.csv").read_text().strip())
        student,score,points,relu
        ada.py,1,2,1
    """
    checks = list(dict.fromkeys(m.check for g in grades for m in g.marks))
    out = io.StringIO()
    table = csv.writer(out, lineterminator="\n")
    table.writerow(["student", "score", "points", *checks])
    for g in grades:
        each = [f"{round(sum(m.score for m in g.marks if m.check == name), 2):g}" for name in checks]
        table.writerow([_harmless(g.student), f"{g.score:g}", f"{g.points:g}", *each])
    _save(path, out.getvalue())


def _harmless(text: str) -> str:
    """A spreadsheet takes text that begins so for a formula."""
    return f"'{text}" if text.startswith(("=", "+", "-", "@")) else text


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def _save(path: str | Path, text: str) -> None:
    with written_aside(Path(path)) as file:
        file.write(text.encode())
