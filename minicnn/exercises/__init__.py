"""The exercises of the book, and their checkers.

    from minicnn import exercises

    print(exercises.catalogue())                  # what there is
    print(exercises.check("1.1", my_correlate))   # what is right, and the smallest example of what is not

A chapter's exercises are a module here; the solutions are in the repository, under ``docs/solutions``.
"""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from minicnn.absent import hints
from minicnn.exercises.exercise import Exercise, found_in
from minicnn.testing.conformance import Conformance

__all__ = ["Catalogue", "Exercise", "catalogue", "check"]

CHAPTERS = {
    1: "convolution",
    2: "sizes",
    3: "pooling",
    4: "the_engine_from_zero",
    5: "backward_of_convolution",
    6: "batch_normalisation",
    15: "gradient_checking",
}
"""The module of each chapter that has exercises."""


@dataclass(frozen=True)
class Catalogue:
    """Exercises to look through; printed, a line for each."""

    exercises: tuple[Exercise, ...]

    def __str__(self) -> str:
        width = max(len(e.name) for e in self.exercises)
        return "\n".join(f"{e.number:>5}  {e.name:<{width}}  {e.task}" for e in self.exercises)


def catalogue(chapter: int | None = None) -> Catalogue:
    """All exercises, or those of a chapter.

    Args:
        chapter: its number.

    Errors: OptionError for a chapter without exercises.
    Example:
        >>> len(mc.exercises.catalogue(1).exercises)
        6
    """
    if chapter is not None and chapter not in CHAPTERS:
        found_in(catalogue().exercises, str(chapter))  # says what there is
    chapters = CHAPTERS if chapter is None else [chapter]
    return Catalogue(tuple(e for c in chapters for e in
                           importlib.import_module(f"minicnn.exercises.{CHAPTERS[c]}").EXERCISES))  # fmt: skip


def check(number: str, answer: Any, *, seed: int = 0) -> Conformance:
    """Judge an answer to an exercise.

    Args:
        number: such as "1.2".
        answer: the function that the exercise asks for, or the value.
        seed: of the examples that are drawn. A hidden test takes another than the students' 0.

    Returns:
        the report: ``score`` from 0 to 1, and ``results`` with the smallest failing example of each test. An answer
        that raises fails the test, and never stops the check.

    Errors: OptionError for a number that is not in the catalogue.
    Example:
        >>> mc.exercises.check("1.1", lambda signal, kernel: None).score
        0.0
    """
    return found_in(catalogue().exercises, number).check(answer, seed)


if not TYPE_CHECKING:
    __getattr__ = hints(globals())
