"""Cases of ``minicnn.ops.arithmetic``."""

from tests.cases.case import Case, normal, uniform

CASES = [
    Case("add", lambda t, x, y: t.add(x, y), (normal(3, 4), normal(3, 4))),
    Case("add", lambda t, x, y: t.add(x, y, alpha=2.5), (normal(3, 4), normal(4)), "alpha"),
    Case("add", lambda t, x, y: x + y, (normal(3, 1, 2), normal(4, 1)), "broadcast"),
    Case("add", lambda t, x: 3 + x, (normal(3, 4),), "reflected number"),
    Case("sub", lambda t, x, y: t.sub(x, y, alpha=3), (normal(3, 4), normal(3, 1)), "alpha"),
    Case("sub", lambda t, x: 2.0 - x, (normal(3, 4),), "reflected"),
    Case("subtract", lambda t, x, y: t.subtract(x, y), (normal(3, 4), normal(3, 4))),
    Case("rsub", lambda t, x, y: t.rsub(x, y), (normal(3, 4), normal(3, 4))),
    Case("mul", lambda t, x, y: t.mul(x, y), (normal(3, 4), normal(1, 4))),
    Case("multiply", lambda t, x, y: t.multiply(x, y), (normal(3, 4), normal(3, 4))),
    Case("mul", lambda t, x: x * x, (normal(3, 4),), "square"),
    Case("mul", lambda t, x, y: t.mul(x, y), (normal(3, 0), normal(1, 1)), "empty"),
    Case("div", lambda t, x, y: t.div(x, y), (normal(3, 4), uniform(0.5, 2, 3, 4))),
    Case("div", lambda t, x: 2 / x, (uniform(0.5, 2, 3, 4),), "reflected"),
    Case("div", lambda t, x, y: t.div(x, y, rounding_mode="floor"), (normal(3, 4), uniform(0.5, 2, 3, 4)), "floor"),
    Case("div", lambda t, x, y: t.div(x, y, rounding_mode="trunc"), (normal(3, 4), uniform(0.5, 2, 3, 4)), "trunc"),
    Case("divide", lambda t, x, y: t.divide(x, y), (normal(3, 4), uniform(0.5, 2, 3, 4))),
    Case("true_divide", lambda t, x, y: t.true_divide(x, y), (normal(3, 4), uniform(0.5, 2, 3, 4))),
    Case("neg", lambda t, x: t.neg(x), (normal(3, 4),)),
    Case("pow", lambda t, x, y: t.pow(x, y), (uniform(0.5, 2, 3, 4), normal(4))),
    Case("pow", lambda t, x: x**3, (normal(3, 4),), "cube"),
    Case("pow", lambda t, x: x**0.5, (uniform(0.5, 2, 3, 4),), "root"),
    Case("pow", lambda t, x: 2**x, (normal(3, 4),), "exponent"),
    Case("Tensor.add_", lambda t, x, y: (x * 1).add_(y, alpha=2), (normal(3, 4), normal(4))),
    Case("Tensor.sub_", lambda t, x, y: (x * 1).sub_(y), (normal(3, 4), normal(4))),
    Case("Tensor.mul_", lambda t, x, y: (x + 0).mul_(y.detach()), (normal(3, 4), normal(3, 4)), grad=True),
    Case("Tensor.div_", lambda t, x: (x * 1).div_(3), (normal(3, 4),)),
]
