"""A PyTorch checkpoint's tensors, made again from what its pickle says: a storage, an offset, sizes and strides."""

from __future__ import annotations

import math
import warnings
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, BinaryIO

import numpy as np

from minicnn.backend import Device
from minicnn.dtypes import Dtype, as_dtype, bool_, float16, float32, float64, int8, int16, int32, int64, uint8
from minicnn.errors import DataError
from minicnn.io.files import as_values, widened
from minicnn.nn.parameter import Parameter
from minicnn.pickles import Builder, Part, Reader, check_keys
from minicnn.tensor import Size, Tensor, place

Array = Any

STORAGES: dict[str, Dtype] = {
    "HalfStorage": float16, "FloatStorage": float32, "DoubleStorage": float64, "ByteStorage": uint8,
    "CharStorage": int8, "ShortStorage": int16, "IntStorage": int32, "LongStorage": int64, "BoolStorage": bool_,
}  # fmt: skip
_DTYPES = ("float16", "float32", "float64", "uint8", "int8", "int16", "int32", "int64", "bool")
_ROOM, _REPEATED = 1 << 26, 64


@dataclass(frozen=True)
class Kind(Part):
    """What a storage holds. bfloat16, of two bytes, is widened to ``dtype`` float32 when it is read."""

    dtype: Dtype
    itemsize: int


@dataclass(frozen=True)
class _Storage(Part):
    """The memory of one or more tensors."""

    values: Array


_KINDS = {f"torch.{name}": Kind(dtype, dtype.itemsize) for name, dtype in STORAGES.items()}
_BFLOAT16 = _KINDS["torch.BFloat16Storage"] = Kind(float32, 2)
CONSTANTS: dict[str, Any] = {
    **_KINDS, **{f"torch.{name}": as_dtype(name) for name in _DTYPES}, "torch.bfloat16": float32,
}  # fmt: skip


class Rebuilder:
    """Makes the value of a checkpoint's pickle.

    Args:
        memory: the bytes (uint8) of the storage with a key, which must be as many as the second argument says.
        order: the byte order of the storages, ``<`` or ``>``.
        size: the bytes of the whole file.
        device: where the tensors go.
    """

    def __init__(
        self, memory: Callable[[str, int], Array], order: str, size: int, device: Device | str | None
    ) -> None:
        self.memory, self.order, self.device = memory, order, device
        self.storages: dict[str, tuple[Kind, _Storage]] = {}
        self.room = max(_ROOM, _REPEATED * size)

    def read(self, pickle: BinaryIO) -> Any:
        """The value; what the pickle names is made by the functions here."""
        builders = {**dict.fromkeys(TENSORS, self.tensor), **BUILDERS}
        found = Reader(builders, CONSTANTS, self.storage).read(pickle)
        if any(kind is _BFLOAT16 for kind, _ in self.storages.values()):
            warnings.warn("the file holds bfloat16, which NumPy lacks: read as float32, exactly", stacklevel=5)
        return found

    def storage(self, reference: Any) -> _Storage:
        """The storage that a pickle refers to; each is read once, however many tensors are views of it."""
        key, kind, size = refers_to(reference)
        if key not in self.storages:
            content = self.memory(key, size * kind.itemsize)
            if kind is _BFLOAT16:
                values = widened(content, self.order)
            else:
                values = as_values(content, kind.dtype.newbyteorder("<" if self.order == "<" else ">"))
            self.storages[key] = kind, _Storage(values)
        if self.storages[key][0] != kind:
            raise DataError(f"its storage '{key[:80]}' is used with two dtypes", rule="one dtype a storage")
        return self.storages[key][1]

    def tensor(
        self, storage: Any, offset: Any, shape: Any, strides: Any, requires_grad: Any = False, _hooks: Any = None,
        marks: Any = None,
    ) -> Tensor:  # fmt: skip
        """The view of a storage with an offset, sizes and strides in elements; it lies within the storage."""
        if not isinstance(storage, _Storage) or not _are_sizes((offset,), shape, strides) or len(shape) != len(strides):
            raise DataError("it has a tensor without storage, sizes or strides", rule="a dense tensor")
        if marks:
            raise DataError("it has a tensor that is conjugate or negative by a mark", rule="a plain tensor",
                            hint="tensor.resolve_neg() before it is saved")
        values, count = storage.values, math.prod(shape)
        end = offset + sum((n - 1) * step for n, step in zip(shape, strides, strict=True)) + 1 if count else offset
        self.room -= count * values.itemsize
        if end > values.size or self.room < 0:
            raise DataError("it has a tensor larger than its storage", got=f"{list(shape)} at {offset}"[:120],
                            rule=f"within its {values.size} elements, and expanded at most {_REPEATED} times")
        steps = [step * values.itemsize for step in strides]
        view = np.ndarray(shape, values.dtype, values, offset * values.itemsize, steps) if count else None
        found = place(np.empty(shape, values.dtype) if view is None else view, self.device)
        return found.requires_grad_() if requires_grad is True and values.dtype.kind == "f" else found


