"""Chapter 15, gradient checking."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from minicnn.errors import OptionError
from minicnn.exercises.exercise import Draw, Exercise, Judge, agree
from minicnn.testing.zoo import ZOO, score_suite

Array = Any
Function = Callable[[Array], Any]


def numeric_gradient(f: Function, x: Array, h: float) -> Array:
    """f of x (any shape) → its slopes, in x's shape."""
    units = np.eye(x.size).reshape(x.size, *x.shape)
    return np.array([(f(x + h * unit) - f(x - h * unit)) / (2 * h) for unit in units]).reshape(x.shape)


def complex_gradient(f: Function, x: Array) -> Array:
    """f of x (any shape) → its slopes, in x's shape."""
    units = np.eye(x.size).reshape(x.size, *x.shape)
    return np.array([f(x + 1e-100j * unit).imag / 1e-100 for unit in units]).reshape(x.shape)


def agreement(analytic: Array, numeric: Array, atol: float, rtol: float) -> Array:
    """Two arrays of one shape → where they agree."""
    room = atol + rtol * np.maximum(np.abs(analytic), np.abs(numeric))
    found: Array = (np.abs(analytic - numeric) <= room) | (np.isnan(analytic) & np.isnan(numeric))
    return found


def directional_error(f: Function, gradient: Array, x: Array, d: Array, h: float) -> float:
    """The relative error of a gradient along a direction."""
    unit = d / np.sqrt((d * d).sum())
    analytic, numeric = (gradient * unit).sum(), (f(x + h * unit) - f(x - h * unit)) / (2 * h)
    largest = max(abs(analytic), abs(numeric))
    return float(abs(analytic - numeric) / largest) if largest else 0.0


@dataclass(frozen=True, repr=False)
class Named:
    """A function with a formula for a name, so that reports can be read."""

    formula: str
    function: Function

    def __call__(self, x: Array) -> Any:
        return self.function(x)

    def __repr__(self) -> str:
        return self.formula


SQUARES = Named("x ↦ Σ x²", lambda x: (x * x).sum())
CUBES = Named("x ↦ Σ x³", lambda x: (x * x * x).sum())
WAVES = Named("x ↦ Σ sin(x) · e^x", lambda x: (np.sin(x) * np.exp(x)).sum())
FIRST_BY_LAST = Named("x ↦ x.flat[0] · x.flat[-1]²", lambda x: x.flat[0] * x.flat[-1] ** 2)


def _points(draw: Draw, *functions: Function) -> Iterator[tuple[Function, Array]]:
    for function in functions:
        for shape in ((2,), (2, 3)):
            yield function, np.round(draw.normal(size=shape), 2)


def _stepped(draw: Draw, *functions: Function, h: float) -> Iterator[tuple[Function, Array, float]]:
    for function, x in _points(draw, *functions):
        yield function, x, h


