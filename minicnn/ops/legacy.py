"""What textbooks of PyTorch's first years write: ``Tensor(2, 3)``, ``FloatTensor([1, 2])``, ``x.type(LongTensor)``.

New code says ``mc.zeros(2, 3)``, ``mc.tensor([1.0, 2.0])`` and ``x.to(mc.int64)``. As in PyTorch, the old names make
CPU tensors whatever the default device is; ``set_default_tensor_type`` moves ``Tensor(…)``.
"""

from __future__ import annotations

import builtins
from collections.abc import Sequence
from numbers import Integral
from typing import Any

from minicnn import dtypes
from minicnn.backend import set_default_device
from minicnn.errors import DtypeError
from minicnn.ops.convert import to
from minicnn.ops.creation import empty, tensor
from minicnn.tensor import Size, Tensor

__all__ = [
    "BoolTensor", "ByteTensor", "CharTensor", "DoubleTensor", "FloatTensor", "HalfTensor", "IntTensor", "LongTensor",
    "ShortTensor", "set_default_tensor_type",
]  # fmt: skip
METHODS = ("new", "type")

_place = "cpu"
"""Where ``Tensor(…)`` makes tensors: by ``set_default_tensor_type``, not by the default device."""


def plain_tensor(*data: Any) -> Tensor:
    """What ``Tensor(…)`` makes."""
    return made_of("Tensor", data, dtypes.get_default_dtype(), _place)



def made_of(name: str, arguments: tuple[Any, ...], dtype: Any, device: Any) -> Tensor:
    """A tensor of the sizes that ``arguments`` are, or of the values in the one sequence that they are."""
    if not arguments or all(isinstance(a, Integral) and not isinstance(a, bool) for a in arguments):
        return empty(arguments or (0,), dtype=dtype, device=device)
    data = arguments[0]
    if len(arguments) == 1 and isinstance(data, Size):
        return empty(data, dtype=dtype, device=device)
    if len(arguments) == 1 and (isinstance(data, Sequence) or hasattr(data, "dtype")) and not isinstance(data, str):
        return tensor(data, dtype=dtype, device=device)
    raise DtypeError(f"{name}: neither sizes nor a sequence of values", got=repr(arguments)[:80],
                     rule=f"{name}(2, 3) is of that size, {name}([2.0, 3.0]) holds these values",
                     hint="mc.tensor(value) for a single number")


class _TensorType(builtins.type):
    """The type of ``FloatTensor`` and its kin: makes tensors of a dtype when called, and knows them."""

    dtype: dtypes.Dtype

    def __call__(cls, *data: Any) -> Tensor:
        return made_of(cls.__name__, data, cls.dtype, "cpu")

    def __instancecheck__(cls, value: object) -> bool:
        return isinstance(value, Tensor) and value.dtype == cls.dtype


def _named(name: str, dtype: dtypes.Dtype) -> Any:
    return _TensorType(name, (), {"dtype": dtype, "__doc__": f"Tensors of {dtype}, by their old name."})


HalfTensor, FloatTensor = _named("HalfTensor", dtypes.float16), _named("FloatTensor", dtypes.float32)
DoubleTensor, BoolTensor = _named("DoubleTensor", dtypes.float64), _named("BoolTensor", dtypes.bool_)
ByteTensor, CharTensor = _named("ByteTensor", dtypes.uint8), _named("CharTensor", dtypes.int8)
ShortTensor, IntTensor = _named("ShortTensor", dtypes.int16), _named("IntTensor", dtypes.int32)
LongTensor = _named("LongTensor", dtypes.int64)

TYPES = {found.dtype: found for found in list(globals().values()) if isinstance(found, _TensorType)}
"""The tensor type of each dtype."""


def type(x: Tensor, dtype: Any = None) -> Any:
    """``x`` in another dtype, given as such or by its old name; without one, the old name of its own.

    Example:
        >>> mc.ones(2).type(mc.LongTensor)
        tensor([1, 1])
        >>> mc.ones(2).type()
        'torch.FloatTensor'
    """
    if dtype is None:
        return f"torch.{'cuda.' if x.device.type == 'cuda' else ''}{TYPES[x.dtype].__name__}"
    if isinstance(dtype, str):
        dtype = next((t for t in TYPES.values() if t.__name__ == dtype.rpartition(".")[2]), dtype)
    if dtype is Tensor:
        dtype = dtypes.get_default_dtype()
    return to(x, dtype=getattr(dtype, "dtype", dtype))


def set_default_tensor_type(t: Any) -> None:
    """Make a floating point type, such as ``mc.DoubleTensor`` or ``"torch.cuda.FloatTensor"``, that of new tensors.

    Errors: DtypeError; DeviceError where there is no such device.
    """
    found = next((kind for kind in TYPES.values() if kind is t or kind.__name__ == str(t).rpartition(".")[2]), None)
    if found is None:
        raise DtypeError("set_default_tensor_type: this is no tensor type", got=repr(t)[:80],
                         rule=f"one of {', '.join(kind.__name__ for kind in TYPES.values())}",
                         hint="mc.set_default_dtype(mc.float64), mc.set_default_device(\"cuda\")")
    global _place
    place = "cuda" if ".cuda." in str(t) else "cpu"
    if place != _place:
        set_default_device(None if place == "cpu" else place)
        _place = place
    dtypes.set_default_dtype(found.dtype)


def new(x: Tensor, *data: Any) -> Tensor:
    """``Tensor(…)`` of sizes or of values, in the dtype and on the device of ``x``."""
    return made_of("new", data, x.dtype, x.device)
