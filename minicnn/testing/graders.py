"""Checks as the files of other graders: tests of Otter-Grader, cells of nbgrader."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from pathlib import Path
from pprint import pformat
from typing import Any

from minicnn.errors import OptionError
from minicnn.io.files import written_aside
from minicnn.testing.grading import Check, load_checks

Checks = str | Path | Iterable[Check]


def save_otter(checks: Checks, folder: str | Path) -> list[Path]:
    """Write each check as a test file of Otter-Grader, one case a test, for ``otter check``, ``run`` and ``grade``.

    The student's functions are found by name in the notebook or script, and run in a process of their own with the
    limits of ``Sandbox``. ``Checks`` that are not visible are hidden cases.

    Args:
        checks: a file that makes them, or checks of ``conforms`` without ``where``: others need their file's code.
        folder: the assignment's ``tests``.

    Returns: the files.

    Errors: OptionError for checks that need their file's code.

    Source: the "OK" format, https://otter-grader.readthedocs.io/en/latest/test_files/ok_format.html; tried with 7.0.
    """
    made = []
    source = Path(checks).read_text(encoding="utf-8") if isinstance(checks, str | Path) else None
    for check in _listed(checks):
        cases = [{"name": part, "code": _doctest(check, part, source), "hidden": check.visibility != "visible",
                  "locked": False, "points": points} for part, points in check.portions()]
        suite = {"cases": cases, "scored": True, "setup": "", "teardown": "", "type": "doctest"}
        test = {"name": _slug(check.name), "points": None, "all_or_nothing": False, "suites": [suite]}
        path = Path(folder) / f"{_slug(check.name)}.py"
        with written_aside(path) as file:
            file.write(f"OK_FORMAT = True\n\ntest = {pformat(test, width=118, sort_dicts=False)}\n".encode())
        made.append(path)
    return made


def save_nbgrader(checks: Checks, path: str | Path) -> None:
    """Write a notebook with one "autograder tests" cell a check, to be copied below the cells that students fill in.

    A cell ends in the points that were got, which nbgrader takes for partial credit.

    Args:
        checks: as for ``save_otter``.
        path: an .ipynb file.

    Errors: OptionError for checks that need their file's code.

    Source: "Autograder tests cells", "partial credit", in
    https://nbgrader.readthedocs.io/en/stable/user_guide/creating_and_grading_assignments.html; tried with 0.9.6.
    """
    source = Path(checks).read_text(encoding="utf-8") if isinstance(checks, str | Path) else None
    cells = [_cell(check, source) for check in _listed(checks)]
    notebook = {"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
    with written_aside(Path(path)) as file:
        file.write(json.dumps(notebook, indent=1).encode())


def _cell(check: Check, source: str | None) -> dict[str, Any]:
    imported, expression = _expression(check, None, source)
    code = f"from minicnn.testing.grading import grade, {imported}\n\ngrade(globals(), [{expression}]).score"
    about = {"grade": True, "grade_id": _slug(check.name), "locked": True, "points": check.points, "schema_version": 3,
             "solution": False, "task": False}
    return {"cell_type": "code", "execution_count": None, "id": _slug(check.name)[:64], "metadata": {"nbgrader": about},
            "outputs": [], "source": code}  # fmt: skip


def _doctest(check: Check, part: str, source: str | None) -> str:
    imported, expression = _expression(check, part, source)
    return (f">>> from minicnn.testing.grading import {imported}\n"
            f">>> {expression}.demand(globals(), {part!r}, time_limit=10)\n")


def _expression(check: Check, part: str | None, source: str | None) -> tuple[str, str]:
    """What to import, and Python for the check: its own where that says all, else what its file makes by its name."""
    own = check.code(part)
    if own is not None:
        return "conforms", own
    if source is None:
        raise OptionError(f"{check.name}: only its file can make this check", rule="a case, or one with where",
                          hint='save_otter("checks.py", folder)')
    return "checks_in", f"next(c for c in checks_in({source!r}) if c.name == {check.name!r})"


def _listed(checks: Checks) -> list[Check]:
    return load_checks(checks) if isinstance(checks, str | Path) else list(checks)


def _slug(name: str) -> str:
    return re.sub(r"\W+", "_", name).strip("_").lower()
