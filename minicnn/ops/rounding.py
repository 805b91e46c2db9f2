"""Rounding, whole quotients and remainders. A step's gradient is 0."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

from minicnn.autograd.function import Function
from minicnn.backend import backend_of
from minicnn.errors import DtypeError, OptionError
from minicnn.ops.naming import named
from minicnn.ops.operands import operands
from minicnn.ops.unary import zero_slope
from minicnn.tensor import Tensor

__all__ = ["ceil", "fix", "floor", "floor_divide", "fmod", "frac", "remainder", "round", "trunc"]
METHODS = __all__
IN_PLACE = METHODS
OPERATORS = {
    "__floordiv__": "floor_divide", "__rfloordiv__": "rfloor_divide", "__ifloordiv__": "floor_divide_",
    "__mod__": "remainder", "__rmod__": "rremainder", "__imod__": "remainder_", "__divmod__": "divmod",
}  # fmt: skip

Array = Any
Operand: TypeAlias = Tensor | float


class Step(Function):
    """x rounded by the array library's function ``kernel``."""

    def forward(self, x: Array, *, kernel: str) -> Array:
        return getattr(backend_of(x).xp, kernel)(x)

    def grad_x(self, g: Tensor) -> Tensor:
        return zero_slope(g)


class Round(Function):
    """x to the nearest multiple of 10^−decimals, halves to the even one."""

    def forward(self, x: Array, *, decimals: int) -> Array:
        return backend_of(x).xp.round(x, decimals)

    def grad_x(self, g: Tensor) -> Tensor:
        return zero_slope(g)


class Frac(Function):
    """x − trunc(x)."""

    def forward(self, x: Array) -> Array:
        backend = backend_of(x)
        return x - backend.xp.trunc(x)

    def grad_x(self, g: Tensor) -> Tensor:
        return g


class FloorDivide(Function):
    """⌊x / y⌋."""

    def forward(self, x: Array, y: Array) -> Array:
        backend = _checked("floor_divide", x, y)
        return backend.xp.floor_divide(x, y)

    def grad_x(self, g: Tensor) -> Tensor:
        return zero_slope(g)

    def grad_y(self, g: Tensor) -> Tensor:
        return zero_slope(g)


class TruncDivide(FloorDivide):
    """x / y, rounded towards 0."""

    def forward(self, x: Array, y: Array) -> Array:
        backend = _checked("div", x, y)
        xp = backend.xp
        if _kind(x, y) == "f":
            return xp.trunc(xp.divide(x, y))
        return xp.floor_divide(x - xp.fmod(x, y), y)


class Remainder(Function):
    """x − ⌊x / y⌋ · y, which has the sign of y."""

    def forward(self, x: Array, y: Array) -> Array:
        backend = _checked("remainder", x, y)
        return backend.xp.remainder(x, y)

    def grad_x(self, g: Tensor) -> Tensor:
        return g

    def grad_y(self, g: Tensor, x: Any, y: Tensor) -> Tensor:
        return -g * floor_divide(x, y)


class FMod(Function):
    """x − trunc(x / y) · y, which has the sign of x."""

    def forward(self, x: Array, y: Array) -> Array:
        backend = _checked("fmod", x, y)
        return backend.xp.fmod(x, y)

    def grad_x(self, g: Tensor) -> Tensor:
        return g

    def grad_y(self, g: Tensor, x: Any, y: Tensor) -> Tensor:
        return -g * trunc_divide(x, y)


def _kind(x: Any, y: Any) -> str:
    """The kind of the dtype of a result: operands are of one dtype, or one of them is a number."""
    return str((x if hasattr(x, "dtype") else y).dtype.kind)


def _checked(name: str, x: Any, y: Any) -> Any:
    """The operands' backend; on the way, integers may not be divided by 0 (there is no inf to say so)."""
    backend = backend_of(x if hasattr(x, "dtype") else y)
    what, rule, hint = f"{name}: an integer divided by 0", "integers have no inf or NaN", "x.float()"
    if _kind(x, y) != "f":
        if hasattr(y, "dtype"):
            backend.refuse(y == 0, OptionError, what, rule=rule, hint=hint)
        elif y == 0:
            raise OptionError(what, rule=rule, hint=hint)
    return backend


def _step(name: str, text: str) -> Callable[[Tensor], Tensor]:
    def function(x: Tensor) -> Tensor:
        kind = _numeric(name, x).array.dtype.kind
        return Step.apply(x, kernel=name) if kind == "f" else x.clone()

    return named(function, name, f"{text}, elementwise.")


floor = _step("floor", "The greatest whole number <= x")
ceil = _step("ceil", "The least whole number >= x")
trunc = fix = _step("trunc", "x without its digits after the point")


def round(x: Tensor, *, decimals: int = 0) -> Tensor:
    """x rounded to ``decimals`` digits after the point (before it where negative); halves go to the even neighbour.

    Example:
        >>> mc.tensor([0.5, 1.5, 2.5]).round()
        tensor([0., 2., 2.])
    """
    kind = _numeric("round", x).array.dtype.kind
    return Round.apply(x, decimals=decimals) if kind == "f" else x.clone()


def frac(x: Tensor) -> Tensor:
    """x − trunc(x): the digits after the point, with x's sign."""
    if x.array.dtype.kind != "f":
        raise DtypeError("frac: integers have no fraction", got=x.array.dtype, rule="floating point tensors")
    return Frac.apply(x)


def floor_divide(x: Operand, y: Operand) -> Tensor:
    """⌊x / y⌋, as ``//``: of integers, an integer. Its gradient is 0.

    Shapes: x and y broadcast. Errors: OptionError where an integer is divided by 0.
    """
    return FloorDivide.apply(*_numbers("floor_divide", x, y))


def trunc_divide(x: Operand, y: Operand) -> Tensor:
    """x / y rounded towards 0: ``div`` with ``rounding_mode="trunc"``."""
    return TruncDivide.apply(*_numbers("div", x, y))


def remainder(x: Operand, y: Operand) -> Tensor:
    """x − ⌊x / y⌋ · y, as ``%``: its sign is y's. Shapes, errors: as ``floor_divide``."""
    return Remainder.apply(*_numbers("remainder", x, y))


def fmod(x: Operand, y: Operand) -> Tensor:
    """x − trunc(x / y) · y, as C's fmod: its sign is x's. Shapes, errors: as ``floor_divide``."""
    return FMod.apply(*_numbers("fmod", x, y))


def rfloor_divide(x: Tensor, y: Operand) -> Tensor:
    """y // x."""
    return floor_divide(y, x)


def rremainder(x: Tensor, y: Operand) -> Tensor:
    """y % x."""
    return remainder(y, x)


def divmod(x: Tensor, y: Operand) -> tuple[Tensor, Tensor]:
    """(x // y, x % y)."""
    return floor_divide(x, y), remainder(x, y)


def _numeric(name: str, x: Tensor) -> Tensor:
    if x.array.dtype.kind == "b":
        raise DtypeError(f"{name}: bools are no numbers", got=x.array.dtype, rule=f"{name} is for numbers")
    return x


def _numbers(name: str, x: Any, y: Any) -> Any:
    """The operands of a division: numbers, not both bools."""
    x, y = operands(name, x, y)
    _numeric(name, x if isinstance(x, Tensor) else y)
    return x, y
