"""Cases of ``minicnn.ops.rounding``, and of ``div`` with a rounding mode."""

from __future__ import annotations

from math import inf, nan
from typing import Any

from tests.cases.case import Case, apart, given, normal, uniform
from tests.cases.forms import call, forms

# Multiples of 0.15 by odd numbers: none is whole, or a half.
BETWEEN = apart(2, 3, gap=0.3)
HALVES = given(-2.5, -1.5, -0.5, -0.0, 0.5, 1.5, 2.0, inf, nan)
QUOTIENT = (apart(2, 3, gap=0.7), given([1.3, -1.7, 0.9]))
INTEGERS = (given(-7, 7, -7, 7, 6, dtype="int64"), given(2, 2, -2, -2, 3, dtype="int64"))
ODD = (given(1.0, -1.0, inf, 2.0, nan), given(0.0, 0.0, 2.0, inf, 1.0))
DIVISIONS = ("floor_divide", "fmod", "remainder")


def has_gradient(name: str) -> bool:
    """Whether the division has one in PyTorch; minicnn's of ``floor_divide`` is 0."""
    return name != "floor_divide"


def _divmod(t: Any, x: Any, y: Any) -> Any:
    return divmod(x, y) if hasattr(x, "__divmod__") else (x // y, x % y)  # PyTorch has no divmod


CASES: list[Case] = [
    *(case for name in ("ceil", "fix", "floor", "frac", "round", "trunc") for case in forms(name, (BETWEEN,))),
    *(call(name, (HALVES,), variant="halves", kinks=True) for name in ("ceil", "floor", "frac", "round", "trunc")),
    *(call(name, (given(-2, 0, 3, dtype="int64"),), variant="integers", grad=False)
      for name in ("ceil", "floor", "round", "trunc")),
    call("round", (apart(2, 3, gap=0.03),), variant="decimals", decimals=1),
    call("round", (apart(2, 3, gap=30.0),), variant="tens", decimals=-1, kinks=True),
    *(case for name in DIVISIONS for case in forms(name, QUOTIENT, grad=has_gradient(name))),
    *(call(name, (apart(2, 3, gap=0.7),), -1.3, variant="number", grad=has_gradient(name)) for name in DIVISIONS),
    *(call(name, INTEGERS, variant="integers", grad=False) for name in DIVISIONS),
    *(call(name, ODD, variant="special values", grad=has_gradient(name), kinks=True) for name in DIVISIONS),
    *(call("div", INTEGERS, variant=f"integers {mode}", grad=False, rounding_mode=mode) for mode in ("floor", "trunc")),
    *(call(f"Tensor.__{name}__", QUOTIENT, grad=False) for name in ("floordiv", "ifloordiv")),
    *(call(f"Tensor.__{name}__", QUOTIENT) for name in ("mod", "imod")),
    *(call(f"Tensor.__{name}__", (uniform(0.9, 1.2, 2, 3),), 2.5, grad=False) for name in ("rfloordiv", "rmod")),
    Case("Tensor.__divmod__", _divmod, QUOTIENT, grad=False),
    call("remainder", (normal(0, 3),), 2, variant="empty"),
]  # fmt: skip
