"""Cases of ``minicnn.ops.pointwise``."""

from __future__ import annotations

from math import inf, nan

from tests.cases.case import Case, apart, given, normal, uniform
from tests.cases.forms import call, forms

PAIR = (apart(2, 3, gap=0.3), apart(2, 3, gap=0.3, offset=0.1))  # offset, so that nowhere are the two equal
ROW = (apart(2, 3, gap=0.3), apart(3, gap=0.3, offset=0.1))
TRIPLE = (normal(2, 3), normal(2, 3), uniform(0.5, 2, 2, 3))
SPREAD = (normal(2, 3), normal(2, 1), uniform(0.5, 2, 3))
TIES = (given([1.0, 2.0, nan, 0.0, 3.0, inf]), given([1.0, 1.0, 2.0, -0.0, nan, inf]))
ZEROS = (given([0.0, 0.0, 1.0, -0.0]), given([0.0, 1.0, 0.0, -1.0]))
BOUNDS = given(-2.0, -1.0, 0.0, 1.0, 2.0, nan)

CASES: list[Case] = [
    *forms("addcdiv", TRIPLE),
    call("addcdiv", SPREAD, variant="broadcast", value=-2.5),
    *forms("addcmul", TRIPLE),
    call("addcmul", SPREAD, variant="broadcast", value=3),
    *forms("atan2", (normal(2, 3), normal(3))),
    call("arctan2", (normal(2, 1), normal(3))),
    call("atan2", ZEROS, variant="zeros", kinks=True),
    *forms("clamp", (apart(2, 3, gap=0.4),), -0.5, 0.5),
    *forms("clip", (apart(2, 3, gap=0.4),), -0.5, 0.5),
    call("clamp", (apart(2, 3, gap=0.4),), variant="min", min=0.1),
    call("clamp", (apart(2, 3, gap=0.4),), variant="max", max=0.1),
    call("clamp", (apart(2, 3, gap=0.5), uniform(-0.6, -0.4, 3), uniform(0.4, 0.6, 2, 1)), variant="tensors"),
    call("clamp", (BOUNDS,), -1, 1, variant="at the bounds", kinks=True),
    call("clamp", (BOUNDS,), 1.5, -1.5, variant="min above max", kinks=True),
    call("clamp", (given(-3, 0, 5, dtype="int64"),), -1, 2, variant="integers", grad=False),
    *forms("clamp_max", (apart(2, 3, gap=0.4),), 0.5),
    *forms("clamp_min", (apart(2, 3, gap=0.4),), -0.5),
    call("clamp_max", PAIR, variant="tensor"),
    call("clamp_min", PAIR, variant="tensor"),
    call("clamp_min", TIES, variant="ties", kinks=True),
    *(call(name, PAIR) for name in ("fmax", "fmin", "maximum", "minimum")),
    *(call(name, ROW, variant="broadcast") for name in ("fmax", "fmin", "maximum", "minimum")),
    *(call(name, TIES, variant="ties", kinks=True) for name in ("fmax", "fmin", "maximum", "minimum")),
    *forms("hypot", (apart(2, 3, gap=0.4), apart(3, gap=0.4))),
    call("hypot", ZEROS, variant="zeros", kinks=True),
    *forms("lerp", (normal(2, 3), normal(2, 3)), 0.3),
    call("lerp", (normal(2, 3), normal(3)), 0.7, variant="broadcast"),
    call("lerp", (normal(2, 3), normal(2, 3), uniform(0, 1, 2, 1)), variant="tensor"),
    call("logaddexp", (normal(2, 3), normal(2, 1))),
    call("logaddexp", (given(-inf, -inf, 0.0, 800.0), given(-inf, 1.0, inf, 800.0)), variant="infinite", kinks=True),
    *forms("xlogy", (normal(2, 3), uniform(0.3, 2, 3))),
    call("xlogy", (normal(2, 3),), 2.5, variant="number"),
    Case("xlogy", lambda t, y: t.xlogy(1.5, y), (uniform(0.3, 2, 2, 3),), "number first"),
    call("xlogy", (given(0.0, 0.0, 1.0, 0.0), given(0.0, 2.0, 0.0, nan)), variant="zeros", kinks=True),
]
