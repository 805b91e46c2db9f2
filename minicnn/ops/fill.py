"""Writing values into a tensor: constants, another tensor's values, random numbers."""

from __future__ import annotations

import math
from typing import Any

from minicnn import dtypes
from minicnn.autograd.function import Function
from minicnn.autograd.inplace import apply_in_place
from minicnn.backend import backend_of
from minicnn.errors import DtypeError, ShapeError
from minicnn.ops.convert import cast, transfer
from minicnn.ops.operands import alongside, check_broadcast, operand
from minicnn.random import Generator, default_generator
from minicnn.tensor import Tensor, wrap

__all__ = ["masked_fill"]
METHODS = (
    "bernoulli_", "copy_", "exponential_", "fill_", "masked_fill", "masked_fill_", "normal_", "random_", "uniform_",
    "zero_",
)  # fmt: skip

Array = Any


class Fill(Function):
    takes_out = True

    def forward(self, x: Array, value: Any, *, out: Array) -> Array:  # noqa: ARG002 (x is written over)
        out[...] = value
        return out

    def grad_x(self, g: Tensor) -> Tensor:
        return _zeros(g)

    def grad_value(self, g: Tensor) -> Tensor:
        return g


class Copy(Fill):
    """As Fill, from a tensor of any shape that broadcasts."""


class MaskedFill(Function):
    """value where mask, else x."""

    takes_out = True

    def forward(self, x: Array, mask: Array, value: Any, *, out: Array | None = None) -> Array:
        xp = backend_of(x).xp
        if out is None:
            out = x.copy() if x.shape == mask.shape else _broadcast_copy(x, mask)
        xp.copyto(out, value, where=mask)
        return out

    def grad_x(self, g: Tensor, mask: Tensor) -> Tensor:
        return masked_fill(g, mask, 0.0)

    def grad_value(self, g: Tensor, mask: Tensor) -> Tensor:
        return masked_fill(g, wrap(~mask.array), 0.0)


def _broadcast_copy(x: Array, mask: Array) -> Array:
    shape = check_broadcast("masked_fill", x.shape, mask.shape)
    return backend_of(x).xp.broadcast_to(x, shape).copy(order="K")


def _zeros(x: Tensor) -> Tensor:
    return wrap(backend_of(x.array).xp.zeros_like(x.array))


def constant(name: str, x: Tensor, value: Any) -> Any:
    """``value``, a number or 0-d tensor, as what fills ``x``: in its dtype, floats cut to integers."""
    value = operand(name, value, x)
    if not isinstance(value, Tensor):
        return number_as(name, value, x.array.dtype)
    if value.ndim:
        raise ShapeError(f"{name}: the value has dimensions", got=f"shape {tuple(value.shape)}",
                         rule="a value is a number or a 0-d tensor", hint="copy_ for several values")
    return cast(transfer(alongside(value, x)[0], x.device), x.array.dtype)


_LARGEST = {dtypes.float16: 65504.0, dtypes.float32: 3.4028234663852886e38}


def number_as(name: str, value: Any, dtype: dtypes.Dtype) -> Any:
    """The Python number ``value`` for a tensor of ``dtype``: cut to an integer where it holds these.

    Errors: DtypeError where the dtype's range does not reach it (infinity itself may be stored in floats).
    """
    if not isinstance(value, int | float):
        raise DtypeError(f"{name}: the value is no number", got=repr(value)[:80], rule="a number, or a 0-d tensor")
    kind = dtype.kind
    if kind == "b":
        return bool(value)
    if kind == "f":
        found, fits = float(value), not math.isfinite(value) or abs(value) <= _LARGEST.get(dtype, math.inf)
    else:
        fits = math.isfinite(value)
        found = int(value) if fits else 0
        bits = 8 * dtype.itemsize - (kind == "i")
        fits = fits and (-(2**bits) if kind == "i" else 0) <= found < 2**bits
    if not fits:
        raise DtypeError(f"{name}: {value} does not fit {dtype}", got=value, rule=f"values lie in {dtype}'s range",
                         hint="a wider dtype, or float('inf') where infinity is meant")
    return found


def fill_(x: Tensor, value: Any) -> Tensor:
    """Every element becomes ``value``, a number or 0-d tensor (through which gradients flow)."""
    return apply_in_place("fill_", Fill, x, constant("fill_", x, value))


def zero_(x: Tensor) -> Tensor:
    """Every element becomes 0."""
    return apply_in_place("zero_", Fill, x, 0)


def copy_(x: Tensor, source: Any, non_blocking: bool = False) -> Tensor:  # noqa: ARG001 (PyTorch's; copies are ordered)
    """The elements become those of ``source``, which broadcasts, and may have another dtype or device.

    Gradients flow to ``source``. Errors: ShapeError where it does not broadcast to the shape of ``x``.
    """
    return write("copy_", x, source)


