"""Activations with straight pieces: ReLU and relatives. Smooth ones are in ``smooth``, softmax in ``softmax``."""

from __future__ import annotations

from typing import Any

from minicnn import random
from minicnn.autograd.function import Function
from minicnn.autograd.inplace import apply_in_place, compute_in_place
from minicnn.backend import backend_of
from minicnn.dtypes import is_float
from minicnn.errors import OptionError
from minicnn.nn.functional.images import check_no_bools
from minicnn.ops import activation as ops
from minicnn.tensor import Tensor, wrap

__all__ = ["hardshrink", "hardsigmoid", "hardswish", "hardtanh", "hardtanh_", "leaky_relu", "leaky_relu_", "prelu",
           "relu", "relu6", "relu_", "rrelu", "rrelu_", "softshrink", "threshold", "threshold_"]  # fmt: skip

Array = Any


def relu(input: Tensor, inplace: bool = False) -> Tensor:
    """max(x, 0). The slope at 0 is 0; NaN stays NaN.

    Args:
        input: any tensor of numbers.
        inplace: compute in the memory of ``input``.

    Shapes: any; the result has the input's. Errors: DtypeError for bools.
    Source: Nair and Hinton 2010, https://www.cs.toronto.edu/~hinton/absps/reluICML.pdf

    Example:
        >>> F.relu(mc.tensor([-1.0, 2.0]))
        tensor([0., 2.])
    """
    return ops.relu_(input) if inplace else ops.ReLU.apply(ops.number("relu", input))


def relu6(input: Tensor, inplace: bool = False) -> Tensor:
    """min(max(x, 0), 6); the slope at 0 and at 6 is 0. Args, shapes: as ``relu``.

    Source: Howard et al. 2017, https://arxiv.org/abs/1704.04861

    Example:
        >>> F.relu6(mc.tensor([-1.0, 2.0, 8.0]))
        tensor([0., 2., 6.])
    """
    check_no_bools("relu6", input)
    return applied("relu6_", ops.Hardtanh, input, inplace, low=0, high=6)


def hardtanh(input: Tensor, min_val: float = -1.0, max_val: float = 1.0, inplace: bool = False) -> Tensor:
    """min(max(x, min_val), max_val); the slope at both ends is 0. Args, shapes: as ``relu``.

    Of integers the limits are integers, too: the parts after the point are cut off.
    Errors: OptionError where min_val > max_val, or where the dtype does not hold them.

    Example:
        >>> F.hardtanh(mc.tensor([-3.0, 0.5]))
        tensor([-1.0000,  0.5000])
    """
    check_no_bools("hardtanh", input)
    if min_val > max_val:
        raise OptionError("hardtanh: the range is empty", got=f"min_val={min_val}, max_val={max_val}",
                          rule="min_val <= max_val")
    low, high = (min_val, max_val) if is_float(input.dtype) else _integers(input.array, min_val, max_val)
    return applied("hardtanh_", ops.Hardtanh, input, inplace, low=low, high=high)


def leaky_relu(input: Tensor, negative_slope: float = 0.01, inplace: bool = False) -> Tensor:
    """x where x > 0, else negative_slope · x; the slope at 0 is negative_slope. Args, shapes: as ``relu``.

    Errors: DtypeError for integers. Source: Maas et al. 2013, https://ai.stanford.edu/~amaas/papers/relu_hybrid_icml2013_final.pdf

    Example:
        >>> F.leaky_relu(mc.tensor([-1.0, 2.0]), 0.1)
        tensor([-0.1000,  2.0000])
    """
    ops.floating("leaky_relu", input)
    if negative_slope >= 0:
        return applied("leaky_relu_", ops.LeakyReLU, input, inplace, slope=negative_slope)
    # A negative slope hides the sign of x in the result, which is all that LeakyReLU saves.
    slopes = wrap(backend_of(input.array).xp.full((1,) * input.ndim, negative_slope, input.array.dtype))
    return applied("leaky_relu_", ops.PReLU, input, inplace, slopes)


def prelu(input: Tensor, weight: Tensor) -> Tensor:
    """x where x > 0, else weight · x, with a weight that is learned: one for all, or one for each channel.

    Shapes: input (N, C, *) or any; weight (1,) or (C,), or () for one. Errors: ShapeError, DtypeError.
    Source: He et al. 2015, https://arxiv.org/abs/1502.01852

    Example:
        >>> F.prelu(mc.tensor([-2.0, 3.0]), mc.tensor([0.25]))
        tensor([-0.5000,  3.0000])
    """
    return ops.prelu(input, weight)


def rrelu(
    input: Tensor, lower: float = 1.0 / 8, upper: float = 1.0 / 3, training: bool = False, inplace: bool = False
) -> Tensor:
    """x where x > 0, else a · x: in training a is drawn for each element from U(lower, upper), else it is their mean.

    Args, shapes: as ``relu``. Errors: OptionError where lower > upper; DtypeError for integers.
    Source: Xu et al. 2015, https://arxiv.org/abs/1505.00853

    Example:
        >>> F.rrelu(mc.tensor([-1.0, 2.0]), 0.5, 0.5)
        tensor([-0.5000,  2.0000])
    """
    ops.floating("rrelu", input)
    if lower > upper:
        raise OptionError("rrelu: the range is empty", got=f"lower={lower}, upper={upper}", rule="lower <= upper")
    if not training:
        return leaky_relu(input, (lower + upper) / 2, inplace)
    slopes = backend_of(input.array).rrelu_slopes(random.default_generator, input.array, lower, upper)
    return applied("rrelu_", ops.PReLU, input, inplace, wrap(slopes))


