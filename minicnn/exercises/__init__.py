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
from minicnn.errors import OptionError
from minicnn.exercises.exercise import Exercise, found_in
from minicnn.exercises.graded import ONLY_HERE, Graded
from minicnn.testing.conformance import Conformance

__all__ = ["Catalogue", "Exercise", "Graded", "catalogue", "check", "graded"]

CHAPTERS = {
    1: "convolution",
    2: "sizes",
    3: "pooling",
    4: "the_engine_from_zero",
    5: "backward_of_convolution",
    6: "batch_normalisation",
    7: "dropout",
    8: "lenet_to_vgg",
    9: "residual_networks",
    10: "densenet_nasnet_mobilenet",
    11: "augmentation",
    12: "pretrained_weights",
    13: "transposed_convolution",
    14: "debugging_training",
    15: "gradient_checking",
    16: "writing_an_operation",
    17: "the_speed_story",
    18: "the_gpu",
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


def graded(number: str, *, points: float, seed: int = 1, visibility: str = "visible") -> Graded:
    """An exercise as a check of ``mc.testing.grade``, to be listed beside ``conforms`` and ``case``.

    The student's function has the name that the exercise gives it. The points are shared by the exercise's tests.

    Args:
        number: such as "1.2".
        points: for all its tests together.
        seed: of the examples: another than 0, which students see.
        visibility: who sees it, in Gradescope's words.

    Errors: OptionError for a number that is not in the catalogue, an exercise whose answers cannot be sent to another
    process, another visibility, or negative points.
    Example:
        >>> checks = [mc.exercises.graded("1.1", points=2), mc.exercises.graded("1.2", points=3)]
        >>> mc.testing.grade({"correlate1d": np.correlate}, checks).score
        2.0
    """
    exercise = found_in(catalogue().exercises, number)
    if number in ONLY_HERE:
        raise OptionError(f"exercise {number}: its answer runs in this process only", got=exercise.name,
                          rule="arrays and numbers can be sent to another process", hint="exercises.check(…).score")
    return Graded(name=f"{number} {exercise.name}", points=points, visibility=visibility, exercise=exercise, seed=seed)


if not TYPE_CHECKING:
    __getattr__ = hints(globals())