def _slopes(draw: Draw, *shapes: tuple[int, ...], off: float) -> Iterator[tuple[Array, Array, float, float]]:
    for shape in shapes:
        slopes = np.round(draw.normal(size=shape), 2) * 100 + 1
        yield slopes, slopes.copy(), 1e-7, 1e-5
        wrong = slopes.copy()
        wrong.flat[wrong.size // 2 :] *= 1 + off
        yield wrong, slopes, 1e-7, 1e-5
        yield slopes, wrong, 1e-7, 1e-5


def _directions(draw: Draw, length: float, slip: float) -> Iterator[tuple[Function, Array, Array, Array, float]]:
    for shape in ((1,), (3,), (2, 4)):
        x, d = np.round(draw.normal(size=shape), 2) + 2, np.round(draw.normal(size=shape), 2) + 3
        yield SQUARES, 2 * x * (1 + slip), x, d * length, 1e-3


def _catches(name: str) -> Judge:
    bug = ZOO[name]

    def judge(answer: Any, draw: Draw) -> str:  # noqa: ARG001 (a judge's form)
        tests = [answer] if callable(answer) else list(answer)
        if not tests or not all(map(callable, tests)):
            return f"a list of functions is asked for, not {answer!r}"
        try:
            score = score_suite(tests, [bug])
        except OptionError as error:
            return str(error)
        return "" if score.caught else f"missed       {bug.story}"

    return judge


EXERCISES = [
    Exercise("15.1", "numeric_gradient", "central differences in each coordinate", (
        ("squares", agree(numeric_gradient, lambda d: _stepped(d, SQUARES, h=1e-4), rtol=1e-6, atol=1e-6)),
        ("to both sides", agree(numeric_gradient, lambda d: _stepped(d, CUBES, WAVES, h=0.1),
                                "with so large a step, a step to one side shows", rtol=1e-6, atol=1e-6)),
        ("coordinates that meet", agree(numeric_gradient, lambda d: _stepped(d, FIRST_BY_LAST, h=1e-3),
                                        "put a coordinate back before the next one is nudged", rtol=1e-6, atol=1e-6)),
        ("whole numbers", agree(numeric_gradient, [(SQUARES, np.array([1, 2]), 1e-3)],
                                "an array of integers cannot hold x + h", rtol=1e-6, atol=1e-6)),
    )),
    Exercise("15.2", "complex_gradient", "complex steps in each coordinate", (
        ("squares", agree(complex_gradient, lambda d: _points(d, SQUARES), rtol=1e-12, atol=1e-14)),
        ("to the last digit", agree(complex_gradient, lambda d: _points(d, WAVES, FIRST_BY_LAST),
                                    "a difference is never that exact", rtol=1e-12, atol=1e-14)),
    )),
    Exercise("15.3", "agreement", "do two arrays of slopes agree?", (
        ("large errors", agree(agreement, lambda d: _slopes(d, (1,), (4,), (2, 3), off=0.1))),
        ("errors within the tolerance", agree(agreement, lambda d: _slopes(d, (1,), (2, 3), off=1e-7))),
        ("slopes near zero", agree(agreement, [
            (np.array([0.0]), np.array([5e-8]), 1e-7, 1e-5), (np.array([1e-8]), np.array([-1e-8]), 1e-7, 1e-5),
            (np.array([2e-7, 0.0]), np.array([0.0, 2e-7]), 1e-7, 1e-5)], "near zero, the absolute tolerance counts")),
        ("either may be the larger one", agree(agreement, [
            (np.array([1.0]), np.array([2.0]), 0.0, 0.5), (np.array([2.0]), np.array([1.0]), 0.0, 0.5),
            (np.array([-2.0]), np.array([-1.0]), 0.0, 0.5)])),
        ("NaN", agree(agreement, [
            (np.array([1.0, np.nan]), np.array([1.0, 1.0]), 1e-7, 1e-5),
            (np.array([[1.0], [np.nan]]), np.array([[np.nan], [np.nan]]), 1e-7, 1e-5)],
            "a comparison with NaN is False, whichever way round it is written")),
    )),
    Exercise("15.4", "directional_error", "check a gradient along one direction", (
        ("right gradients", agree(directional_error, lambda d: _directions(d, 1.0, 0.0), rtol=1e-6)),
        ("wrong gradients", agree(directional_error, lambda d: _directions(d, 1.0, 0.5), rtol=1e-6)),
        ("directions of any length", agree(directional_error, lambda d: [
            (CUBES, 3 * x * x, x, 100.0 * d, h) for _, _, x, d, h in _directions(d, 1.0, 0.0)],
            "a direction is made a unit vector first", rtol=1e-3)),
        ("slopes of zero", agree(directional_error, [(SQUARES, np.zeros(2), np.zeros(2), np.ones(2), 1e-3)])),
    )),
    Exercise("15.5", "pooling_tests", "tests that catch the classic bugs of max pooling", tuple(
        (f"catches {name.partition(': ')[2]}", _catches(name)) for name in ZOO if name.startswith("max_pool2d: ")
    )),
]  # fmt: skip
