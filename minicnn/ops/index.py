"""x[key] and x[key] = value: what PyTorch's tensors take as keys, their gradients, and theirs again.

A key is read in two steps, as PyTorch does: integers, slices, None and the ellipsis make a view (``Slice``), then the
tensors in the key pick elements of that view (``Index``).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from minicnn.autograd.function import Function
from minicnn.autograd.inplace import apply_in_place
from minicnn.backend import backend_of
from minicnn.errors import DtypeError, OptionError, OutOfRangeError, ShapeError
from minicnn.ops.convert import cast, transfer
from minicnn.ops.fill import number_as, write
from minicnn.ops.keys import ALL, PICK, Pattern, read_key
from minicnn.ops.operands import alongside, operand
from minicnn.shapes.dims import one_dim
from minicnn.tensor import Tensor, wrap

__all__ = ["index_put", "narrow", "select"]
METHODS = (*__all__, "unfold")
IN_PLACE = ("index_put",)
OPERATORS = {"__getitem__": "get_item", "__setitem__": "set_item"}

Array = Any


class Slice(Function):
    """x[key] for integers, slices and new dimensions."""

    is_view = True

    def forward(self, x: Array, *, key: tuple[Any, ...]) -> Array:
        self.key, self.shape = key, x.shape
        return x[key]

    def grad_x(self, g: Tensor) -> Tensor:
        return Unslice.apply(g, key=self.key, shape=self.shape)


class Unslice(Function):
    """Zeros of a shape with x at [key]."""

    def forward(self, x: Array, *, key: tuple[Any, ...], shape: tuple[int, ...]) -> Array:
        self.key = key
        out = backend_of(x).xp.zeros(shape, x.dtype)
        out[key] = x
        return out

    def grad_x(self, g: Tensor) -> Tensor:
        return Slice.apply(g, key=self.key)


class Index(Function):
    """x[key] for index tensors and masks; ``pattern`` says which dimensions they index."""

    def forward(self, x: Array, *indices: Array, pattern: Pattern) -> Array:
        self.shape, self.pattern = x.shape, pattern
        try:
            return x[_key(pattern, indices)]
        except IndexError as error:
            raise _misfit(x, error) from error

    def backward(self, g: Tensor, indices: tuple[Tensor, ...]) -> tuple[Tensor | None, ...]:
        zeros = wrap(backend_of(g.array).xp.zeros(self.shape, g.array.dtype))
        return apply_in_place("index_add_", IndexAdd, zeros, g, *indices, pattern=self.pattern), *[None] * len(indices)


class IndexPut(Function):
    """x with x[key] = value; of a position that is named twice, one of the values stays."""

    takes_out = True

    def forward(self, x: Array, value: Any, *indices: Array, pattern: Pattern, out: Array | None = None) -> Array:
        self.pattern = pattern
        out = x.copy(order="K") if out is None else out
        try:
            out[_key(pattern, indices)] = value
        except (IndexError, ValueError) as error:
            raise _misfit(x, error) from error
        return out

    def backward(self, g: Tensor, indices: tuple[Tensor, ...]) -> tuple[Tensor | None, ...]:
        need_x, need_value, *_ = self.needs
        grad_x = IndexPut.apply(g, 0.0, *indices, pattern=self.pattern) if need_x else None
        grad_value = Index.apply(g, *indices, pattern=self.pattern) if need_value else None
        return grad_x, grad_value, *[None] * len(indices)


class IndexAdd(Function):
    """x with x[key] += value, as often as a position is named."""

    takes_out = True

    def forward(self, x: Array, value: Array, *indices: Array, pattern: Pattern, out: Array | None = None) -> Array:
        self.pattern = pattern
        out = x.copy(order="K") if out is None else out
        key = _key(pattern, indices)
        try:
            if len(indices) == 1 and indices[0].dtype.kind == "b":
                out[key] += value  # a mask names no position twice
            else:
                backend_of(x).scatter_add(out, key, value)
        except (IndexError, ValueError) as error:
            raise _misfit(x, error) from error
        return out

    def backward(self, g: Tensor, indices: tuple[Tensor, ...]) -> tuple[Tensor | None, ...]:
        grad_value = Index.apply(g, *indices, pattern=self.pattern) if self.needs[1] else None
        return g, grad_value, *[None] * len(indices)


def _key(pattern: Pattern, indices: tuple[Array, ...]) -> tuple[Any, ...]:
    waiting = iter(indices)
    return tuple(next(waiting) if item is PICK else item for item in pattern)


def _misfit(x: Array, error: Exception) -> Exception:
    if isinstance(error, IndexError):
        return OutOfRangeError("index: an index is out of range, or the index tensors do not broadcast", got=str(error),
                               rule=f"each index lies within the sizes {x.shape}; index tensors have one shape")
    return ShapeError("index: the value does not fit the indexed elements", got=str(error),
                      rule="the value broadcasts to the shape of x[key]")


def get_item(x: Tensor, key: Any) -> Tensor:
    """``x[key]``: a view for integers, slices, None and ..., a copy where the key holds tensors, lists or masks."""
    view_key, pattern, indices = read_key(x, key)
    if not indices:
        return Slice.apply(x, key=view_key)
    return Index.apply(_picked_from(x, view_key), *indices, pattern=pattern)


def set_item(x: Tensor, key: Any, value: Any) -> None:
    """``x[key] = value``, recorded; the value broadcasts to ``x[key]``."""
    view_key, pattern, indices = read_key(x, key)
    value = operand("x[key] = value", value, x)
    if indices:
        _put(_picked_from(x, view_key), value, indices, pattern)
        return
    target: Tensor = Slice.apply(x, key=view_key)
    if isinstance(value, Tensor):
        if value._base is target._base and value._chain == target._chain:
            return  # x[key] += y has edited this very view already
        value = _without_leading_ones(value, target.ndim)
    write("x[key] = value", target, value)


def _picked_from(x: Tensor, view_key: tuple[Any, ...]) -> Tensor:
    if all(k is ALL or k is ... for k in view_key):
        return x
    return Slice.apply(x, key=view_key)


def _put(x: Tensor, value: Any, indices: list[Tensor], pattern: Pattern) -> Tensor:
    value = _stored(x, value, len(pattern) + sum(k.ndim for k in indices))
    return apply_in_place("x[key] = value", IndexPut, x, value, *indices, pattern=pattern)


def _stored(x: Tensor, value: Any, most: int) -> Any:
    """``value`` in the dtype and on the device of ``x``, with at most ``most`` dimensions."""
    if not isinstance(value, Tensor):
        return number_as("x[key] = value", value, x.array.dtype)
    if value.ndim == 0:
        return cast(transfer(alongside(value, x)[0], x.device), x.array.dtype)
    if value.array.dtype != x.array.dtype:
        raise DtypeError("index_put: the value has another dtype", got=f"{value.dtype} into {x.dtype}",
                         rule="with index tensors the dtypes are the same", hint="value.to(x.dtype)")
    return _without_leading_ones(value, most)


def _without_leading_ones(value: Tensor, ndim: int) -> Tensor:
    while value.ndim > ndim and value.array.shape[0] == 1:
        value = value.squeeze(0)
    return value


def index_put(x: Tensor, indices: Any, values: Any, accumulate: bool = False) -> Tensor:
    """``x`` with ``x[indices] = values``, or ``+=`` as often as a position is named where ``accumulate``."""
    indices = tuple(indices) if isinstance(indices, Sequence) else (indices,)
    view_key, pattern, found = read_key(x, indices)
    if len(view_key) != x.ndim + 1 or not found:
        raise DtypeError("index_put: the indices are not all tensors", got=repr(indices)[:80],
                         rule="a tuple of index tensors", hint="x[key] = value takes other keys")
    values = _stored(x, operand("index_put", values, x), len(pattern) + sum(k.ndim for k in found))
    cls = IndexAdd if accumulate else IndexPut
    return cls.apply(x, values, *found, pattern=pattern)


def select(x: Tensor, dim: int, index: int) -> Tensor:
    """The view ``x[:, …, index]`` with ``index`` in dimension ``dim``, which goes away."""
    return get_item(x, (*[ALL] * one_dim("select", dim, x.ndim), index))


def narrow(x: Tensor, dim: int, start: int, length: int) -> Tensor:
    """The view of ``length`` elements of dimension ``dim`` from ``start`` on."""
    dim = one_dim("narrow", dim, x.ndim)
    size = x.array.shape[dim]
    first = int(start) + (size if start < 0 else 0)
    if length < 0 or not 0 <= first <= size - length:
        raise ShapeError("narrow: the range leaves the dimension", got=f"start {start}, length {length}",
                         rule=f"start + length <= {size}, the size of dimension {dim}")
    return get_item(x, (*[ALL] * dim, slice(first, first + length)))


class Windows(Function):
    """All windows of ``size`` along ``dim``, ``step`` apart, in a new last dimension."""

    is_view = True

    def forward(self, x: Array, *, dim: int, size: int, step: int) -> Array:
        self.window, self.shape = (dim, size, step), x.shape
        count = (x.shape[dim] - size) // step + 1
        shape = (*x.shape[:dim], count, *x.shape[dim + 1 :], size)
        strides = (*x.strides[:dim], x.strides[dim] * step, *x.strides[dim + 1 :], x.strides[dim])
        return backend_of(x).windows(x, shape, strides)

    def grad_x(self, g: Tensor) -> Tensor:
        dim, size, step = self.window
        backend = backend_of(g.array)
        starts = backend.xp.arange(g.array.shape[dim]) * step
        at = wrap(starts[:, None] + backend.xp.arange(size))
        zeros = wrap(backend.xp.zeros(self.shape, g.array.dtype))
        pattern = (*[ALL] * dim, PICK)
        return apply_in_place("index_add_", IndexAdd, zeros, g.movedim(-1, dim + 1), at, pattern=pattern)


def unfold(x: Tensor, dimension: int, size: int, step: int) -> Tensor:
    """The view of all windows of ``size`` along ``dimension``, ``step`` apart; the window is the last dimension.

    Example:
        >>> mc.arange(5).unfold(0, 3, 2)
        tensor([[0, 1, 2],
                [2, 3, 4]])
    """
    dim = one_dim("unfold", dimension, x.ndim)
    x = x if x.ndim else x[None]
    if step < 1 or not 0 <= size <= x.array.shape[dim]:
        raise OptionError("unfold: no such windows", got=f"size {size}, step {step} in shape {tuple(x.shape)}",
                          rule="step >= 1, and size at most that of the dimension")
    return Windows.apply(x, dim=dim, size=int(size), step=int(step))
