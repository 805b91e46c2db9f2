"""From a list of samples to a batch: tensors are stacked, structures are kept."""

from __future__ import annotations

import copy
from collections.abc import Mapping, MutableMapping, MutableSequence, Sequence
from typing import Any

from minicnn.dtypes import float64
from minicnn.errors import DtypeError, OutOfRangeError, ShapeError
from minicnn.ops.creation import as_tensor, tensor
from minicnn.ops.join import stack
from minicnn.tensor import Tensor

_NUMERIC = "biuf"


def default_collate(batch: Sequence[Any]) -> Any:
    """Samples as a batch, by the type of the first one.

    Tensors and NumPy arrays are stacked along a new first dimension; ints become an int64 tensor, floats a float64
    one; strings stay a list. Of tuples, lists, named tuples and dicts each position is collated by itself (a tuple
    becomes a list).

    Args:
        batch: a list of samples of one structure.

    Raises:
        ShapeError: for tensors, or lists, of different sizes.
        DtypeError: for a type that cannot be stacked.

    Example:
        >>> mc.data.default_collate([(mc.zeros(2), 1), (mc.ones(2), 0)])
        [tensor([[0., 0.],
                [1., 1.]]), tensor([1, 0])]
    """
    if not len(batch):
        raise OutOfRangeError("default_collate: the batch is empty", got="no sample", rule="at least one sample")
    first = batch[0]
    if isinstance(first, Tensor):
        return _stacked(batch)
    if hasattr(first, "dtype") and hasattr(first, "__array__"):
        if first.dtype.kind not in _NUMERIC:
            raise _unknown(f"an array of {first.dtype}")
        return _stacked([as_tensor(x) for x in batch])
    if isinstance(first, float):
        return tensor(batch, dtype=float64)
    if isinstance(first, int):
        return tensor(batch)
    if isinstance(first, (str, bytes)):
        return batch
    if isinstance(first, Mapping):
        return like_mapping(first, {key: default_collate([sample[key] for sample in batch]) for key in first})
    if isinstance(first, Sequence):
        return _collate_sequences(batch)
    raise _unknown(f"{type(first).__module__}.{type(first).__qualname__}".removeprefix("builtins."))


def default_convert(data: Any) -> Any:
    """NumPy arrays anywhere in a structure as tensors, all else as it is: the collate_fn of ``batch_size=None``."""
    if isinstance(data, Tensor):
        return data
    if hasattr(data, "dtype") and hasattr(data, "__array__"):
        return as_tensor(data) if data.dtype.kind in _NUMERIC else data
    if isinstance(data, Mapping):
        return like_mapping(data, {key: default_convert(data[key]) for key in data})
    if is_namedtuple(data):
        return type(data)(*(default_convert(item) for item in data))
    if isinstance(data, Sequence) and not isinstance(data, (str, bytes)):
        return like_sequence(data, [default_convert(item) for item in data])
    return data


def _stacked(tensors: Sequence[Tensor]) -> Tensor:
    shapes = {tuple(x.shape) for x in tensors}
    if len(shapes) > 1:
        raise ShapeError("default_collate: the samples of a batch have different shapes",
                         got=", ".join(map(str, sorted(shapes))), rule="tensors of a batch are stacked: one shape",
                         hint="resize or crop in the dataset, batch_size=1, or a collate_fn of your own")
    return stack(list(tensors))


def _collate_sequences(batch: Sequence[Any]) -> Any:
    first = batch[0]
    if any(len(sample) != len(first) for sample in batch):
        raise ShapeError("default_collate: the samples of a batch have different lengths",
                         got=sorted({len(sample) for sample in batch}), rule="each sample has the same number of items",
                         hint="a collate_fn of your own, which pads")
    collated = [default_collate(items) for items in zip(*batch, strict=True)]
    return type(first)(*collated) if is_namedtuple(first) else like_sequence(first, collated)


def is_namedtuple(value: Any) -> bool:
    return isinstance(value, tuple) and hasattr(value, "_fields")


def like_mapping(like: Any, items: dict[Any, Any]) -> Any:
    """``items`` in the type of ``like`` where that can be made, as a dict otherwise."""
    try:
        if isinstance(like, MutableMapping):
            made = copy.copy(like)
            made.update(items)
            return made
        return type(like)(items)
    except TypeError:
        return items


def like_sequence(like: Any, items: list[Any]) -> Any:
    """``items`` in the type of ``like`` where that can be made; a list for a tuple, as PyTorch gives."""
    if isinstance(like, tuple):
        return items
    try:
        if isinstance(like, MutableSequence):
            made = copy.copy(like)
            for i, item in enumerate(items):
                made[i] = item
            return made
        return type(like)(items)
    except TypeError:
        return items


def _unknown(what: str) -> DtypeError:
    if what.startswith("PIL."):
        hint = "transform=transforms.ToTensor() in the dataset makes tensors of images"
    elif what == "NoneType":
        hint = "return a sample for every index: does __getitem__ lack a return?"
    else:
        hint = "return tensors from the dataset, or pass a collate_fn of your own"
    return DtypeError("default_collate: cannot make a batch of this type", got=what,
                      rule="tensors, numpy arrays, numbers, strings, and dicts, tuples and lists of them", hint=hint)
