"""Reading x[key]: what belongs to the view, and which tensors then pick from it."""

from __future__ import annotations

from typing import Any

from minicnn.backend import backend_of
from minicnn.dtypes import int8, uint8
from minicnn.errors import DeviceError, IndexTypeError, OptionError, OutOfRangeError
from minicnn.ops.convert import transfer
from minicnn.ops.creation import tensor
from minicnn.tensor import Tensor, wrap

ALL = slice(None)
PICK = None
"""Stands in a pattern where an index tensor belongs; the other dimensions have ALL."""
Pattern = tuple[slice | None, ...]


def read_key(x: Tensor, key: Any) -> tuple[tuple[Any, ...], Pattern, list[Tensor]]:
    """The key of the view, then the pattern and the index tensors that pick from it (none for a plain view)."""
    if type(key) is int and x.array.ndim:  # as a loop over a batch reads, and much besides
        return (_in_range(key, 0, x.array.shape), ...), (), []
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
    if not isinstance(k, Tensor):
        array = hasattr(k, "dtype") and (k.ndim or k.dtype.kind == "b")
        if not array and not isinstance(k, bool | list | tuple | range):
            if hasattr(k, "__index__"):
                return int(k)
            raise _no_index(type(k).__name__)
        empty = isinstance(k, list | tuple) and not k
        k = tensor(k, device=x.device, dtype="int64" if empty else None)
    return _index_tensor(k, x)


def _index_tensor(k: Tensor, x: Tensor) -> Any:
    dtype = k.array.dtype
    if dtype.kind == "f" or dtype.itemsize == 2 or dtype == int8:
        raise _no_index(f"a tensor of {dtype}")
    if k.array.ndim == 0 and dtype.kind in "iu":
        return int(k.item())
    if dtype == uint8:  # PyTorch reads bytes as a mask, not as positions
        k = k.bool()
    if backend_of(k.array) is backend_of(x.array) or k.device == x.device:
        return k
    if k.device.type != "cpu":
        raise DeviceError("index: the index is on another device", got=f"index on {k.device}, tensor on {x.device}",
                          rule="an index is on the tensor's device, or on the CPU", hint="index.to(x.device)")
    return transfer(k, x.device)


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
