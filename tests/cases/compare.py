"""Cases of ``minicnn.ops.compare``: no result but ``where``'s has a gradient."""

from __future__ import annotations

from math import inf, nan

from tests.cases.case import Case, apart, booleans, given, integers, normal
from tests.cases.forms import call, forms

PAIR = (given([[1.0, 2.0, nan], [-inf, 0.0, 3.0]]), given([[1.0, 3.0, nan], [-inf, -0.0, 2.0]]))
ORDERS = ("eq", "ge", "greater", "greater_equal", "gt", "le", "less", "less_equal", "lt", "ne", "not_equal")
SPECIAL = given(-inf, -1.0, 0.0, inf, nan)
BITS = (integers(0, 16, 2, 3), integers(0, 16, 3))
FLAGS = (booleans(2, 3), booleans(2, 3))
BITWISE = ("bitwise_and", "bitwise_or", "bitwise_xor")
LOGICAL = ("logical_and", "logical_or", "logical_xor")
CLOSE = (given(1.0, 1.0, nan, inf, inf), given(1.000001, 1.1, nan, inf, -inf))

CASES: list[Case] = [
    *(call(name, PAIR, grad=False) for name in ORDERS),
    *(call(name, (integers(0, 3, 2, 3),), 1.5, variant="number", grad=False) for name in ("eq", "ge", "lt", "ne")),
    *(call(f"Tensor.__{name}__", (integers(0, 3, 2, 3), integers(0, 3, 3)), grad=False)
      for name in ("eq", "ne", "lt", "le", "gt", "ge")),
    *(call(name, (SPECIAL,), grad=False) for name in ("isfinite", "isinf", "isnan", "isneginf", "isposinf")),
    *(call(name, (given(-1, 0, dtype="int64"),), variant="integers", grad=False) for name in ("isfinite", "isnan")),
    *(call(name, (booleans(2, 3),), *args, variant=variant, grad=False)
      for name in ("all", "any")
      for args, variant in (((), ""), ((1,), "dim"), ((0, True), "keepdim"), (((0, -1),), "dims"))),
    *(call(name, (SPECIAL,), variant="floats", grad=False) for name in ("all", "any")),
    *(call(name, (given([], dtype="bool"),), variant="empty", grad=False) for name in ("all", "any")),
    call("count_nonzero", (integers(0, 2, 2, 3),), grad=False),
    call("count_nonzero", (integers(0, 2, 2, 3),), -1, variant="dim", grad=False),
    *(case for name in BITWISE for case in forms(name, BITS, grad=False)),
    *(call(name, FLAGS, variant="bools", grad=False) for name in BITWISE),
    *(call(name, (integers(0, 16, 4),), 6, variant="number", grad=False) for name in BITWISE),
    *(call(f"Tensor.__{name}__", BITS, grad=False) for name in ("and", "or", "xor", "iand", "ior", "ixor")),
    *(call(f"Tensor.__{name}__", (integers(0, 16, 4),), 6, grad=False) for name in ("rand", "ror", "rxor")),
    *forms("bitwise_not", (integers(0, 16, 4),), grad=False),
    call("bitwise_not", (booleans(4),), variant="bools", grad=False),
    call("Tensor.__invert__", (booleans(4),), grad=False),
    *(call(name, (integers(-8, 8, 2, 3), integers(0, 4, 3)), grad=False)
      for name in ("bitwise_left_shift", "bitwise_right_shift", "Tensor.__lshift__", "Tensor.__rshift__")),
    *(case for name in LOGICAL for case in forms(name, FLAGS, grad=False)),
    *(call(name, (integers(0, 2, 2, 3), given(0.0, nan, -1.0)), variant="numbers", grad=False) for name in LOGICAL),
    *forms("logical_not", (SPECIAL,), grad=False),
    call("isclose", CLOSE, grad=False),
    call("isclose", CLOSE, variant="options", rtol=0.2, atol=0.0, equal_nan=True, grad=False),
    Case("allclose", lambda t, x, y: t.tensor([t.allclose(x[:2], y[:2]), t.allclose(x[:1], y[:1])]), CLOSE, grad=False),
    Case("equal", lambda t, x, y: t.tensor([t.equal(x, y), t.equal(x, x.clone())]), BITS, grad=False),
    call("isin", (integers(0, 9, 2, 3), integers(0, 9, 4)), grad=False),
    Case("Tensor.__contains__", lambda t, x: t.tensor([2 in x, 20 in x]), (given(1, 2, 3, dtype="int64"),), grad=False),
    call("where", (booleans(2, 3), normal(2, 3), normal(2, 3))),
    call("where", (booleans(2, 3), normal(3), normal(2, 1)), variant="broadcast"),
    call("where", (booleans(2, 3), normal(2, 3)), 1.5, variant="number"),
    call("where", (given([[True, False, True]], dtype="bool"),), variant="positions", grad=False),
    Case("Tensor.where", lambda t, x, y: x.where(x > 0, y), (apart(2, 3, gap=0.3), normal(3))),
    Case("where", lambda t, x: t.where(x > 0, t.log(x), 0.0), (given(-1.0, 0.0, 2.0),), "a NaN's gradient leaks",
         kinks=True),
]  # fmt: skip
