"""Other dtypes, other devices, copies, and the ways out to NumPy and Python."""

from __future__ import annotations

from typing import Any

from minicnn import dtypes
from minicnn.autograd.function import Function
from minicnn.backend import Device, backend_for, backend_of
from minicnn.errors import DeviceError, DtypeError, GradientError, ShapeError
from minicnn.tensor import Tensor

__all__ = ["clone"]
METHODS = (
    "clone", "contiguous", "cpu", "cuda", "item", "numpy", "to", "tolist", "type_as",
)  # fmt: skip
OPERATORS = {
    "__array__": "array_protocol", "__dlpack__": "dlpack", "__dlpack_device__": "dlpack_device", "__bool__": "truth",
    "__index__": "index_number", "__float__": "as_python_float", "__int__": "as_python_int",
}  # fmt: skip

Array = Any

_DTYPE_NAMES = {*dtypes.ALIASES, *map(str, dtypes.SUPPORTED)}


class Cast(Function):
    def forward(self, x: Array, *, dtype: dtypes.Dtype) -> Array:
        self.source = x.dtype
        return x.astype(dtype)

    def grad_x(self, g: Tensor) -> Tensor:
        return g.to(self.source)


class Clone(Function):
    def forward(self, x: Array) -> Array:
        return x.copy(order="K")

    def grad_x(self, g: Tensor) -> Tensor:
        return g


class Transfer(Function):
    def forward(self, x: Array, *, device: Device, non_blocking: bool = False) -> Array:
        source, target = backend_of(x), backend_for(device)
        self.source = source.device
        return (target.upload if non_blocking else target.from_numpy)(source.to_numpy(x))

    def grad_x(self, g: Tensor) -> Tensor:
        return g.to(self.source)


def cast(x: Tensor, dtype: dtypes.Dtype) -> Tensor:
    """``x`` in another dtype; ``x`` itself where it has it."""
    return x if x.array.dtype == dtype else Cast.apply(x, dtype=dtype)


def transfer(x: Tensor, device: Device | str, *, non_blocking: bool = False) -> Tensor:
    """``x`` on another device; ``x`` itself where it is there."""
    target = backend_for(device).device
    return x if x.device == target else Transfer.apply(x, device=target, non_blocking=non_blocking)


def to(x: Tensor, *target: Any, dtype: Any = None, device: Any = None, copy: bool = False,
       non_blocking: bool = False) -> Tensor:
    """``x`` in another dtype, on another device, or like another tensor.

    Args:
        x: any tensor.
        target: a dtype, a device, a device and a dtype, or a tensor to be like.
        dtype, device: the same by name.
        copy: copy even where nothing changes.
        non_blocking: from page-locked memory (``pin_memory``) to a CUDA device, do not wait for the copy: ``x`` must
            stay as it is until the device has got there. The other way it is always waited for, as values are read.

    Returns:
        ``x`` itself where nothing changes and ``copy`` is False.
    """
    dtype, device = destination(*target, dtype=dtype, device=device, non_blocking=non_blocking)
    moved = x if dtype is None else cast(x, dtype)
    non_blocking = non_blocking or any(item is True for item in target)
    moved = moved if device is None else transfer(moved, device, non_blocking=non_blocking)
    return clone(moved) if copy and moved is x else moved


def destination(
    *target: Any, dtype: Any = None, device: Any = None, non_blocking: bool = False  # noqa: ARG001 (PyTorch's)
) -> tuple[dtypes.Dtype | None, Any]:
    """The dtype and the device that the arguments of ``to`` name, None for what they leave as it is."""
    if target and isinstance(target[0], bool):
        raise DtypeError("to: a bool is no dtype", got=target[0],
                         rule="a dtype, a device, both, or a tensor to be like", hint="mc.bool")
    for item in target:
        if isinstance(item, Tensor):
            device, dtype = item.device, item.dtype
        elif isinstance(item, Device) or (isinstance(item, str) and item not in _DTYPE_NAMES):
            device = item
        elif item is not None and not isinstance(item, bool):  # a bool is non_blocking
            dtype = item
    return None if dtype is None else dtypes.as_dtype(dtype), device


def cpu(x: Tensor) -> Tensor:
    """``x`` on the CPU."""
    return transfer(x, "cpu")


