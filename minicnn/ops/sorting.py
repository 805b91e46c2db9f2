"""Order: sorted values, the greatest, the different ones, and how many there are of each."""

from __future__ import annotations

import math
from typing import Any

from minicnn.arguments import check_count
from minicnn.autograd.function import Function
from minicnn.backend import backend_of
from minicnn.errors import DtypeError, OptionError, OutOfRangeError, ShapeError
from minicnn.ops.extrema import ValuesIndices, as_rows, pick
from minicnn.shapes.dims import one_dim, own_dim
from minicnn.tensor import Tensor, wrap

__all__ = ["argsort", "bincount", "histc", "kthvalue", "msort", "searchsorted", "sort", "topk", "unique"]
METHODS = tuple(name for name in __all__ if name != "searchsorted")

Array = Any


class Reorder(Function):
    """x[order] along ``dim``, where order is a permutation of each row; its gradient is put back in order."""

    def forward(self, x: Array, order: Array, *, dim: int) -> Array:
        self.dim = dim
        return backend_of(x).xp.take_along_axis(x, order, axis=dim)

    def grad_x(self, g: Tensor, order: Tensor) -> Tensor:
        back = wrap(backend_of(order.array).xp.argsort(order.array, axis=self.dim))
        return Reorder.apply(g, back, dim=self.dim)


class Places(Function):
    """Where each element of x would be put in the ascending vector; without a gradient."""

    def forward(self, ascending: Array, x: Array, *, side: str) -> Array:
        xp = backend_of(x).xp
        return xp.asarray(xp.searchsorted(ascending, x, side))


class Count(Function):
    """How often each of 0, 1, 2, … is in x, or the sum of the weights there; without a gradient, as in PyTorch."""

    def forward(self, x: Array, weights: Array | None, *, minlength: int) -> Array:
        return backend_of(x).xp.bincount(x, weights, minlength)


def _order(x: Array, dim: int, descending: bool) -> Array:
    """The stable order of each row; NaN is greater than any number."""
    xp = backend_of(x).xp
    if not descending:
        return xp.argsort(x, axis=dim, kind="stable")
    # Sorted backwards, equal elements stay in order only if they were turned round before.
    turned = xp.argsort(xp.flip(x, dim), axis=dim, kind="stable")
    return x.shape[dim] - 1 - xp.flip(turned, dim)


def sort(x: Tensor, dim: int = -1, descending: bool = False, stable: bool = True) -> ValuesIndices:  # noqa: ARG001 (PyTorch's; results are always so)
    """(values, indices): each row along ``dim`` in order, and where its elements were. NaN counts as the greatest.

    Args:
        x: any tensor.
        dim: the dimension to sort along.
        descending: from the greatest down.
        stable: accepted for PyTorch's sake; equal elements always stay in order here.

    Example:
        >>> mc.tensor([3, 1, 2]).sort()
        ValuesIndices(values=tensor([1, 2, 3]), indices=tensor([1, 2, 0]))
    """
    dim = one_dim("sort", dim, x.ndim)
    if not x.ndim:
        return ValuesIndices(*(t.reshape(()) for t in sort(x.reshape(1))))
    order = wrap(_order(x.array, dim, descending))
    return ValuesIndices(Reorder.apply(x, order, dim=dim), order)


def argsort(x: Tensor, dim: int = -1, descending: bool = False, stable: bool = True) -> Tensor:  # noqa: ARG001 (PyTorch's; results are always so)
    """The indices that put each row along ``dim`` in order; see ``sort``."""
    dim = one_dim("argsort", dim, x.ndim)
    return wrap(_order(x.array.reshape(x.array.shape or (1,)), dim, descending).reshape(x.array.shape))


def msort(x: Tensor) -> Tensor:
    """``x`` sorted along its first dimension."""
    return sort(x, 0).values


def topk(x: Tensor, k: int, dim: int = -1, largest: bool = True, sorted: bool = True) -> ValuesIndices:  # noqa: ARG001 (PyTorch's; results are always so)
    """(values, indices) of the ``k`` greatest elements along ``dim``, the greatest first; or of the least.

    Args:
        x: any tensor.
        k: how many.
        dim: the dimension to look along.
        largest: False for the least.
        sorted: accepted for PyTorch's sake; the result is always in order here.

    Shapes: k in ``dim``. Errors: OutOfRangeError where there are fewer.

    Example:
        >>> mc.tensor([1.0, 4.0, 2.0, 3.0]).topk(2)
        ValuesIndices(values=tensor([4., 3.]), indices=tensor([1, 3]))
    """
    dim = one_dim("topk", dim, x.ndim)
    size = x.shape[dim] if x.ndim else 1
    if not 0 <= k <= size:
        raise OutOfRangeError(f"topk: {k} of {size} elements", got=f"k={k}, shape {tuple(x.shape)}",
                              rule="0 <= k <= x.shape[dim]")
    found = sort(x, dim, descending=largest)
    return ValuesIndices(*(t.narrow(dim, 0, k) for t in found)) if x.ndim else found


