"""x[key] and x[key] = value: what PyTorch's tensors take as keys, their gradients, and theirs again.

A key is read in two steps, as PyTorch does: integers, slices, None and the ellipsis make a view (``Slice``), then the
tensors among the keys pick elements of that view (``Index``).
"""

from __future__ import annotations

from typing import Any

from minicnn.autograd.function import Function
from minicnn.autograd.inplace import apply_in_place
from minicnn.backend import backend_of
from minicnn.errors import DtypeError, IndexTypeError, OptionError, OutOfRangeError, ShapeError
from minicnn.ops.convert import cast, transfer
from minicnn.ops.creation import tensor
from minicnn.ops.fill import copy_, number_as
from minicnn.ops.operands import operand
from minicnn.shapes.dims import one_dim
from minicnn.tensor import Tensor, wrap

__all__ = ["index_put", "narrow", "select"]
METHODS = (*__all__, "unfold")
IN_PLACE = ("index_put",)
OPERATORS = {"__getitem__": "get_item", "__setitem__": "set_item"}

Array = Any
ALL = slice(None)
PICK = None
"""Stands in a pattern where an index tensor belongs; the other dimensions have ALL."""
Pattern = tuple[slice | None, ...]


class Slice(Function):
    """x[key] for integers, slices and new dimensions."""

    is_view = True

    def forward(self, x: Array, *, key: tuple[Any, ...]) -> Array:
        self.key, self.shape = key, x.shape
        return x[key]

    def grad_x(self, g: Tensor) -> Tensor:
        return Unslice.apply(g, key=self.key, shape=self.shape)  # type: ignore[no-any-return]


class Unslice(Function):
    """Zeros of a shape with x at [key]."""

    def forward(self, x: Array, *, key: tuple[Any, ...], shape: tuple[int, ...]) -> Array:
        self.key = key
        out = backend_of(x).xp.zeros(shape, x.dtype)
        out[key] = x
        return out

    def grad_x(self, g: Tensor) -> Tensor:
        return Slice.apply(g, key=self.key)  # type: ignore[no-any-return]


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
        return apply_in_place(IndexAdd, zeros, g, *indices, pattern=self.pattern), *[None] * len(indices)


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


def read_key(x: Tensor, key: Any) -> tuple[tuple[Any, ...], Pattern, list[Tensor]]:
    """The key of the view, then the pattern and the index tensors that pick from it (none for a plain view)."""
    items = [_item(k, x) for k in (key if isinstance(key, tuple) else (key,))]
    shape = x.array.shape
    free = len(shape) - sum(_dims_used(k) for k in items)
    ellipses = items.count(...) if not any(isinstance(k, Tensor) for k in items) else sum(k is ... for k in items)
    if free < 0 or ellipses > 1:
        raise OutOfRangeError("index: too many indices" if free < 0 else "index: more than one ellipsis",
                              got=f"{len(items)} indices for a tensor of {len(shape)} dimensions",
                              rule="at most one index for each dimension, and one ellipsis",
                              hint=None if shape else "x.item() for the number in a tensor without dimensions")
    place = next((i for i, k in enumerate(items) if k is ...), len(items))
    items[place : place + 1] = [ALL] * free
    view: list[Any] = []
    pattern: list[slice | None] = []
    indices: list[Tensor] = []
    dim = 0
    for k in items:
        used = _dims_used(k)
        if isinstance(k, int):
            view.append(_in_range(k, dim, shape))
        elif not isinstance(k, Tensor):
            view.append(k)
            pattern.append(ALL)
        else:
            view += [ALL] * used or [None]
            pattern.append(PICK)
            indices.append(_fitting(k, shape[dim : dim + used], dim))
        dim += used
    return (*view, ...), tuple(pattern), indices


def _item(k: Any, x: Tensor) -> Any:
    """One index as an integer, a slice, None, an ellipsis, or a Tensor of integers or bools."""
    if k is None or k is ... or type(k) is int:
        return k
    if isinstance(k, slice):
        if k.step is not None and k.step <= 0:
            raise OptionError("index: the step of a slice is not positive", got=k.step, rule="step >= 1",
                              hint="x.flip(dim) reverses a dimension")
        return slice(_bound(k.start), _bound(k.stop), _bound(k.step))
    if isinstance(k, bool | list | tuple | range) or (hasattr(k, "dtype") and not isinstance(k, Tensor)):
        if hasattr(k, "dtype") and k.ndim == 0 and k.dtype.kind in "iu":
            return int(k)
        k = tensor(k, device=x.device)
        k = k.long() if not k.array.size and k.array.dtype.kind == "f" else k
    if isinstance(k, Tensor):
        return _index_tensor(k, x)
    if hasattr(k, "__index__"):
        return int(k)
    raise _no_index(type(k).__name__)


