"""Compare gradients with central differences, so that a wrong derivative has nowhere to hide.

Why the defaults are what they are:

- float64 throughout, parameters too: float32 differences are off by tens of per cent at any useful step;
- random normal cotangents: a cotangent of ones cannot see a softmax or batch norm whose gradient is zero;
- the step h = eps · max(1, |x|), and the difference that was really representable, (x + h) − (x − h);
- the whole Jacobian up to ``max_jacobian`` entries; beyond it random directions over all variables, and a few
  coordinates of every variable, since a direction over a million weights drowns out a wrong bias;
- a coordinate whose step crosses a kink has no slope to compare: it is excused, and the report names the kink;
- an input along which nothing changes fails: code that returns zeros would pass such a check.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from minicnn.testing.comparison import Comparison, GradcheckError, Settings
from minicnn.testing.problem import Problem
from minicnn.testing.report import GradientReport


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
    allow_zero: bool = False,
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
        allow_zero: accept inputs whose gradient is zero all over, which otherwise fail: nothing was tested.
        raise_exception: raise at a disagreement; otherwise return False.

    Raises:
        GradcheckError: a disagreement (which input, which index, both values, the step, the error against the step,
            the opinion of a complex step), a gradient that is zero all over, or a function that gives different results
            when run twice. A coordinate whose step crosses a kink is excused, unless its gradient lies outside
            of the slopes on both sides.

    Example:
        >>> x = mc.randn(3, 4, dtype=mc.float64)
        >>> mc.testing.gradcheck(lambda x: (x * x).sum(1), x)
        True
    """
    settings = Settings(eps, atol, rtol, max_jacobian, directions, coordinates, seed, allow_zero)
    return _passed(fn, _listed(inputs), settings, raise_exception)


def gradgradcheck(
    fn: Callable[..., Any], inputs: Any, grad_outputs: Any = None, *, seed: int = 0, raise_exception: bool = True,
    **settings: Any,
) -> bool:  # fmt: skip
    """Check second derivatives: ``gradcheck`` of the gradient itself, as a function of the inputs and the cotangents.

    A gradient that is zero for the cotangents fails: they are blind to ``fn``, as ones are to a softmax. Linear
    functions, whose gradient does not depend on the inputs, pass, since it depends on the cotangents.

    Args:
        fn, inputs: as for ``gradcheck``.
        grad_outputs: cotangents, one for each result; random normal ones where None.
        seed, raise_exception, settings: as for ``gradcheck``.

    Example:
        >>> x = mc.randn(3, dtype=mc.float64)
        >>> mc.testing.gradgradcheck(lambda x: x**3, x)
        True
    """
    from minicnn.testing.second import gradient_function

    gradient, all_inputs = gradient_function(fn, _listed(inputs), grad_outputs, seed)
    return _passed(gradient, all_inputs, Settings(seed=seed, second=True, **settings), raise_exception)


def gradient_report(fn: Callable[..., Any], inputs: Any, **settings: Any) -> GradientReport:
    """``gradcheck`` that returns all it found, also where that is a wrong gradient.

    Args:
        fn, inputs: as for ``gradcheck``.
        settings: its other options.

    Example:
        >>> report = mc.testing.gradient_report(mc.relu, mc.tensor([-1.0, 0.0, 2.0, 3.0]))
        >>> report.passed, report.silent
        (True, {'input 0': 0.25})
        >>> print(report.excused[0].kink.operation)
        ReLU
    """
    comparison = Comparison(Problem(fn, _listed(inputs)), Settings(**settings))
    try:
        comparison.run()
    except GradcheckError as error:
        comparison.report.problem = str(error)
    return comparison.report


def _passed(fn: Callable[..., Any], inputs: list[Any], settings: Settings, raise_exception: bool) -> bool:
    try:
        Comparison(Problem(fn, inputs), settings).run()
    except GradcheckError:
        if raise_exception:
            raise
        return False
    return True


def _listed(inputs: Any) -> list[Any]:
    return list(inputs) if isinstance(inputs, Sequence) else [inputs]
