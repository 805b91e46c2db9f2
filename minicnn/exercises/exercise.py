"""What an exercise is: a task, and tests that each judge an answer on examples, the smallest first."""

from __future__ import annotations

import copy
import inspect
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from minicnn.errors import OptionError
from minicnn.tensor import Tensor
from minicnn.testing.conformance import Conformance, Result

Draw = np.random.Generator
Cases = Iterable[tuple[Any, ...]]
Judge = Callable[[Any, Draw], str]
"""Given an answer and random numbers to draw examples from: what is wrong with it, or "" where nothing is."""


@dataclass(frozen=True)
class Exercise:
    """A task of the book and its tests.

    Attributes:
        number: chapter and place, such as "1.2".
        name: of the function (or value) that is asked for; the chapter's starter and the solution call it so.
        task: what it does, in a sentence.
        tests: what is tested and who judges it, from the simplest on.
    """

    number: str
    name: str
    task: str
    tests: tuple[tuple[str, Judge], ...]

    def check(self, answer: Any, seed: int = 0) -> Conformance:
        """Each test's result, with the smallest example that fails; other examples with another ``seed``."""
        results = tuple(self.test(position, answer, seed) for position in range(len(self.tests)))
        return Conformance(f"exercise {self.number}, {self.name}", results)

    def test(self, position: int, answer: Any, seed: int = 0) -> Result:
        """The result of one test."""
        name, judge = self.tests[position]
        why = _judged(judge, answer, np.random.default_rng([seed, position]))
        return Result(name, not why, why)


def agree(
    reference: Callable[..., Any], cases: Cases | Callable[[Draw], Cases], hint: str = "", *, rtol: float = 1e-9,
    atol: float = 1e-9,
) -> Judge:  # fmt: skip
    """A judge of functions: does the answer give what ``reference`` gives?

    Args:
        reference: the solution.
        cases: arguments, smallest first, or a function that draws them: the first that fails is shown.
        hint: said with a failure; it leads, and does not tell the answer.
        rtol, atol: of the comparison.
    """
    names = list(inspect.signature(reference).parameters)

    def judge(answer: Any, draw: Draw) -> str:
        if not callable(answer):
            return f"a function is asked for, not {shown(answer)}"
        for given in cases(draw) if callable(cases) else cases:
            expected, mine = reference(*copy.deepcopy(given)), copy.deepcopy(given)
            called = "called with  " + ", ".join(f"{n} = {shown(v)}" for n, v in zip(names, given, strict=False))
            found, problem = _call(answer, mine)
            problem = problem or differs(found, expected, rtol, atol)
            if not problem and differs(mine, given, 0, 0):
                problem = "the arguments were changed: work on a copy"
            if problem:
                return "\n".join([called, problem, *([f"hint         {hint}"] if hint else [])])
        return ""

    return judge


def differs(found: Any, expected: Any, rtol: float = 1e-9, atol: float = 1e-9) -> str:
    """How ``found`` differs from ``expected``, numbers, arrays, tensors, tuples or dicts of them; "" if it does not."""
    if found is None and expected is not None:
        return "returned None: the starter is still to be filled"
    if isinstance(expected, tuple):
        same = isinstance(found, tuple | list) and len(found) == len(expected) and not any(
            differs(f, e, rtol, atol) for f, e in zip(found, expected, strict=True))  # fmt: skip
    elif isinstance(expected, dict):
        same = isinstance(found, dict) and list(found) == list(expected) and not any(
            differs(found[key], value, rtol, atol) for key, value in expected.items())  # fmt: skip
    elif isinstance(expected, str | bool | None) or callable(expected) or _words(expected):
        same = found == expected
    else:
        try:
            mine, right = (np.asarray(plain(v), dtype=float) for v in (found, expected))
        except (TypeError, ValueError):
            return f"expected     {shown(expected)}\ngot          {shown(found)}"
        if mine.shape != right.shape:
            return (f"expected     shape {right.shape}: {shown(expected)}\n"
                    f"got          shape {mine.shape}: {shown(found)}")
        same = np.allclose(mine, right, rtol, atol, equal_nan=True)
    return "" if same else f"expected     {shown(expected)}\ngot          {shown(found)}"


def _words(value: Any) -> bool:
    return isinstance(value, list) and (not value or any(isinstance(item, str) for item in value))


def plain(value: Any) -> Any:
    """A tensor as an array; anything else as it is."""
    return value.detach().numpy() if isinstance(value, Tensor) else value


def shown(value: Any) -> str:
    """A value for a message: small arrays whole, large ones by their shape."""
    if isinstance(value, tuple):
        return f"({', '.join(map(shown, value))})"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key!r}: {shown(item)}" for key, item in value.items()) + "}"
    array = plain(value)
    if not isinstance(array, np.ndarray):
        return repr(value)[:200]
    if array.size > 40:
        return f"an array {array.shape}"
    whole = array.dtype.kind == "f" and np.isfinite(array).all() and (array == array.round()).all()
    return str(array.astype(int).tolist() if whole else np.round(array, 6).tolist())


def _call(answer: Callable[..., Any], given: tuple[Any, ...]) -> tuple[Any, str]:
    """What the answer returns, and what went wrong."""
    try:
        return answer(*given), ""
    except NotImplementedError:
        return None, "the starter is still to be filled"
    except Exception as error:  # an answer may raise anything
        return None, f"raised       {type(error).__name__}: {error}"


def _judged(judge: Judge, answer: Any, draw: Draw) -> str:
    if answer is None or answer is ...:
        return "there is no answer yet"
    try:
        return judge(answer, draw)
    except Exception as error:  # a value of an unforeseen kind is a wrong answer, not the check's end
        return f"raised       {type(error).__name__}: {error}"


def found_in(exercises: Iterable[Exercise], number: str) -> Exercise:
    """The exercise of that number. Errors: OptionError, with the numbers that there are."""
    known = {e.number: e for e in exercises}
    if number not in known:
        raise OptionError("exercises: no such exercise", got=repr(number), rule=f"one of {', '.join(known)}",
                          hint="print(exercises.catalogue())")
    return known[number]
