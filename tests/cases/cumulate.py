"""Cases of ``minicnn.ops.cumulate``."""

from __future__ import annotations

from tests.cases.case import Case, given, integers, normal
from tests.cases.forms import call, forms

X = (normal(2, 3, 2),)
NO_ZERO = (normal(3, 3),)
ZEROS = (given([[2.0, 0.0, 3.0, -1.0], [0.0, 2.0, 0.0, 3.0], [1.0, 2.0, 3.0, 0.0], [0.0, 0.0, 0.0, 0.0]]),)

CASES: list[Case] = [
    *forms("cumsum", X, 1),
    call("cumsum", X, -1, variant="last"),
    call("cumsum", (normal(),), 0, variant="0-d"),
    call("cumsum", (normal(2, 0),), 1, variant="empty"),
    call("cumsum", (integers(0, 9, 2, 3, dtype="int32"),), 0, variant="integers", grad=False),
    Case("cumsum", lambda t, x: t.cumsum(x, 1, dtype=t.float64), (integers(0, 9, 2, 3),), "dtype", grad=False),
    *forms("cumprod", NO_ZERO, 1),
    call("cumprod", NO_ZERO, -2, variant="first"),
    call("cumprod", ZEROS, 1, variant="zeros"),
    call("cumprod", (normal(),), 0, variant="0-d"),
    call("cumprod", (integers(1, 4, 2, 3),), 0, variant="integers", grad=False),
    call("prod", (normal(2, 3),)),
    call("prod", X, 1, variant="dim"),
    call("prod", X, -1, True, variant="keepdim"),
    call("prod", ZEROS, 1, variant="zeros"),
    call("prod", (given(2.0, 0.0, 3.0),), variant="one zero"),
    call("prod", (normal(),), 0, variant="0-d"),
    call("prod", (normal(0, 2),), 0, variant="empty"),
    call("prod", (integers(1, 4, 2, 3),), 0, variant="integers", grad=False),
]
