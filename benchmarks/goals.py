"""What is to be reached, as ratios to PyTorch in the same run."""

from __future__ import annotations

import math
from typing import NamedTuple

from benchmarks.case import Row


class Goal(NamedTuple):
    """The greatest ratio of each case, and of their geometric mean; None where there is no such goal."""

    each: float | None = None
    mean: float | None = None


GOALS = {
    "steps": Goal(each=1.3, mean=1.0),
    "inference": Goal(mean=1.2),
    "overhead": Goal(each=1.0),
    "memory": Goal(each=1.1),
    "import": Goal(each=0.2),
}


def goal_of(suite: str) -> Goal:
    """The suite's goals; none where nothing is promised."""
    return GOALS.get(suite, Goal())


def geometric_mean(values: list[float]) -> float:
    """exp of the mean logarithm."""
    return math.exp(sum(map(math.log, values)) / len(values))


def means(rows: list[Row]) -> dict[int, float]:
    """The geometric mean of the ratios for each number of threads, of rows that have one."""
    counts = dict.fromkeys(row["threads"] for row in rows)
    ratios = {n: [row["ratio"] for row in rows if row["threads"] == n and "ratio" in row] for n in counts}
    return {n: geometric_mean(found) for n, found in ratios.items() if found}
