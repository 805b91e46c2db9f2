"""Maxima, minima and medians, and where they are."""

from __future__ import annotations

from typing import Any, NamedTuple

from minicnn import dtypes
from minicnn.autograd.function import Function
from minicnn.backend import backend_of
from minicnn.errors import DtypeError, OutOfRangeError
from minicnn.ops.pointwise import maximum, minimum
from minicnn.ops.shape import reshaped
from minicnn.shapes.dims import Dims, Shape, kept_shape, many_dims, one_dim, reduced_shape
from minicnn.tensor import Tensor, wrap

__all__ = ["amax", "amin", "aminmax", "argmax", "argmin", "max", "median", "min", "nanmedian"]
METHODS = __all__

Array = Any


class ValuesIndices(NamedTuple):
    """Elements along a dimension, and their positions in it."""

    values: Tensor
    indices: Tensor


class MinMax(NamedTuple):
    """A minimum and a maximum."""

    min: Tensor
    max: Tensor


class Amax(Function):
    """The greatest or least element, by ``kernel``, over ``dims``; elements that tie share the gradient evenly."""

    def forward(self, x: Array, *, kernel: str, dims: Shape | None, shape: Shape) -> Array:
        self.kept, self.dims = kept_shape(x.shape, dims), dims
        return getattr(x, kernel)(axis=dims).reshape(shape)

    def grad_x(self, g: Tensor, x: Tensor, out: Tensor) -> Tensor:
        g, out = g.reshape(self.kept), out.detach().reshape(self.kept)
        taken = self._taken(x.detach(), out)
        return (g / taken.sum(self.dims, keepdim=True)) * taken

    def _taken(self, x: Tensor, out: Tensor) -> Tensor:
        return x == out


class Max(Amax):
    """The same, where NaN share the gradient if the result is NaN."""

    def _taken(self, x: Tensor, out: Tensor) -> Tensor:
        return (x == out) | (x.isnan() & out.isnan())


class Median(Max):
    """The lower median of all elements; ``kernel`` says whether NaN count."""

    def forward(self, x: Array, *, kernel: str, dims: Shape | None, shape: Shape) -> Array:
        self.kept, self.dims = kept_shape(x.shape, dims), dims
        row = x.reshape(-1)
        return row[_median_index(row, 0, kernel)].reshape(shape)


class Argument(Function):
    """The position of the first greatest or least element (the first NaN, if any) along ``dim``, kept with size 1."""

    def forward(self, x: Array, *, kernel: str, dim: int) -> Array:
        return getattr(backend_of(x).xp, kernel)(x, axis=dim, keepdims=True).astype(dtypes.int64, copy=False)


class Pick(Function):
    """x[index] along ``dim``, one element of each row; index has size 1 there."""

    def forward(self, x: Array, index: Array, *, dim: int) -> Array:
        self.shape, self.dim = x.shape, dim
        return backend_of(x).xp.take_along_axis(x, index, axis=dim)

    def grad_x(self, g: Tensor, index: Tensor) -> Tensor:
        xp, dim = backend_of(g.array).xp, self.dim
        places = xp.arange(self.shape[dim]).reshape((-1,) + (1,) * (len(self.shape) - dim - 1))
        return g.expand(self.shape).masked_fill(wrap(places != index.array), 0.0)


def _median_index(x: Array, dim: int, kernel: str) -> Array:
    """The position of the lower median along ``dim``; of the first NaN, unless ``kernel`` is "nanmedian"."""
    xp, size = backend_of(x).xp, x.shape[dim]
    order = xp.argsort(x, axis=dim, kind="stable")
    numbers = size - xp.isnan(x).sum(axis=dim, keepdims=True)
    middle = (numbers + (numbers == 0) - 1) // 2
    if kernel == "median":
        middle = xp.where(numbers < size, numbers, middle)
    return xp.take_along_axis(order, middle, axis=dim).astype(dtypes.int64, copy=False)


def max(x: Tensor, dim: Any = None, keepdim: bool = False) -> Any:
    """The greatest element of all; with ``dim``, (values, indices) along it; with a tensor, ``maximum``.

    NaN is greater than any number. The gradient of the greatest of all is shared evenly by elements that tie, and along
    a dimension goes to the first of them, whose index is given.

    Shapes: values and indices have that of ``x`` without ``dim``. Errors: OutOfRangeError where there is no element.

    Example:
        >>> mc.tensor([[1, 5], [7, 2]]).max(dim=1)
        ValuesIndices(values=tensor([5, 7]), indices=tensor([1, 0]))
    """
    return _extremum("max", x, dim, keepdim)


def min(x: Tensor, dim: Any = None, keepdim: bool = False) -> Any:
    """The least element of all; with ``dim``, (values, indices) along it; with a tensor, ``minimum``; see ``max``."""
    return _extremum("min", x, dim, keepdim)


def amax(x: Tensor, dim: Dims = (), keepdim: bool = False) -> Tensor:
    """The greatest element over the dimensions ``dim``, by default all; elements that tie share the gradient evenly.

    Shapes: those of ``x`` without ``dim``. Errors: OutOfRangeError where there is no element.
    """
    return _reduce(Amax, "amax", "max", x, dim, keepdim)