def refers_to(reference: Any) -> tuple[str, Kind, int]:
    """Key, kind and number of elements in a reference to a storage; files before 1.6 have one more value, None."""
    match reference:
        case ("storage", Kind() as kind, str(key), str(), int(size)) if size >= 0:
            return key, kind, size
        case ("storage", Kind() as kind, str(key), str(), int(size), None) if size >= 0:
            return key, kind, size
    raise DataError("it refers to something that is no storage", rule="plain values and tensors")


def _are_sizes(*lists: Any) -> bool:
    """Whether all are tuples of numbers that an array can have as sizes."""
    return all(
        isinstance(sizes, tuple) and len(sizes) <= 64 and all(type(n) is int and 0 <= n < 1 << 62 for n in sizes)
        for sizes in lists
    )


def _parameter(data: Any, requires_grad: Any, _hooks: Any) -> Parameter:
    if not isinstance(data, Tensor):
        raise DataError("it has a parameter that is no tensor", rule="plain values and tensors")
    return Parameter(data.detach(), requires_grad is True and data.array.dtype.kind == "f")


def _size(sizes: Any) -> Size:
    if not _are_sizes(sizes):
        raise DataError("it has a shape that is none", rule="a tuple of sizes")
    return Size(sizes)


def _device(kind: Any, index: Any = None) -> str:
    """A device's name: as text, since the device may not be here."""
    if not isinstance(kind, str) or not (index is None or type(index) is int):
        raise DataError("it has a device without a name", rule="plain values and tensors")
    return kind if index is None else f"{kind}:{index}"


def _encode(text: Any, encoding: Any) -> bytes:
    """Bytes, as pickles before Python 3 write them."""
    if not isinstance(text, str) or encoding != "latin1":
        raise DataError("it has bytes that are none", rule="plain values and tensors")
    return text.encode("latin1")


def _ordered(pairs: Any = ()) -> OrderedDict[Any, Any]:
    """An OrderedDict; Python 2 wrote its pairs as an argument."""
    if not isinstance(pairs, list | tuple) or not all(isinstance(p, list | tuple) and len(p) == 2 for p in pairs):
        raise DataError("it has a dictionary that is none", rule="plain values and tensors")
    return OrderedDict(zip(check_keys([key for key, _ in pairs]), [value for _, value in pairs], strict=True))


def _set(items: Any) -> set[Any]:
    return set(_listed(items))


def _frozenset(items: Any) -> frozenset[Any]:
    return frozenset(_listed(items))


def _listed(items: Any) -> list[Any]:
    if not isinstance(items, list | tuple):
        raise DataError("it has a set that is none", rule="plain values and tensors")
    return check_keys(list(items))


TENSORS = ("torch._utils._rebuild_tensor_v2", "torch._utils._rebuild_tensor")
BUILDERS: dict[str, Builder] = {
    "torch._utils._rebuild_parameter": _parameter,
    "collections.OrderedDict": _ordered,
    "torch.Size": _size,
    "torch.device": _device,
    "_codecs.encode": _encode,
    **dict.fromkeys(("__builtin__.set", "builtins.set"), _set),
    **dict.fromkeys(("__builtin__.frozenset", "builtins.frozenset"), _frozenset),
}
"""What the names in a checkpoint make, and all that they can make."""
