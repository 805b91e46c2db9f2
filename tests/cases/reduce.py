"""Cases of ``minicnn.ops.reduce``."""

from __future__ import annotations

from math import inf, nan

from tests.cases.case import Case, booleans, given, integers, normal
from tests.cases.forms import call

X = (normal(2, 3, 2),)
GAPS = (given([[1.0, nan, 2.0], [nan, nan, -1.0]]),)
ALL = ("sum", "mean", "nansum", "nanmean")
PEAKS = (given([[0.0, 800.0], [-inf, -inf], [inf, 0.0], [nan, 1.0], [-inf, 2.0]]),)

CASES: list[Case] = [
    *(call(name, X) for name in ALL),
    *(call(name, X, 1, variant="dim") for name in ALL),
    *(call(name, X, (0, -1), variant="dims") for name in ALL),
    *(call(name, X, -2, True, variant="keepdim") for name in ALL),
    *(call(name, (normal(),), 0, variant="0-d") for name in ALL),
    *(call(name, (normal(2, 0),), 1, variant="empty") for name in ALL),
    *(call(name, GAPS, 1, variant="NaN", kinks=True) for name in ALL),
    call("sum", (integers(0, 9, 2, 3, dtype="int32"),), 0, variant="integers", grad=False),
    call("sum", (booleans(2, 3),), variant="bools", grad=False),
    Case("sum", lambda t, x: t.sum(x, 1, dtype=t.float64), (integers(0, 9, 2, 3),), "dtype", grad=False),
    Case("mean", lambda t, x: t.mean(x, 1, dtype=t.float64), (integers(0, 9, 2, 3),), "dtype", grad=False),
    call("sum", (normal(2, 3),), variant="axis", axis=0, keepdims=True),
    call("sum", (normal(2, 3),), (), variant="no dims"),
    call("logsumexp", X, 1),
    call("logsumexp", X, (0, 2), True, variant="keepdim"),
    call("logsumexp", (normal(),), 0, variant="0-d"),
    call("logsumexp", (normal(2, 0),), 1, variant="empty"),
    call("logsumexp", PEAKS, -1, variant="infinite", kinks=True),
    call("Tensor.sum_to_size", X, 3, 1),
    call("Tensor.sum_to_size", X, 2, 3, 2, variant="unchanged"),
    call("Tensor.sum_to_size", X, (), variant="0-d"),
]