def _index_tensor(k: Tensor, x: Tensor) -> Any:
    dtype = k.array.dtype
    if dtype.kind == "f" or dtype.itemsize == 2 or str(dtype) == "int8":
        raise _no_index(f"a tensor of {dtype}")
    if k.array.ndim == 0 and dtype.kind in "iu":
        return int(k.item())
    if str(dtype) == "uint8":  # PyTorch reads bytes as a mask, not as positions
        k = k.bool()
    return k if k.device == x.device else transfer(k, x.device)


def _no_index(got: str) -> IndexTypeError:
    return IndexTypeError("index: this is no index", got=got,
                          rule="indices are integers, slices, None, ..., and int64, int32 or bool tensors or lists",
                          hint="x[i.long()]; a // b instead of a / b")


def _bound(value: Any) -> int | None:
    if value is None or type(value) is int:
        return value
    if not hasattr(value, "__index__"):
        raise _no_index(f"a slice bound of type {type(value).__name__}")
    return int(value.__index__())


def _dims_used(k: Any) -> int:
    if isinstance(k, Tensor):
        return k.array.ndim if k.array.dtype.kind == "b" else 1
    return 0 if k is None or k is ... else 1


def _in_range(k: int, dim: int, shape: tuple[int, ...]) -> int:
    size = shape[dim]
    if not -size <= k < size:
        raise OutOfRangeError(f"index: {k} is out of range in dimension {dim}", got=f"shape {shape}",
                              rule=f"{-size} <= index < {size}")
    return k


def _fitting(k: Tensor, sizes: tuple[int, ...], dim: int) -> Tensor:
    """An index tensor ready for its dimensions: a mask has their sizes; one without dimensions picks from a new one."""
    if k.array.dtype.kind != "b":
        return k
    if k.array.shape != sizes:
        raise OutOfRangeError(f"index: the mask does not fit dimension {dim}", got=f"a mask of shape {k.array.shape}",
                              rule=f"a mask has the sizes of the dimensions it indexes, here {sizes}")
    return k if sizes else wrap(k.array.reshape(1))


def get_item(x: Tensor, key: Any) -> Tensor:
    """``x[key]``: a view for integers, slices, None and ..., a copy where the key holds tensors, lists or masks."""
    view_key, pattern, indices = read_key(x, key)
    if not indices:
        return Slice.apply(x, key=view_key)  # type: ignore[no-any-return]
    return Index.apply(_picked_from(x, view_key), *indices, pattern=pattern)  # type: ignore[no-any-return]


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
    copy_(target, value)


def _picked_from(x: Tensor, view_key: tuple[Any, ...]) -> Tensor:
    if all(k is ALL or k is ... for k in view_key):
        return x
    return Slice.apply(x, key=view_key)  # type: ignore[no-any-return]


def _put(x: Tensor, value: Any, indices: list[Tensor], pattern: Pattern) -> Tensor:
    return apply_in_place(IndexPut, x, _stored(x, value, len(pattern) + sum(k.ndim for k in indices)), *indices,
                          pattern=pattern)


def _stored(x: Tensor, value: Any, most: int) -> Any:
    """``value`` in the dtype and on the device of ``x``, with at most ``most`` dimensions."""
    if not isinstance(value, Tensor):
        return number_as("x[key] = value", value, x.array.dtype)
    if value.ndim == 0:
        return cast(transfer(value, x.device), x.array.dtype)
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
    view_key, pattern, found = read_key(x, tuple(indices))
    if len(view_key) != x.ndim + 1 or not found:
        raise DtypeError("index_put: the indices are not all tensors", got=repr(indices)[:80],
                         rule="a tuple of index tensors", hint="x[key] = value takes other keys")
    values = _stored(x, operand("index_put", values, x), len(pattern) + sum(k.ndim for k in found))
    cls = IndexAdd if accumulate else IndexPut
    return cls.apply(x, values, *found, pattern=pattern)  # type: ignore[no-any-return]


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
        return apply_in_place(IndexAdd, zeros, g.movedim(-1, dim + 1), at, pattern=pattern)


def unfold(x: Tensor, dimension: int, size: int, step: int) -> Tensor:
    """The view of all windows of ``size`` along ``dimension``, ``step`` apart; the window is the last dimension.

    Example:
        >>> mc.arange(5).unfold(0, 3, 2)
        tensor([[0, 1, 2],
                [2, 3, 4]])
    """
    dim = one_dim("unfold", dimension, x.ndim)
    if step < 1 or not 0 <= size <= x.array.shape[dim]:
        raise OptionError("unfold: no such windows", got=f"size {size}, step {step} in shape {tuple(x.shape)}",
                          rule="step >= 1, and size at most that of the dimension")
    return Windows.apply(x, dim=dim, size=int(size), step=int(step))  # type: ignore[no-any-return]
