"""Comparisons, logic and bits, and choosing by a condition."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

from minicnn import dtypes
from minicnn.autograd.function import Function, mixed_devices
from minicnn.backend import backend_of
from minicnn.errors import DtypeError, OptionError
from minicnn.ops.convert import cast
from minicnn.ops.fill import number_as
from minicnn.ops.naming import named
from minicnn.ops.operands import alongside, check_broadcast, operand, operands
from minicnn.shapes.dims import Dims, many_dims, reduced_shape
from minicnn.tensor import Tensor, wrap

__all__ = [
    "all", "allclose", "any", "bitwise_and", "bitwise_left_shift", "bitwise_not", "bitwise_or", "bitwise_right_shift",
    "bitwise_xor", "count_nonzero", "eq", "equal", "ge", "greater", "greater_equal", "gt", "isclose", "isfinite",
    "isin", "isinf", "isnan", "isneginf", "isposinf", "le", "less", "less_equal", "logical_and", "logical_not",
    "logical_or", "logical_xor", "lt", "ne", "not_equal", "where",
]  # fmt: skip
METHODS = tuple(name for name in __all__ if name not in ("isin", "where"))
IN_PLACE = ("bitwise_and", "bitwise_not", "bitwise_or", "bitwise_xor", "logical_and", "logical_not", "logical_or",
            "logical_xor")  # fmt: skip
OPERATORS = {
    "__eq__": "same", "__ne__": "differs", "__lt__": "lt", "__le__": "le", "__gt__": "gt", "__ge__": "ge",
    "__and__": "bitwise_and", "__rand__": "bitwise_and", "__or__": "bitwise_or", "__ror__": "bitwise_or",
    "__xor__": "bitwise_xor", "__rxor__": "bitwise_xor", "__invert__": "bitwise_not",
    "__lshift__": "bitwise_left_shift", "__rshift__": "bitwise_right_shift", "__iand__": "bitwise_and_",
    "__ior__": "bitwise_or_", "__ixor__": "bitwise_xor_", "__contains__": "contains", "where": "chosen",
}  # fmt: skip

Array = Any
Operand: TypeAlias = Tensor | float


class Compare(Function):
    """The NumPy function ``kernel`` of two operands; a step has no gradient."""

    def forward(self, x: Array, y: Array, *, kernel: str) -> Array:
        backend = backend_of(x if hasattr(x, "dtype") else y)
        return getattr(backend.xp, kernel)(x, y)


class Examine(Function):
    """The NumPy function ``kernel`` of one operand, without a gradient."""

    def forward(self, x: Array, *, kernel: str) -> Array:
        return getattr(backend_of(x).xp, kernel)(x)


class IsClose(Function):
    """|x − y| <= atol + rtol · |y|, or x == y, or both are NaN and ``equal_nan``."""

    def forward(self, x: Array, y: Array, *, rtol: float, atol: float, equal_nan: bool) -> Array:
        backend = backend_of(x)
        return backend.xp.isclose(x, y, rtol, atol, equal_nan)


class Where(Function):
    """x where the condition holds, else y. The gradient is exactly 0 where the other was chosen, even if g is NaN."""

    def forward(self, condition: Array, x: Array, y: Array) -> Array:
        backend = backend_of(condition)
        if condition.shape == x.shape == y.shape and x.dtype.kind == "f":
            return backend.choose(condition, x, y)
        return backend.xp.where(condition, x, y)

    def grad_x(self, g: Tensor, condition: Tensor) -> Tensor:
        return g.masked_fill(~condition, 0.0)

    def grad_y(self, g: Tensor, condition: Tensor) -> Tensor:
        return g.masked_fill(condition, 0.0)


class Reduced(Function):
    """The NumPy function ``kernel`` over ``dims``, the result in ``shape``."""

    def forward(self, x: Array, *, kernel: str, dims: tuple[int, ...] | None, shape: tuple[int, ...]) -> Array:
        return getattr(backend_of(x).xp, kernel)(x, axis=dims).reshape(shape)


def _comparison(name: str, kernel: str, text: str) -> Callable[[Operand, Operand], Tensor]:
    def compare(x: Operand, y: Operand) -> Tensor:
        x, y = operands(name, x, y)
        return Compare.apply(x, y, kernel=kernel)

    return named(compare, name, f"{text}, elementwise, as bools. Shapes: x and y broadcast.")


def _bitwise(name: str, kernel: str, text: str) -> Callable[[Operand, Operand], Tensor]:
    def combine(x: Operand, y: Operand) -> Tensor:
        x, y = operands(name, x, y)
        for value in (x, y):
            _check_bits(name, value)
        return Compare.apply(x, y, kernel=kernel)

    return named(combine, name, f"{text}, bit by bit, of integers or bools. Shapes: x and y broadcast.")


def _logical(name: str, text: str) -> Callable[[Tensor, Tensor], Tensor]:
    def combine(x: Tensor, y: Tensor) -> Tensor:
        check_broadcast(name, x.shape, y.shape)
        return Compare.apply(*alongside(x, y), kernel=name)

    return named(combine, name, f"{text}, where any number but 0 is true. Shapes: x and y broadcast.")


def _examination(name: str, text: str) -> Callable[[Tensor], Tensor]:
    def examine(x: Tensor) -> Tensor:
        return Examine.apply(x, kernel=name)

    return named(examine, name, f"{text}, elementwise, as bools.")


eq = equals = _comparison("eq", "equal", "x == y")
ne = not_equal = _comparison("ne", "not_equal", "x != y")
lt = less = _comparison("lt", "less", "x < y")
le = less_equal = _comparison("le", "less_equal", "x <= y")
gt = greater = _comparison("gt", "greater", "x > y")
ge = greater_equal = _comparison("ge", "greater_equal", "x >= y")
logical_and = _logical("logical_and", "x and y")
logical_or = _logical("logical_or", "x or y")
logical_xor = _logical("logical_xor", "either x or y")
logical_not = _examination("logical_not", "Whether x is 0")
isnan = _examination("isnan", "Whether x is NaN")
isinf = _examination("isinf", "Whether x is infinite")
isposinf = _examination("isposinf", "Whether x is +inf")
isneginf = _examination("isneginf", "Whether x is -inf")
isfinite = _examination("isfinite", "Whether x is neither infinite nor NaN")
bitwise_and = _bitwise("bitwise_and", "bitwise_and", "x & y")
bitwise_or = _bitwise("bitwise_or", "bitwise_or", "x | y")
bitwise_xor = _bitwise("bitwise_xor", "bitwise_xor", "x ^ y")
bitwise_left_shift = _bitwise("bitwise_left_shift", "left_shift", "x << y")
bitwise_right_shift = _bitwise("bitwise_right_shift", "right_shift", "x >> y")


def bitwise_not(x: Tensor) -> Tensor:
    """~x, bit by bit, of integers; of bools, not x."""
    _check_bits("bitwise_not", x)
    return Examine.apply(x, kernel="invert")


def same(x: Tensor, y: object) -> Any:
    """``x == y`` as an operator: as of any two objects, False where y is nothing to compute with."""
    return eq(x, y) if _comparable(y) else NotImplemented  # type: ignore[arg-type]  # what is comparable is an operand


def differs(x: Tensor, y: object) -> Any:
    """``x != y`` as an operator; see ``same``."""
    return ne(x, y) if _comparable(y) else NotImplemented  # type: ignore[arg-type]  # as above


def contains(x: Tensor, value: Operand) -> bool:
    """``value in x``: whether any element of x equals it."""
    return bool(eq(x, value).any())


def where(condition: Tensor, x: Operand | None = None, y: Operand | None = None) -> Any:
    """x where ``condition`` holds, else y; ``where(condition)`` alone is the indices where it holds, a tensor for each
    dimension.

    Shapes: all three broadcast. Errors: DtypeError where ``condition`` is not of bools; ShapeError.

    A NaN in the branch not taken still poisons the gradient of whatever made it: ``where(x > 0, x.log(), 0)`` has a NaN
    gradient at 0, ``where(x > 0, x, 1).log()`` has not.

    Example:
        >>> mc.where(mc.tensor([True, False]), mc.tensor([1.0, 2.0]), 0)
        tensor([1., 0.])
    """
    if x is None and y is None:
        return condition.nonzero(as_tuple=True)
    if condition.array.dtype not in (dtypes.bool_, dtypes.uint8):  # uint8 was PyTorch's bool of old
        raise DtypeError("where: the condition is not of bools", got=condition.array.dtype,
                         rule="a condition is a tensor of bools", hint="where(condition != 0, x, y)")
    condition, x, y = alongside(condition, operand("where", x, condition), operand("where", y, condition))
    condition = cast(condition, dtypes.bool_)
    dtype = dtypes.result_type(*(getattr(t, "array", t) for t in (x, y)))
    xp = backend_of(condition.array).xp
    x, y = (t if isinstance(t, Tensor) else wrap(xp.full((), number_as("where", t, dtype), dtype)) for t in (x, y))
    x, y = cast(x, dtype), cast(y, dtype)
    check_broadcast("where", condition.shape, x.shape, y.shape)
    return Where.apply(condition, x, y)


def chosen(x: Tensor, condition: Tensor, y: Operand) -> Tensor:
    """``x.where(condition, y)``: x where ``condition`` holds, else y."""
    return where(condition, x, y)


def any(x: Tensor, dim: Dims = None, keepdim: bool = False) -> Tensor:
    """Whether any element over ``dim`` (by default of all) is not 0."""
    return _truth("any", x, dim, keepdim)


def all(x: Tensor, dim: Dims = None, keepdim: bool = False) -> Tensor:
    """Whether all elements over ``dim`` (by default all) are not 0; True of none."""
    return _truth("all", x, dim, keepdim)


def count_nonzero(x: Tensor, dim: Dims = None) -> Tensor:
    """How many elements over ``dim`` (by default of all) are not 0."""
    return (x != 0).sum(dim)


def isclose(x: Tensor, y: Tensor, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: bool = False) -> Tensor:
    """|x − y| <= atol + rtol · |y|, elementwise; infinities are close to themselves, and NaN if ``equal_nan``.

    Shapes: x and y broadcast. Errors: ShapeError; DtypeError where the dtypes differ.
    """
    if x.array.dtype != y.array.dtype:
        raise DtypeError("isclose: the dtypes differ", got=f"{x.array.dtype} and {y.array.dtype}",
                         rule="tensors of one dtype are compared", hint="x.to(y.dtype)")
    if not (rtol >= 0 and atol >= 0):
        raise OptionError("isclose: a tolerance is negative", got=f"rtol={rtol}, atol={atol}", rule="rtol, atol >= 0")
    check_broadcast("isclose", x.shape, y.shape)
    return IsClose.apply(*alongside(x, y), rtol=float(rtol), atol=float(atol), equal_nan=equal_nan)


def allclose(x: Tensor, y: Tensor, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: bool = False) -> bool:
    """Whether all elements are close; see ``isclose``."""
    return bool(isclose(x, y, rtol, atol, equal_nan).all())


def equal(x: Tensor, y: Tensor) -> bool:
    """Whether x and y have the same shape and the same elements."""
    if x.device != y.device:
        raise mixed_devices("equal", (x, y))
    return x.shape == y.shape and bool(eq(x, y).all())


def isin(x: Tensor, values: Tensor) -> Tensor:
    """Whether each element of x is one of ``values``, as bools in x's shape."""
    return Compare.apply(x, values.reshape(-1), kernel="isin")


def _truth(name: str, x: Tensor, dim: Dims, keepdim: bool) -> Tensor:
    # Unlike a sum's, no dimensions are none here: each element for itself.
    dims = () if isinstance(dim, tuple | list) and not dim else many_dims(name, dim, x.ndim)
    result = Reduced.apply(x, kernel=name, dims=dims, shape=reduced_shape(x.array.shape, dims, keepdim))
    # PyTorch's any and all of uint8, its bool of old, are still uint8.
    return cast(result, x.array.dtype) if x.array.dtype == dtypes.uint8 else result


def _comparable(y: object) -> bool:
    return isinstance(y, (Tensor, bool, int, float)) or (hasattr(y, "dtype") and hasattr(y, "ndim"))


def _check_bits(name: str, value: Any) -> None:
    if isinstance(value, float) or (isinstance(value, Tensor) and value.array.dtype.kind == "f"):
        raise DtypeError(f"{name}: floats have no bits to combine", got=getattr(value, "dtype", value),
                         rule="& | ^ ~ << >> are for integers and bools", hint="(x > 0) & (y > 0), with parentheses")
