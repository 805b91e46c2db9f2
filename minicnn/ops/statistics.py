"""Variances and standard deviations, and the norms of vectors."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

from minicnn import dtypes
from minicnn.autograd.function import Function
from minicnn.backend import backend_of
from minicnn.backend.portable.arrays import wide
from minicnn.errors import OptionError, ShapeError
from minicnn.ops.convert import cast
from minicnn.ops.extrema import Max
from minicnn.ops.reduce import check_float, count, mean
from minicnn.shapes.dims import Dims, Shape, kept_shape, many_dims, reduced_shape
from minicnn.tensor import Tensor

__all__ = ["cdist", "dist", "norm", "std", "std_mean", "var", "var_mean"]
METHODS = ("dist", "norm", "std", "var")

Array = Any


class VarMean(NamedTuple):
    """A variance and the mean around which it was taken."""

    var: Tensor
    mean: Tensor


class StdMean(NamedTuple):
    """A standard deviation and the mean around which it was taken."""

    std: Tensor
    mean: Tensor


class Var(Function):
    """Σ (x − mean)² / (n − correction) over ``dims``, the result in ``shape``."""

    def forward(self, x: Array, *, dims: Shape | None, shape: Shape, correction: float) -> Array:
        self.dims, self.kept, backend = dims, kept_shape(x.shape, dims), backend_of(x)
        self.freedom = count(x.shape, dims) - correction
        values = wide(x)
        values = values - values.sum(axis=dims, keepdims=True) / count(x.shape, dims)
        total = (values * values).sum(axis=dims).reshape(shape)
        return (total / backend.xp.full((), max(self.freedom, 0), total.dtype)).astype(x.dtype, copy=False)

    def grad_x(self, g: Tensor, x: Tensor) -> Tensor:
        centred = x - mean(x, self.dims, keepdim=True)
        if self.freedom > 0:
            return g.reshape(self.kept) * ((2 / self.freedom) * centred)
        # The quotient is infinite, or NaN where its numerator has no slope either.
        return g.reshape(self.kept) * (centred * math.nan).where(centred == 0, math.inf)


class Std(Var):
    """√Var; where it is 0, so is the gradient."""

    def forward(self, x: Array, *, dims: Shape | None, shape: Shape, correction: float) -> Array:
        var = super().forward(x, dims=dims, shape=shape, correction=correction)
        return backend_of(x).xp.sqrt(var)

    def grad_x(self, g: Tensor, x: Tensor, out: Tensor) -> Tensor:  # type: ignore[override]  # a rule names what it needs
        return super().grad_x((g / (2 * out)).masked_fill(out == 0, 0.0), x)


class Norm(Function):
    """(Σ |x|^p)^(1/p) over ``dims``, p neither 0 nor infinite; where it, or x, is 0, so is the gradient."""

    def forward(self, x: Array, *, p: float, dims: Shape | None, shape: Shape) -> Array:
        self.p, self.kept, backend = p, kept_shape(x.shape, dims), backend_of(x)
        xp, values = backend.xp, wide(x)
        if p == 2:
            found = xp.sqrt((values * values).sum(axis=dims))
        elif p == 1:
            found = xp.abs(values).sum(axis=dims)
        else:
            found = (xp.abs(values) ** p).sum(axis=dims) ** (1 / p)
        return found.reshape(shape).astype(x.dtype, copy=False)

    def grad_x(self, g: Tensor, x: Tensor, out: Tensor) -> Tensor:
        p, g, out = self.p, g.reshape(self.kept), out.reshape(self.kept)
        if p == 1:
            return g * x.sign()
        if p == 2:
            return x * (g / out).masked_fill(out == 0, 0.0)
        slope = (x.sign() * x.abs() ** (p - 1)).masked_fill(x == 0, 0.0)
        return slope * (g / out ** (p - 1)).masked_fill(out == 0, 0.0)


def var(x: Tensor, dim: Any = None, unbiased: bool | None = None, keepdim: bool = False, *,
        correction: float | None = None) -> Tensor:
    """Σ (x − mean)² / (n − correction) over the dimensions ``dim``, by default all of them.

    Args:
        x: a floating point tensor.
        dim: one dimension or several; PyTorch's older ``x.var(False)``, a bool here alone, is ``unbiased``.
        unbiased: True is correction 1, the default, and False is correction 0, as batch norm uses.
        keepdim: leave the dimensions in the result, with size 1.
        correction: what is subtracted from the number of elements; where nothing is left, the result is NaN or inf.

    Shapes, errors: as ``mean``.

    Example:
        >>> mc.tensor([1.0, 2.0, 3.0]).var()
        tensor(1.)
    """
    return _spread(Var, "var", x, dim, unbiased, keepdim, correction)


def std(x: Tensor, dim: Any = None, unbiased: bool | None = None, keepdim: bool = False, *,
        correction: float | None = None) -> Tensor:
    """The square root of ``var``; where it is 0, so is its gradient."""
    return _spread(Std, "std", x, dim, unbiased, keepdim, correction)


def var_mean(x: Tensor, dim: Any = None, unbiased: bool | None = None, keepdim: bool = False, *,
             correction: float | None = None) -> VarMean:
    """(``var``, ``mean``)."""
    found = _spread(Var, "var_mean", x, dim, unbiased, keepdim, correction)
    return VarMean(found, mean(x, None if isinstance(dim, bool) else dim, keepdim))


def std_mean(x: Tensor, dim: Any = None, unbiased: bool | None = None, keepdim: bool = False, *,
             correction: float | None = None) -> StdMean:
    """(``std``, ``mean``)."""
    found = _spread(Std, "std_mean", x, dim, unbiased, keepdim, correction)
    return StdMean(found, mean(x, None if isinstance(dim, bool) else dim, keepdim))


def _spread(operation: type[Var], name: str, x: Tensor, dim: Any, unbiased: bool | None, keepdim: bool,
            correction: float | None) -> Tensor:
    if isinstance(dim, bool):
        dim, unbiased = None, dim
    if unbiased is not None and correction is not None:
        raise OptionError(f"{name}: both unbiased and correction are given", got=f"{unbiased} and {correction}",
                          rule="unbiased=True is correction=1, False is 0", hint="correction alone")
    dims = many_dims(name, dim, check_float(name, x).ndim)
    shape = reduced_shape(x.array.shape, dims, keepdim)
    freedom = correction if correction is not None else 1 if unbiased is None else int(unbiased)
    return operation.apply(x, dims=dims, shape=shape, correction=freedom)


def norm(x: Tensor, p: float | str | None = "fro", dim: Dims = None, keepdim: bool = False,
         dtype: Any = None) -> Tensor:
    """The length (Σ |x|^p)^(1/p) of the vectors along ``dim``, by default of all of ``x`` as one vector.

    Args:
        x: a floating point tensor.
        p: ``"fro"`` or 2 for the Euclidean length; inf for max |x|, −inf for min |x|, 0 for the number of x != 0.
        dim, keepdim: as of ``sum``; several dimensions are one vector.
        dtype: convert ``x`` to it first.

    The gradient at a vector of zeros is 0; elements that tie for max |x| share it evenly.

    Example:
        >>> mc.tensor([3.0, -4.0]).norm()
        tensor(5.)
    """
    x = check_float("norm", x)
    x = x if dtype is None else cast(x, dtypes.as_dtype(dtype))
    p = 2.0 if p is None or p == "fro" else p
    if not isinstance(p, (int, float)):
        raise OptionError(f"norm: p={p!r} is not an option", got=repr(p), rule='p is a number or "fro"')
    dims = many_dims("norm", dim, x.ndim)
    shape = reduced_shape(x.array.shape, dims, keepdim)
    if p == 0:
        return cast((x != 0).sum(dims, keepdim), x.array.dtype)
    if math.isinf(p):
        if not count(x.array.shape, dims):
            raise ShapeError("norm: the maximum of nothing", got=f"shape {x.array.shape}",
                             rule="with p inf or -inf, each vector has elements")
        return Max.apply(x.abs(), kernel="max" if p > 0 else "min", dims=dims, shape=shape)
    return Norm.apply(x, p=float(p), dims=dims, shape=shape)


def dist(x: Tensor, y: Tensor, p: float = 2) -> Tensor:
    """The ``p``-norm of x − y, which broadcast."""
    return norm(x - y, p)


def cdist(x: Tensor, y: Tensor, p: float = 2.0) -> Tensor:
    """The distance, in the ``p``-norm, of each row of ``x`` from each row of ``y``.

    Shapes: (*, N, D) and (*, M, D) to (*, N, M). Errors: ShapeError.

    Example:
        >>> mc.cdist(mc.zeros(1, 2), mc.tensor([[3.0, 4.0], [0.0, 1.0]]))
        tensor([[5., 1.]])
    """
    if min(x.ndim, y.ndim) < 2 or x.array.shape[-1] != y.array.shape[-1]:
        raise ShapeError("cdist: the rows do not fit", got=f"{tuple(x.shape)} and {tuple(y.shape)}",
                         rule="matrices, whose rows have one length", hint="x.unsqueeze(0) for a single row")
    return norm(x.unsqueeze(-2) - y.unsqueeze(-3), p, -1)
