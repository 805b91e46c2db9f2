"""Cases of ``minicnn.ops.loss``: losses of classes."""

from __future__ import annotations

from typing import Any

from tests.cases.case import Case, Maker, given, integers, normal, probabilities
from tests.cases.functional import INF, NAN, functional, raises

WEIGHT = {"weight": [1.0, 2.0, 0.5, 0.0]}
LOGITS, CLASSES = normal(3, 4), given([1, 0, 2], dtype="int64")
IMAGES, PIXELS = normal(2, 4, 1, 2), given([[[1, 3]], [[0, 2]]], dtype="int64")
SOME = given([1, -100, 2], dtype="int64")
NONE_LEFT = given([-100, -100, -100], dtype="int64")
BROKEN = given([[0.0, NAN, 1.0, 0.0], [INF, 1.0, 2.0, 0.0], [0.0, 1.0, -INF, 2.0], [-INF, -INF, -INF, -INF]])
REDUCTIONS = ("mean", "sum", "none")


def _classes(op: str) -> list[Case]:
    """The options that both losses of classes have."""

    def case(variant: str, x: Maker = LOGITS, target: Maker = CLASSES, **options: Any) -> Case:
        return functional(op, x, target, variant=variant, **options)

    return [
        *(case(reduction, reduction=reduction) for reduction in REDUCTIONS),
        *(case(f"weight {reduction}", constants=WEIGHT, reduction=reduction) for reduction in REDUCTIONS),
        *(case(f"ignored {reduction}", target=SOME, reduction=reduction) for reduction in REDUCTIONS),
        *(case(f"row 28 weight ignored {reduction}", constants=WEIGHT, ignore_index=2, reduction=reduction)
          for reduction in REDUCTIONS),
        case("row 28 all ignored", target=NONE_LEFT, kinks=True),
        case("all ignored sum", target=NONE_LEFT, reduction="sum"),
        case("all ignored weight none", target=NONE_LEFT, reduction="none", constants=WEIGHT),
        case("weight 0", target=given([3, 3, 3], dtype="int64"), constants=WEIGHT, kinks=True),
        *(case(f"images {reduction}", IMAGES, PIXELS, reduction=reduction) for reduction in REDUCTIONS),
        case("images weight ignored", IMAGES, PIXELS, constants=WEIGHT, ignore_index=0),
        case("uint8", target=given([1, 0, 2], dtype="uint8")),
        case("one class", normal(3, 1), given([0, 0, 0], dtype="int64")),
        case("no rows sum", normal(0, 4), integers(0, 4, 0), reduction="sum"),
        case("no rows mean", normal(0, 4), integers(0, 4, 0), kinks=True),
        case("special", BROKEN, given([0, 1, 3, 0], dtype="int64"), reduction="none", kinks=True),
        case("special ignored", BROKEN, given([-100, -100, 3, -100], dtype="int64"), constants=WEIGHT, grad=False),
        case("unbatched", normal(4), integers(0, 4)),
        case("unbatched none", normal(4), integers(0, 4), reduction="none"),
        Case(f"nn.functional.{op}", lambda t, x, y: _row_31(t, op, x, y), (LOGITS, CLASSES), "row 31 targets"),
    ]  # fmt: skip


def _row_31(t: Any, op: str, x: Any, target: Any) -> Any:
    f = getattr(t.nn.functional, op)
    raises(RuntimeError if t.__name__ == "torch" else TypeError, lambda: f(x, target.to(t.int32)))
    raises(IndexError, lambda: f(x, target + 2))
    raises(IndexError, lambda: f(x, target - 1))
    return f(x, target)


CASES = [
    *_classes("cross_entropy"),
    *_classes("nll_loss"),
    functional("cross_entropy", normal(4, 3), normal(4, 3), variant="target of any numbers"),
    functional("cross_entropy", given([[1000.0, -1000.0, 0.0]]), given([1], dtype="int64"), variant="huge"),
    *(functional("cross_entropy", LOGITS, CLASSES, variant=f"row 29 smoothed {reduction}", label_smoothing=0.3,
                 reduction=reduction) for reduction in REDUCTIONS),
    *(functional("cross_entropy", LOGITS, SOME, variant=f"row 29 smoothed weight ignored {reduction}", constants=WEIGHT,
                 label_smoothing=0.3, reduction=reduction) for reduction in REDUCTIONS),
    functional("cross_entropy", LOGITS, NONE_LEFT, variant="smoothed all ignored", label_smoothing=0.3, kinks=True),
    functional("cross_entropy", IMAGES, PIXELS, variant="smoothed images", constants=WEIGHT, label_smoothing=0.3,
               ignore_index=2),
    functional("cross_entropy", LOGITS, CLASSES, variant="smoothed away", label_smoothing=1.0),
    *(functional("cross_entropy", LOGITS, probabilities(3, 4), variant=f"probabilities {reduction}",
                 reduction=reduction) for reduction in REDUCTIONS),
    *(functional("cross_entropy", LOGITS, probabilities(3, 4), variant=f"row 30 probabilities weight {reduction}",
                 constants=WEIGHT, reduction=reduction) for reduction in REDUCTIONS),
    functional("cross_entropy", LOGITS, probabilities(3, 4), variant="probabilities smoothed", constants=WEIGHT,
               label_smoothing=0.3),
    functional("cross_entropy", IMAGES, probabilities(2, 4, 1, 2), variant="probabilities images", constants=WEIGHT),
    functional("cross_entropy", normal(4), probabilities(4, axis=0), variant="probabilities unbatched"),
]  # fmt: skip
