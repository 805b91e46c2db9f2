"""Does a student's operation do what the engine's does? Each property is a test with a smallest failing example."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

import minicnn as mc
from minicnn.errors import GradientError, MinicnnError
from minicnn.tensor import Tensor
from minicnn.testing.student import Student

Order = Callable[[np.ndarray[Any, Any]], np.ndarray[Any, Any]]

RANDOM = frozenset({"dropout", "dropout1d", "dropout2d", "dropout3d", "alpha_dropout", "feature_alpha_dropout", "rrelu",
                    "gumbel_softmax"})  # fmt: skip
"""Operations that draw: another implementation draws otherwise, so there is nothing to compare."""


@dataclass(frozen=True)
class Result:
    """One test: what was tested, whether it passed, and the smallest example that does not."""

    test: str
    passed: bool
    why: str = ""


@dataclass(frozen=True)
class Conformance:
    """What ``check`` found: ``results``, a score a test.

    Attributes:
        operation: the operation's name.
        results: each test's.
    """

    operation: str
    results: tuple[Result, ...]

    @property
    def score(self) -> float:
        """The share of tests that pass, from 0 to 1."""
        return sum(r.passed for r in self.results) / len(self.results)

    def __str__(self) -> str:
        lines = [f"{self.operation}: {sum(r.passed for r in self.results)} of {len(self.results)} tests pass"]
        for r in self.results:
            lines.append(f"  {'pass' if r.passed else 'FAIL'}  {r.test}")
            lines += [f"        {line}" for line in r.why.splitlines()]
        return "\n".join(lines)


def check(
    operation: str, forward: Any, backward: Callable[..., Any] | None = None, *, examples: int = 100,
    rtol: float = 1e-6, atol: float = 1e-8,
) -> Conformance:  # fmt: skip
    """Test an implementation of ``operation``, any of ``mc.nn.functional``, against the engine's, in float64.

    Tested are values, the gradient of each input, each option alone, all options together, memory orders, and that the
    inputs are left as they were. ``check_conv2d(forward, backward)`` is ``check("conv2d", forward, backward)``.

    Args:
        operation: its name.
        forward, backward: NumPy functions ``forward(x, …) -> (out, cache)`` and ``backward(dout, cache) -> (dx, …)``;
            or for ``forward`` alone a subclass of Function, or a function of tensors. See ``Student``.
        examples: how many calls are drawn for each test.
        rtol, atol: of the comparison.

    Raises:
        UnknownNameError: no such operation, or one that draws random numbers. MissingPackageError without hypothesis.
    """
    from minicnn.testing import strategies

    student = Student(operation, forward, backward)
    offered = {n: s for n, s in strategies.OPERATIONS.items() if n not in RANDOM}
    if operation not in offered:
        if operation not in RANDOM:
            strategies.calls(operation)  # which says what there is
        raise GradientError(f"check: {operation} draws random numbers", rule="two implementations draw differently")
    judge = _Judge(student, examples, rtol, atol)
    results = [judge.test("values", gradients=False), judge.test("gradients")]
    results += [judge.test(f"option {name}", option=name) for name in _options(student)]
    results.append(judge.test("options together", together=True))
    results += [judge.test(f"memory order: {name}", order=order) for name, order in _ORDERS.items()]
    return Conformance(operation, tuple(results))


_ORDERS: dict[str, Order] = {
    "Fortran": np.asfortranarray,
    "reversed": lambda a: a[(slice(None, None, -1),) * a.ndim].copy()[(slice(None, None, -1),) * a.ndim],
    "strided": lambda a: np.repeat(a, 2, axis=-1)[..., ::2] if a.ndim else a,
}

_NOT_GRADED = {"size_average", "reduce", "return_indices", "inplace", "sparse", "_stacklevel", "dtype"}


def _options(student: Student) -> list[str]:
    """The options that calls of the operation vary."""
    from hypothesis import find, settings

    from minicnn.testing import strategies

    call = find(strategies.calls(student.operation), lambda _: True, settings=settings(database=None))
    return [n for n in call.options if n not in _NOT_GRADED and n not in student.tensors
            and n != "dim" and student.signature.parameters[n].default is not student.signature.empty]


def _plain(name: str, value: Any) -> Any:
    """A pair of equal numbers as one number, where either will do."""
    pairs = ("kernel_size", "stride", "padding", "dilation", "output_padding")
    return value[0] if name in pairs and isinstance(value, tuple) and len(set(value)) == 1 else value


class _Judge:
    def __init__(self, student: Student, examples: int, rtol: float, atol: float) -> None:
        self.student, self.examples, self.rtol, self.atol = student, examples, rtol, atol

    def test(self, name: str, *, gradients: bool = True, option: str | None = None, together: bool = False,
             order: Order | None = None) -> Result:  # fmt: skip
        """One property, over drawn calls whose options are default but for ``option``, or all as drawn."""
        from hypothesis import HealthCheck, Phase, find, settings
        from hypothesis.errors import NoSuchExample

        from minicnn.testing import strategies

        def kept(call: Any) -> dict[str, Any]:
            wanted = {n: v for n, v in call.options.items() if n not in _NOT_GRADED}
            return {n: _plain(n, v) for n, v in wanted.items() if together or n == option or self._required(n)}

        def fails(call: Any) -> bool:
            options = kept(call)
            if option is not None and options[option] == self.student.signature.parameters[option].default:
                return False
            return bool(self._difference(call.inputs, options, gradients, order))

        chosen = settings(max_examples=self.examples, derandomize=True, database=None, deadline=None,
                          phases=(Phase.generate, Phase.shrink), suppress_health_check=list(HealthCheck))
        try:
            call = find(strategies.calls(self.student.operation), fails, settings=chosen)
        except NoSuchExample:
            return Result(name, True)
        why = self._difference(call.inputs, kept(call), gradients, order)
        shown = [f"{n} = {x}" for n, x in zip(self.student.tensors, call.inputs, strict=False) if x is not None]
        return Result(name, False, "\n".join([*shown, f"options {kept(call)}", why]))

    def _required(self, name: str) -> bool:
        parameter = self.student.signature.parameters[name]
        given = parameter.default is parameter.empty or name == "dim"  # whose default, a guess, is deprecated
        return given or name in self.student.tensors

    def _difference(
        self, inputs: tuple[Any, ...], options: dict[str, Any], gradients: bool, order: Order | None
    ) -> str:
        """How the student differs from the engine; empty where it does not, or the engine refuses the call."""
        tensors, rest = self.student.arguments(*inputs, **options)
        try:
            expected = self._run(self.student.engine, tensors, rest, None, gradients)
        except MinicnnError:
            return ""
        try:
            found = self._run(self.student.run, tensors, rest, order, gradients)
        except Exception as error:  # a student's code may raise anything
            return f"raised {type(error).__name__}: {error}"
        for name, value in expected.items():
            mine = found.get(name)
            if mine is None or mine.shape != value.shape or not np.allclose(mine, value, self.rtol, self.atol,
                                                                            equal_nan=True):  # fmt: skip
                return f"{name}\nexpected {value.tolist()}\ngot      {None if mine is None else mine.tolist()}"
        return ""

    def _run(self, run: Callable[..., Any], tensors: list[Any], options: dict[str, Any], order: Order | None,
             gradients: bool) -> dict[str, np.ndarray[Any, Any]]:  # fmt: skip
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
