"""Cases of ``minicnn.ops.join``: tensors into one, one into tensors."""

from __future__ import annotations

from typing import Any

from tests.cases.case import Case, Maker, integers, normal
from tests.cases.forms import call


def _joined(name: str, *inputs: Maker, variant: str = "", **options: Any) -> Case:
    return Case(name, lambda t, *tensors: getattr(t, name)(tensors, **options), inputs, variant)


CASES: list[Case] = [
    _joined("cat", normal(2, 3), normal(1, 3), normal(2, 3)),
    _joined("cat", normal(2, 1, 2), normal(2, 2, 2), variant="dim", dim=-2),
    _joined("cat", normal(2, 3), normal(2, 0), variant="empty", dim=1),
    Case("cat", lambda t, x: t.cat([x.new_zeros(0), x]), (normal(2, 3),), "the old empty tensor"),
    Case("cat", lambda t, x: t.cat([x, x * 2, x]), (normal(2, 2),), "one tensor twice"),
    Case("cat", lambda t, x, k: t.cat([x, k], 1), (normal(2, 2), integers(0, 5, 2, 1)), "promotion"),
    _joined("concat", normal(2, 3), normal(1, 3)),
    _joined("concatenate", normal(2, 3), normal(2, 1), dim=1),
    _joined("stack", normal(2, 3), normal(2, 3)),
    _joined("stack", normal(2, 3), normal(2, 3), variant="last", dim=-1),
    _joined("stack", normal(), normal(), variant="0-d"),
    _joined("hstack", normal(2, 3), normal(2, 1)),
    _joined("hstack", normal(2), normal(3), variant="1-d"),
    _joined("vstack", normal(2, 3), normal(3)),
    _joined("row_stack", normal(3), normal(3)),
    _joined("dstack", normal(2, 3), normal(2, 3)),
    _joined("column_stack", normal(2), normal(2, 3)),
    call("atleast_1d", (normal(), normal(2))),
    call("atleast_2d", (normal(), normal(2), normal(1, 2, 1))),
    call("atleast_3d", (normal(), normal(2), normal(2, 3))),
    call("atleast_2d", (normal(3),), variant="one"),
    call("meshgrid", (normal(2), normal(3)), indexing="ij"),
    call("meshgrid", (normal(2), normal(3), normal(1)), variant="xy", indexing="xy"),
    call("cartesian_prod", (normal(2), normal(3))),
    call("cartesian_prod", (normal(3),), variant="one"),
    call("split", (normal(5, 2),), 2),
    call("split", (normal(2, 5),), [1, 0, 4], variant="sizes", dim=1),
    Case("split", lambda t, x: t.split(x, 2)[1], (normal(5, 2),), "one piece"),
    call("split_with_sizes", (normal(5, 2),), [3, 2]),
    call("chunk", (normal(5, 2),), 3),
    call("chunk", (normal(2, 4),), 2, -1, variant="dim"),
    call("tensor_split", (normal(5, 2),), 3),
    call("tensor_split", (normal(2, 5),), (1, 3), 1, variant="positions"),
    call("hsplit", (normal(2, 4),), 2),
    call("vsplit", (normal(4, 2),), (1, 2)),
    call("dsplit", (normal(2, 1, 4),), 2),
    call("unbind", (normal(2, 3),)),
    call("unbind", (normal(2, 3),), -1, variant="dim"),
]
