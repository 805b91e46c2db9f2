"""Functions of several tensors, element by element: bounds, maxima, mixtures, angles."""

from __future__ import annotations

import math
from typing import Any, TypeAlias

from minicnn import dtypes
from minicnn.autograd.function import Function
from minicnn.backend import backend_of
from minicnn.errors import DtypeError, OptionError
from minicnn.ops.convert import cast
from minicnn.ops.operands import alongside, as_float, check_broadcast, operand, operands
from minicnn.ops.unary import sigmoid
from minicnn.tensor import Tensor

__all__ = [
    "addcdiv", "addcmul", "arctan2", "atan2", "clamp", "clamp_max", "clamp_min", "clip", "fmax", "fmin", "hypot",
    "lerp", "logaddexp", "maximum", "minimum", "xlogy",
]  # fmt: skip
METHODS = __all__
IN_PLACE = ("addcdiv", "addcmul", "atan2", "clamp", "clamp_max", "clamp_min", "clip", "hypot", "lerp", "xlogy")

Array = Any
Operand: TypeAlias = Tensor | float


class Clamp(Function):
    """min(max(x, low), high), where None is no bound; x at a bound is still x, and high is stronger than low."""

    def forward(self, x: Array, low: Any, high: Any) -> Array:
        xp = backend_of(x).xp
        if low is not None:
            x = xp.maximum(x, low)
        return x if high is None else xp.minimum(x, high)

    def grad_x(self, g: Tensor, x: Tensor, low: Any, high: Any) -> Tensor:
        return g.masked_fill(~_within(x, low, high), 0.0)

    def grad_low(self, g: Tensor, x: Tensor, low: Tensor, high: Any) -> Tensor:
        decides = x < low
        return g.masked_fill(~(decides if high is None else decides & (low < high)), 0.0)

    def grad_high(self, g: Tensor, x: Tensor, low: Any, high: Tensor) -> Tensor:
        decides = x > high
        return g.masked_fill(~(decides if low is None else decides | (high < low)), 0.0)


def _within(x: Tensor, low: Any, high: Any) -> Any:
    if low is None:
        return x <= high
    return x >= low if high is None else (x >= low) & (x <= high)


class Extremum(Function):
    """The maximum or minimum of x and y by the array library's ``ufunc``; NaN where either is. Ties share g evenly."""

    ufunc: str

    def forward(self, x: Array, y: Array) -> Array:
        return getattr(backend_of(x).xp, self.ufunc)(x, y)

    def grad_x(self, g: Tensor, x: Tensor, y: Tensor) -> Tensor:
        return self._share(g, x, y)

    def grad_y(self, g: Tensor, x: Tensor, y: Tensor) -> Tensor:
        return self._share(g, y, x)

    def _share(self, g: Tensor, mine: Tensor, other: Tensor) -> Tensor:
        loses = mine < other if self.ufunc == "maximum" else mine > other
        return (g / ((mine == other).to(g.dtype) + 1)).masked_fill(loses, 0.0)


class Maximum(Extremum):
    ufunc = "maximum"


class Minimum(Extremum):
    ufunc = "minimum"


class FExtremum(Function):
    """The maximum or minimum of x and y, a number before a NaN; all of g goes to the one taken, x in a tie."""

    ufunc: str

    def forward(self, x: Array, y: Array) -> Array:
        return getattr(backend_of(x).xp, self.ufunc)(x, y)

    def grad_x(self, g: Tensor, x: Tensor, y: Tensor) -> Tensor:
        return g.masked_fill(~self._takes_x(x, y), 0.0)

    def grad_y(self, g: Tensor, x: Tensor, y: Tensor) -> Tensor:
        return g.masked_fill(self._takes_x(x, y), 0.0)

    def _takes_x(self, x: Tensor, y: Tensor) -> Tensor:
        return (x >= y if self.ufunc == "fmax" else x <= y) | y.isnan()


class FMax(FExtremum):
    ufunc = "fmax"


class FMin(FExtremum):
    ufunc = "fmin"


