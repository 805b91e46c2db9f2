"""A function along one line through its inputs: what is evaluated at x + t, for one coordinate or a direction."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from minicnn.autograd.function import Function
from minicnn.autograd.mode import mode
from minicnn.autograd.watch import Watch
from minicnn.backend import backend_of
from minicnn.errors import MinicnnError
from minicnn.tensor import Tensor
from minicnn.testing.problem import Problem

Vector = np.ndarray[Any, Any]

_CURVED = 1e-2  # a second difference as large as this share of the first is a kink; of smooth operations it is ~ h
_DUST = 1e-13  # below this share of a value a difference is rounding


@dataclass(frozen=True)
class Kink:
    """Where a function's slope jumps within the step.

    Attributes:
        operation: the operation that has the kink, with its layer.
        index: the element of its result.
        before, after: that element at x − h and at x + h.
        crossing: the operation's input there, at x − h and x + h; None where no input has the result's shape.
        left, right: the one-sided slopes of what was compared.
    """

    operation: str
    index: tuple[int, ...]
    before: float
    after: float
    crossing: tuple[float, float] | None
    left: float
    right: float

    def allows(self, slope: float) -> bool:
        """Whether ``slope`` lies between those on both sides, as any subgradient does."""
        low, high = sorted((self.left, self.right))
        slack = 1e-4 * max(1.0, abs(low), abs(high))
        return low - slack <= slope <= high + slack

    def __str__(self) -> str:
        way = ""
        if self.crossing is not None:
            way = f", where its input goes from {self.crossing[0]:.4g} to {self.crossing[1]:.4g}"
        return (f"a kink lies within the step, in {self.operation} at {list(self.index)}{way}: slope {self.left:.6g} "
                f"on the left, {self.right:.6g} on the right")


class Line:
    """The variables of ``problem`` moved along ``directions``, one array (or None: stays) for each."""

    def __init__(self, problem: Problem, directions: list[Vector | None]) -> None:
        self.problem, self.directions = problem, directions

    @classmethod
    def coordinate(cls, problem: Problem, number: int, index: tuple[int, ...]) -> Line:
        """Along one coordinate of one variable."""
        directions: list[Vector | None] = [None] * len(problem.variables)
        unit = np.zeros(problem.variables[number].host.shape)
        unit[index] = 1.0
        directions[number] = unit
        return cls(problem, directions)

    def values(self, t: float) -> Vector:
        """All results at x + t · direction."""
        moved = [(v, d) for v, d in zip(self.problem.variables, self.directions, strict=True) if d is not None]
        try:
            for variable, direction in moved:
                variable.set(variable.host + t * direction)
            return self.problem.values()
        finally:
            for variable, _ in moved:
                variable.reset()

    def slope(self, h: float) -> Vector:
        """The central difference with step ``h``."""
        return (self.values(h) - self.values(-h)) / (2 * h)

    def kink(self, h: float, cotangent: Vector) -> Kink | None:
        """The first operation, in the order they run, whose result has a kink between −h and h."""
        trails = []
        sides = []
        for t in (-h, 0.0, h):
            trail = _Trail()
            before, mode.watch = mode.watch, trail
            try:
                sides.append(float(cotangent @ self.values(t)))
            finally:
                mode.watch = before
            trails.append(trail.steps)
        if len({len(steps) for steps in trails}) > 1:
            return Kink("the function's own branch", (), sides[0], sides[2], None, (sides[1] - sides[0]) / h,
                        (sides[2] - sides[1]) / h)
        for low, middle, high in zip(*trails, strict=True):
            found = _kinked(low, middle, high, h)
            if found is not None:
                index, crossing = found
                return Kink(middle.name, index, float(low.result[index]), float(high.result[index]), crossing,
                            (sides[1] - sides[0]) / h, (sides[2] - sides[1]) / h)
        return None

    def complex_step(self, cotangent: Vector) -> float | str:
        """The slope by f(x + ih).imag / h, which has no difference to cancel; or why it is not to be had."""
        tiny = 1e-200
        kept = [(v.tensor, v.tensor.array) for v in self.problem.variables]
        try:
            for variable, direction in zip(self.problem.variables, self.directions, strict=True):
                backend = backend_of(variable.tensor.array)
                step = 0.0 if direction is None else direction
                variable.tensor.array = backend.from_numpy(variable.host + 1j * tiny * step)
            with np.errstate(all="ignore"):
                found = self.problem.raw_values()
        except (MinicnnError, TypeError, ValueError) as error:
            return f"not to be had: {str(error).splitlines()[0]}"
        finally:
            for tensor, array in kept:
                tensor.array = array
        if found.dtype.kind != "c":
            return "not to be had: an operation takes real numbers only"
        if not np.allclose(found.real, self.problem.values(), rtol=1e-9, atol=1e-12):
            return "not to be had: the function means something else for complex numbers"
        return float(cotangent @ found.imag / tiny)


@dataclass(frozen=True)
class _Step:
    name: str
    inputs: list[Vector]
    result: Vector


class _Trail(Watch):
    """Every operation's inputs and floating point results, as host copies."""

    def __init__(self) -> None:
        super().__init__()
        self.steps: list[_Step] = []

    def applied(
        self, node: Function, inputs: tuple[Any, ...], arrays: list[Any], options: dict[str, Any],  # noqa: ARG002 (a Watch's form)
        results: tuple[Tensor, ...],
    ) -> None:  # fmt: skip
        name = f"{node.name} of {self.place}" if self.path else node.name
        given = [_host(x) for x in inputs if isinstance(x, Tensor) and x.dtype.kind == "f"]
        self.steps += [_Step(name, given, _host(r)) for r in results if r.dtype.kind == "f"]


def _host(t: Tensor) -> Vector:
    return np.array(backend_of(t.array).to_numpy(t.array), dtype=np.float64)


def _kinked(
    low: _Step, middle: _Step, high: _Step, h: float
) -> tuple[tuple[int, ...], tuple[float, float] | None] | None:
    """The index of the result's sharpest bend, and the input's crossing there; None where it is smooth."""
    if not (low.name == middle.name == high.name and low.result.shape == middle.result.shape == high.result.shape):
        return None
    moved = [float(np.abs(b - a).max(initial=0.0)) for a, b in zip(low.inputs, high.inputs, strict=True)
             if a.shape == b.shape]
    if not any(moved):
        return None
    with np.errstate(all="ignore"):
        right, left = high.result - middle.result, middle.result - low.result
        bent = np.abs(right - left)
        first = np.maximum(np.maximum(np.abs(right), np.abs(left)), max(moved))
        bend = np.where(bent > _DUST * np.abs(middle.result), bent / first, 0.0)
    if bend.size == 0 or not np.nanmax(bend) > max(_CURVED, 30 * h):
        return None
    index = tuple(int(i) for i in np.unravel_index(int(np.nanargmax(bend)), bend.shape))
    for a, b in zip(low.inputs, high.inputs, strict=True):
        if a.shape == bend.shape and a[index] != b[index]:
            return index, (float(a[index]), float(b[index]))
    return index, None


