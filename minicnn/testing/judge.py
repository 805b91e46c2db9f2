"""One test of a student's operation: calls are drawn until one shows a difference, which is made as small as can be."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

import minicnn as mc
from minicnn.errors import GradientError, MinicnnError
from minicnn.tensor import Tensor
from minicnn.testing.drawing import drawn
from minicnn.testing.sandbox.process import LimitError, StudentError
from minicnn.testing.sandbox.remote import Sandbox
from minicnn.testing.student import Student, plain

Array = Any
Change = Callable[[Array], Array]


@dataclass(frozen=True)
class Result:
    """One test: what was tested, whether it passed, and the smallest example that does not.

    Attributes:
        test: what was tested.
        passed: whether no example differed.
        why: the smallest that did, its inputs drawn as arrays, with what was expected and what came.
    """

    test: str
    passed: bool
    why: str = ""

    @property
    def score(self) -> float:
        """1.0 or 0.0."""
        return float(self.passed)


ORDERS: dict[str, Change] = {
    "Fortran": np.asfortranarray,
    "reversed": lambda a: a[(slice(None, None, -1),) * a.ndim].copy()[(slice(None, None, -1),) * a.ndim],
    "strided": lambda a: np.repeat(a, 2, axis=-1)[..., ::2] if a.ndim else a,
}
EDGES: dict[str, Change] = {
    "large values": lambda a: a * 1000,  # exp overflows
    "equal values": lambda a: np.full_like(a, -1.0),  # ties, and nothing above zero
    "empty batch": lambda a: a[:0],
}
"""What becomes of the input in the tests of edge cases."""
GROUPS = {"gradients": "gradient of ", "options": "option", "memory orders": "memory order: ",
          "edge cases": "edge case: "}  # fmt: skip
"""What several tests are called together, and how their names begin."""

_NOT_GRADED = {"size_average", "reduce", "return_indices", "inplace", "sparse", "_stacklevel", "dtype"}


@dataclass(frozen=True)
class Condition:
    """What a test is about: calls have default options but for ``option``, or all as drawn, ``together``.

    Attributes:
        gradients: compare these, too.
        only: compare nothing but what has this name.
        order: of the inputs in memory.
        edge: what becomes of the first input.
    """

    gradients: bool = True
    only: str | None = None
    option: str | None = None
    together: bool = False
    order: Change | None = None
    edge: Change | None = None


_PLAIN = Condition()


class Judge:
    """Tests ``student`` with ``examples`` drawn calls, of those for which ``where`` holds."""

    def __init__(self, student: Student, examples: int, rtol: float, atol: float,
                 where: Callable[[Any], bool] | None, box: Sandbox | None) -> None:  # fmt: skip
        self.student, self.examples, self.rtol, self.atol = student, examples, rtol, atol
        self.where, self.box = where, box

    def test(self, name: str, condition: Condition) -> Result:
        """One property, over drawn calls."""
        seen: dict[str, str] = {}
        stopped = False

        def fails(drawn_call: Any) -> bool:
            nonlocal stopped
            call = self.asked(drawn_call, condition)
            if call is None or stopped or repr(call) in seen:
                return repr(call) in seen
            try:
                why = self._difference(call, condition)
            except LimitError as error:
                stopped = True  # met while an example is made smaller, a limit says nothing new
                why = "" if seen else str(error)
            if why:
                seen[repr(call)] = _shown(self.student.tensors, call, why)
            return bool(why)

        if self.box is not None:
            self.box.begin()
        smallest = _found(self.student.operation, fails, self.examples)
        if smallest is None:
            return Result(name, True)
        return Result(name, False, seen[repr(self.asked(smallest, condition))])

    def asked(self, call: Any, condition: Condition) -> Any:
        """The call with the options that a test wants; None where it has nothing to say to that test."""
        option = condition.option
        wanted = {n: v for n, v in call.options.items() if n not in _NOT_GRADED}
        kept = {n: plain(n, v) for n, v in wanted.items() if condition.together or n == option or self._required(n)}
        if option is not None and kept[option] == self.student.signature.parameters[option].default:
            return None
        inputs = list(call.inputs)
        if condition.edge is not None:
            first = next((i for i, x in enumerate(inputs) if x is not None and x.is_floating_point()), None)
            if first is None:
                return None
            inputs[first] = mc.from_numpy(np.array(condition.edge(inputs[first].numpy())))
        asked = type(call)(call.operation, tuple(inputs), kept)
        return None if self.where is not None and not self.where(asked) else asked

    def _required(self, name: str) -> bool:
        parameter = self.student.signature.parameters[name]
        given = parameter.default is parameter.empty or name == "dim"  # whose default, a guess, is deprecated
        return given or name in self.student.tensors

    def expected(self, call: Any, gradients: bool) -> dict[str, Array] | None:
        """What the engine gives; None where it refuses the call."""
        tensors, rest = self.student.arguments(*call.inputs, **call.options)
        try:
            return self._run(self.student.engine, tensors, rest, None, gradients)
        except MinicnnError:
            return None

    def _given(self, call: Any, order: Change | None, gradients: bool) -> dict[str, Array] | str:
        """What the student gives; or what went wrong. Errors: LimitError."""
        tensors, rest = self.student.arguments(*call.inputs, **call.options)
        try:
            with np.errstate(all="ignore"):
                return self._run(self.student.run, tensors, rest, order, gradients)
        except LimitError:
            raise
        except StudentError as error:
            return f"raised {error}"
        except Exception as error:  # a student's code may raise anything
            return f"raised {type(error).__name__}: {error}"

    def _difference(self, call: Any, condition: Condition) -> str:
        """How the student differs from the engine; empty where it does not, or the engine refuses the call."""
        expected = self.expected(call, condition.gradients)
        if expected is None:
            return ""
        found = self._given(call, condition.order, condition.gradients)
        if isinstance(found, str):
            return found
        for name, value in expected.items():
            looked_at = condition.only in (None, name)
            if looked_at and not self._same(found.get(name), value) and not self._known(name, call, condition):
                return f"{drawn(f'expected {name}', value)}\n{drawn('got', found.get(name))}"
        return ""

    def _same(self, mine: Array | None, value: Array) -> bool:
        return mine is not None and mine.shape == value.shape and np.allclose(mine, value, self.rtol, self.atol,
                                                                              equal_nan=True)  # fmt: skip

    def _known(self, name: str, call: Any, condition: Condition) -> bool:
        """Whether a gradient is wrong without what the test is about, too: then it costs its own test only."""
        if name == "result" or condition.only is not None:
            return False
        base = type(call)(call.operation, call.inputs, {n: v for n, v in call.options.items() if self._required(n)})
        expected = self.expected(base, True)
        if expected is None:
            return False
        found = self._given(base, None, True)
        return isinstance(found, str) or not self._same(found.get(name), expected[name])

    def _run(self, run: Callable[..., Any], tensors: list[Any], options: dict[str, Any], order: Change | None,
             gradients: bool) -> dict[str, Array]:  # fmt: skip
        copies: list[Tensor | None] = []
        for t in tensors:
            copy = t if t is None else mc.from_numpy((order or np.copy)(t.numpy().copy()))
            leaf = copy is not None and copy.is_floating_point() and gradients
            copies.append(copy.requires_grad_() if copy is not None and leaf else copy)
        given = [None if c is None else c.detach().numpy().copy() for c in copies]
        out = run(copies, options)
        found = {"result": out.detach().numpy()}
        for name, copy, before in zip(self.student.tensors, copies, given, strict=True):
            if copy is None or before is None or name.startswith("running"):  # running statistics are there to change
                continue
            if not np.array_equal(copy.detach().numpy(), before):
                raise GradientError(f"the input {name} was changed")
        if gradients:
            leaves = [(n, c) for n, c in zip(self.student.tensors, copies, strict=True)
                      if c is not None and c.requires_grad and not n.startswith("running")]
            seed = mc.from_numpy(np.random.default_rng(0).standard_normal(tuple(out.shape)))
            slopes = mc.grad(out, [c for _, c in leaves], seed, allow_unused=True)
            found |= {f"gradient of {n}": g.numpy() for (n, _), g in zip(leaves, slopes, strict=True) if g is not None}
        return found


@cache
def conditions(operation: str) -> dict[str, Condition]:
    """All tests of an operation, by name."""
    engine = Judge(Student(operation, None), 0, 0, 0, None, None)
    found = {"values": Condition(gradients=False)}
    found |= {name: Condition(only=name) for name in _slopes(engine)}
    found |= {f"option {name}": Condition(option=name) for name in _options(engine)}
    found["options together"] = Condition(together=True)
    found |= {f"memory order: {name}": Condition(order=order) for name, order in ORDERS.items()}
    return found | {f"edge case: {name}": Condition(edge=edge, gradients=name != "large values")
                    for name, edge in EDGES.items() if _takes(engine, edge)}


def _options(engine: Judge) -> list[str]:
    """The options that calls of the operation vary."""
    student = engine.student
    call = _found(student.operation, lambda _: True, 1)
    return [n for n in call.options if n not in _NOT_GRADED and n not in student.tensors and n != "dim"
            and student.signature.parameters[n].default is not student.signature.empty]


def _slopes(engine: Judge) -> list[str]:
    """What gradients the engine has."""
    found: dict[str, None] = {}

    def look(drawn_call: Any) -> bool:
        found.update(dict.fromkeys(engine.expected(engine.asked(drawn_call, _PLAIN), True) or {}))
        return False

    _found(engine.student.operation, look, 20)
    names = [f"gradient of {name}" for name in engine.student.tensors]
    return [name for name in names if name in found]


def _takes(engine: Judge, edge: Change) -> bool:
    """Whether the engine itself computes something for such an input."""

    def accepted(drawn_call: Any) -> bool:
        call = engine.asked(drawn_call, Condition(edge=edge))
        return call is not None and engine.expected(call, False) is not None

    return _found(engine.student.operation, accepted, 20) is not None


def _found(operation: str, condition: Callable[[Any], bool], examples: int) -> Any:
    """The smallest call for which the condition holds, or None; the same one each time."""
    from hypothesis import HealthCheck, Phase, find, settings
    from hypothesis.errors import NoSuchExample

    from minicnn.testing import strategies

    chosen = settings(max_examples=examples, derandomize=True, database=None, deadline=None,
                      phases=(Phase.generate, Phase.shrink), suppress_health_check=list(HealthCheck))
    try:
        return find(strategies.calls(operation), condition, settings=chosen)
    except NoSuchExample:
        return None


def _shown(names: list[str], call: Any, why: str) -> str:
    inputs = [drawn(n, x.numpy()) for n, x in zip(names, call.inputs, strict=False) if x is not None]
    options = ", ".join(f"{n}={v!r}" for n, v in call.options.items())
    return "\n".join([*inputs, *([f"options {options}"] if options else []), why])
