"""The checkers of the book's exercises: full marks for the solution, none for the starter, and wrong answers caught."""

from __future__ import annotations

import importlib
import re
import runpy
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from docs.pages import blocks
from minicnn import exercises
from minicnn.errors import OptionError
from minicnn.exercises import convolution
from minicnn.exercises.graded import ONLY_HERE
from minicnn.testing import grade
from tests.test_documents import DOCS

pytestmark = pytest.mark.host("the book's exercises are worked out with NumPy")

CHAPTERS = sorted(exercises.CHAPTERS)
ALL = list(exercises.catalogue().exercises)


def chapter_of(number: str) -> int:
    return int(number.partition(".")[0])


def page(chapter: int) -> Path:
    (found,) = (DOCS / "book").glob(f"{chapter:02d}-*.md")
    return found


@cache
def solutions(chapter: int) -> dict[str, Any]:
    (found,) = (DOCS / "solutions").glob(f"{chapter:02d}_*.py")
    return runpy.run_path(str(found))


@cache
def starters(chapter: int) -> dict[str, Any]:
    """What a student starts from: the blocks below "## Exercises", after the imports of the first block."""
    text = page(chapter).read_text(encoding="utf-8")
    namespace: dict[str, Any] = {}
    exec(blocks(page(chapter))[0].partition('Path("figures")')[0], namespace)
    for block in re.findall(r"^```python\n(.*?)^```", text.partition("\n## Exercises\n")[2], re.M | re.S):
        exec(block, namespace)
    return namespace


@pytest.mark.parametrize("exercise", ALL, ids=lambda e: e.number)
def test_the_solution_gets_full_marks(exercise: exercises.Exercise) -> None:
    for seed in (0, 1, 2):
        report = exercises.check(exercise.number, solutions(chapter_of(exercise.number))[exercise.name], seed=seed)
        assert report.score == 1.0, str(report)


@pytest.mark.parametrize("exercise", ALL, ids=lambda e: e.number)
def test_the_starter_gets_none_and_is_told_so(exercise: exercises.Exercise) -> None:
    report = exercises.check(exercise.number, starters(chapter_of(exercise.number))[exercise.name])
    assert report.score == 0.0
    assert all(r.why for r in report.results) and "Traceback" not in str(report)


@pytest.mark.parametrize("exercise", ALL, ids=lambda e: e.number)
def test_typical_wrong_answers_are_caught(exercise: exercises.Exercise) -> None:
    module = importlib.import_module(f"tests.book.wrong.{exercises.CHAPTERS[chapter_of(exercise.number)]}")
    answers = module.WRONG[exercise.number]
    assert len(answers) >= 2
    for answer in answers:
        report = exercises.check(exercise.number, answer)
        assert report.score < 1.0, answer
        assert "the starter is still to be filled" not in str(report)


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_the_page_sets_the_exercises_of_the_catalogue(chapter: int) -> None:
    numbers = re.findall(r"^\*\*(\d+\.\d+)\*\* ", page(chapter).read_text(encoding="utf-8"), re.M)
    assert numbers == [e.number for e in exercises.catalogue(chapter).exercises]


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_solutions_get_all_points_where_students_code_is_limited(chapter: int) -> None:
    pytest.importorskip("resource", reason="processes are limited on Linux and macOS only")
    (file,) = (DOCS / "solutions").glob(f"{chapter:02d}_*.py")
    numbers = [e.number for e in exercises.catalogue(chapter).exercises if e.number not in ONLY_HERE]
    checks = [exercises.graded(number, points=2) for number in numbers]
    grades = grade(file, checks, forbidden=())
    assert grades.score == grades.points == 2 * len(checks), str(grades)


@pytest.mark.parametrize("number", sorted(ONLY_HERE & {e.number for e in ALL}))
def test_answers_that_cannot_be_sent_to_a_process_are_not_graded_there(number: str) -> None:
    with pytest.raises(OptionError, match="runs in this process only"):
        exercises.graded(number, points=2)


def test_a_graded_exercise_shares_its_points_among_its_tests() -> None:
    def padded(signal: Any, kernel: Any) -> Any:
        return np.correlate(signal, kernel, "same")

    (first, second) = grade({"correlate1d": padded}, [exercises.graded("1.1", points=3)]).marks
    assert (first.test, first.points, second.points) == ("1.1 correlate1d: one window", 1.5, 1.5)
    assert first.score == second.score == 0.0 and "expected" in first.why


def test_the_catalogue_prints_a_line_for_each() -> None:
    assert [line.split()[:2] for line in str(exercises.catalogue()).splitlines()] == [[e.number, e.name] for e in ALL]


def test_other_seeds_draw_other_examples() -> None:
    first, second = (exercises.check("1.1", lambda signal, kernel: None, seed=s).results[1].why for s in (0, 1))
    assert first != second
    assert first == exercises.check("1.1", lambda signal, kernel: None).results[1].why


def test_answers_that_misbehave_fail_with_words() -> None:
    def raises(signal: Any, kernel: Any) -> Any:
        return signal[99]

    def edits(signal: Any, kernel: Any) -> Any:
        found = convolution.correlate1d(signal, kernel)
        signal[:] = 0
        return found

    assert "raised       IndexError" in str(exercises.check("1.1", raises))
    assert "the arguments were changed" in str(exercises.check("1.1", edits))
    assert "a function is asked for, not 3" in str(exercises.check("1.1", 3))
    assert "expected" in str(exercises.check("1.1", lambda signal, kernel: "three"))


def test_a_number_that_is_not_there_says_which_are() -> None:
    with pytest.raises(OptionError, match=r"1\.1, 1\.2"):
        exercises.check("1.99", len)
    with pytest.raises(OptionError, match="no such exercise"):
        exercises.catalogue(99)
