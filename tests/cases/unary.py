"""Cases of ``minicnn.ops.unary``."""

from __future__ import annotations

from math import inf, nan

from tests.cases.case import Case, apart, given, integers, normal, uniform
from tests.cases.forms import call, forms

AWAY_FROM_ZERO = apart(2, 3, gap=0.4)
POSITIVE = uniform(0.3, 2, 2, 3)
DOMAINS = {
    "abs": AWAY_FROM_ZERO, "absolute": AWAY_FROM_ZERO, "erf": normal(2, 3), "erfc": normal(2, 3),
    "erfinv": uniform(-0.9, 0.9, 2, 3), "exp": normal(2, 3), "exp2": normal(2, 3), "expm1": normal(2, 3),
    "log": POSITIVE, "log10": POSITIVE, "log1p": uniform(-0.7, 2, 2, 3), "log2": POSITIVE,
    "logit": uniform(0.1, 0.9, 2, 3), "nan_to_num": normal(2, 3), "reciprocal": POSITIVE, "rsqrt": POSITIVE,
    "sgn": AWAY_FROM_ZERO, "sigmoid": normal(2, 3), "sign": AWAY_FROM_ZERO, "sqrt": POSITIVE, "square": normal(2, 3),
}  # fmt: skip
SPECIAL = given(-inf, -1.0, -0.0, 0.0, 1.0, inf, nan)

CASES: list[Case] = [
    *(case for name, domain in DOMAINS.items() for case in forms(name, (domain,))),
    *(call(name, (SPECIAL,), variant="special values", kinks=True) for name in DOMAINS),
    *(call(name, (integers(1, 5, 4),), variant="integers", grad=False) for name in ("abs", "exp", "sign", "sqrt")),
    call("Tensor.__abs__", (AWAY_FROM_ZERO,)),
    call("exp", (normal(),), variant="0-d"),
    call("square", (normal(2, 0),), variant="empty"),
    call("erfinv", (given(-1.0, 1.0, 2.0),), variant="at the ends", kinks=True),
    call("logit", (apart(2, 3, gap=0.21, offset=0.5),), variant="eps", eps=0.1),
    call("logit", (given(-1.0, 0.1, 0.9, 2.0),), variant="eps at the bounds", eps=0.1, kinks=True),
    call("nan_to_num", (SPECIAL,), variant="options", nan=0.5, posinf=3.0, neginf=-2.0, kinks=True),
]