def write(name: str, x: Tensor, source: Any) -> Tensor:
    """``copy_``, by the name of what the user wrote."""
    source = operand(name, source, x)
    if not isinstance(source, Tensor):
        return apply_in_place(name, Copy, x, constant(name, x, source))
    if check_broadcast(name, x.array.shape, source.array.shape) != x.array.shape:
        raise ShapeError(f"{name}: the source does not fit", got=f"{tuple(source.shape)} into {tuple(x.shape)}",
                         rule="the source broadcasts to the shape of the tensor that is written")
    return apply_in_place(name, Copy, x, cast(transfer(alongside(source, x)[0], x.device), x.array.dtype))


def masked_fill(x: Tensor, mask: Tensor, value: Any) -> Tensor:
    """``x`` with ``value`` (a number or 0-d tensor) wherever ``mask`` is True.

    Shapes: x and the bool mask broadcast. Errors: DtypeError for a mask that is not bool.

    Example:
        >>> mc.masked_fill(mc.tensor([1, 2, 3]), mc.tensor([True, False, True]), 0)
        tensor([0, 2, 0])
    """
    _check_mask(mask)
    return MaskedFill.apply(x, mask, constant("masked_fill", x, value))


def masked_fill_(x: Tensor, mask: Tensor, value: Any) -> Tensor:
    """``masked_fill`` in place; the mask broadcasts to ``x``."""
    _check_mask(mask)
    if check_broadcast("masked_fill_", x.array.shape, mask.array.shape) != x.array.shape:
        raise ShapeError("masked_fill_: the mask is too large", got=f"{tuple(mask.shape)} on {tuple(x.shape)}",
                         rule="an in-place result keeps the tensor's shape", hint="masked_fill")
    return apply_in_place("masked_fill_", MaskedFill, x, mask, constant("masked_fill_", x, value))


def _check_mask(mask: Tensor) -> None:
    if not isinstance(mask, Tensor) or mask.array.dtype != dtypes.bool_:
        raise DtypeError("masked_fill: the mask is not a bool tensor", got=getattr(mask, "dtype", type(mask).__name__),
                         rule="a mask holds True and False", hint="mask.bool(), or a comparison such as x > 0")


def _overwrite(name: str, x: Tensor, values: Array) -> Tensor:
    """NumPy's ``values`` written into ``x``, which forgets its history."""
    return write(name, x, wrap(backend_of(x.array).from_numpy(values)))


def normal_(x: Tensor, mean: float = 0.0, std: float = 1.0, *, generator: Generator | None = None) -> Tensor:
    """Every element drawn from N(mean, std²)."""
    return _overwrite("normal_", x, (generator or default_generator).normal(x.array.shape, x.array.dtype, mean, std))


def uniform_(x: Tensor, from_: float = 0.0, to: float = 1.0, *, generator: Generator | None = None) -> Tensor:
    """Every element drawn uniformly from [from_, to)."""
    return _overwrite("uniform_", x, (generator or default_generator).uniform(x.array.shape, x.array.dtype, from_, to))


def exponential_(x: Tensor, lambd: float = 1.0, *, generator: Generator | None = None) -> Tensor:
    """Every element drawn from the exponential distribution of rate ``lambd``."""
    drawn = (generator or default_generator).exponential(x.array.shape, x.array.dtype, lambd)
    return _overwrite("exponential_", x, drawn)


def random_(x: Tensor, from_: int = 0, to: int | None = None, *, generator: Generator | None = None) -> Tensor:
    """Every element an integer drawn from [from_, to); ``random_(n)`` means [0, n).

    Without arguments the range is all that the dtype holds exactly, from 0.
    """
    dtype = x.array.dtype
    if to is None:
        from_, to = (0, from_) if from_ else (0, _integers(dtype))
    return _overwrite("random_", x, (generator or default_generator).randint(from_, to, x.array.shape, dtype))


def _integers(dtype: dtypes.Dtype) -> int:
    """How many integers from 0 on a dtype holds exactly."""
    if dtypes.is_float(dtype):
        return (1 << {dtypes.float16: 11, dtypes.float32: 24, dtypes.float64: 53}[dtype]) + 1
    return 2 if dtype.kind == "b" else 1 << int(8 * dtype.itemsize - (dtype.kind == "i"))


def bernoulli_(x: Tensor, p: Any = 0.5, *, generator: Generator | None = None) -> Tensor:
    """Every element 1 with probability ``p`` (a number, or a tensor that broadcasts), else 0."""
    if isinstance(p, Tensor) and check_broadcast("bernoulli_", x.shape, p.shape) != x.shape:
        raise ShapeError("bernoulli_: the probabilities do not fit", got=f"p {tuple(p.shape)}, tensor {tuple(x.shape)}",
                         rule="p broadcasts to the tensor")
    number = None if isinstance(p, Tensor) else number_as("bernoulli_", p, dtypes.float64)
    chances = backend_of(p.array).to_numpy(p.array) if number is None else number
    drawn = (generator or default_generator).bernoulli(chances, x.array.shape, x.array.dtype)
    return _overwrite("bernoulli_", x, drawn)