def threshold(input: Tensor, threshold: float, value: float, inplace: bool = False) -> Tensor:
    """x where x > threshold, else value. Args, shapes: as ``relu``.

    Example:
        >>> F.threshold(mc.tensor([0.1, 0.9]), 0.5, 7.0)
        tensor([7.0000, 0.9000])
    """
    return applied("threshold_", ops.Threshold, input, inplace, threshold=threshold, value=value)


def hardshrink(input: Tensor, lambd: float = 0.5) -> Tensor:
    """x, but 0 where |x| <= lambd. Shapes: any; the result has the input's. Errors: DtypeError for integers.

    Example:
        >>> F.hardshrink(mc.tensor([-1.0, 0.2, 0.7]))
        tensor([-1.0000,  0.0000,  0.7000])
    """
    return ops.hardshrink(input, lambd)


def softshrink(input: Tensor, lambd: float = 0.5) -> Tensor:
    """x moved by lambd towards 0, and 0 where |x| <= lambd. Shapes: any; the result has the input's.

    Errors: OptionError where lambd is negative; DtypeError for integers.

    Example:
        >>> F.softshrink(mc.tensor([-1.0, 0.2, 0.75]))
        tensor([-0.5000,  0.0000,  0.2500])
    """
    array = ops.floating("softshrink", input).array
    largest = float(backend_of(array).xp.finfo(array.dtype).max)
    if not 0 <= lambd <= largest:  # NaN, too
        raise OptionError("softshrink: lambd is negative or too large", got=f"lambd={lambd}",
                          rule=f"0 <= lambd <= {largest}, the largest {input.dtype}")
    return ops.Softshrink.apply(input, lambd=lambd)


def hardsigmoid(input: Tensor, inplace: bool = False) -> Tensor:
    """relu6(x + 3) / 6: sigmoid in straight lines. Args, shapes: as ``relu``. Errors: DtypeError for integers.

    Source: Courbariaux et al. 2015, https://arxiv.org/abs/1511.00363

    Example:
        >>> F.hardsigmoid(mc.tensor([-4.0, 0.0, 1.5]))
        tensor([0.0000, 0.5000, 0.7500])
    """
    return applied("hardsigmoid_", ops.Hardsigmoid, ops.floating("hardsigmoid", input), inplace)


def hardswish(input: Tensor, inplace: bool = False) -> Tensor:
    """x · relu6(x + 3) / 6: silu in straight lines and a parabola. Args, shapes: as ``relu``.

    Errors: DtypeError for integers. Source: Howard et al. 2019, https://arxiv.org/abs/1905.02244

    Example:
        >>> F.hardswish(mc.tensor([0.0, 1.0, 4.0]))
        tensor([0.0000, 0.6667, 4.0000])
    """
    return applied("hardswish_", ops.Hardswish, ops.floating("hardswish", input), inplace)


def relu_(input: Tensor) -> Tensor:
    """``relu`` in place."""
    return ops.relu_(input)


def hardtanh_(input: Tensor, min_val: float = -1.0, max_val: float = 1.0) -> Tensor:
    """``hardtanh`` in place."""
    return hardtanh(input, min_val, max_val, inplace=True)


def leaky_relu_(input: Tensor, negative_slope: float = 0.01) -> Tensor:
    """``leaky_relu`` in place."""
    return leaky_relu(input, negative_slope, inplace=True)


def rrelu_(input: Tensor, lower: float = 1.0 / 8, upper: float = 1.0 / 3, training: bool = False) -> Tensor:
    """``rrelu`` in place."""
    return rrelu(input, lower, upper, training, inplace=True)


def threshold_(input: Tensor, threshold: float, value: float) -> Tensor:
    """``threshold`` in place."""
    return globals()["threshold"](input, threshold, value, inplace=True)


def _integers(x: Array, *limits: float) -> list[int]:
    """The limits for integers as in ``x``. Errors: OptionError where the dtype does not hold them."""
    kind = backend_of(x).xp.iinfo(x.dtype)
    if not all(kind.min - 1 < limit < kind.max + 1 for limit in limits):  # NaN, too
        raise OptionError(f"hardtanh: a limit is no {x.dtype}", got=f"{limits[0]} and {limits[1]}",
                          rule=f"{kind.min} to {kind.max}", hint="input.float()")
    return [int(limit) for limit in limits]


def applied(
    name: str, cls: type[Function], x: Tensor, inplace: bool, *others: Tensor, **options: Any
) -> Tensor:
    """The operation's result, new or in the memory of ``x``, where it is called ``name``."""
    if not inplace:
        return cls.apply(x, *others, **options)
    if cls.takes_out:
        return apply_in_place(name, cls, x, *others, **options)
    return compute_in_place(name, cls.apply, x, *others, **options)