class Lerp(Function):
    """x + w · (y − x), from the nearer end, so that w = 1 gives y exactly."""

    def forward(self, x: Array, y: Array, w: Any) -> Array:
        near, far = x + w * (y - x), y - (1 - w) * (y - x)
        if not hasattr(w, "dtype"):
            return near if math.fabs(w) < 0.5 else far
        xp = backend_of(x).xp
        return xp.where(xp.abs(w) < 0.5, near, far)

    def grad_x(self, g: Tensor, w: Operand) -> Tensor:
        return g * (1 - w)

    def grad_y(self, g: Tensor, w: Operand) -> Tensor:
        return g * w

    def grad_w(self, g: Tensor, x: Tensor, y: Tensor) -> Tensor:
        return g * (y - x)


class Atan2(Function):
    """The angle of the point (y, x) from the x axis; at the origin the slopes are 0."""

    def forward(self, y: Array, x: Array) -> Array:
        return backend_of(y).xp.arctan2(y, x)

    def grad_y(self, g: Tensor, y: Tensor, x: Tensor) -> Tensor:
        return g * (x * _inverse_radius(y, x))

    def grad_x(self, g: Tensor, y: Tensor, x: Tensor) -> Tensor:
        return g * (-y * _inverse_radius(y, x))


def _inverse_radius(y: Tensor, x: Tensor) -> Tensor:
    radius = y * y + x * x
    return (1 / radius).masked_fill(radius == 0, 0.0)


class Hypot(Function):
    """√(x² + y²), without overflow on the way."""

    def forward(self, x: Array, y: Array) -> Array:
        backend = backend_of(x)
        return backend.xp.hypot(x, y)

    def grad_x(self, g: Tensor, x: Tensor, out: Tensor) -> Tensor:
        return g * (x / out)

    def grad_y(self, g: Tensor, y: Tensor, out: Tensor) -> Tensor:
        return g * (y / out)


class LogAddExp(Function):
    """log(eˣ + eʸ), without overflow on the way."""

    def forward(self, x: Array, y: Array) -> Array:
        backend = backend_of(x)
        return backend.xp.logaddexp(x, y)

    def grad_x(self, g: Tensor, x: Tensor, y: Tensor) -> Tensor:
        return g * sigmoid(x - y)

    def grad_y(self, g: Tensor, x: Tensor, y: Tensor) -> Tensor:
        return g * sigmoid(y - x)


class XLogY(Function):
    """x · log y, and 0 where x is 0, unless y is NaN."""

    def forward(self, x: Any, y: Any) -> Array:
        backend = backend_of(x if hasattr(x, "dtype") else y)
        xp = backend.xp
        y = y if hasattr(y, "dtype") else xp.full((), y, x.dtype)
        product = x * xp.log(y)
        return xp.where((xp.equal(x, 0)) & ~xp.isnan(y), product.dtype.type(0), product)

    def grad_x(self, g: Tensor, x: Tensor, y: Any) -> Tensor:
        if not isinstance(y, Tensor):
            return xlogy(g.masked_fill(x == 0, 0.0), y) if y <= 0 else g * math.log(y)
        return xlogy(g, y).masked_fill((x == 0) & (y <= 0), 0.0)

    def grad_y(self, g: Tensor, x: Operand, y: Tensor) -> Tensor:
        return g * (x / y)


def clamp(x: Tensor, min: Operand | None = None, max: Operand | None = None) -> Tensor:
    """x, but no less than ``min`` and no more than ``max``, elementwise; ``max`` where ``min`` is greater.

    The gradient is g where min <= x <= max, bounds included, else 0.

    Shapes: tensors as bounds broadcast with x. Errors: OptionError without any bound; ShapeError.

    Example:
        >>> mc.tensor([-1.0, 0.5, 3.0]).clamp(0, 1)
        tensor([0.0000, 0.5000, 1.0000])
    """
    if min is None and max is None:
        raise OptionError("clamp: neither bound is given", rule="min, max or both", hint="x.clamp(min=0)")
    x, *bounds = alongside(x, *(b if b is None else operand("clamp", b, x) for b in (min, max)))
    given = [getattr(t, "array", t) for t in (x, *bounds) if t is not None]
    dtype = dtypes.result_type(*given)
    check_broadcast("clamp", *(a.shape for a in given if hasattr(a, "shape")))
    promoted = (cast(t, dtype) if isinstance(t, Tensor) else t for t in (x, *bounds))
    return Clamp.apply(*promoted)


def clamp_min(x: Tensor, min: Operand) -> Tensor:
    """x, but no less than ``min``; see ``clamp``."""
    return clamp(x, min=min)


