"""What a kernel has to do at the least: bytes that come and go, and operations, from the sizes of its arguments.

Each array that a kernel is given counts once, as if the caches kept all that is read again. Operations are those of
the kernel's own lines, as written: an addition, a product, a quotient, a root, an exponential or a comparison is one.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, NamedTuple

Arguments = Any
"""The arguments of a kernel under the names of its parameters."""


class Cost(NamedTuple):
    """Of one call; ``doubles`` are operations in float64, which most cards do far more slowly."""

    bytes: float
    operations: float = 0
    doubles: float = 0


def product(x: Any, y: Any, out: Any = None, *, add: bool = False) -> Cost:
    """x (*, m, k) · y (*, k, n): 2·m·k·n operations for each of the products; with ``add``, into what is read, too."""
    *many, m, k = x.shape
    n = y.shape[-1]
    products = max(math.prod(many), math.prod(y.shape[:-2]))
    written = products * m * n * (x if out is None else out).itemsize
    return Cost(x.nbytes + y.nbytes + (1 + add) * written, 2.0 * products * m * k * n)


def kernel(text: str, name: str, count: int, arguments: tuple[Any, ...]) -> Cost:
    """The cost of launching a kernel of a source. Errors: KeyError for one that the tables below do not know."""
    k = bound(text, name, (count, *arguments))
    if name == "formula":
        return _formula(text, k)
    moved = MOVED[name](k) if name in MOVED else sum(array.nbytes for array in arrays(k).values())
    return Cost(moved, *OPERATIONS[name](k))


def _formula(text: str, k: Arguments) -> Cost:
    """The cost of what formula.py wrote, line by line; here alone arrays are both read and written."""
    body = text[text.index("EACH(i, count) {") :]
    operations = re.findall(r" [-+*/>] |= -|sqrt\(|fabs\(", body)
    written = re.findall(r"^ *(p\d+)\[i\] =", body, re.MULTILINE)
    moved = sum(array.nbytes for array in arrays(k).values()) + sum(getattr(k, name).nbytes for name in written)
    return Cost(moved, k.count * len(operations))


def bound(text: str, name: str, values: tuple[Any, ...]) -> Arguments:
    """The values under the names that the kernel's declaration gives them."""
    return SimpleNamespace(**dict(zip(parameters(text, name), values, strict=True)))


def parameters(text: str, name: str) -> list[str]:
    """The names of a kernel's parameters. Errors: KeyError where the source has no such kernel."""
    declared = re.search(rf"\b{name}\((Index count.*?)\)", text, re.DOTALL)
    if declared is None:
        raise KeyError(name)
    listed = ",".join(_expanded(text, parameter.strip()) for parameter in declared[1].split(","))
    return [parameter.split()[-1].lstrip("*") for parameter in listed.split(",")]


def _expanded(text: str, parameter: str) -> str:
    """What a macro stands for, which is a parameter of one word."""
    defined = re.search(rf"#define {parameter}((?:[^\n]*\\\n)*[^\n]*)", text) if " " not in parameter else None
    return parameter if defined is None else defined[1].replace("\\", " ")


def arrays(k: Arguments) -> dict[str, Any]:
    """The arrays that are there: ``x`` is not where ``has_x`` is false."""
    return {name: value for name, value in vars(k).items() if hasattr(value, "nbytes") and has(k, name)}


def has(k: Arguments, name: str) -> int:
    """1 unless the kernel is told that there is no such array."""
    return int(bool(getattr(k, f"has_{name}", True)))


