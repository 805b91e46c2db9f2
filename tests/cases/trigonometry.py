"""Cases of ``minicnn.ops.trigonometry``."""

from __future__ import annotations

from math import inf, nan

from tests.cases.case import Case, given, normal, uniform
from tests.cases.forms import call

INSIDE = uniform(-0.9, 0.9, 2, 3)
ABOVE_ONE = uniform(1.2, 3, 2, 3)
ANY = normal(2, 3)
DOMAINS = {
    "acos": INSIDE, "acosh": ABOVE_ONE, "arccos": INSIDE, "arccosh": ABOVE_ONE, "arcsin": INSIDE, "arcsinh": ANY,
    "arctan": ANY, "arctanh": INSIDE, "asin": INSIDE, "asinh": ANY, "atan": ANY, "atanh": INSIDE, "cos": ANY,
    "cosh": ANY, "deg2rad": ANY, "rad2deg": ANY, "sin": ANY, "sinh": ANY, "tan": uniform(-1.2, 1.2, 2, 3), "tanh": ANY,
}  # fmt: skip
NO_RULE_IN_PLACE = ("acosh", "arccosh", "arcsinh", "arctanh", "asinh", "atanh")  # in PyTorch
SPECIAL = given(-inf, -1.0, 0.0, 1.0, inf, nan)

CASES: list[Case] = [
    *(call(name, (domain,)) for name, domain in DOMAINS.items()),
    *(call(f"Tensor.{name}_", (domain,), grad=name not in NO_RULE_IN_PLACE) for name, domain in DOMAINS.items()),
    *(call(name, (SPECIAL,), variant="special values", kinks=True) for name in DOMAINS if not name.startswith("arc")),
    call("tanh", (normal(),), variant="0-d"),
    call("sin", (normal(0, 2),), variant="empty"),
]
