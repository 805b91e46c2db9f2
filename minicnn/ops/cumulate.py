"""Products, and running sums and products along a dimension."""

from __future__ import annotations

from typing import Any

from minicnn import dtypes
from minicnn.autograd.function import Function
from minicnn.backend import backend_of
from minicnn.ops.convert import cast
from minicnn.ops.join import cat
from minicnn.ops.reduce import sum_dtypes
from minicnn.shapes.dims import Shape, kept_shape, one_dim, reduced_shape
from minicnn.tensor import Tensor, wrap

__all__ = ["cumprod", "cumsum", "prod"]
METHODS = __all__
IN_PLACE = ("cumprod", "cumsum")

Array = Any


class CumSum(Function):
    """y[i] = Σ x[j] over j <= i along ``dim``, or over j >= i if ``backwards``: each is the other's gradient."""

    def forward(self, x: Array, *, dim: int, backwards: bool = False) -> Array:
        self.dim, self.backwards, xp = dim, backwards, backend_of(x).xp
        compute, result = sum_dtypes(x.dtype)
        if backwards:
            return xp.flip(xp.cumsum(xp.flip(x, dim), axis=dim, dtype=compute), dim).astype(result, copy=False)
        return xp.cumsum(x, axis=dim, dtype=compute).astype(result, copy=False)

    def grad_x(self, g: Tensor) -> Tensor:
        return CumSum.apply(g, dim=self.dim, backwards=not self.backwards)


class CumProd(Function):
    """y[i] = Π x[j] over j <= i along ``dim``."""

    def forward(self, x: Array, *, dim: int) -> Array:
        self.dim = dim
        compute, result = sum_dtypes(x.dtype)
        return backend_of(x).xp.cumprod(x, axis=dim, dtype=compute).astype(result, copy=False)

    def grad_x(self, g: Tensor, x: Tensor, out: Tensor) -> Tensor:
        if (x != 0).all():
            return CumSum.apply(g * out, dim=self.dim, backwards=True) / x
        # Where x has zeros nothing can be divided out: row i is the running product with x[i] replaced by 1, from i on.
        size, xp = x.shape[self.dim], backend_of(x.array).xp
        i, k = xp.arange(size)[:, None], xp.arange(size)
        rows = x.movedim(self.dim, -1).unsqueeze(-2).expand(*x.movedim(self.dim, -1).shape, size)
        products = cumprod(rows.masked_fill(wrap(i == k), 1.0), -1).masked_fill(wrap(k < i), 0.0)
        return (products * g.movedim(self.dim, -1).unsqueeze(-2)).sum(-1).movedim(-1, self.dim)


class Prod(Function):
    """Π x over ``dim``, the result in ``shape``."""

    def forward(self, x: Array, *, dim: int, shape: Shape) -> Array:
        self.dim, self.kept = dim, kept_shape(x.shape, (dim,))
        compute, result = sum_dtypes(x.dtype)
        return x.prod(axis=dim, dtype=compute).reshape(shape).astype(result, copy=False)

    def grad_x(self, g: Tensor, x: Tensor) -> Tensor:
        others = _product_before(x, self.dim) * _product_before(x.flip(self.dim), self.dim).flip(self.dim)
        return g.reshape(self.kept) * others


def _product_before(x: Tensor, dim: int) -> Tensor:
    """The product of the elements that come before each one along ``dim``."""
    if not x.array.size:
        return x
    first = wrap(backend_of(x.array).xp.ones(kept_shape(x.shape, (dim,)), x.array.dtype))
    return cumprod(cat((first, x.narrow(dim, 0, x.shape[dim] - 1)), dim), dim)


def cumsum(x: Tensor, dim: int, *, dtype: Any = None) -> Tensor:
    """The running sum along ``dim``: y[i] = x[0] + … + x[i]. Integers and bools are summed in int64.

    Example:
        >>> mc.tensor([1, 2, 3]).cumsum(0)
        tensor([1, 3, 6])
    """
    return _along(CumSum, "cumsum", x, dim, dtype)


def cumprod(x: Tensor, dim: int, *, dtype: Any = None) -> Tensor:
    """The running product along ``dim``: y[i] = x[0] · … · x[i]; zeros have their true gradients, too."""
    return _along(CumProd, "cumprod", x, dim, dtype)


def _along(operation: type[Function], name: str, x: Tensor, dim: int, dtype: Any) -> Tensor:
    x = x if dtype is None else cast(x, dtypes.as_dtype(dtype))
    dim = one_dim(name, dim, x.ndim)
    found = operation.apply(x if x.ndim else x.reshape(1), dim=dim).reshape(x.shape)
    return found if dtype is None else cast(found, x.array.dtype)


def prod(x: Tensor, dim: int | None = None, keepdim: bool = False, *, dtype: Any = None) -> Tensor:
    """The product over the dimension ``dim``, by default of all elements; zeros have their true gradients, too.

    Shapes, errors: as ``sum``; 1 of nothing.
    """
    x = x if dtype is None else cast(x, dtypes.as_dtype(dtype))
    dims = None if dim is None else (one_dim("prod", dim, x.ndim),)
    shape = reduced_shape(x.array.shape, dims if x.ndim else None, keepdim)
    if dims is None or not x.ndim:
        x, dims = x.reshape(-1), (0,)
    found = Prod.apply(x, dim=dims[0], shape=shape)
    return found if dtype is None else cast(found, x.array.dtype)
