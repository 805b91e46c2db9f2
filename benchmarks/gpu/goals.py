"""What is to be reached on a card: geometric means of ratios to PyTorch's eager step, in the same run."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from benchmarks.case import Row
from benchmarks.goals import geometric_mean
from benchmarks.gpu.sides import MINICNN, MINICNN_GRAPH, TORCH


class Goal(NamedTuple):
    """At most so many times PyTorch's time or memory."""

    suite: str
    side: str
    most: float


GOALS = (Goal("steps", MINICNN, 1.5), Goal("graphs", MINICNN_GRAPH, 1.0), Goal("memory", MINICNN, 1.2))


class Found(NamedTuple):
    """A goal, with or without TF32, and the geometric mean that was found of so many cases."""

    goal: Goal
    tf32: bool
    mean: float
    cases: int


def found(rows: list[Row]) -> Iterator[Found]:
    """What the rows say of the goals: nothing of those that were not measured beside PyTorch."""
    beside = {(row["suite"], row["case"], row["tf32"]) for row in rows if row["side"] == TORCH and "ratio" in row}
    for goal in GOALS:
        for tf32 in (False, True):
            ratios = [row["ratio"] for row in rows
                      if (row["suite"], row["side"], row["tf32"]) == (goal.suite, goal.side, tf32)
                      and "ratio" in row and (row["suite"], row["case"], tf32) in beside]  # fmt: skip
            if ratios:
                yield Found(goal, tf32, geometric_mean(ratios), len(ratios))
