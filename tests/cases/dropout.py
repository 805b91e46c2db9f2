"""Cases of ``minicnn.ops.dropout``: every run starts from one seed, so masks are the same in both libraries."""

from __future__ import annotations

from typing import Any

from tests.cases.case import Case, given, normal
from tests.cases.functional import NAN, functional

X, SEQUENCES, IMAGES = normal(4, 5), normal(2, 4, 3), normal(2, 3, 2, 2)
BROKEN = given([[1.0, NAN, 3.0], [NAN, NAN, 2.0]])


def _low(op: str) -> list[Case]:
    """PyTorch's functions below ``nn.functional``, and their in-place forms."""

    def call(t: Any, x: Any) -> Any:
        return getattr(t, op)(x, 0.3, True)

    def in_place(t: Any, x: Any) -> Any:
        y = x * 1
        getattr(t, f"{op}_")(y, 0.3, True)
        return y

    return [Case(op, call, (SEQUENCES,)), Case(f"{op}_", in_place, (SEQUENCES,)),
            Case(op, lambda t, x: getattr(t, op)(x, 0.3, False), (SEQUENCES,), "evaluation")]


CASES = [
    functional("dropout", X),
    functional("dropout", X, variant="row 27 scaled", p=0.2),
    functional("dropout", X, variant="row 27 p 1", p=1.0),
    functional("dropout", X, variant="row 27 evaluation", training=False),
    functional("dropout", X, variant="p 0", p=0.0),
    functional("dropout", X, variant="in place", p=0.3, inplace=True),
    functional("dropout", BROKEN, variant="nan", kinks=True),
    functional("dropout", normal(0, 3), variant="empty"),
    functional("dropout1d", SEQUENCES),
    functional("dropout1d", normal(4, 3), variant="unbatched", p=0.3),
    functional("dropout1d", SEQUENCES, variant="in place", inplace=True),
    functional("dropout1d", SEQUENCES, variant="evaluation", training=False),
    functional("dropout2d", IMAGES),
    functional("dropout2d", IMAGES, variant="row 27 whole channels", p=0.3),
    functional("dropout2d", IMAGES, variant="in place", inplace=True),
    functional("dropout2d", IMAGES, variant="p 1", p=1.0),
    functional("dropout2d", SEQUENCES, variant="3d", warns=True),
    functional("dropout3d", normal(2, 2, 1, 2, 2)),
    functional("dropout3d", normal(4, 1, 2, 2), variant="unbatched", p=0.3),
    functional("dropout3d", normal(2, 2, 1, 2, 2), variant="in place", inplace=True),
    functional("alpha_dropout", X),
    functional("alpha_dropout", X, variant="training", p=0.3, training=True),
    functional("alpha_dropout", X, variant="in place", p=0.3, training=True, inplace=True),
    functional("alpha_dropout", X, variant="p 1", p=1.0, training=True),
    functional("feature_alpha_dropout", SEQUENCES),
    functional("feature_alpha_dropout", SEQUENCES, variant="training", p=0.3, training=True),
    functional("feature_alpha_dropout", SEQUENCES, variant="in place", p=0.3, training=True, inplace=True),
    *_low("dropout"),
    *_low("feature_dropout"),
    *_low("alpha_dropout"),
    *_low("feature_alpha_dropout"),
]
