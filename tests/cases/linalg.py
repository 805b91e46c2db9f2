"""Cases of ``minicnn.ops.linalg``."""

from __future__ import annotations

from tests.cases.case import Case, integers, normal
from tests.cases.forms import call, forms

SHAPES = {
    "vectors": ((3,), (3,)), "matrix vector": ((2, 3), (3,)), "vector matrix": ((3,), (3, 2)),
    "matrices": ((2, 3), (3, 2)), "batches": ((2, 2, 3), (2, 3, 2)), "broadcast": ((2, 1, 2, 2), (3, 2, 1)),
    "batch matrix": ((2, 2, 3), (3, 2)), "vector batch": ((3,), (2, 3, 2)), "batch vector": ((2, 2, 3), (3,)),
    "empty": ((2, 0), (0, 3)), "no rows": ((0, 2), (2, 3)),
}  # fmt: skip

CASES: list[Case] = [
    *(call("matmul", (normal(*x), normal(*y)), variant=name) for name, (x, y) in SHAPES.items()),
    call("matmul", (integers(0, 9, 2, 3), integers(0, 9, 3, 2)), variant="integers", grad=False),
    call("Tensor.__matmul__", (normal(2, 3), normal(3, 2))),
    call("mm", (normal(2, 3), normal(3, 4))),
    call("mv", (normal(2, 3), normal(3))),
    call("bmm", (normal(2, 2, 3), normal(2, 3, 2))),
    call("dot", (normal(4), normal(4))),
    call("vdot", (normal(4), normal(4))),
    call("outer", (normal(2), normal(3))),
    call("ger", (normal(2), normal(3))),
    call("inner", (normal(2, 3), normal(2, 3))),
    call("inner", (normal(), normal(2, 2)), variant="0-d"),
    call("inner", (normal(2, 1, 3), normal(2, 3)), variant="3-d"),
    call("kron", (normal(2, 2), normal(1, 3))),
    call("kron", (normal(2), normal(2, 2)), variant="different dimensions"),
    *forms("addmm", (normal(2, 2), normal(2, 3), normal(3, 2))),
    call("addmm", (normal(2), normal(2, 3), normal(3, 2)), variant="options", beta=0.5, alpha=-2.0),
    call("addmm", (normal(2, 2), normal(2, 3), normal(3, 2)), variant="beta 0", beta=0),
    *forms("addmv", (normal(2), normal(2, 3), normal(3))),
    call("addmv", (normal(1), normal(2, 3), normal(3)), variant="options", beta=2, alpha=0.5),
    *forms("baddbmm", (normal(2, 2, 2), normal(2, 2, 2), normal(2, 2, 2))),
    call("baddbmm", (normal(1, 2), normal(2, 2, 2), normal(2, 2, 2)), variant="options", beta=2, alpha=0.5),
    call("tensordot", (normal(2, 3, 2), normal(3, 2, 2)), 2),
    call("tensordot", (normal(2, 3), normal(2)), variant="lists", dims=([0], [-1])),
    call("tensordot", (normal(2), normal(3)), variant="outer", dims=0),
]
