"""Every case of every family."""

from __future__ import annotations

from collections import Counter
from importlib import import_module

from tests.cases.case import Case

FAMILIES = (
    "activation", "arithmetic", "compare", "conv", "convert", "cumulate", "diagonal", "dropout", "einsum", "extrema",
    "fill", "index", "join", "likelihood_loss", "linalg", "linear", "loss", "margin_loss", "norm", "pad", "pointwise",
    "pool", "rearrange", "reduce", "regression_loss", "rounding", "scatter", "shape", "softmax", "sorting",
    "statistics", "trigonometry", "unary", "vision",
)  # fmt: skip

CASES: list[Case] = [case for family in FAMILIES for case in import_module(f"tests.cases.{family}").CASES]

_twice = [name for name, number in Counter(case.id for case in CASES).items() if number > 1]
if _twice:
    raise ValueError(f"two cases of one name: {_twice}")
