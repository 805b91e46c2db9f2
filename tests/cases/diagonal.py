"""Cases of ``minicnn.ops.diagonal``."""

from __future__ import annotations

from tests.cases.case import Case, normal
from tests.cases.forms import call, forms

CASES: list[Case] = [
    call("diag", (normal(3),)),
    call("diag", (normal(2),), -1, variant="below"),
    call("diag", (normal(3, 4),), variant="of a matrix"),
    call("diag", (normal(3, 4),), 2, variant="of a matrix, above"),
    call("diagonal", (normal(3, 4),)),
    call("diagonal", (normal(2, 3, 3),), -1, 1, 2, variant="batch"),
    call("diagonal", (normal(2, 3, 2),), 1, -1, 0, variant="dims"),
    call("diagonal", (normal(2, 2),), 5, variant="empty"),
    Case("diagonal", lambda t, x: _doubled_diagonal(x.clone()), (normal(3, 3),), "edited"),
    call("diag_embed", (normal(2, 3),)),
    call("diag_embed", (normal(2, 2),), 1, 0, 2, variant="dims"),
    call("trace", (normal(3, 4),)),
    *(case for name in ("tril", "triu") for case in forms(name, (normal(3, 4),))),
    *(call(name, (normal(2, 3, 2),), k, variant=f"offset {k}") for name in ("tril", "triu") for k in (-1, 1)),
]


def _doubled_diagonal(x: object) -> object:
    x.diagonal().mul_(2)  # type: ignore[attr-defined]  # of either library
    return x
