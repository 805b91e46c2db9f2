"""Cases of ``minicnn.ops.arithmetic``."""

from tests.cases.case import Case, integers, normal, uniform
from tests.cases.forms import call, forms

PAIR = (normal(2, 3), normal(3))
DIVISION = (normal(2, 3), uniform(0.5, 2, 3))
POWER = (uniform(0.5, 2, 2, 3), normal(3))

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
    *forms("neg", (normal(3, 4),)),
    *forms("negative", (normal(3, 4),)),
    call("positive", (normal(3, 4),)),
    *(call(f"Tensor.{name}_", PAIR) for name in ("multiply", "subtract")),
    *(call(f"Tensor.{name}_", DIVISION) for name in ("divide", "true_divide")),
    Case("pow", lambda t, x, y: t.pow(x, y), (uniform(0.5, 2, 3, 4), normal(4))),
    Case("pow", lambda t, x: x**3, (normal(3, 4),), "cube"),
    Case("pow", lambda t, x: x**0.5, (uniform(0.5, 2, 3, 4),), "root"),
    Case("pow", lambda t, x: 2**x, (normal(3, 4),), "exponent"),
    Case("Tensor.add_", lambda t, x, y: (x * 1).add_(y, alpha=2), (normal(3, 4), normal(4))),
    Case("Tensor.sub_", lambda t, x, y: (x * 1).sub_(y), (normal(3, 4), normal(4))),
    Case("Tensor.mul_", lambda t, x, y: (x + 0).mul_(y), (normal(3, 4), normal(3, 4))),
    Case("Tensor.div_", lambda t, x: (x * 1).div_(3), (normal(3, 4),)),
    call("Tensor.pow_", POWER),
    *(call(f"Tensor.__{name}__", PAIR) for name in ("add", "sub", "mul", "iadd", "isub", "imul")),
    *(call(f"Tensor.__{name}__", DIVISION) for name in ("truediv", "itruediv")),
    *(call(f"Tensor.__{name}__", POWER) for name in ("pow", "ipow")),
    *(call(f"Tensor.__{name}__", (normal(2, 3),)) for name in ("neg", "pos")),
    *(call(f"Tensor.__{name}__", (normal(2, 3),), 2.5) for name in ("radd", "rsub", "rmul")),
    *(call(f"Tensor.__{name}__", (uniform(0.5, 2, 2, 3),), 2.5) for name in ("rtruediv", "rpow")),
    *(call(name, (integers(1, 9, 2, 3), integers(1, 4, 3)), variant="integers", grad=False)
      for name in ("add", "sub", "mul", "div", "pow")),
    Case("add", lambda t, x, k: x + k, (normal(2, 3), integers(0, 9, 3)), "promotion"),
    Case("mul", lambda t, x, k: x * k, (normal(2), normal()), "0-d"),
]  # fmt: skip
