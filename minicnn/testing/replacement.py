"""A student's operations inside of any model, with the engine looking over their shoulder if asked to."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

import minicnn as mc
import minicnn.nn.functional as F
from minicnn.autograd.function import Function
from minicnn.autograd.mode import mode
from minicnn.autograd.watch import Watch
from minicnn.errors import GradientError
from minicnn.tensor import Tensor
from minicnn.testing.recording import host
from minicnn.testing.student import Student


class OracleError(GradientError, AssertionError):
    """A replaced operation that gave something else than the engine's."""


@contextmanager
def use(*, oracle: bool = False, rtol: float = 1e-4, atol: float = 1e-5, **operations: Any) -> Iterator[None]:
    """Within this context functions of ``mc.nn.functional``, and the layers that use them, are the given ones.

    Args:
        oracle: compare every call's result and gradients with the engine's, and stop at the first difference.
        rtol, atol: of that comparison.
        operations: for each name what replaces it: ``conv2d=(forward, backward)`` for NumPy functions, or a subclass of
            Function, or a function of tensors. See ``check``.

    Raises:
        UnknownNameError: no such operation. OracleError: with ``oracle``, a difference; it names the operation, the
            layer, and the step (how many times the model had been called).

    Example:
        >>> with mc.use(relu=lambda x: x * (x > 0)):
        ...     mc.nn.ReLU()(mc.tensor([-1.0, 2.0]))
        tensor([-0., 2.])
    """
    students = {name: Student(name, *(given if isinstance(given, tuple) else (given,)))
                for name, given in operations.items()}
    places = _Places()
    before = mode.watch
    for name, student in students.items():
        setattr(F, name, _replaced(student, _Oracle(places, rtol, atol) if oracle else None))
    if oracle:
        mode.watch = places
    try:
        yield
    finally:
        mode.watch = before
        for name, student in students.items():
            setattr(F, name, student.right)


class _Places(Watch):
    """Which layer runs, and how many times the model has been called."""

    step = 0

    def enter(self, module: Any) -> None:
        self.step += not self.layers
        super().enter(module)


class _Oracle:
    def __init__(self, places: _Places, rtol: float, atol: float) -> None:
        self.places, self.rtol, self.atol = places, rtol, atol

    def compare(self, what: str, place: str, mine: np.ndarray[Any, Any], right: np.ndarray[Any, Any]) -> None:
        """Errors: OracleError where the two differ."""
        if mine.shape != right.shape:
            raise OracleError(f"{what} has another shape than the engine's in {place}", got=mine.shape,
                              rule=f"{right.shape}")
        wrong = ~np.isclose(mine, right, self.rtol, self.atol, equal_nan=True)
        if wrong.any():
            index = tuple(int(i) for i in np.argwhere(wrong)[0])
            raise OracleError(f"{what} differs from the engine's in {place}",
                              got=f"{mine[index]:.8g} at {list(index)}, and {int(wrong.sum())} of {wrong.size} differ",
                              rule=f"the engine has {right[index]:.8g} there")


def _replaced(student: Student, oracle: _Oracle | None) -> Any:
    @functools.wraps(student.right)
    def call(*args: Any, **options: Any) -> Any:
        tensors, rest = student.arguments(*args, **options)
        if oracle is None:
            return student.run(tensors, rest)
        place = f"{oracle.places.place}, step {oracle.places.step}"
        return _judged(student, oracle, rest, place).apply(*tensors)

    return call


def _judged(student: Student, oracle: _Oracle, options: dict[str, Any], place: str) -> type[Function]:
    """One call as an operation that runs both, forward and backward, and gives the student's result."""

    class Judged(Function):
        name = f"your {student.operation}"

        @staticmethod
        def forward(ctx: Any, *tensors: Any) -> Tensor:
            ctx.pairs = []
            for run in (student.engine, student.run):
                leaves = [_leaf(t, need) for t, need in zip(tensors, ctx.needs or (False,) * len(tensors), strict=True)]
                with mc.enable_grad():
                    own = [t if n.startswith("running") and run == student.run else leaf
                           for n, t, leaf in zip(student.tensors, tensors, leaves, strict=True)]
                    ctx.pairs.append((leaves, run(own, options)))
            (_, right), (_, mine) = ctx.pairs
            oracle.compare(f"{student.operation}: the result", place, host(mine), host(right))
            return mine.detach()

        @staticmethod
        def backward(ctx: Any, g: Tensor) -> tuple[Tensor | None, ...]:
            (right, mine) = (_slopes(leaves, out, g) for leaves, out in ctx.pairs)
            for name, a, b in zip(student.tensors, mine, right, strict=True):
                if b is not None:
                    a_host = np.zeros(tuple(b.shape)) if a is None else host(a)
                    oracle.compare(f"{student.operation}: the gradient of {name}", place, a_host, host(b))
            return tuple(mine)

    return Judged


def _leaf(t: Any, need: bool) -> Any:
    return t if t is None else t.detach().clone().requires_grad_(need)


def _slopes(leaves: list[Any], out: Tensor, g: Tensor) -> list[Tensor | None]:
    wanted = [leaf for leaf in leaves if leaf is not None and leaf.requires_grad]
    if not wanted or not out.requires_grad:
        return [None] * len(leaves)
    with mc.enable_grad():
        found = iter(mc.grad(out, wanted, g, allow_unused=True))
    return [next(found) if leaf is not None and leaf.requires_grad else None for leaf in leaves]