def amin(x: Tensor, dim: Dims = (), keepdim: bool = False) -> Tensor:
    """The least element over the dimensions ``dim``, by default all; else as ``amax``."""
    return _reduce(Amax, "amin", "min", x, dim, keepdim)


def aminmax(x: Tensor, *, dim: int | None = None, keepdim: bool = False) -> MinMax:
    """(``amin``, ``amax``) over one dimension or all."""
    return MinMax(amin(x, dim, keepdim), amax(x, dim, keepdim))


def argmax(x: Tensor, dim: int | None = None, keepdim: bool = False) -> Tensor:
    """The index of the greatest element along ``dim``, the first if several tie; by default in ``x`` as one row.

    Errors: OutOfRangeError where there is no element; DtypeError for bools.

    Example:
        >>> mc.tensor([[1, 5], [7, 2]]).argmax(dim=1)
        tensor([1, 0])
    """
    return _arg_extremum("argmax", x, dim, keepdim)


def argmin(x: Tensor, dim: int | None = None, keepdim: bool = False) -> Tensor:
    """The index of the least element along ``dim``; else as ``argmax``."""
    return _arg_extremum("argmin", x, dim, keepdim)


def median(x: Tensor, dim: int | None = None, keepdim: bool = False) -> Any:
    """The lower median of all elements, NaN if one is; with ``dim``, (values, indices) along it.

    Of an even number of elements, the lower of the two in the middle. Errors: as ``max``.
    """
    return _median("median", x, dim, keepdim)


def nanmedian(x: Tensor, dim: int | None = None, keepdim: bool = False) -> Any:
    """``median`` of what is not NaN."""
    return _median("nanmedian", x, dim, keepdim)


def pick(x: Tensor, index: Tensor, dim: int, keepdim: bool) -> ValuesIndices:
    """The elements that ``index`` (of size 1 in ``dim``) names, and their indices."""
    shape = reduced_shape(x.array.shape, (dim,), keepdim)
    return ValuesIndices(Pick.apply(x, index, dim=dim).reshape(shape), index.reshape(shape))


def as_rows(name: str, x: Tensor, dim: int) -> tuple[Tensor, int]:
    """``x`` with a dimension at least, and ``dim`` counted from the front; there is an element in each row."""
    dim = one_dim(name, dim, x.ndim)
    x = x if x.ndim else x.reshape(1)
    if not x.shape[dim]:
        raise OutOfRangeError(f"{name}: dimension {dim} has no elements", got=f"shape {tuple(x.shape)}",
                              rule="there is an element to choose")
    return x, dim


def _extremum(name: str, x: Tensor, dim: Any, keepdim: bool) -> Any:
    if dim is None:
        return _reduce(Max, name, name, x, None, False)
    if isinstance(dim, Tensor) and not keepdim:  # with keepdim, a dimension in a tensor
        return (maximum if name == "max" else minimum)(x, dim)
    return _chosen(name, x, dim, keepdim, lambda rows, d: Argument.apply(rows, kernel=f"arg{name}", dim=d))


def _median(name: str, x: Tensor, dim: int | None, keepdim: bool) -> Any:
    if dim is not None:
        return _chosen(name, x, dim, keepdim, lambda rows, d: wrap(_median_index(rows.array, d, name)))
    if not x.array.size:
        return wrap(backend_of(x.array).xp.asarray(float("nan"), x.array.dtype))
    return Median.apply(x, kernel=name, dims=None, shape=())


def _chosen(name: str, x: Tensor, dim: int, keepdim: bool, choose: Any) -> ValuesIndices:
    """The elements at ``choose(x, dim)`` along ``dim``, and these positions."""
    rows, d = as_rows(name, x, dim)
    found = pick(rows, choose(rows, d), d, keepdim)
    return found if x.ndim else ValuesIndices(*(t.reshape(()) for t in found))


def _reduce(operation: type[Amax], name: str, kernel: str, x: Tensor, dim: Dims, keepdim: bool) -> Tensor:
    dims = many_dims(name, dim, x.ndim)
    _check_elements(name, x, dims)
    shape = reduced_shape(x.array.shape, dims, keepdim)
    return operation.apply(x, kernel=kernel, dims=dims, shape=shape)


def _arg_extremum(name: str, x: Tensor, dim: int | None, keepdim: bool) -> Tensor:
    if x.array.dtype.kind == "b":
        raise DtypeError(f"{name}: bools have no order", got=x.array.dtype, rule=f"{name} is for numbers",
                         hint="x.int()")
    dims = many_dims(name, dim, x.ndim)
    _check_elements(name, x, dims)
    shape = reduced_shape(x.array.shape, dims, keepdim)
    rows, along = (reshaped(x, (x.array.size,)), 0) if dims is None else (x, dims[0])
    return reshaped(Argument.apply(rows, kernel=name, dim=along), shape)


def _check_elements(name: str, x: Tensor, dims: Shape | None) -> None:
    sizes = x.array.shape if dims is None else [x.array.shape[d] for d in dims]
    if 0 in sizes:
        raise OutOfRangeError(f"{name}: the reduced dimensions have no elements", got=f"shape {x.array.shape}",
                              rule="there is an element to choose", hint="a dim of at least one element")
