"""Cases of ``minicnn.ops.linear``, of embeddings, and of lengths, distances and angles."""

from __future__ import annotations

from typing import Any

from tests.cases.case import Case, Maker, apart, given, integers, normal
from tests.cases.functional import INF, NAN, functional

X, Y = normal(3, 4), normal(3, 4)
ZEROS = given([[0.0, 0.0, 0.0], [1.0, -2.0, 0.0]])
BROKEN = given([[0.0, NAN, 1.0], [INF, 1.0, 2.0], [0.0, 1.0, -INF]])
P = (1.0, 1.5, 2.0, 3.0, INF)


def _embedding(variant: str = "", indices: Maker | None = None, **options: Any) -> Case:
    return functional("embedding", integers(0, 4, 2, 3) if indices is None else indices, normal(4, 3), variant=variant,
                      **options)


def _padding(t: Any, i: Any, w: Any) -> Any:
    return t.nn.functional.embedding(i, w, padding_idx=1)


CASES = [
    functional("linear", X, normal(2, 4), normal(2)),
    functional("linear", X, normal(2, 4), variant="no bias"),
    functional("linear", normal(2, 2, 3), normal(2, 3), normal(2), variant="leading dimensions"),
    functional("linear", normal(4), normal(2, 4), normal(2), variant="vector"),
    functional("linear", X, normal(4), variant="weight vector"),
    functional("linear", X, normal(1, 4), normal(1), variant="one feature"),
    functional("linear", normal(0, 4), normal(2, 4), normal(2), variant="empty batch"),
    functional("linear", given([[0.0, NAN, 1.0], [1.0, 1.0, 2.0]]), normal(2, 3), normal(2), variant="nan", kinks=True),
    functional("bilinear", normal(3, 2), normal(3, 4), normal(2, 2, 4), normal(2)),
    functional("bilinear", normal(2, 2, 2), normal(2, 2, 3), normal(3, 2, 3), variant="no bias"),
    functional("bilinear", normal(2), normal(3), normal(2, 2, 3), normal(2), variant="vectors"),
    _embedding(),
    _embedding("repeated", given([1, 1, 3, 1], dtype="int64")),
    _embedding("int32", given([[1, 0], [3, 1]], dtype="int32")),
    _embedding("empty", integers(0, 4, 0, 2)),
    Case("nn.functional.embedding", _padding, (given([0, 1, 2, 1], dtype="int64"), normal(4, 3)), "padding", kinks=True,
         why_not="the padding's row has no gradient, although the result depends on it"),
    _embedding("negative padding", given([0, 2, 3], dtype="int64"), padding_idx=-3),
    functional("one_hot", integers(0, 4, 2, 3), num_classes=4, grad=False),
    functional("one_hot", given([0, 2, 1], dtype="int64"), variant="counted", grad=False),
    functional("one_hot", integers(0, 4, 0, 3), variant="empty", num_classes=4, grad=False),
    *(functional("normalize", apart(3, 4, offset=0.03), variant=f"p {p}", p=p) for p in P),
    functional("normalize", normal(2, 3, 2), variant="dim", dim=-1),
    functional("normalize", X, variant="dim 0 eps", dim=0, eps=100.0),
    functional("normalize", ZEROS, variant="row 18 length 0", kinks=True),
    functional("normalize", ZEROS, variant="zero p 1", p=1.0, kinks=True),
    functional("normalize", ZEROS, variant="zero p inf", p=INF, kinks=True),
    functional("normalize", BROKEN, variant="special", kinks=True),
    functional("cosine_similarity", X, Y),
    functional("cosine_similarity", normal(2, 3, 2), normal(2, 3, 2), variant="dim", dim=-1),
    functional("cosine_similarity", normal(2, 1, 4), normal(3, 4), variant="broadcast", dim=2),
    functional("cosine_similarity", X, Y, variant="eps", dim=0, eps=3.0, kinks=True,
               why_not="lengths have their slope also where eps replaces them"),
    functional("cosine_similarity", normal(4), normal(4), variant="vectors", dim=0),
    functional("cosine_similarity", ZEROS, normal(2, 3), variant="zero", kinks=True),
    functional("cosine_similarity", BROKEN, normal(3, 3), variant="special", kinks=True),
    *(functional("pairwise_distance", apart(3, 4), apart(3, 4, gap=0.23), variant=f"p {p}", p=p) for p in P),
    functional("pairwise_distance", X, Y, variant="p 0", p=0.0, grad=False),
    functional("pairwise_distance", X, Y, variant="options", eps=0.1, keepdim=True),
    functional("pairwise_distance", normal(2, 2, 3), normal(3), variant="broadcast"),
    functional("pairwise_distance", normal(4), normal(4), variant="vectors"),
    functional("pairwise_distance", ZEROS, ZEROS, variant="row 18 distance 0", eps=0.0, kinks=True),
    functional("pairwise_distance", BROKEN, normal(3), variant="special", kinks=True),
    # Row 18's others: lengths and roots of 0, and clamps at their bound; and row 19's NaN that leaks.
    Case("norm", lambda t, x: t.norm(x), (given([0.0, 0.0]),), "row 18 slope 0 at 0", kinks=True),
    Case("abs", lambda t, x: t.abs(x), (given([-0.0, 0.0]),), "row 18 slope 0 at 0", kinks=True),
    Case("sqrt", lambda t, x: t.sqrt(x), (given([0.0, 1.0]),), "row 18 slope inf at 0", kinks=True),
    Case("clamp", lambda t, x: t.clamp(x, min=0), (given([-0.0, 0.0, 1.0]),), "row 18 slope 1 at 0", kinks=True),
    Case("where", lambda t, x: t.where(x > 0, t.log(x), 0.0), (given([-1.0, 0.0, 1.0]),), "row 19", kinks=True),
]
