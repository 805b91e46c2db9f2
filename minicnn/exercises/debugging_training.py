"""Chapter 14, debugging training."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from minicnn.exercises.exercise import Draw, Exercise, agree

Array = Any
Layers = tuple[Array, ...]


def first_and_floor(classes: int) -> tuple[float, float]:
    """The loss of equal scores, and the least loss of a softmax of a softmax."""
    return math.log(classes), math.log(math.e + classes - 1) - 1


def dead_units(z: Array) -> list[int]:
    """(N, H) or (N, C, H, W) → the units whose ReLU is 0 everywhere."""
    others = tuple(axis for axis in range(z.ndim) if axis != 1)
    return [int(unit) for unit in np.flatnonzero((z <= 0).all(axis=others))]


def steps_needed(curvatures: Array, rate: float) -> int:
    """(D,) → steps until every coordinate is a tenth; −1 for never."""
    slowest = float(np.abs(1 - rate * curvatures).max())
    if slowest >= 1:
        return -1
    steps, left = 0, 1.0
    while left > 0.1:
        steps, left = steps + 1, left * slowest
    return steps


def sleeping_layers(weights: Layers, gradients: Layers, lr: float) -> list[int]:
    """Arrays, arrays → the layers whose step is less than a millionth of the weight."""
    pairs = zip(weights, gradients, strict=True)
    return [i for i, (w, g) in enumerate(pairs)
            if lr * np.linalg.norm(g) < 1e-6 * np.linalg.norm(w) or not np.any(g)]  # fmt: skip


def suggested_rate(rates: Array, losses: Array, beta: float) -> float:
    """(T,), (T,) → a tenth of the rate of the least smoothed loss; −1 where that is the first."""
    smooth: list[float] = []
    mean = 0.0
    for loss in losses:
        if not math.isfinite(loss):
            break
        mean = beta * mean + (1 - beta) * float(loss)
        smooth.append(mean / (1 - beta ** (len(smooth) + 1)))
    least = int(np.argmin(smooth)) if smooth else 0
    return float(rates[least]) / 10 if least else -1.0


def _units(draw: Draw, *shapes: tuple[int, ...]) -> Iterator[tuple[Array]]:
    for shape in shapes:
        z = np.round(draw.normal(size=shape), 2)
        for dead in range(0, shape[1], 2):
            z[:, dead] = -np.abs(z[:, dead])
        yield (z,)


def _curves(draw: Draw, *lengths: int, beta: float) -> Iterator[tuple[Array, Array, float]]:
    for length in lengths:
        steps = np.arange(length)
        losses = (steps - 0.6 * length) ** 2 / length + draw.normal(size=length) * 0.3
        yield 10.0 ** (-5 + 5 * steps / length), np.round(losses, 2), beta


SIZED = (np.array([1.0]), np.array([[3.0, 4.0]]), np.full((2, 2), 10.0))

EXERCISES = [
    Exercise("14.1", "first_and_floor", "two losses that one should know beforehand", (
        ("two classes", agree(first_and_floor, [(2,)])),
        ("ten classes", agree(first_and_floor, [(10,)], "the second softmax sees one 1, and zeros")),
        ("any number", agree(first_and_floor, lambda d: [(int(n),) for n in d.integers(3, 1000, 3)])),
    )),
    Exercise("14.2", "dead_units", "the units that no image switches on", (
        ("one image", agree(dead_units, lambda d: _units(d, (1, 1), (1, 4)))),
        ("a batch", agree(dead_units, lambda d: [(np.array([[-1.0, 1.0], [1.0, -1.0]]),), *_units(d, (3, 3), (8, 5))],
                          "a unit is alive if any image switches it on")),
        ("feature maps", agree(dead_units, lambda d: _units(d, (1, 3, 1, 2), (4, 4, 3, 3)),
                               "a channel is alive if any pixel of it is")),
        ("exactly zero", agree(dead_units, [(np.array([[0.0, 1.0]]),), (np.zeros((2, 2)),)],
                               "the slope of a ReLU at 0 is 0")),
    )),
    Exercise("14.3", "steps_needed", "how long gradient descent takes on a parabola", (
        ("one curvature", agree(steps_needed, [(np.array([1.0]), 1.0), (np.array([4.0]), 0.2),
                                                (np.array([4.0]), 0.01)])),
        ("from side to side", agree(steps_needed, [(np.array([4.0]), 0.45), (np.array([1.0]), 1.9)],
                                    "a factor of −0.8 shrinks as 0.8 does")),
        ("several curvatures", agree(steps_needed, [(np.array([1.0, 4.0]), 0.4), (np.array([0.01, 1.0, 10.0]), 0.15)],
                                     "the slowest decides")),
        ("never", agree(steps_needed, [(np.array([4.0]), 0.5), (np.array([4.0]), 0.6), (np.array([0.1, 30.0]), 0.1)],
                        "beyond twice the best rate it flies off")),
    )),
    Exercise("14.4", "sleeping_layers", "the layers that hardly move", (
        ("all awake", agree(sleeping_layers, [(SIZED[:1], (np.array([0.1]),), 0.1), (SIZED, SIZED, 0.01)])),
        ("some asleep", agree(sleeping_layers, [
            (SIZED[:1], (np.array([1e-6]),), 0.1), (SIZED, (SIZED[0], SIZED[1] * 1e-8, SIZED[2]), 0.1),
            (SIZED, (SIZED[0] * 1e-5, SIZED[1] * 1e-4, SIZED[2] * 1e-7), 0.05)],
            "a layer is named by its place, from 0 on")),
        ("the norm of the whole array", agree(sleeping_layers, [
            (SIZED[1:2], (np.array([[5e-6, 0.0]]),), 1.1), (SIZED[2:], (np.array([[3e-5, 0.0], [0.0, 0.0]]),), 1.0)],
            "single elements may rest")),
        ("weights of zero", agree(sleeping_layers, [((np.zeros(2),), (np.array([1e-9, 0.0]),), 0.1),
                                                    ((np.zeros(2),), (np.zeros(2),), 0.1)],
                                  "nothing is divided by 0; no gradient is no movement")),
    )),
    Exercise("14.5", "suggested_rate", "read the learning rate from a search", (
        ("without smoothing", agree(suggested_rate, lambda d: _curves(d, 6, 20, beta=0.0))),
        ("smoothed", agree(suggested_rate, lambda d: _curves(d, 5, 30, 100, beta=0.8),
                           "the first means are too small unless they are divided: they began at 0")),
        ("a loss that explodes", agree(suggested_rate, [
            (np.array([0.1, 1.0, 10.0, 100.0]), np.array([3.0, 2.0, np.inf, 0.0]), 0.0),
            (np.array([0.1, 1.0, 10.0, 100.0]), np.array([3.0, 2.0, np.nan, 0.0]), 0.5)],
            "what comes after an infinite loss does not count")),
        ("a loss that never fell", agree(suggested_rate, [
            (np.array([0.1, 1.0, 10.0]), np.array([1.0, 2.0, 3.0]), 0.0),
            (np.array([0.1, 1.0, 10.0]), np.array([1.0, 2.0, 3.0]), 0.9),
            (np.array([0.1, 1.0]), np.array([np.nan, 2.0]), 0.9)])),
    )),
]  # fmt: skip
