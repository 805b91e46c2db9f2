"""Cases of ``minicnn.ops.sorting``."""

from __future__ import annotations

from math import inf, nan

from tests.cases.case import Case, apart, given, integers, normal
from tests.cases.forms import call

X = (apart(2, 4),)
TIES = (given([[2.0, 1.0, 2.0, 1.0, nan], [inf, nan, 0.0, nan, -inf]]),)
REPEATED = (given([[3, 1, 2], [1, 3, 3]], dtype="int64"),)

CASES: list[Case] = [
    call("sort", X),
    call("sort", X, 0, True, variant="descending"),
    call("sort", (apart(),), variant="0-d"),
    call("sort", (normal(2, 0),), variant="empty"),
    call("sort", TIES, variant="ties", stable=True, kinks=True),
    call("sort", TIES, variant="ties descending", stable=True, descending=True, kinks=True),
    call("sort", REPEATED, variant="integers", stable=True, grad=False),
    call("msort", X),
    call("argsort", X, grad=False),
    call("argsort", X, 0, True, variant="descending", grad=False),
    call("argsort", TIES, variant="ties", stable=True, grad=False),
    call("topk", X, 2),
    call("topk", X, 1, 0, False, variant="smallest"),
    call("topk", (apart(),), 1, variant="0-d"),
    call("topk", (given(1.0, nan, 3.0, inf, 2.0),), 3, variant="NaN", kinks=True),
    call("kthvalue", X, 2),
    call("kthvalue", X, 1, 0, True, variant="keepdim"),
    call("kthvalue", (given(1.0, nan, 3.0, 2.0),), 4, variant="NaN", kinks=True),
    call("unique", REPEATED, grad=False),
    call("unique", REPEATED, variant="inverse and counts", return_inverse=True, return_counts=True, grad=False),
    call("unique", (given([[1, 2], [0, 5], [1, 2]], dtype="int64"),), variant="dim", dim=0, return_inverse=True,
         return_counts=True, grad=False),
    call("bincount", (given(0, 3, 3, 1, dtype="int64"),), grad=False),
    call("bincount", (given(0, 3, 3, 1, dtype="int64"), normal(4)), variant="weights", minlength=6, grad=False),
    call("histc", (normal(12),), 4, -1, 1, grad=False),
    call("histc", (normal(7),), variant="bounds of the values", bins=3, grad=False),
    call("searchsorted", (given(0.0, 1.0, 1.0, 4.0), given([[-1.0, 1.0], [3.0, 5.0]])), grad=False),
    call("searchsorted", (given(0.0, 1.0, 1.0, 4.0), given(1.0, 4.0, nan)), variant="right", right=True, grad=False),
    call("searchsorted", (given(0, 1, 4, dtype="int64"), integers(0, 9, 2, 2)), variant="integers", grad=False),
]  # fmt: skip
