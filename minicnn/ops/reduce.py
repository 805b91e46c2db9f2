"""Sums, means and logsumexp over dimensions; ``sum`` and ``expand`` are each other's gradients."""

from __future__ import annotations

import math
from typing import Any

from minicnn import dtypes
from minicnn.autograd.function import Function
from minicnn.backend import backend_of
from minicnn.backend.portable.arrays import wide
from minicnn.errors import DtypeError, ShapeError
from minicnn.ops.convert import cast
from minicnn.ops.operands import as_float
from minicnn.ops.shape import Expand, reshaped
from minicnn.shapes.dims import Dims, Shape, kept_shape, many_dims, reduced_shape
from minicnn.shapes.sizes import size_tuple
from minicnn.tensor import Tensor

__all__ = ["logsumexp", "mean", "nanmean", "nansum", "sum"]
METHODS = (*__all__, "sum_to_size")

Array = Any


class Sum(Function):
    """Σ x over ``dims`` (all where None), the result in ``shape``."""

    def forward(self, x: Array, *, dims: Shape | None, shape: Shape) -> Array:
        self.source, self.dims = x.shape, dims
        return total(x, dims, shape)

    def grad_x(self, g: Tensor) -> Tensor:
        return repeated(g, self.source, self.dims)


class Mean(Function):
    """Σ x / n over ``dims`` (all where None), the result in ``shape``."""

    def forward(self, x: Array, *, dims: Shape | None, shape: Shape) -> Array:
        self.source, self.dims, self.count = x.shape, dims, count(x.shape, dims)
        return total(x, dims, shape) / self.count

    def grad_x(self, g: Tensor) -> Tensor:
        return repeated(g / self.count, self.source, self.dims)


class LogSumExp(Function):
    """log Σ exp(x) over ``dims``; the maximum is taken off first, so nothing overflows."""

    def forward(self, x: Array, *, dims: Shape | None, shape: Shape) -> Array:
        self.kept, backend = kept_shape(x.shape, dims), backend_of(x)
        xp, values = backend.xp, wide(x)
        peak = values.max(axis=dims, keepdims=True) if x.size else xp.zeros(self.kept, values.dtype)
        peak = xp.where(xp.isfinite(peak), peak, peak.dtype.type(0))
        sums = xp.exp(values - peak).sum(axis=dims, keepdims=True)
        return (xp.log(sums) + peak).reshape(shape).astype(x.dtype, copy=False)

    def grad_x(self, g: Tensor, x: Tensor, out: Tensor) -> Tensor:
        return g.reshape(self.kept) * (x - out.reshape(self.kept)).exp()


def sum(x: Tensor, dim: Dims = None, keepdim: bool = False, *, dtype: Any = None) -> Tensor:
    """Σ x over the dimensions ``dim``, by default all of them. Integers and bools are summed in int64.

    Args:
        x: any tensor.
        dim: one dimension or several.
        keepdim: leave them in the result, with size 1.
        dtype: convert ``x`` to it first.

    Shapes: those of ``x`` without ``dim``. Errors: OutOfRangeError where there is no such dimension.

    Example:
        >>> mc.tensor([[1, 2], [3, 4]]).sum(dim=0)
        tensor([4, 6])
    """
    x = x if dtype is None else cast(x, dtypes.as_dtype(dtype))
    dims = many_dims("sum", dim, x.array.ndim)
    result = Sum.apply(x, dims=dims, shape=reduced_shape(x.array.shape, dims, keepdim))
    return result if dtype is None else cast(result, dtypes.as_dtype(dtype))


def mean(x: Tensor, dim: Dims = None, keepdim: bool = False, *, dtype: Any = None) -> Tensor:
    """The average over the dimensions ``dim``, by default all of them; NaN where they are empty.

    Args, shapes: as ``sum``. Errors: as ``sum``; DtypeError for integers, unless ``dtype`` is floating point.

    Example:
        >>> mc.tensor([1.0, 2.0, 6.0]).mean()
        tensor(3.)
    """
    x = check_float("mean", x if dtype is None else cast(x, dtypes.as_dtype(dtype)))
    dims = many_dims("mean", dim, x.array.ndim)
    return Mean.apply(x, dims=dims, shape=reduced_shape(x.array.shape, dims, keepdim))


