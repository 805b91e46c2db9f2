"""Cases of the losses of likelihoods."""

from __future__ import annotations

from typing import Any

from tests.cases.case import Case, Maker, given, normal, probabilities, uniform
from tests.cases.functional import INF, NAN, functional

REDUCTIONS = ("mean", "sum", "none")
CHANCES, LOGITS = uniform(0.1, 0.9, 2, 3), normal(2, 3)
WEIGHTS = {"row": [0.5, 2.0, 0.0], "column": [[0.5], [2.0]]}
SPECIAL = given([-800.0, -1.0, 0.0, 800.0, INF, NAN])
HALF = given([0.5, 0.0, 0.5, 1.0, 0.5, 0.5])


def _each(op: str, *inputs: Maker, variant: str = "", also: tuple[str, ...] = (), **options: Any) -> list[Case]:
    """Every reduction."""
    return [functional(op, *inputs, variant=f"{variant} {reduction}".strip(), reduction=reduction, **options)
            for reduction in (*REDUCTIONS, *also)]  # fmt: skip


def _number_variance(t: Any, x: Any, y: Any) -> Any:
    return t.nn.functional.gaussian_nll_loss(x, y, 0.5)


CASES = [
    *_each("binary_cross_entropy", CHANCES, uniform(0, 1, 2, 3)),
    *(functional("binary_cross_entropy", CHANCES, uniform(0, 1, 2, 3), variant=f"weight {name}",
                 constants={"weight": values}) for name, values in WEIGHTS.items()),
    functional("binary_cross_entropy", given([0.0, 1.0, 0.0, 1.0, 1e-300]), given([0.0, 1.0, 1.0, 0.0, 1.0]),
               variant="row 32 clamped", reduction="none", kinks=True),
    functional("binary_cross_entropy", given([0.0, 1.0, 0.5]), given([0.5, 0.5, 0.0]), variant="row 32 clamped mean",
               kinks=True),
    *_each("binary_cross_entropy_with_logits", LOGITS, uniform(0, 1, 2, 3)),
    *(functional("binary_cross_entropy_with_logits", LOGITS, uniform(0, 1, 2, 3), variant=f"weight {name}",
                 constants={"weight": values}) for name, values in WEIGHTS.items()),
    *(functional("binary_cross_entropy_with_logits", LOGITS, uniform(0, 1, 2, 3), variant=f"pos_weight {name}",
                 constants={"pos_weight": values}) for name, values in WEIGHTS.items()),
    functional("binary_cross_entropy_with_logits", LOGITS, uniform(0, 1, 2, 3), variant="both weights",
               constants={"weight": WEIGHTS["column"], "pos_weight": WEIGHTS["row"]}, reduction="sum"),
    functional("binary_cross_entropy_with_logits", SPECIAL, HALF, variant="special", reduction="none", kinks=True),
    *_each("kl_div", LOGITS, probabilities(2, 3), also=("batchmean",), warns=True),
    *_each("kl_div", LOGITS, LOGITS, variant="log_target", also=("batchmean",), log_target=True, warns=True),
    functional("kl_div", LOGITS, probabilities(3, axis=0), variant="broadcast", reduction="sum"),
    functional("kl_div", given([[-1.0, -800.0, -2.0, 0.0]]), given([[0.0, 0.0, 1.0, 0.5]]), variant="probability 0",
               reduction="none", kinks=True),
    *_each("poisson_nll_loss", LOGITS, uniform(1.5, 4, 2, 3)),
    functional("poisson_nll_loss", uniform(0.5, 2, 2, 3), uniform(1.5, 4, 2, 3), variant="counts", log_input=False),
    functional("poisson_nll_loss", uniform(0.5, 2, 2, 3), uniform(1.5, 4, 2, 3), variant="options", log_input=False,
               full=True, eps=0.1, reduction="none"),
    functional("poisson_nll_loss", LOGITS, uniform(0.1, 0.9, 2, 3), variant="full small", full=True),
    functional("poisson_nll_loss", LOGITS, variant="full", constants={"target": [[0.0, 1.0, 2.0], [3.0, 0.5, 1.5]]},
               full=True, reduction="none"),
    *_each("gaussian_nll_loss", LOGITS, LOGITS, uniform(0.5, 2, 2, 3)),
    functional("gaussian_nll_loss", LOGITS, LOGITS, uniform(0.5, 2, 2, 1), variant="full, a variance a row", full=True),
    functional("gaussian_nll_loss", LOGITS, LOGITS, uniform(0.5, 2, 2), variant="no last dimension", reduction="none"),
    functional("gaussian_nll_loss", LOGITS, LOGITS, given([[0.0, 1.0, 0.2], [0.05, 0.0, 0.1]]), variant="eps", eps=0.1,
               kinks=True, why_not="the variance has a gradient also where eps replaces it"),
    Case("nn.functional.gaussian_nll_loss", _number_variance, (LOGITS, LOGITS), "number"),
]  # fmt: skip
