"""Compare gradients with central differences, so that a wrong derivative has nowhere to hide.

Why the defaults are what they are:

- float64 throughout, parameters too: float32 differences are off by tens of per cent at any useful step;
- random normal cotangents: a cotangent of ones cannot see a softmax or batch norm whose gradient is zero;
- the step h = eps · max(1, |x|), and the difference that was really representable, (x + h) − (x − h);
- the whole Jacobian up to ``max_jacobian`` entries; beyond it random directions over all variables, and a few
  coordinates of every variable, since a direction over a million weights drowns out a wrong bias.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from minicnn.errors import GradientError
from minicnn.testing.problem import Problem, Variable

Vector = np.ndarray[Any, Any]


class GradcheckError(GradientError, AssertionError):
    """A gradient that disagrees with its central difference; also an AssertionError, for test suites."""


@dataclass(frozen=True)
class Settings:
    """How a check is made; see ``gradcheck``."""

    eps: float
    atol: float
    rtol: float
    max_jacobian: int
    directions: int
    coordinates: int
    seed: int


def gradcheck(
    fn: Callable[..., Any],
    inputs: Any,
    *,
    eps: float = 1e-6,
    atol: float = 1e-7,
    rtol: float = 1e-5,
    max_jacobian: int = 10_000,
    directions: int = 4,
    coordinates: int = 8,
    seed: int = 0,
    raise_exception: bool = True,
) -> bool:
    """Check the gradients of ``fn`` at ``inputs`` against central differences.

    Args:
        fn: a function of tensors that returns tensors, or a Module (whose parameters are checked as well).
        inputs: its arguments: a tensor or a sequence. Floating point tensors are checked where they require a
            gradient, or all where none does; all are used in float64 copies.
        eps: the relative step.
        atol, rtol: accept |analytic − numeric| ≤ atol + rtol · max(|analytic|, |numeric|).
        max_jacobian: check every entry of the Jacobian up to this many; beyond it sample.
        directions, coordinates: how many random directions, and coordinates of each variable, are sampled.
        seed: of the random cotangents and directions. The library's own random stream is not touched, and ``fn`` starts
            from the same state of it at every evaluation, so dropout keeps its mask.
        raise_exception: raise at a disagreement; otherwise return False.

    Raises:
        GradcheckError: a disagreement (which input, which index, both values, the step, a kink if one is near), or a
            function that gives different results when run twice.

    Example:
        >>> x = mc.randn(3, 4, dtype=mc.float64)
        >>> mc.testing.gradcheck(lambda x: (x * x).sum(1), x)
        True
    """
    settings = Settings(eps, atol, rtol, max_jacobian, directions, coordinates, seed)
    arguments = list(inputs) if isinstance(inputs, Sequence) else [inputs]
    try:
        _check(Problem(fn, arguments), settings)
    except GradcheckError:
        if raise_exception:
            raise
        return False
    return True


def gradgradcheck(
    fn: Callable[..., Any], inputs: Any, grad_outputs: Any = None, *, seed: int = 0, **settings: Any
) -> bool:
    """Check second derivatives: ``gradcheck`` of the gradient itself, as a function of the inputs and the cotangents.

    Args:
        fn, inputs: as for ``gradcheck``.
        grad_outputs: cotangents, one for each result; random normal ones where None.
        seed, settings: as for ``gradcheck``.

    Example:
        >>> x = mc.randn(3, dtype=mc.float64)
        >>> mc.testing.gradgradcheck(lambda x: x**3, x)
        True
    """
    from minicnn.testing.second import gradient_function

    arguments = list(inputs) if isinstance(inputs, Sequence) else [inputs]
    gradient, all_inputs = gradient_function(fn, arguments, grad_outputs, seed)
    return gradcheck(gradient, all_inputs, seed=seed, **settings)


def _check(problem: Problem, s: Settings) -> None:
    values = problem.values()
    again = problem.values()
    if values.tobytes() != again.tobytes():
        where = int(np.argmax(values != again))
        raise GradcheckError(f"gradcheck: {problem.name} is not repeatable",
                             got=f"result {where} is {values[where]!r}, then {again[where]!r}",
                             rule="the same inputs give the same bits",
                             hint="draw randomness from minicnn's generator, which is rewound before each run")
    rng = np.random.default_rng(s.seed)
    inputs = sum(v.size for v in problem.variables)
    if inputs * values.size <= s.max_jacobian:
        _check_jacobian(problem, s, values.size)
    else:
        _check_sampled(problem, s, rng, values.size)


def _check_jacobian(problem: Problem, s: Settings, results: int) -> None:
    units = np.eye(results)
    rows = problem.analytic(list(units))
    for number, variable in enumerate(problem.variables):
        jacobian = np.array([row[number] for row in rows]).reshape(results, *variable.host.shape)
        for index in np.ndindex(variable.host.shape):
            numeric = _difference(problem, variable, index, s.eps)
            analytic = jacobian[(slice(None), *index)]
            gap = np.abs(analytic - numeric)
            if np.all(gap <= s.atol + s.rtol * np.maximum(np.abs(analytic), np.abs(numeric))):
                continue
            for result in range(results):
                _compare(problem, s, float(analytic[result]), float(numeric[result]), variable, index,
                         f"result {result}", units[result])


def _check_sampled(problem: Problem, s: Settings, rng: np.random.Generator, results: int) -> None:
    cotangents = [rng.standard_normal(results) for _ in range(2)]
    gradients = problem.analytic(cotangents)
    for number, variable in enumerate(problem.variables):
        picks = rng.choice(variable.size, min(s.coordinates, variable.size), replace=False)
        for pick in picks:
            index = tuple(int(i) for i in np.unravel_index(pick, variable.host.shape))
            numeric = _difference(problem, variable, index, s.eps)
            for cotangent, gradient in zip(cotangents, gradients, strict=True):
                _compare(problem, s, float(gradient[number][index]), float(cotangent @ numeric), variable, index,
                         "the results against a random cotangent", cotangent)
    for _ in range(s.directions):
        _check_direction(problem, s, rng, cotangents, gradients)


def _check_direction(
    problem: Problem, s: Settings, rng: np.random.Generator, cotangents: list[Vector], gradients: list[list[Vector]]
) -> None:
    steps = [rng.standard_normal(v.host.shape) for v in problem.variables]
    length = np.sqrt(sum(float((d * d).sum()) for d in steps))
    steps = [d / length for d in steps]
    h = s.eps * max(1.0, *(float(np.abs(v.host).max(initial=0.0)) for v in problem.variables))
    sides = []
    for sign in (1.0, -1.0):
        for variable, step in zip(problem.variables, steps, strict=True):
            variable.set(variable.host + sign * h * step)
        sides.append(problem.values())
    for variable in problem.variables:
        variable.reset()
    slope = (sides[0] - sides[1]) / (2 * h)
    for cotangent, gradient in zip(cotangents, gradients, strict=True):
        analytic = sum(float((g * d).sum()) for g, d in zip(gradient, steps, strict=True))
        numeric = float(cotangent @ slope)
        scale = float(np.abs(cotangent) @ np.abs(slope))
        if not _agree(analytic, numeric, s, scale):
            raise GradcheckError(f"gradcheck: {problem.name} disagrees along a random direction of all its variables",
                                 got=f"analytic {analytic:.10g}, numeric {numeric:.10g}", rule=_rule(s),
                                 hint="check smaller inputs, for which every entry of the Jacobian is compared")


def _difference(problem: Problem, variable: Variable, index: tuple[int, ...], eps: float) -> Vector:
    """The central difference of all results in one coordinate, by the step that was really taken."""
    up, down, sides = _sides(problem, variable, index, eps)
    return (sides[0] - sides[1]) / (up - down)


def _sides(
    problem: Problem, variable: Variable, index: tuple[int, ...], eps: float
) -> tuple[float, float, list[Vector]]:
    x = float(variable.host[index])
    h = eps * max(1.0, abs(x))
    up, down = x + h, x - h
    sides = []
    for moved in (up, down):
        nudged = variable.host.copy()
        nudged[index] = moved
        variable.set(nudged)
        sides.append(problem.values())
    variable.reset()
    return up, down, sides


def _agree(analytic: float, numeric: float, s: Settings, scale: float = 0.0) -> bool:
    if np.isnan(analytic) or np.isnan(numeric):
        return bool(np.isnan(analytic) and np.isnan(numeric))
    if np.isinf(analytic) or np.isinf(numeric):
        return analytic == numeric
    return bool(abs(analytic - numeric) <= s.atol + s.rtol * max(abs(analytic), abs(numeric), scale))


def _rule(s: Settings) -> str:
    return f"|analytic − numeric| ≤ {s.atol:g} + {s.rtol:g} · max(|analytic|, |numeric|)"


def _compare(
    problem: Problem, s: Settings, analytic: float, numeric: float, variable: Variable, index: tuple[int, ...],
    result: str, cotangent: Vector,
) -> None:
    if _agree(float(analytic), float(numeric), s):
        return
    x = float(variable.host[index])
    h = s.eps * max(1.0, abs(x))
    _, _, sides = _sides(problem, variable, index, s.eps)
    middle = problem.values()
    right, left = (float(cotangent @ (sides[0] - middle)) / h, float(cotangent @ (middle - sides[1])) / h)
    kink = abs(right - left) > 1e-2 * max(1.0, abs(right), abs(left))
    near = f"; a kink lies within the step: slope {left:.6g} on the left, {right:.6g} on the right" if kink else ""
    raise GradcheckError(
        f"gradcheck: {problem.name} has a wrong gradient in {variable.name}{list(index)}",
        got=f"analytic {analytic:.10g}, numeric {numeric:.10g} for {result}, at x = {x:.10g} with step {h:.3g}{near}",
        rule=_rule(s),
        hint="move the input away from the kink" if kink else "compare this input's rule with the formula's slope",
    )
