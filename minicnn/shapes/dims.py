"""Dimensions: the ones an operation names, and the shape it leaves."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import Any

from minicnn.errors import DtypeError, OutOfRangeError, ShapeError

Shape = tuple[int, ...]
Dims = int | Sequence[int] | None


def one_dim(name: str, dim: Any, ndim: int) -> int:
    """``dim`` counted from the front; a tensor without dimensions takes 0 and -1, as in PyTorch."""
    if type(dim) is int and -ndim <= dim < ndim:  # nearly always, and on the way of every call
        return dim % ndim
    if not hasattr(dim, "__index__") or isinstance(dim, bool):
        raise DtypeError(f"{name}: a dimension is an integer", got=repr(dim)[:80], rule="dim=0, or dim=-1 for the last")
    index, size = operator.index(dim), max(ndim, 1)
    if not -size <= index < size:
        raise OutOfRangeError(f"{name}: there is no dimension {index}", got=f"a tensor of {ndim} dimensions",
                              rule=f"-{size} <= dim <= {size - 1}")
    return index % size


def own_dim(name: str, dim: Any, ndim: int) -> int:
    """As ``one_dim``, of a tensor that must have dimensions."""
    if not ndim:
        raise ShapeError(f"{name}: a tensor without dimensions", got="shape ()", rule="at least one dimension",
                         hint="x.reshape(1)")
    return one_dim(name, dim, ndim)


def number_in(value: Any) -> Any:
    """The Python integer in an integer of NumPy or a tensor without dimensions; anything else as it is."""
    integer = getattr(value, "ndim", None) == 0 and value.dtype.kind in "iu"
    return operator.index(value) if integer else value


def many_dims(name: str, dim: Dims, ndim: int) -> Shape | None:
    """The dimensions to reduce over, counted from the front and in order; None for all, as ``()`` means, too."""
    if dim is None:
        return None
    given = dim if isinstance(dim, Sequence) and not isinstance(dim, str) else (dim,)
    dims = tuple(one_dim(name, d, ndim) for d in given)
    if len(set(dims)) < len(dims):
        raise ShapeError(f"{name}: a dimension is named twice", got=f"dim={dim}",
                         rule="each dimension is reduced once")
    return tuple(sorted(dims)) if dims and ndim else None


def kept_shape(shape: Shape, dims: Shape | None) -> Shape:
    """``shape`` with size 1 in the reduced dimensions (all where None)."""
    if dims is None:
        return (1,) * len(shape)
    return tuple([1 if i in dims else size for i, size in enumerate(shape)])


def reduced_shape(shape: Shape, dims: Shape | None, keepdim: bool) -> Shape:
    """What is left of ``shape`` when ``dims`` (all where None) are reduced."""
    if keepdim is not True and keepdim is not False:
        raise DtypeError("keepdim is a bool", got=repr(keepdim)[:80], hint="several dimensions: dim=(0, 1)")
    if keepdim:
        return kept_shape(shape, dims)
    return () if dims is None else tuple(size for i, size in enumerate(shape) if i not in dims)

