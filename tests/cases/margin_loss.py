"""Cases of the losses with a margin."""

from __future__ import annotations

from typing import Any

from tests.cases.case import Case, Maker, apart, given, integers, normal, uniform
from tests.cases.functional import INF, NAN, functional, signs

REDUCTIONS = ("mean", "sum", "none")
X, Y, Z = apart(3, 4, gap=0.27), apart(3, 4, gap=0.31, offset=0.1), apart(3, 4, gap=0.37, offset=-0.1)
ROWS, CLASSES = given([1, -1, 1], dtype="int64"), given([1, 0, 3], dtype="int64")
WEIGHT = {"weight": [1.0, 2.0, 0.5, 0.0]}
SPECIAL = given([-INF, -300.0, -1.0, -0.5, 0.0, 0.5, 1.0, 300.0, INF, NAN])
UP = given([1, -1, -1, 1, -1, -1, -1, -1, -1, -1], dtype="int64")


def _each(op: str, *inputs: Maker, variant: str = "", **options: Any) -> list[Case]:
    """Every reduction."""
    return [functional(op, *inputs, variant=f"{variant} {reduction}".strip(), reduction=reduction, **options)
            for reduction in REDUCTIONS]  # fmt: skip


CASES = [
    *_each("hinge_embedding_loss", X, signs(3, 4)),
    functional("hinge_embedding_loss", X, signs(3, 4), variant="margin", margin=0.4),
    functional("hinge_embedding_loss", X, given([[1, 0, -1, 0]] * 3, dtype="int64"), variant="neither"),
    functional("hinge_embedding_loss", SPECIAL, UP, variant="special", margin=0.5, reduction="none", kinks=True),
    *_each("margin_ranking_loss", X, Y, signs(3, 4)),
    functional("margin_ranking_loss", X, Y, signs(3, 4), variant="margin", margin=0.35),
    functional("margin_ranking_loss", X, Y, uniform(0.5, 2, 3, 1), variant="float target", margin=0.35),
    functional("margin_ranking_loss", given([1.0, 2.0, NAN]), given([1.0, 1.0, 1.0]), given([1, 1, 1], dtype="int64"),
               variant="special", margin=1.0, reduction="none", kinks=True),
    *_each("cosine_embedding_loss", X, Y, ROWS),
    functional("cosine_embedding_loss", X, Y, ROWS, variant="margin", margin=-0.7),
    functional("cosine_embedding_loss", given([[0.0, 0.0], [1.0, 0.0], [NAN, 1.0]]),
               given([[1.0, 2.0], [0.0, 0.0], [1.0, 1.0]]), ROWS, variant="zero", reduction="none", kinks=True),
    functional("cosine_embedding_loss", normal(4), normal(4), signs(), variant="unbatched"),
    *_each("soft_margin_loss", X, signs(3, 4)),
    functional("soft_margin_loss", given([-300.0, 0.0, 300.0, NAN]), given([1, 1, -1, -1], dtype="int64"),
               variant="special", reduction="none", kinks=True),
    *_each("multilabel_soft_margin_loss", X, uniform(0, 1, 3, 4)),
    functional("multilabel_soft_margin_loss", X, uniform(0, 1, 3, 4), variant="weight", constants=WEIGHT),
    functional("multilabel_soft_margin_loss", normal(4), uniform(0, 1, 4), variant="unbatched", reduction="none"),
    *_each("multi_margin_loss", X, CLASSES),
    *_each("multi_margin_loss", X, CLASSES, variant="options", p=2, margin=0.7, constants=WEIGHT),
    functional("multi_margin_loss", given([[1.0, 0.0, 2.0], [0.0, NAN, 1.0]]), given([0, 2], dtype="int64"),
               variant="special", reduction="none", kinks=True),
    functional("multi_margin_loss", normal(4), integers(0, 4), variant="unbatched", reduction="none"),
    *_each("triplet_margin_loss", X, Y, Z),
    functional("triplet_margin_loss", X, Y, Z, variant="swap", swap=True, margin=0.6),
    functional("triplet_margin_loss", X, Y, Z, variant="p 1", p=1.0, eps=0.1),
    functional("triplet_margin_loss", normal(4), normal(4), normal(4), variant="unbatched"),
    functional("triplet_margin_loss", given([[0.0, 0.0]]), given([[0.0, 0.0]]), given([[0.0, 0.0]]), variant="equal",
               eps=0.0, kinks=True),
]  # fmt: skip
