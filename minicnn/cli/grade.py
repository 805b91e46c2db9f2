"""``minicnn grade``: students' files, checked within limits."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from minicnn.cli.arguments import new, positive

if TYPE_CHECKING:
    from minicnn.cli.arguments import Commands


def add(commands: Commands) -> None:
    """Add the command to the parser."""
    parser = new(
        commands, "grade", "grade students' code against the engine",
        "Run a teacher's checks on students' Python files. Each file runs in a process of its own: an endless loop, a "
        "huge array, a crash or a flood of prints costs its test, not the run. Marks can be written for Gradescope, as "
        "CSV or Markdown; checks, as tests for Otter-Grader and nbgrader.",
        "minicnn grade student.py --checks checks.py --gradescope results.json",
    )  # fmt: skip
    parser.add_argument("students", metavar="FILE", nargs="*", type=Path, help="a student's Python file")
    parser.add_argument("--checks", metavar="FILE", type=Path, required=True,
                        help="a Python file with checks of minicnn.testing: conforms(…) and case(…)")
    parser.add_argument("--gradescope", metavar="FILE", type=Path, help="write results.json, of one student")
    parser.add_argument("--markdown", metavar="FILE", type=Path, help="write a report, of one student")
    parser.add_argument("--csv", metavar="FILE", type=Path, help="write a table with a row a student")
    parser.add_argument("--otter", metavar="FOLDER", type=Path, help="write the checks as tests for Otter-Grader")
    parser.add_argument("--nbgrader", metavar="FILE", type=Path, help="write the checks as a notebook for nbgrader")
    limits = parser.add_argument_group("limits")
    limits.add_argument("--time", type=positive(float), default=10.0, metavar="SECONDS",
                        help="for each test (default: %(default)g)")
    limits.add_argument("--memory", type=positive(int), default=1024, metavar="MB",
                        help="beyond what Python and NumPy take (default: %(default)s)")
    limits.add_argument("--user", metavar="NAME", help="run the code as this user, such as nobody, where you are root")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    """Grade, print, and write what is asked for."""
    from minicnn.errors import OptionError
    from minicnn.testing.graders import save_nbgrader, save_otter
    from minicnn.testing.grading import grade, load_checks
    from minicnn.testing.results import save_table

    checks = load_checks(options.checks)
    if len(options.students) != 1 and (options.gradescope or options.markdown):
        raise OptionError("grade: such a file is of one student", got=f"{len(options.students)} files",
                          hint="--csv for a table of many")
    if options.otter is not None:
        for path in save_otter(options.checks, options.otter):
            print(f"wrote {path}")
    if options.nbgrader is not None:
        save_nbgrader(options.checks, options.nbgrader)
        print(f"wrote {options.nbgrader}")
    found = []
    for student in options.students:
        found.append(grade(student, checks, time_limit=options.time, memory_limit=options.memory << 20,
                           user=options.user))
        print(found[-1])
    if options.gradescope is not None:
        found[0].save_gradescope(options.gradescope)
    if options.markdown is not None:
        found[0].save_markdown(options.markdown)
    if options.csv is not None:
        save_table(found, options.csv)
