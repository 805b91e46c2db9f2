"""Cases of the losses of differences."""

from __future__ import annotations

import warnings
from typing import Any

from tests.cases.case import Case, apart, given, normal, uniform
from tests.cases.functional import INF, NAN, functional

X, Y = apart(2, 3, gap=0.3), apart(2, 3, gap=0.47, offset=0.11)
WEIGHT = {"weight": [[1.0, 2.0, 0.0], [0.5, 3.0, 1.0]]}
# Differences of −2 to 2, through every kink: 0, the end of each parabola, and what has no difference.
LEFT = given([-2.0, -1.0, -0.5, -0.0, 0.0, 0.5, 1.0, 2.0, 1e6, INF, NAN])
RIGHT = given([0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0])


def _each(op: str, **options: Any) -> list[Case]:
    """Every reduction, and the differences at the kinks."""
    named = ", ".join(f"{name} {value}" for name, value in options.items())
    return [
        *(functional(op, X, Y, variant=f"{reduction} {named}".strip(), reduction=reduction, **options)
          for reduction in ("mean", "sum", "none")),
        functional(op, LEFT, RIGHT, variant=f"special {named}".strip(), reduction="none", kinks=True, **options),
    ]  # fmt: skip


def _broadcast(op: str) -> Case:
    def call(t: Any, x: Any, y: Any) -> Any:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            result = getattr(t.nn.functional, op)(x, y)
        assert caught
        return result

    return Case(f"nn.functional.{op}", call, (X, apart(3, gap=0.47, offset=0.11)), "row 32 warns and broadcasts")


def _old_reductions(op: str) -> list[Case]:
    """``size_average`` and ``reduce``, which both libraries warn of."""

    def call(t: Any, x: Any, y: Any) -> Any:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            f = getattr(t.nn.functional, op)
            return f(x, y, size_average=False), f(x, y, reduce=False), f(x, y, size_average=True)

    return [Case(f"nn.functional.{op}", call, (X, Y), "deprecated options")]


def _huber_row(t: Any, x: Any, y: Any) -> Any:
    F = t.nn.functional
    return F.huber_loss(x, y, delta=0.5), 0.5 * F.smooth_l1_loss(x, y, beta=0.5)


CASES = [
    *_each("mse_loss"),
    *_each("l1_loss"),
    *_each("smooth_l1_loss"),
    *_each("smooth_l1_loss", beta=0.5),
    *_each("smooth_l1_loss", beta=0.0),
    *_each("huber_loss"),
    *_each("huber_loss", delta=0.5),
    *(functional(op, X, Y, variant=f"weight {reduction}", constants=WEIGHT, reduction=reduction)
      for op in ("mse_loss", "l1_loss", "huber_loss") for reduction in ("mean", "sum", "none")),
    *(_broadcast(op) for op in ("mse_loss", "l1_loss", "smooth_l1_loss", "huber_loss")),
    *_old_reductions("mse_loss"),
    *_old_reductions("l1_loss"),
    *_old_reductions("smooth_l1_loss"),
    functional("l1_loss", given([0.0, 1.0]), given([0.0, 1.0]), variant="row 18 slope 0 at 0", kinks=True),
    functional("smooth_l1_loss", X, Y, variant="row 32 beta 0 is l1", beta=0.0),
    Case("nn.functional.huber_loss", _huber_row, (X, Y), "row 32 beta times smooth_l1"),
    functional("mse_loss", uniform(0, 1, 0, 3), uniform(0, 1, 0, 3), variant="empty sum", reduction="sum"),
    functional("mse_loss", normal(4), normal(4), variant="vectors"),
]  # fmt: skip
