"""The exercises as checks of ``minicnn grade``: points for each test, on examples that students have not seen."""

from __future__ import annotations

from dataclasses import dataclass

from minicnn.exercises.exercise import Exercise
from minicnn.testing.grading import Check
from minicnn.testing.sandbox import Sandbox

ONLY_HERE = frozenset({"4.5", "7.5", "15.1", "15.2", "15.4", "15.5", "17.1"})
"""Exercises whose answers take or are functions, layers or classes, which cannot be sent to another process."""


@dataclass(frozen=True, kw_only=True)
class Graded(Check):
    """An exercise that is worth points; made by ``graded``.

    Attributes:
        exercise: which.
        seed: of the examples.
    """

    exercise: Exercise
    seed: int

    @property
    def parts(self) -> list[str]:
        return [f"{self.name}: {test}" for test, _ in self.exercise.tests]

    def outcome(self, box: Sandbox, part: str) -> tuple[float, str]:
        answer = getattr(box.functions, self.exercise.name)
        result = self.exercise.test(self.parts.index(part), answer, self.seed)
        return result.score, result.why