def nansum(x: Tensor, dim: Dims = None, keepdim: bool = False, *, dtype: Any = None) -> Tensor:
    """``sum`` that takes NaN as 0."""
    return sum(x.masked_fill(x.isnan(), 0), dim, keepdim, dtype=dtype)


def nanmean(x: Tensor, dim: Dims = None, keepdim: bool = False, *, dtype: Any = None) -> Tensor:
    """``mean`` of what is not NaN."""
    counted = sum(~check_float("nanmean", x).isnan(), dim, keepdim)
    return nansum(x, dim, keepdim, dtype=dtype) / counted


def logsumexp(x: Tensor, dim: Dims, keepdim: bool = False) -> Tensor:
    """log Σ exp(x) over the dimensions ``dim``, without overflow; −inf of nothing but −inf.

    Shapes, errors: as ``sum``. Its gradient is softmax(x).
    """
    x = as_float(x)
    dims = many_dims("logsumexp", dim, x.ndim)
    return LogSumExp.apply(x, dims=dims, shape=reduced_shape(x.array.shape, dims, keepdim))


def sum_to_size(x: Tensor, *size: Any) -> Tensor:
    """``x`` summed over what broadcasting a tensor of ``size`` to x's shape repeats: the gradient of broadcasting.

    Errors: ShapeError where ``size`` does not broadcast to x's shape.

    Example:
        >>> mc.ones(2, 3).sum_to_size(3)
        tensor([2., 2., 2.])
    """
    shape = size_tuple("sum_to_size", size)
    source = x.array.shape
    lead = len(source) - len(shape)
    if lead < 0 or any(want not in (1, have) for want, have in zip(shape, source[lead:], strict=True)):
        raise ShapeError("sum_to_size: the sizes do not fit", got=f"{source} to {shape}",
                         rule="size broadcasts to x.shape: aligned at the right, sizes are equal or 1")
    dims = (*range(lead), *(i for i, want in enumerate(shape, lead) if want != source[i]))
    return Sum.apply(x, dims=dims, shape=shape) if dims else x


def repeated(g: Tensor, source: Shape, dims: Shape | None) -> Tensor:
    """The gradient ``g`` of a sum over ``dims``, as often as the sum had elements: a view in the shape ``source``."""
    return Expand.apply(reshaped(g, kept_shape(source, dims)), shape=source)


def total(x: Array, dims: Shape | None, shape: Shape) -> Array:
    """Σ x over ``dims``, in ``shape``."""
    compute, result = sum_dtypes(x.dtype)
    found = backend_of(x).sum(x, dims, compute)
    if found.shape != shape:
        found = found.reshape(shape)
    return found if compute is result else found.astype(result, copy=False)


def sum_dtypes(dtype: dtypes.Dtype) -> tuple[dtypes.Dtype, dtypes.Dtype]:
    """The dtypes to add (or multiply) many elements in and of the result: integers int64, float16 float32 inside."""
    if dtype == dtypes.float16:
        return dtypes.float32, dtype
    result = dtype if dtype.kind == "f" else dtypes.int64
    return result, result


def count(shape: Shape, dims: Shape | None) -> int:
    """How many elements are reduced to one."""
    return math.prod(shape if dims is None else (shape[d] for d in dims))


def check_float(name: str, x: Tensor) -> Tensor:
    """``x``, if it is floating point."""
    if x.array.dtype.kind != "f":
        raise DtypeError(f"{name}: the tensor is not floating point", got=x.array.dtype,
                         rule=f"{name} is defined for floating point tensors", hint=f"x.float().{name}()")
    return x
