"""Diagonals and triangles of matrices."""

from __future__ import annotations

from typing import Any

from minicnn.autograd.function import Function
from minicnn.backend import backend_of
from minicnn.errors import DtypeError, ShapeError
from minicnn.shapes.dims import Shape, one_dim
from minicnn.tensor import Tensor

__all__ = ["diag", "diag_embed", "diagonal", "trace", "tril", "triu"]
METHODS = __all__
IN_PLACE = ("tril", "triu")

Array = Any


class Diagonal(Function):
    """The view x[i, i + offset] along dim1 and dim2, as the last dimension."""

    is_view = True

    def forward(self, x: Array, *, offset: int, dim1: int, dim2: int) -> Array:
        self.shape, self.options = x.shape, {"offset": offset, "dim1": dim1, "dim2": dim2}
        return _diagonal(x, offset, dim1, dim2)

    def grad_x(self, g: Tensor) -> Tensor:
        return DiagonalEmbed.apply(g, shape=self.shape, **self.options)


class DiagonalEmbed(Function):
    """Zeros of a shape with x as the diagonal."""

    def forward(self, x: Array, *, shape: Shape, offset: int, dim1: int, dim2: int) -> Array:
        self.options = {"offset": offset, "dim1": dim1, "dim2": dim2}
        out = backend_of(x).xp.zeros(shape, x.dtype)
        _diagonal(out, offset, dim1, dim2)[...] = x
        return out

    def grad_x(self, g: Tensor) -> Tensor:
        return Diagonal.apply(g, **self.options)


class Triangle(Function):
    """Zeros above the diagonal (``kernel`` "tril") or below it ("triu")."""

    def forward(self, x: Array, *, kernel: str, diagonal: int) -> Array:
        self.kernel, self.diagonal = kernel, diagonal
        return getattr(backend_of(x).xp, kernel)(x, diagonal)

    def grad_x(self, g: Tensor) -> Tensor:
        return Triangle.apply(g, kernel=self.kernel, diagonal=self.diagonal)


def _diagonal(x: Array, offset: int, dim1: int, dim2: int) -> Array:
    """A view that can be written, which NumPy's own diagonal cannot."""
    backend = backend_of(x)
    x = backend.xp.moveaxis(x, (dim1, dim2), (-2, -1))
    x = x[..., offset:] if offset >= 0 else x[..., -offset:, :]
    strides = (*x.strides[:-2], x.strides[-2] + x.strides[-1])
    return backend.windows(x, (*x.shape[:-2], min(x.shape[-2:])), strides)


def diagonal(x: Tensor, offset: int = 0, dim1: int = 0, dim2: int = 1) -> Tensor:
    """The elements x[i, i + offset] of the matrices along ``dim1`` and ``dim2``, in a view along the last one.

    Shapes: x without dim1 and dim2, then the diagonal's length. Errors: OutOfRangeError; ShapeError where dim1 is dim2.
    """
    return Diagonal.apply(x, offset=offset, **_two_dims("diagonal", x.ndim, dim1, dim2))


def diag_embed(x: Tensor, offset: int = 0, dim1: int = -2, dim2: int = -1) -> Tensor:
    """Matrices of zeros with the last dimension of ``x`` as diagonal: (*, n) → (*, n + |offset|, n + |offset|)."""
    dims = _two_dims("diag_embed", x.ndim + 1, dim1, dim2)
    size = x.shape[-1] + abs(offset)
    rest = iter(x.array.shape[:-1])
    shape = tuple(size if d in dims.values() else next(rest) for d in range(x.ndim + 1))
    return DiagonalEmbed.apply(x, shape=shape, offset=offset, **dims)


def diag(x: Tensor, diagonal: int = 0) -> Tensor:
    """Of a vector, the matrix with it as diagonal; of a matrix, a copy of its diagonal.

    Errors: ShapeError for other numbers of dimensions.
    """
    if x.ndim not in (1, 2):
        raise ShapeError("diag: neither a vector nor a matrix", got=f"shape {tuple(x.shape)}",
                         rule="1 or 2 dimensions", hint="diagonal() or diag_embed() for batches")
    if x.ndim == 1:
        return diag_embed(x, diagonal)
    return Diagonal.apply(x, offset=diagonal, dim1=0, dim2=1).clone()


def trace(x: Tensor) -> Tensor:
    """Σ x[i, i] of a matrix."""
    if x.ndim != 2:
        raise ShapeError("trace: not a matrix", got=f"shape {tuple(x.shape)}", rule="2 dimensions",
                         hint="x.diagonal(0, -2, -1).sum(-1) for batches")
    if x.array.dtype.kind == "b":
        raise DtypeError("trace: bools have no sum", got=x.array.dtype, rule="a matrix of numbers", hint="x.int()")
    return diagonal(x).sum()


def tril(x: Tensor, diagonal: int = 0) -> Tensor:
    """The matrices of the last two dimensions, with zeros above the given diagonal."""
    return _triangle("tril", x, diagonal)


def triu(x: Tensor, diagonal: int = 0) -> Tensor:
    """The matrices of the last two dimensions, with zeros below the given diagonal."""
    return _triangle("triu", x, diagonal)


def _triangle(name: str, x: Tensor, diagonal: int) -> Tensor:
    if x.ndim < 2:
        raise ShapeError(f"{name}: not a matrix", got=f"shape {tuple(x.shape)}", rule="at least 2 dimensions")
    return Triangle.apply(x, kernel=name, diagonal=diagonal)


def _two_dims(name: str, ndim: int, dim1: int, dim2: int) -> dict[str, int]:
    dims = {"dim1": one_dim(name, dim1, ndim), "dim2": one_dim(name, dim2, ndim)}
    if ndim < 2 or dims["dim1"] == dims["dim2"]:
        raise ShapeError(f"{name}: a diagonal runs along two dimensions", got=f"dim1={dim1}, dim2={dim2} of {ndim}",
                         rule="dim1 and dim2 are different dimensions")
    return dims
