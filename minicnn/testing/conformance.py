"""Does a student's operation do what the engine's does? Each property is a test with a smallest failing example."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any

from minicnn.errors import GradientError, OptionError
from minicnn.testing.judge import GROUPS, Judge, Result, conditions
from minicnn.testing.sandbox.remote import Remote, Sandbox
from minicnn.testing.student import Student

RANDOM = frozenset({"dropout", "dropout1d", "dropout2d", "dropout3d", "alpha_dropout", "feature_alpha_dropout", "rrelu",
                    "gumbel_softmax"})  # fmt: skip
"""Operations that draw: another implementation draws otherwise, so there is nothing to compare."""


class ConformanceError(GradientError, AssertionError):
    """A student's operation that does not do what the engine's does; also an AssertionError, for test suites."""


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
        """The mean of the tests' scores, from 0 to 1."""
        return sum(r.score for r in self.results) / len(self.results)

    def demand(self) -> None:
        """For test suites. Errors: ConformanceError where some test fails, with its smallest example."""
        failed = [r for r in self.results if not r.passed]
        if failed:
            raise ConformanceError(f"{self.operation}: {failed[0].test}: {failed[0].why}",
                                   got=", ".join(r.test for r in failed) + " failed")

    def __str__(self) -> str:
        lines = [f"{self.operation}: {sum(r.passed for r in self.results)} of {len(self.results)} tests pass"]
        for r in self.results:
            lines.append(f"  {'pass' if r.passed else 'FAIL'}  {r.test}")
            lines += [f"        {line}" for line in r.why.splitlines()]
        return "\n".join(lines)


def check(
    operation: str, forward: Any, backward: Any = None, *, examples: int = 100, rtol: float = 1e-6, atol: float = 1e-8,
    tests: Sequence[str] | None = None, where: Callable[[Any], bool] | None = None, time_limit: float | None = None,
    memory_limit: int | None = None,
) -> Conformance:  # fmt: skip
    """Test an implementation of ``operation``, any of ``mc.nn.functional``, against the engine's, in float64.

    Tested are values, the gradient of each input, each option alone, all options together, memory orders, large and
    equal values, an empty batch, and that the inputs are left as they were. A gradient that is wrong with default
    options, too, costs its own test only. ``check_conv2d(forward, backward)`` is
    ``check("conv2d", forward, backward)``.

    Args:
        operation: its name.
        forward, backward: NumPy functions ``forward(x, …) -> (out, cache)`` and ``backward(dout, cache) -> (dx, …)``;
            or for ``forward`` alone a subclass of Function, or a function of tensors. See ``Student``.
        examples: how many calls are drawn for each test.
        rtol, atol: of the comparison.
        tests: the names of those to run, such as "values", "option stride", or groups: "gradients", "options", "memory
            orders", "edge cases"; all where None.
        where: says of a call (``inputs``, ``options``) whether the exercise asks for it:
            ``lambda call: call.options.get("padding") != "same"``.
        time_limit, memory_limit: seconds for all calls of a test, and bytes. With either the code runs in a process of
            its own, and an endless loop, a huge array or a crash costs its test, not the run. See ``Sandbox``.

    Raises:
        UnknownNameError: no such operation, or one that draws random numbers. MissingPackageError without hypothesis.
        OptionError: there are no such ``tests``.

    Example:
        >>> mc.testing.check_relu(lambda x: x * (x > 0), examples=10).score
        1.0
    """
    _require_strategy(operation)
    limits: Any = nullcontext()
    if time_limit is not None or memory_limit is not None:
        given = {_called(f, kind): f for kind, f in (("forward", forward), ("backward", backward)) if f is not None}
        limits = Sandbox(given, time_limit=time_limit, memory_limit=memory_limit)
        forward, backward = limits.pair(*given)
    with limits:
        box = forward.sandbox if isinstance(forward, Remote) else None
        judge = Judge(Student(operation, forward, backward), examples, rtol, atol, where, box)
        known = conditions(operation)
        return Conformance(operation, tuple(judge.test(name, known[name]) for name in test_names(operation, tests)))


def _called(function: Any, kind: str) -> str:
    """What messages call a function of the code."""
    name = getattr(function, "__name__", kind)
    return name if name.isidentifier() else kind


def test_names(operation: str, tests: Sequence[str] | None = None) -> list[str]:
    """The names of the tests of ``check(operation, …, tests=tests)``.

    Example:
        >>> test_names("linear", ["values", "gradients"])
        ['values', 'gradient of input', 'gradient of weight', 'gradient of bias']
    """
    _require_strategy(operation)
    known = list(conditions(operation))
    if tests is None:
        return known
    missing = [name for name in tests if name not in known and name not in GROUPS]
    if missing:
        raise OptionError(f"check: {operation} has no such test", got=", ".join(missing),
                          rule=", ".join([*GROUPS, *known]))
    groups = tuple(GROUPS[t] for t in tests if t in GROUPS)
    return [name for name in known if name in tests or name.startswith(groups)]


def _require_strategy(operation: str) -> None:
    from minicnn.testing import strategies

    if operation in RANDOM:
        raise GradientError(f"check: {operation} draws random numbers", rule="two implementations draw differently")
    strategies.calls(operation)  # which says what there is