def kthvalue(x: Tensor, k: int, dim: int = -1, keepdim: bool = False) -> ValuesIndices:
    """(value, index) of the ``k``-th least element along ``dim``; k counts from 1."""
    rows, d = as_rows("kthvalue", x, dim)
    if not 1 <= k <= rows.shape[d]:
        raise OutOfRangeError(f"kthvalue: no element {k}", got=f"k={k}, shape {tuple(x.shape)}",
                              rule="1 <= k <= x.shape[dim]")
    found = pick(rows, wrap(_order(rows.array, d, False)).narrow(d, k - 1, 1), d, keepdim)
    return found if x.ndim else ValuesIndices(*(t.reshape(()) for t in found))


def unique(x: Tensor, sorted: bool = True, return_inverse: bool = False, return_counts: bool = False,  # noqa: ARG001 (PyTorch's; results are always so)
           dim: int | None = None) -> Any:
    """The different elements in ascending order; with ``dim``, the different slices along it.

    Args:
        x: any tensor.
        sorted: accepted for PyTorch's sake; the result is always in order here.
        return_inverse: also return, for each element (slice) of ``x``, its index in the result.
        return_counts: also return how often each one is there.
        dim: the dimension of the slices.

    Example:
        >>> mc.tensor([2, 1, 2]).unique(return_counts=True)
        (tensor([1, 2]), tensor([1, 2]))
    """
    axis = None if dim is None else own_dim("unique", dim, x.ndim)
    found = backend_of(x.array).xp.unique(
        x.array, return_inverse=return_inverse, return_counts=return_counts, axis=axis, equal_nan=False
    )
    if not isinstance(found, tuple):
        return wrap(found)
    parts = [wrap(part) for part in found]
    if return_inverse:
        parts[1] = parts[1].reshape(x.shape if axis is None else (x.shape[axis],))
    return tuple(parts)


def bincount(x: Tensor, weights: Tensor | None = None, minlength: int = 0) -> Tensor:
    """How often each of 0, 1, 2, … is in a vector of integers; with ``weights``, the sum of theirs.

    Shapes: max(x.max() + 1, minlength). Errors: DtypeError, ShapeError, OptionError for negative numbers.
    """
    if x.array.dtype.kind not in "iu":
        raise DtypeError("bincount: no integers", got=x.array.dtype, rule="a vector of integers", hint="x.long()")
    if x.ndim != 1 or (weights is not None and weights.shape != x.shape):
        raise ShapeError("bincount: no vector, or weights of another shape", got=f"shape {tuple(x.shape)}",
                         rule="x is a vector, and there is a weight for each element", hint="x.flatten()")
    if x.array.size and int(x.array.min()) < 0:
        raise OptionError("bincount: a negative number", got=int(x.array.min()), rule="numbers >= 0")
    if minlength < 0:
        raise OptionError("bincount: minlength is negative", got=minlength, rule="minlength >= 0")
    found = Count.apply(x, weights, minlength=minlength)
    return found.float() if weights is not None and weights.array.dtype == "float32" else found


def histc(x: Tensor, bins: int = 100, min: float = 0, max: float = 0) -> Tensor:
    """How many elements are in each of ``bins`` intervals of one length between ``min`` and ``max``, the last closed.

    Where min and max are equal, they are those of ``x``. Elements outside, and NaN, are not counted.
    """
    if x.array.dtype.kind == "b":
        raise DtypeError("histc: bools have no intervals", got=x.dtype, rule="a tensor of numbers", hint="x.float()")
    if min == max and x.array.size:
        min, max = float(x.array.min()), float(x.array.max())
    if bins <= 0 or not -math.inf < min <= max < math.inf:
        raise OptionError("histc: no intervals", got=f"bins={bins}, min={min}, max={max}",
                          rule="bins > 0, min <= max, and both are finite", hint="finite elements, or min and max")
    check_count("histc", bins)
    if min == max:
        min, max = min - 1, max + 1
    counts, _ = backend_of(x.array).xp.histogram(x.array, bins, (min, max))
    return wrap(counts.astype(x.array.dtype))


def searchsorted(sorted_sequence: Tensor, input: Tensor, *, right: bool = False) -> Tensor:
    """Where in an ascending vector each element of ``input`` would be put: before its equals, or after if ``right``."""
    if sorted_sequence.ndim != 1:
        raise ShapeError("searchsorted: no vector", got=f"shape {tuple(sorted_sequence.shape)}",
                         rule="the sorted sequence has 1 dimension")
    return Places.apply(sorted_sequence, input, side="right" if right else "left")
