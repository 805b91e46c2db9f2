"""Cases of ``minicnn.ops.rearrange``."""

from __future__ import annotations

from tests.cases.case import Case, given, normal
from tests.cases.forms import call

X = (normal(2, 3, 2),)
COUNTS = given(2, 0, 1, dtype="int64")

CASES: list[Case] = [
    call("flip", X, (0, -1)),
    call("Tensor.flip", X, 1),
    call("fliplr", (normal(2, 3),)),
    call("flipud", (normal(2, 3),)),
    call("roll", X, 2),
    call("roll", X, 1, 1, variant="dim"),
    call("roll", X, (-1, 4), (0, -1), variant="dims"),
    call("rot90", (normal(2, 3),)),
    call("rot90", X, -1, (1, 2), variant="back"),
    call("rot90", X, 2, (2, 0), variant="twice"),
    call("Tensor.repeat", (normal(2, 3),), 2, 1, 2),
    call("Tensor.repeat", (normal(2, 3),), (1, 0), variant="none"),
    call("tile", (normal(2, 3),), (2,)),
    call("Tensor.tile", (normal(2),), 2, 2),
    call("repeat_interleave", (normal(2, 3),), 2),
    call("repeat_interleave", (normal(2, 3),), 2, variant="dim", dim=-1),
    call("repeat_interleave", (normal(2, 3), COUNTS), variant="counts", dim=1),
    call("repeat_interleave", (normal(3, 2), COUNTS), variant="output size", dim=0, output_size=3),
]
