"""Cases of ``minicnn.ops.softmax``."""

from __future__ import annotations

from typing import Any

from tests.cases.case import Case, given, normal
from tests.cases.functional import INF, NAN, functional

HUGE = given([[1000.0, -1000.0, 999.0], [-1000.0, -1001.0, -1002.0]])
MASKED = given([[0.0, -INF, 1.0], [-INF, -INF, 2.0]])
BROKEN = given([[0.0, NAN, 1.0], [-INF, -INF, -INF], [INF, 0.0, 1.0], [0.0, 1.0, 2.0]])


def _forms(op: str) -> list[Case]:
    def in_float32(t: Any, x: Any) -> Any:
        return getattr(t.nn.functional, op)(x, 1, dtype=t.float32)

    return [
        functional(op, normal(3, 4), dim=1),
        functional(op, normal(2, 3, 4), variant="channels", dim=1),
        functional(op, normal(3, 4), variant="rows", dim=0),
        functional(op, normal(5), variant="vector", dim=-1),
        functional(op, normal(2, 3, 2, 2), variant="images", dim=-3),
        functional(op, normal(3, 1), variant="one class", dim=1),
        functional(op, normal(0, 4), variant="no rows", dim=1),
        functional(op, HUGE, variant="huge", dim=1),
        functional(op, MASKED, variant="masked", dim=1, kinks=True),
        functional(op, BROKEN, variant="row 20 nan and all -inf", dim=1, kinks=True),
        functional(op, normal(), variant="no dimension", dim=0),
        functional(op, normal(3, 4), variant="without dim", warns=True),
        functional(op, normal(2, 2, 3), variant="without dim 3d", warns=True),
        Case(f"nn.functional.{op}", in_float32, (normal(3, 4),), "dtype", kinks=True, tolerance=(1e-6, 1e-6)),
    ]


CASES = [
    *_forms("softmax"),
    *_forms("log_softmax"),
    *_forms("softmin"),
    Case("Tensor.softmax", lambda t, x: x.softmax(-1), (normal(3, 4),)),
    Case("Tensor.log_softmax", lambda t, x: x.log_softmax(-1), (normal(3, 4),)),
    functional("gumbel_softmax", normal(3, 4)),
    functional("gumbel_softmax", normal(2, 3, 2), variant="options", tau=0.7, dim=1),
    functional("gumbel_softmax", normal(3, 4), variant="hard", kinks=True, hard=True,
               why_not="steps of 0 and 1, with the soft result's gradient"),
    # Row 20's others: the first of ties, the logarithm of no probability, half to even, and unbiased variances.
    Case("argmax", lambda t, x: t.argmax(x, 1), (given([[1.0, 2.0, 2.0], [3.0, 3.0, 3.0]]),), "row 20", grad=False),
    Case("logsumexp", lambda t, x: t.logsumexp(x, 1), (given([[-INF, -INF], [-INF, 0.0]]),), "row 20", kinks=True),
    Case("round", lambda t, x: t.round(x), (given([-1.5, -0.5, 0.5, 1.5, 2.5]),), "row 20", kinks=True),
    Case("var", lambda t, x: (t.var(x), t.std(x, 0)), (normal(3, 4),), "row 20"),
]