def cuda(x: Tensor, device: Device | int | str | None = None, non_blocking: bool = False) -> Tensor:
    """``x`` on a CUDA device; ``non_blocking`` as of ``to``."""
    place = f"cuda:{device}" if isinstance(device, int) else device or "cuda"
    return transfer(x, place, non_blocking=non_blocking)


def clone(x: Tensor) -> Tensor:
    """A copy in memory of its own; gradients flow through it."""
    return Clone.apply(x)


def type_as(x: Tensor, other: Tensor) -> Tensor:
    """``x`` in the dtype and on the device of ``other``."""
    return to(x, other)


def numpy(x: Tensor) -> Any:
    """The NumPy array that shares this CPU tensor's memory.

    Raises:
        GradientError: for a tensor that requires a gradient: edits would not be recorded.
        DeviceError: for a tensor on another device: nothing is transferred unasked.
    """
    if x.requires_grad:
        raise GradientError("numpy: this tensor requires a gradient", got=f"shape {tuple(x.shape)}",
                            rule="an array cannot record what is done to it", hint="x.detach().numpy()")
    backend = backend_of(x.array)
    if backend.device_type != "cpu":
        raise DeviceError(f"numpy: this tensor is on {x.device}", got=str(x.device),
                          rule="only CPU memory can be shared with NumPy", hint="x.cpu().numpy()")
    x._aliased = True
    return x.array


def item(x: Tensor) -> Any:
    """The one element of ``x`` as a Python number."""
    if x.array.size != 1:
        raise ShapeError("item: more or fewer than one element", got=f"shape {tuple(x.shape)}",
                         rule="item() is for tensors of one element", hint="x.tolist(), or x.mean().item()")
    return backend_of(x.array).to_numpy(x.array).item()


def tolist(x: Tensor) -> Any:
    """The elements as nested lists of Python numbers."""
    return backend_of(x.array).to_numpy(x.array).tolist()


def array_protocol(x: Tensor, dtype: Any = None, copy: bool | None = None) -> Any:
    """``numpy.asarray(x)``: as ``numpy()``, with NumPy's own rules for ``dtype`` and ``copy``."""
    found = numpy(x)
    xp = backend_of(found).xp
    return xp.array(found, dtype=dtype, copy=copy)


def dlpack(x: Tensor, **options: Any) -> Any:
    """A DLPack capsule of the same memory, for other array libraries."""
    if x.requires_grad:
        raise GradientError("dlpack: this tensor requires a gradient", got=f"shape {tuple(x.shape)}",
                            rule="another library cannot record what it does", hint="x.detach()")
    x._aliased = True
    return x.array.__dlpack__(**options)


def dlpack_device(x: Tensor) -> Any:
    """DLPack's (device type, index) of ``x``."""
    return x.array.__dlpack_device__()


def truth(x: Tensor) -> bool:
    """``bool(x)`` for a tensor of one element."""
    if x.array.size != 1:
        raise ShapeError("bool: the truth of several elements is ambiguous", got=f"shape {tuple(x.shape)}",
                         rule="a condition is one element", hint="(x > 0).any(), (x > 0).all()")
    return bool(item(x))


def index_number(x: Tensor) -> int:
    """``x`` as a Python index: one integer element."""
    if x.array.dtype.kind == "f":
        raise DtypeError("index: a float is no index", got=str(x.dtype), rule="indices are integers", hint="x.long()")
    return int(item(x))


def contiguous(x: Tensor) -> Tensor:
    """``x`` with C-ordered memory: itself where it is so already."""
    return x if x.array.flags.c_contiguous else Contiguous.apply(x)


class Contiguous(Function):
    def forward(self, x: Array) -> Array:
        return backend_of(x).xp.ascontiguousarray(x)

    def grad_x(self, g: Tensor) -> Tensor:
        return g


def as_python_float(x: Tensor) -> float:
    """``float(x)`` for a tensor of one element."""
    return float(item(x))


def as_python_int(x: Tensor) -> int:
    """``int(x)`` for a tensor of one element."""
    return int(item(x))


def _caster(dtype: dtypes.Dtype) -> Any:
    def convert(x: Tensor) -> Tensor:
        return cast(x, dtype)

    convert.__doc__ = f"``x`` in {dtype}."
    return convert


_OTHERS = {"bool": dtypes.bool_, "byte": dtypes.uint8, "char": dtypes.int8}
CASTS = {name: _caster(dtype) for name, dtype in {**dtypes.ALIASES, **_OTHERS}.items()}
