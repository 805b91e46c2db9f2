"""Cases of ``minicnn.ops.fill``, but for random numbers."""

from __future__ import annotations

from tests.cases.case import Case, booleans, given, integers, normal
from tests.cases.forms import call, forms

CASES: list[Case] = [
    *forms("masked_fill", (normal(2, 3), booleans(2, 3)), 1.5),
    *forms("masked_fill", (normal(2, 3), booleans(3), normal()), variant="tensor"),
    call("masked_fill", (normal(3, 1), booleans(2)), 0.5, variant="broadcast"),
    call("masked_fill", (integers(0, 9, 2, 3), booleans(2, 3)), 7, variant="integers", grad=False),
    call("Tensor.fill_", (normal(2, 3),), 2.5),
    call("Tensor.fill_", (normal(2, 3), normal()), variant="tensor"),
    call("Tensor.zero_", (normal(2, 3),)),
    call("Tensor.copy_", (normal(2, 3), normal(2, 3))),
    call("Tensor.copy_", (normal(2, 3), normal(3)), variant="broadcast"),
    call("Tensor.copy_", (normal(2), given(1, 2, dtype="int64")), variant="integers"),
]
