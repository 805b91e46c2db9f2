"""Chapter 4, the engine from zero."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from minicnn.autograd.function import Function
from minicnn.exercises.engine import gradients
from minicnn.exercises.exercise import Draw, Exercise, agree, shown
from minicnn.ops.creation import tensor
from minicnn.tensor import Tensor
from minicnn.testing.gradcheck import gradgradcheck, gradient_report

Array = Any
Inputs = dict[str, list[str]]


def by_hand(a: float, b: float, c: float) -> tuple[float, ...]:
    """L = (a·b + c)·b and its three slopes."""
    return (a * b + c) * b, b * b, 2 * a * b + c, b


def logsumexp_rule(g: Array, x: Array) -> Array:
    """(N,), (N, K) → (N, K)."""
    return gradients(lambda x: x.logsumexp(1), g, x)[0]


def take_rule(g: Array, index: Array, size: int) -> Array:
    """g like index → (size,)."""
    return gradients(lambda x: x[tensor(index)], g, np.zeros(size))[0]


def _numbers(draw: Draw, count: int) -> Iterator[tuple[float, ...]]:
    for _ in range(count):
        yield tuple(draw.integers(-5, 6, 3).astype(float).tolist())


def _rows(draw: Draw, *sizes: tuple[int, int]) -> Iterator[tuple[Array, Array]]:
    for n, k in sizes:
        yield 1 + np.arange(float(n)), np.round(draw.normal(size=(n, k)), 2)


def _picks(draw: Draw, *sizes: tuple[int, int], low: int = 0) -> Iterator[tuple[Array, Array, int]]:
    for picks, size in sizes:
        yield 1 + np.arange(float(picks)), draw.integers(low * size, size, picks), size


DIAMOND: Inputs = {"x": [], "a": ["x"], "b": ["x", "a"], "L": ["a", "b"]}
LINE: Inputs = {"x": [], "u": ["x"], "v": ["u"], "L": ["v"]}
LADDER: Inputs = {f"s{n}": [f"s{n - 1}"] * 2 if n else [] for n in range(3000)}


def _order(answer: Any, inputs: Inputs, result: str, wanted: set[str]) -> str:
    """What is wrong with the order of an answer."""
    called = f"called with  inputs = {shown(inputs)}, result = {result!r}\n"
    found = answer({name: list(made) for name, made in inputs.items()}, result)
    if found is None:
        return called + "returned None: the starter is still to be filled"
    found = list(found)
    if len(found) != len(set(found)) or set(found) != wanted:
        return called + f"got          {shown(found)}\nhint         each name that counts, once"
    place = {name: position for position, name in enumerate(found)}
    for name in found:
        for source in inputs[name]:
            if place[source] < place[name]:
                return called + f"got          {shown(found)}\n{source} is visited before {name}, which still has to " \
                                f"tell it its gradient"  # fmt: skip
    return ""


def _applied(answer: Any, x: Tensor) -> Tensor:
    if not (isinstance(answer, type) and issubclass(answer, Function) and "forward" in dir(answer)):
        raise TypeError(f"a subclass of Function with a forward is asked for, not {answer!r}")
    found = answer.apply(x)
    if not isinstance(found, Tensor):
        raise TypeError(f"forward gives an array of x's shape, not {found!r}")
    return found


def _swish_values(answer: Any, draw: Draw) -> str:
    for values in (np.zeros(1), np.round(draw.normal(size=4) * 3, 2), np.array([[-800.0, 30.0]])):
        with np.errstate(over="ignore"):
            found, right = _applied(answer, tensor(values)).numpy(), values / (1 + np.exp(-values))
        if found.shape != right.shape or not np.allclose(found, right):
            return f"of {shown(values)}\nexpected     {shown(right)}\ngot          {shown(found)}"
    return ""


def _swish_slopes(answer: Any, draw: Draw) -> str:
    point = tensor(draw.normal(size=(2, 3)))
    _applied(answer, point)
    return gradient_report(answer.apply, point).problem


def _swish_bends(answer: Any, draw: Draw) -> str:
    problem = _swish_slopes(answer, draw)
    if problem:
        return problem
    gradgradcheck(answer.apply, tensor(draw.normal(size=(2, 3))))  # raises, with words
    return ""


EXERCISES = [
    Exercise("4.1", "by_hand", "the slopes of (a·b + c)·b", (
        ("c is 0", agree(by_hand, [(1.0, 1.0, 0.0), (2.0, 3.0, 0.0)], "b is used twice")),
        ("a is 0", agree(by_hand, [(0.0, 2.0, 1.0), (0.0, 3.0, -2.0)], "b is used twice")),
        ("any numbers", agree(by_hand, lambda d: _numbers(d, 5))),
    )),
    Exercise("4.2", "backward_order", "in which order backward visits what a result was made from", (
        ("a line", lambda a, _: _order(a, LINE, "L", set(LINE))),
        ("two ways", lambda a, _: _order(a, DIAMOND, "L", set(DIAMOND))),
        ("what the result was not made from", lambda a, _: _order(a, DIAMOND, "b", {"x", "a", "b"})),
        ("many ways", lambda a, _: _order(a, dict(list(LADDER.items())[:18]), "s17", set(list(LADDER)[:18]))),
        ("deep", lambda a, _: _order(a, LADDER, "s2999", set(LADDER))),
    )),
    Exercise("4.3", "logsumexp_rule", "the rule of a logarithm of a sum of exponentials", (
        ("one row", agree(logsumexp_rule, lambda d: _rows(d, (1, 1), (1, 3)))),
        ("rows", agree(logsumexp_rule, lambda d: _rows(d, (2, 2), (4, 3)), "each row has its own g")),
        ("large numbers", agree(logsumexp_rule, [(np.ones(1), np.array([[1000.0, 999.0]])),
                                                 (np.ones(2), np.array([[-1000.0, -1001.0], [0.0, 800.0]]))],
                                "e to the 1000 is infinite; does a constant that is taken off x change anything?")),
    )),
    Exercise("4.4", "take_rule", "the rule of taking by positions", (
        ("positions that differ", agree(take_rule, [(np.array([5.0]), np.array([0]), 1),
                                                    (np.array([1.0, 2.0]), np.array([2, 0]), 3)])),
        ("positions that repeat", agree(take_rule, [(np.array([1.0, 2.0]), np.array([0, 0]), 1),
                                                    (np.array([1.0, 2.0, 3.0]), np.array([1, 0, 1]), 3)],
                                        "what is taken twice hears twice")),
        ("negative positions", agree(take_rule, lambda d: _picks(d, (2, 2), (6, 4), low=-1))),
    )),
    Exercise("4.5", "Swish", "x · sigmoid(x) as an operation of the engine's", (
        ("values", _swish_values),
        ("gradient", _swish_slopes),
        ("gradient of the gradient", _swish_bends),
    )),
]  # fmt: skip