def clamp_max(x: Tensor, max: Operand) -> Tensor:
    """x, but no more than ``max``; see ``clamp``."""
    return clamp(x, max=max)


def maximum(x: Tensor, y: Tensor) -> Tensor:
    """The greater of x and y, elementwise; NaN where either is. Where they are equal, each gets half of the gradient.

    Shapes: x and y broadcast. Errors: ShapeError where they do not.
    """
    return Maximum.apply(*_tensors("maximum", x, y))


def minimum(x: Tensor, y: Tensor) -> Tensor:
    """The lesser of x and y, elementwise; else as ``maximum``."""
    return Minimum.apply(*_tensors("minimum", x, y))


def fmax(x: Tensor, y: Tensor) -> Tensor:
    """The greater of x and y, elementwise; where one is NaN, the other. Shapes: x and y broadcast."""
    return FMax.apply(*_tensors("fmax", x, y))


def fmin(x: Tensor, y: Tensor) -> Tensor:
    """The lesser of x and y, elementwise; where one is NaN, the other. Shapes: x and y broadcast."""
    return FMin.apply(*_tensors("fmin", x, y))


def lerp(x: Tensor, end: Tensor, weight: Operand) -> Tensor:
    """x + weight · (end − x): x at weight 0, ``end`` at weight 1. Shapes: all broadcast."""
    if isinstance(weight, Tensor) and not weight.ndim:
        weight = cast(weight, x.array.dtype)
    kinds = {t.array.dtype for t in (x, end, weight) if isinstance(t, Tensor)}
    if len(kinds) > 1 or not isinstance(weight, Tensor | float | int):
        raise DtypeError("lerp: the dtypes differ", got=f"{', '.join(map(str, kinds))}; weight {weight!r:.40}",
                         rule="x, end and weight have one dtype, or weight is a number", hint="end.to(x.dtype)")
    x, end, weight = alongside(x, end, weight)
    x, end = _tensors("lerp", x, end)
    if x.array.dtype.kind != "f":
        raise DtypeError("lerp: integers have nothing in between", got=x.array.dtype,
                         rule="floating point tensors", hint="x.float()")
    check_broadcast("lerp", x.shape, end.shape, getattr(weight, "shape", ()))
    return Lerp.apply(x, end, weight)


def addcmul(x: Tensor, y: Operand, z: Operand, *, value: float = 1) -> Tensor:
    """x + value · y · z, elementwise. Shapes: all broadcast."""
    return x + value * (y * z)


def addcdiv(x: Tensor, y: Operand, z: Operand, *, value: float = 1) -> Tensor:
    """x + value · y / z, elementwise. Shapes: all broadcast."""
    return x + value * (y / z)


def atan2(y: Tensor, x: Tensor) -> Tensor:
    """The angle in (−π, π] between the x axis and the point (x, y), elementwise. Shapes: y and x broadcast."""
    return Atan2.apply(*map(as_float, _tensors("atan2", y, x)))


def hypot(x: Tensor, y: Tensor) -> Tensor:
    """√(x² + y²), elementwise. Shapes: x and y broadcast."""
    return Hypot.apply(*map(as_float, _tensors("hypot", x, y)))


def logaddexp(x: Tensor, y: Tensor) -> Tensor:
    """log(eˣ + eʸ), elementwise, without overflow. Shapes: x and y broadcast."""
    return LogAddExp.apply(*map(as_float, _tensors("logaddexp", x, y)))


def xlogy(x: Operand, y: Operand) -> Tensor:
    """x · log y, and 0 where x is 0 (even if y is), elementwise. Shapes: x and y broadcast."""
    x, y = operands("xlogy", x, y)
    return XLogY.apply(*(as_float(t) if isinstance(t, Tensor) else t for t in (x, y)))


def _tensors(name: str, x: Any, y: Any) -> tuple[Tensor, Tensor]:
    """Two tensors of one dtype that broadcast."""
    for value in (x, y):
        if not isinstance(value, Tensor):
            raise DtypeError(f"{name}: both operands are tensors", got=repr(value)[:80],
                             rule=f"{name} is of two tensors", hint="mc.tensor(value), or x.clamp(min=value)")
    return operands(name, x, y)


arctan2, clip = atan2, clamp
