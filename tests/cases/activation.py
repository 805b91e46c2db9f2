"""Cases of ``minicnn.ops.activation`` and ``minicnn.ops.smooth``."""

from __future__ import annotations

from typing import Any

from tests.cases.case import Case, Maker, apart, given, normal
from tests.cases.functional import INF, NAN, functional

SHAPE = (3, 4)
# Every kink of the activations below, and the values at which formulas overflow.
SPECIAL = given([-INF, -800.0, -3.0, -1.0, -0.5, -0.0, 0.0, 0.1, 0.5, 1.0, 3.0, 6.0, 800.0, INF])


def _every(op: str, x: Maker | None = None, **options: Any) -> list[Case]:
    """Values between the kinks, those at them, and NaN.

    PyTorch's own gradients at NaN depend on where in a vector of the processor it lies: only values are compared.
    """
    x = normal(*SHAPE) if x is None else x
    named = ", ".join(f"{name} {value}" for name, value in options.items())
    return [
        functional(op, x, variant=named, **options),
        functional(op, SPECIAL, variant=f"special {named}".rstrip(), kinks=True, **options),
        functional(op, given([NAN, 1.0, NAN]), variant=f"nan {named}".rstrip(), grad=False, **options),
    ]


def _prelu(t: Any, x: Any, weight: Any) -> Any:
    return t.nn.functional.prelu(x, weight)


CASES = [
    *_every("relu", apart(*SHAPE)),
    *_every("relu", apart(*SHAPE), inplace=True),
    *_every("relu_", apart(*SHAPE)),
    Case("Tensor.relu_", lambda t, x: (x * 1).relu_(), (apart(*SHAPE),)),
    functional("relu", given([-1.0, 0.0, 1.0]), variant="row 18 slope 0 at 0", kinks=True),
    functional("relu", given([NAN, 1.0]), variant="row 19 nan stays", kinks=True),
    functional("relu", apart(0, 3), variant="empty"),
    *_every("relu6", apart(*SHAPE, gap=1.0, offset=2.0)),
    *_every("relu6", apart(*SHAPE, gap=1.0, offset=2.0), inplace=True),
    functional("relu6", given([0.0, 6.0]), variant="row 18 slope 0 at both ends", kinks=True),
    *_every("hardtanh", apart(*SHAPE, gap=0.3)),
    *_every("hardtanh", apart(*SHAPE, gap=0.3), min_val=-0.5, max_val=3.0),
    *_every("hardtanh", apart(*SHAPE, gap=0.3), inplace=True),
    *_every("hardtanh_", apart(*SHAPE, gap=0.3), min_val=-1.0, max_val=0.5),
    functional("hardtanh", given([-1.0, 1.0, 6.0]), variant="row 18 slope 0 at the end", kinks=True, max_val=6.0),
    *_every("leaky_relu", apart(*SHAPE)),
    *_every("leaky_relu", apart(*SHAPE), negative_slope=0.0),
    *_every("leaky_relu", apart(*SHAPE), negative_slope=-0.5),
    *_every("leaky_relu", apart(*SHAPE), negative_slope=0.2, inplace=True),
    *_every("leaky_relu_", apart(*SHAPE)),
    functional("leaky_relu", given([-0.0, 0.0]), variant="row 18 its slope at 0", kinks=True, negative_slope=0.3),
    Case("nn.functional.prelu", _prelu, (apart(*SHAPE), given([0.25])), "one weight"),
    Case("nn.functional.prelu", _prelu, (apart(2, 3, 4), normal(3)), "a weight for each channel"),
    Case("nn.functional.prelu", _prelu, (apart(4), normal(1)), "vector"),
    Case("nn.functional.prelu", _prelu, (SPECIAL, given([-0.5])), "special", kinks=True),
    Case("prelu", lambda t, x, w: t.prelu(x, w), (apart(*SHAPE), normal(4))),
    *_every("rrelu", apart(*SHAPE)),
    *_every("rrelu", apart(*SHAPE), training=True),
    *_every("rrelu", apart(*SHAPE), lower=0.2, upper=0.9, training=True, inplace=True),
    functional("rrelu", given([NAN, -1.0, 1.0]), variant="row 19 nan training", training=True, kinks=True),
    functional("rrelu_", apart(*SHAPE)),
    functional("rrelu_", apart(*SHAPE), variant="training", training=True),
    *_every("threshold", apart(*SHAPE), threshold=0.1, value=20.0),
    *_every("threshold", apart(*SHAPE), threshold=0.1, value=-3.0, inplace=True),
    *_every("threshold_", apart(*SHAPE), threshold=-0.5, value=0.0),
    *_every("hardshrink", apart(*SHAPE, gap=0.3)),
    *_every("hardshrink", apart(*SHAPE, gap=0.3), lambd=0.1),
    *_every("softshrink", apart(*SHAPE, gap=0.3)),
    *_every("softshrink", apart(*SHAPE, gap=0.3), lambd=0.1),
    *_every("hardsigmoid", apart(*SHAPE, gap=1.0)),
    *_every("hardsigmoid", apart(*SHAPE, gap=1.0), inplace=True),
    *_every("hardswish", apart(*SHAPE, gap=1.0)),
    *_every("hardswish", apart(*SHAPE, gap=1.0), inplace=True),
    *_every("elu", apart(*SHAPE)),
    *_every("elu", apart(*SHAPE), alpha=2.5),
    *_every("elu", apart(*SHAPE), alpha=0.5, inplace=True),
    *_every("elu_", apart(*SHAPE)),
    *_every("selu", apart(*SHAPE)),
    *_every("selu", apart(*SHAPE), inplace=True),
    *_every("selu_", apart(*SHAPE)),
    *_every("celu", apart(*SHAPE)),
    *_every("celu", apart(*SHAPE), alpha=2.5),
    *_every("celu", apart(*SHAPE), alpha=0.5, inplace=True),
    *_every("celu_", apart(*SHAPE), alpha=0.7),
    *_every("sigmoid"),
    *_every("tanh"),
    *_every("logsigmoid"),
    *_every("softplus"),
    *_every("softplus", beta=2.0, threshold=1.0),
    *_every("gelu"),
    *_every("gelu", approximate="tanh"),
    *_every("silu"),
    *_every("silu", inplace=True),
    *_every("mish"),
    *_every("mish", inplace=True),
    *_every("softsign", apart(*SHAPE)),
    *_every("tanhshrink"),
    functional("glu", normal(3, 4)),
    functional("glu", normal(2, 4, 3), variant="dim", dim=1),
    functional("glu", given([[-INF, 0.0, 1.0, NAN, 0.0, INF, -INF, 1.0]]), variant="special", kinks=True),
]