def _convolution(k: Arguments) -> float:
    """A product and an addition for each tap of each output pixel in each of a group's channels."""
    return 2.0 * k.N * k.O * k.OH * k.OW * (k.C // k.groups) * k.KH * k.KW


def _plain(operations: Callable[[Arguments], float]) -> Callable[[Arguments], tuple[float, float]]:
    return lambda k: (operations(k), 0)


def _doubles(operations: Callable[[Arguments], float]) -> Callable[[Arguments], tuple[float, float]]:
    return lambda k: (0, operations(k))


OPERATIONS: dict[str, Callable[[Arguments], tuple[float, float]]] = {
    # conv.cu
    "im2col": _plain(lambda _: 0),
    "col2im": _plain(lambda k: k.columns.size),
    "rows_to_images": _plain(lambda k: k.count * (has(k, "bias") + k.relu)),
    "bias_relu": _plain(lambda k: k.count * (has(k, "bias") + 1)),
    # implicit.cu
    "implicit_conv": _plain(lambda k: _convolution(k) + k.y.size * (has(k, "bias") + k.relu)),
    "implicit_input_grad": _plain(_convolution),
    "implicit_weight_grad": _plain(_convolution),
    "sum_parts": _doubles(lambda k: k.partial.size),
    # winograd.cu; along an axis weights take 6 operations, inputs and outputs 4, gradients 3, and the weights' 8
    "winograd_weights": _plain(lambda k: (3 + 4) * 6 * k.count),
    "winograd_inputs": _plain(lambda k: (4 + 4) * 4 * k.count),
    "winograd_outputs": _plain(lambda k: (4 + 2) * 4 * k.count + k.y.size * (1 + has(k, "bias") + k.relu)),
    "winograd_gradients": _plain(lambda k: (2 + 4) * 3 * k.count),
    "winograd_weight_grad": _plain(lambda k: ((4 + 3) * 8 + 9) * k.count),
    # depthwise.cu
    "depthwise": _plain(lambda k: k.count * (2 * k.KH * k.KW + has(k, "bias") + k.relu)),
    "depthwise_input_grad": _plain(lambda k: 2 * k.g.size * k.KH * k.KW),
    "depthwise_weight_grad": lambda k: (k.g.size * k.KH * k.KW, k.g.size * k.KH * k.KW),
    # pool.cu and adaptive.cu
    "max_pool": _plain(lambda k: k.count * k.KH * k.KW),
    "max_pool_grad": _plain(lambda k: k.g.size),
    "scatter_planes": _plain(lambda k: k.g.size),
    "avg_pool": _plain(lambda k: k.count * (k.KH * k.KW + 1)),
    "avg_pool_grad": _plain(lambda k: 2 * k.g.size * k.KH * k.KW),
    "adaptive_avg": _plain(lambda k: k.x.size + k.count),
    "adaptive_avg_grad": _plain(lambda k: 2 * max(k.g.size, k.count)),
    "adaptive_max": _plain(lambda k: k.x.size),
    # norm.cu; x̂ = (x − mean)·(1 / sqrt(var + eps)) is three operations, and two in float64
    "norm_sums": _doubles(lambda k: 4 * k.x.size),
    "norm_statistics": _doubles(lambda k: k.partial.size + 5 * k.count),
    "norm_apply": lambda k: (k.count * (3 + has(k, "weight") + has(k, "bias")), 2 * k.count),
    "norm_grad_sums": lambda k: (3 * k.x.size, k.x.size * (5 + has(k, "weight"))),
    "norm_total": _doubles(lambda k: k.partial.size),
    "norm_grad": lambda k: (k.count * (9 + has(k, "weight")), 2 * k.count),
    # softmax.cu
    "softmax_nll": _doubles(lambda k: 7 * k.x.size),
    "softmax_nll_grad": _plain(lambda k: 2 * k.count),
    # random.cu, whose operations on words count as none
    "random_words": _plain(lambda _: 0),
    "random_noise": _doubles(lambda k: 2 * k.count),
    "random_slopes": lambda k: (k.count, 3 * k.count),
}

MOVED: dict[str, Callable[[Arguments], float]] = {
    # One number of x for each segment.
    "norm_statistics": lambda k: k.count * k.x.itemsize + k.partial.nbytes + k.mean.nbytes + k.var.nbytes,
    # Images and weights are read where a number is not finite, or huge.
    "winograd_outputs": lambda k: k.products.nbytes + k.y.nbytes + has(k, "bias") * k.bias.nbytes,
    "winograd_weight_grad": lambda k: k.sums.nbytes + k.dw.nbytes,
    # The product is read, and written again.
    "bias_relu": lambda k: has(k, "bias") * k.bias.nbytes + 2 * k.y.nbytes,
    # Sums are read, and written again.
    "scatter_planes": lambda k: k.g.nbytes + k.winners.nbytes + 2 * k.dx.nbytes,
}
"""Bytes, where they are not those of all arrays."""
