"""Cases of ``minicnn.ops.extrema``: away from ties first, then with them."""

from __future__ import annotations

from math import nan

from tests.cases.case import Case, apart, given, integers
from tests.cases.forms import call

X = (apart(2, 3, 2),)
TIES = (given([[2.0, 3.0, 3.0, 1.0], [1.0, 1.0, 1.0, 1.0], [nan, 2.0, nan, 0.0]]),)
ALL_NAN = (given([[nan, nan], [1.0, nan]]),)
NUMBERS = (given([[2.0, 3.0, 3.0, 1.0], [1.0, 1.0, 3.0, 1.0]]),)
PAIR = (apart(2, 3, gap=0.3), apart(3, gap=0.3, offset=0.1))
PICKS = ("max", "min", "median", "nanmedian")
FAIR = ("amax", "amin")

CASES: list[Case] = [
    *(call(name, X) for name in (*PICKS, *FAIR)),
    *(call(name, X, 1, variant="dim") for name in (*PICKS, *FAIR)),
    *(call(name, X, -1, True, variant="keepdim") for name in (*PICKS, *FAIR)),
    *(call(name, (apart(),), 0, variant="0-d") for name in (*PICKS, *FAIR)),
    *(call(name, X, (0, -1), variant="dims") for name in FAIR),
    *(call(name, TIES, variant="NaN", kinks=True) for name in (*PICKS, *FAIR)),
    *(call(name, NUMBERS, variant="ties", kinks=True) for name in (*PICKS, *FAIR)),
    *(call(name, TIES, 1, variant="ties of rows", kinks=True) for name in (*PICKS, *FAIR)),
    *(call(name, ALL_NAN, 1, variant="all NaN", kinks=True) for name in ("max", "min", "median", *FAIR)),
    *(call(name, (integers(0, 9, 2, 3),), 0, variant="integers", grad=False) for name in (*PICKS, *FAIR)),
    *(call(name, (given(3.0, nan, 2.0, 4.0, 1.0),), 0, variant="NaN in a row", kinks=True) for name in PICKS),
    *(call(name, PAIR, variant="two tensors") for name in ("max", "min")),
    call("aminmax", X),
    call("aminmax", X, variant="dim", dim=1, keepdim=True),
    call("aminmax", NUMBERS, variant="ties", dim=1, kinks=True),
    *(call(name, X, *args, variant=variant, grad=False)
      for name in ("argmax", "argmin")
      for args, variant in (((), ""), ((1,), "dim"), ((-1, True), "keepdim"))),
    *(call(name, TIES, 1, variant="ties", grad=False) for name in ("argmax", "argmin")),
]  # fmt: skip
