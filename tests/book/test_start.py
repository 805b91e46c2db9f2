"""The commands of the first pages run as they stand, in order, with the files that the page has its reader save."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from docs.pages import blocks
from tests.test_documents import DOCS, ROOT

PAGES = sorted((DOCS / "start").glob("*.md"))
COMMANDS = re.compile(r"^```sh\n(.*?)^```(?:\n\n```text\n(.*?)^```)?", re.M | re.S)
ELSEWHERE = ("pip install", "python -m sphinx")
"""What test environments have behind them, and what tests/book/test_site.py runs."""


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.stem)
def test_the_commands_of_a_first_page_run_and_print_what_is_promised(page: Path, tmp_path: Path) -> None:
    for block in blocks(page):
        named = re.match(r"# (\w+\.py)\n", block)
        if named:
            (tmp_path / named[1]).write_text(block, encoding="utf-8")
    for commands, promised in COMMANDS.findall(page.read_text(encoding="utf-8")):
        printed = "".join(ran(line, tmp_path) for line in commands.splitlines() if not line.startswith(ELSEWHERE))
        for line in promised.splitlines():
            assert " ".join(line.split()) in " ".join(printed.split())


def ran(line: str, folder: Path) -> str:
    """What a ``minicnn`` command prints."""
    name, *arguments = shlex.split(line)
    assert name == "minicnn", line
    paths = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
    found = subprocess.run([sys.executable, "-m", "minicnn", *arguments], cwd=folder, check=False, text=True,
                           capture_output=True, env={**os.environ, "PYTHONPATH": paths})  # fmt: skip
    assert found.returncode == 0, found.stdout + found.stderr
    return found.stdout


def test_what_the_graders_page_says_of_the_two_students(tmp_path: Path) -> None:
    from minicnn.testing import grade
    from minicnn.testing.grading import load_checks

    pytest.importorskip("resource", reason="processes are limited on Linux and macOS only")
    for block in blocks(DOCS / "start" / "grader.md")[:3]:
        (tmp_path / block.split("\n", 1)[0].removeprefix("# ")).write_text(block, encoding="utf-8")
    marks = {}
    for student in ("ada", "bob"):
        grades = grade(tmp_path / f"{student}.py", load_checks(tmp_path / "checks.py"), time_limit=2)
        marks[student] = {m.test: (m.score, m.why) for m in grades.marks}
    assert all(score > 0 for test, (score, _) in marks["ada"].items() if test != "rows sum to one")
    assert "took longer than 2 s" in marks["bob"]["1.1 correlate1d: one window"][1]
    assert marks["bob"]["relu: values"][0] == 2.0
    assert "expected gradient of input" in marks["bob"]["relu: gradient of input"][1]
