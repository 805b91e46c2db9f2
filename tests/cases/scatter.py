"""Cases of ``minicnn.ops.scatter``."""

from __future__ import annotations

from tests.cases.case import Case, booleans, given, integers, normal
from tests.cases.forms import call, forms

COLUMNS = given([[0, 2], [1, 1]], dtype="int64")
UNEQUAL = given([[0, 2], [2, 1]], dtype="int64")
ROWS = given(1, 0, 1, dtype="int64")
TWO = given(2, 0, dtype="int64")
MASK = given([[True, False, True], [False, True, True]], dtype="bool")


def _at(op: str, x, dim: int, index, *values, variant: str = "", **options) -> Case:  # type: ignore[no-untyped-def]  # tensors of either library
    """``op(x, dim, index, …)``."""
    method = op.rpartition(".")[2]

    def run(t, x, index, *rest):  # type: ignore[no-untyped-def]  # tensors of either library
        edited = x.clone() if method.endswith("_") else x
        return getattr(edited, method)(dim, index, *rest, **options)

    return Case(op, run, (x, index, *values), variant)


CASES: list[Case] = [
    _at("gather", normal(2, 3), 1, COLUMNS),
    _at("gather", normal(3, 2), 0, given([[2, 0]], dtype="int64"), variant="rows"),
    _at("gather", normal(2, 3), -1, integers(0, 3, 2, 0), variant="empty"),
    Case("take_along_dim", lambda t, x, k: t.take_along_dim(x, k, 1), (normal(2, 3), given([[0, 2]], dtype="int64"))),
    call("take_along_dim", (normal(2, 3), given(5, 0, dtype="int64")), variant="all"),
    call("take", (normal(2, 3), given([[0, -1], [3, 3]], dtype="int64"))),
    *(_at(op, normal(2, 3), 1, UNEQUAL, normal(2, 2)) for op in ("scatter", "Tensor.scatter_")),
    Case("scatter", lambda t, x, k, v: t.scatter(x, 1, k, v), (normal(2, 3), UNEQUAL, normal(3, 3)), "part of a source",
         grad=False),
    _at("scatter", normal(2, 3), -1, UNEQUAL, variant="number", value=1.5),
    *(_at(op, normal(2, 3), 1, COLUMNS, normal(2, 2)) for op in ("scatter_add", "Tensor.scatter_add_")),
    _at("scatter_add", normal(3, 2), 0, given([[1, 1], [1, 0], [2, 0]], dtype="int64"), normal(3, 2), variant="rows"),
    *(Case("scatter", lambda t, x, k, how=how: t.scatter(x, 1, k, 1.5, reduce=how), (normal(2, 3), COLUMNS), how,
           grad=False)
      for how in ("add", "multiply")),
    _at("index_select", normal(2, 3), 0, ROWS),
    _at("index_select", normal(2, 3), -1, TWO, variant="columns"),
    *(_at(op, normal(2, 2), 0, ROWS, normal(3, 2)) for op in ("index_add", "Tensor.index_add_")),
    _at("index_add", normal(2, 3), 1, TWO, normal(2, 2), variant="alpha", alpha=-2.0),
    *(_at(op, normal(3, 2), 0, TWO, normal(2, 2)) for op in ("index_copy", "Tensor.index_copy_")),
    *(Case(op, run, (normal(3, 2), TWO)) for op, run in (
        ("index_fill", lambda t, x, k: t.index_fill(x, 0, k, 2.5)),
        ("Tensor.index_fill_", lambda t, x, k: x.clone().index_fill_(0, k, 2.5)),
    )),
    _at("index_fill", normal(2, 3), 1, TWO, normal(), variant="tensor"),
    call("masked_select", (normal(2, 3), MASK)),
    call("masked_select", (normal(2, 1), given(True, True, False, dtype="bool")), variant="broadcast"),
    *forms("masked_scatter", (normal(2, 3), MASK, normal(5))),
    call("nonzero", (integers(0, 2, 2, 3),), grad=False),
    call("nonzero", (booleans(2, 3),), variant="tuple", as_tuple=True, grad=False),
    call("nonzero", (given(3.0),), variant="0-d", grad=False),
    call("argwhere", (integers(0, 2, 2, 3),), grad=False),
]  # fmt: skip
