"""Cases of ``minicnn.ops.statistics``."""

from __future__ import annotations

from math import inf

from tests.cases.case import Case, apart, given, normal
from tests.cases.forms import call

X = (normal(2, 3, 2),)
AWAY_FROM_ZERO = (apart(3, 4, gap=0.3),)
WITH_ZEROS = (given([[0.0, 0.0], [3.0, 4.0], [0.0, -2.0], [1.0, -1.0]]),)
SPREADS = ("std", "std_mean", "var", "var_mean")
POWERS = (0, 0.5, 1, 1.5, 2, 3, inf, -inf)

CASES: list[Case] = [
    *(call(name, X) for name in SPREADS),
    *(call(name, X, 1, variant="dim") for name in SPREADS),
    *(call(name, X, (0, -1), variant="correction 0", correction=0, keepdim=True) for name in SPREADS),
    *(call(name, X, -1, variant="biased", unbiased=False) for name in SPREADS),
    *(call(name, (given([[2.0, 2.0, 2.0], [1.0, 2.0, 4.0]]),), 1, variant="no spread", kinks=True) for name in SPREADS),
    call("var", (normal(5, 2),), 0, variant="correction 2", correction=2),
    call("norm", X),
    call("norm", X, 2, 1, variant="dim"),
    call("norm", X, "fro", (0, 2), True, variant="keepdim"),
    call("norm", (normal(0, 2),), 2, variant="empty"),
    *(call("norm", AWAY_FROM_ZERO, p, 1, variant=f"p {p}", grad=p != 0) for p in POWERS),
    *(call("norm", WITH_ZEROS, p, 1, variant=f"p {p} with zeros", grad=p != 0, kinks=True) for p in POWERS),
    call("dist", (normal(2, 3), normal(3))),
    call("dist", (apart(4), apart(4, offset=5)), 1, variant="p 1"),
    call("cdist", (normal(3, 4), normal(5, 4))),
    call("cdist", (normal(2, 3, 4), normal(2, 1, 4)), variant="batch"),
    *(call("cdist", (apart(3, 2, gap=0.3), apart(4, 2, gap=0.3, offset=7)), p=p, variant=f"p {p}") for p in (1.0, 3.0)),
    call("cdist", (given([[0.0, 1.0], [3.0, 4.0]]), given([[0.0, 1.0]])), variant="no distance", kinks=True),
]
