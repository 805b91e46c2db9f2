"""New tensors: from data, and filled with constants."""

from __future__ import annotations

from typing import Any

from minicnn import dtypes
from minicnn.backend import Device, backend_for, backend_of, chosen_device, is_array
from minicnn.errors import DtypeError, OptionError, ShapeError
from minicnn.ops.convert import to
from minicnn.ops.fill import number_as
from minicnn.ops.operands import operand
from minicnn.shapes.sizes import size_tuple
from minicnn.tensor import Tensor, wrap

__all__ = [
    "as_tensor", "asarray", "empty", "empty_like", "from_dlpack", "from_numpy", "full", "full_like", "ones",
    "ones_like", "tensor", "zeros", "zeros_like",
]  # fmt: skip
METHODS = ("new_empty", "new_full", "new_ones", "new_tensor", "new_zeros")

Array = Any
Place = Device | str | None

_host: Any = backend_for("cpu")


def finish(made: Tensor, requires_grad: bool) -> Tensor:
    """``made``, as a leaf whose gradient is wanted where ``requires_grad``."""
    if requires_grad:
        made.requires_grad = True
    return made


def tensor(data: Any, *, dtype: Any = None, device: Place = None, requires_grad: bool = False) -> Tensor:
    """A new tensor that holds a copy of ``data``: numbers, nested lists, arrays or tensors.

    Args:
        data: Python floats become the default dtype and ints int64; arrays and tensors keep theirs.
        dtype: another dtype.
        device: where to; default the default device, or that of ``data`` where it is a tensor and no default was set.
        requires_grad: whether ``backward`` computes its gradient.

    Errors: ShapeError for lists of uneven lengths; DtypeError for what is no number.

    Example:
        >>> mc.tensor([[1, 2], [3, 4]], dtype=mc.float32)
        tensor([[1., 2.],
                [3., 4.]])
    """
    data = _of_device(data)
    if isinstance(data, Tensor):
        moved = to(data.detach(), device=device or chosen_device(), dtype=dtype)
        return finish(wrap(moved.array.copy() if moved.array is data.array else moved.array), requires_grad)
    values = _values("tensor", data, dtype)
    if values is data:
        values = values.copy()
    return finish(wrap(backend_for(device).from_numpy(values)), requires_grad)


def as_tensor(data: Any, dtype: Any = None, device: Place = None) -> Tensor:
    """``data`` as a tensor, without a copy where it is a tensor or array of that dtype on that device already."""
    data = _of_device(data)
    if isinstance(data, Tensor):
        return to(data, device=device or chosen_device(), dtype=dtype)
    values = _values("as_tensor", data, dtype)
    made = wrap(backend_for(device).from_numpy(values))
    made._aliased = values is data
    return made


def _of_device(data: Any) -> Any:
    """A Tensor on the memory of ``data`` where that is a device's array; else ``data``."""
    if not is_array(data) or isinstance(data, _host.array_type):
        return data
    made = wrap(data)
    made._aliased = True
    return made


def asarray(obj: Any, *, dtype: Any = None, device: Place = None, copy: bool | None = None,
            requires_grad: bool = False) -> Tensor:
    """``as_tensor`` with a choice: ``copy=True`` copies always."""
    made = tensor(obj, dtype=dtype, device=device) if copy else as_tensor(obj, dtype, device)
    return finish(made, requires_grad)


def from_numpy(array: Array) -> Tensor:
    """A CPU tensor on the memory of a NumPy array; an edit of either is an edit of both."""
    if not isinstance(array, _host.array_type):
        raise DtypeError("from_numpy: this is no NumPy array", got=type(array).__name__,
                         rule="from_numpy shares an array's memory", hint="mc.tensor(data) copies lists and numbers")
    dtypes.as_dtype(array.dtype)
    made = wrap(array)
    made._aliased = True
    return made


def from_dlpack(other: Any) -> Tensor:
    """A tensor on the memory of another library's array, by the DLPack protocol."""
    if isinstance(other, Tensor):
        return other.detach()
    if not hasattr(other, "__dlpack__"):
        raise DtypeError("from_dlpack: this object does not speak DLPack", got=type(other).__name__,
                         rule="it has the methods __dlpack__ and __dlpack_device__", hint="mc.as_tensor(data)")
    kind = int(other.__dlpack_device__()[0])
    device = "cuda" if kind == _DLPACK_CUDA else "cpu"
    array = backend_for(device).xp.from_dlpack(other)
    dtypes.as_dtype(array.dtype)
    made = wrap(array)
    made._aliased = True
    return made


_DLPACK_CUDA = 2


def _values(name: str, data: Any, dtype: Any) -> Array:
    """A NumPy array of ``data`` in ``dtype``, or in the dtype that PyTorch infers; ``data`` itself where it is one."""
    plain: Any = _plain(name, data)
    kinds = _kinds(name, plain)
    try:
        values: Any = plain if isinstance(plain, _host.array_type) else _host.xp.array(plain)
    except ValueError as error:
        raise ShapeError(f"{name}: the lists have uneven lengths", got=repr(plain)[:80],
                         rule="lists at the same depth have the same length",
                         hint="pad the short ones to one length") from error
    if values.dtype.kind not in "biuf" or (values.dtype.kind == "u" and dtypes.int64 in kinds):
        raise OptionError(f"{name}: a number does not fit int64", got=repr(plain)[:80], rule="-2**63 <= number < 2**63",
                          hint="write it as a float")
    if dtype is None:
        dtype = dtypes.result_type(*(_host.xp.empty(1, kind) for kind in kinds)) if kinds else float
    with _host.quiet():
        return values.astype(dtypes.as_dtype(dtype), copy=False)


def _plain(name: str, data: Any) -> Any:
    """``data`` with the tensors in its lists replaced by their numbers."""
    if isinstance(data, list | tuple | range):
        return [_plain(name, item) if isinstance(item, list | tuple | Tensor) else item for item in data]
    if isinstance(data, Tensor):
        if data.array.size != 1:
            raise ShapeError(f"{name}: a list of tensors of several elements", got=f"shape {tuple(data.shape)}",
                             rule="list items are numbers, or tensors of one element", hint="mc.stack(tensors)")
        return backend_of(data.array).to_numpy(data.array).reshape(())[()]
    return data


def _kinds(name: str, data: Any) -> set[dtypes.Dtype]:
    """The dtypes of all numbers in ``data``; Python's count as bool, int64 and the default float dtype."""
    if isinstance(data, list):
        types = set(map(type, data))
        if types <= {bool, int, float}:
            return {dtypes.scalar_dtype(kind()) for kind in types}
        return set().union(*(_kinds(name, item) for item in data))
    if hasattr(data, "dtype") and hasattr(data, "ndim"):
        return {dtypes.as_dtype(data.dtype)}
    if type(data) in (bool, int, float):
        return {dtypes.scalar_dtype(data)}
    text = isinstance(data, str | bytes)
    raise DtypeError(f"{name}: this is no number", got=repr(data)[:80],
                     rule="data are numbers, bools, or nested lists or arrays of them",
                     hint="map class names to integers first" if text else None)


def full(size: Any, fill_value: Any, *, dtype: Any = None, device: Place = None,
         requires_grad: bool = False) -> Tensor:
    """Every element is ``fill_value``, a number or 0-d tensor, in its dtype unless another is given."""
    value = operand("full", fill_value, None)
    if dtype is None:
        dtype = value.dtype if isinstance(value, Tensor) else dtypes.scalar_dtype(value)
    number = value.item() if isinstance(value, Tensor) else value
    return _filled("full", (size,), number, dtype, device, requires_grad)


def zeros(*size: Any, dtype: Any = None, device: Place = None, requires_grad: bool = False) -> Tensor:
    """Every element 0, in the default dtype unless another is given. Sizes: ``zeros(2, 3)`` or ``zeros((2, 3))``."""
    return _filled("zeros", size, 0, dtype, device, requires_grad)


def ones(*size: Any, dtype: Any = None, device: Place = None, requires_grad: bool = False) -> Tensor:
    """Every element 1; else as ``zeros``."""
    return _filled("ones", size, 1, dtype, device, requires_grad)


def empty(*size: Any, dtype: Any = None, device: Place = None, requires_grad: bool = False) -> Tensor:
    """A tensor to be filled. Unlike PyTorch's its elements are 0, so that a forgotten one is seen every time alike."""
    return _filled("empty", size, 0, dtype, device, requires_grad)


def _filled(name: str, size: tuple[Any, ...], value: Any, dtype: Any, device: Place, grad: bool) -> Tensor:
    shape = checked_sizes(name, size)
    dtype = dtypes.get_default_dtype() if dtype is None else dtypes.as_dtype(dtype)
    xp = backend_for(device).xp
    if value == 0:
        array = xp.zeros(shape, dtype)
    else:
        array = xp.full(shape, number_as(name, value, dtype), dtype)
    return finish(wrap(array), grad)


def checked_sizes(name: str, size: tuple[Any, ...]) -> tuple[int, ...]:
    """Sizes given as varargs or a sequence, none negative."""
    if not size:
        raise DtypeError(f"{name}: no size", got="no arguments", rule="at least one size, or a tuple",
                         hint=f"{name}(()) has no dimensions")
    shape = size_tuple(name, size)
    if min(shape, default=0) < 0:
        raise ShapeError(f"{name}: a size is negative", got=shape, rule="sizes are >= 0")
    return shape


def zeros_like(x: Tensor, *, dtype: Any = None, device: Place = None, requires_grad: bool = False) -> Tensor:
    """Zeros in the shape, dtype and on the device of ``x``, unless said otherwise."""
    return full_like(x, 0, dtype=dtype, device=device, requires_grad=requires_grad)


def ones_like(x: Tensor, *, dtype: Any = None, device: Place = None, requires_grad: bool = False) -> Tensor:
    """Ones; else as ``zeros_like``."""
    return full_like(x, 1, dtype=dtype, device=device, requires_grad=requires_grad)


def empty_like(x: Tensor, *, dtype: Any = None, device: Place = None, requires_grad: bool = False) -> Tensor:
    """A tensor to be filled, of zeros for now; else as ``zeros_like``."""
    return full_like(x, 0, dtype=dtype, device=device, requires_grad=requires_grad)


def full_like(x: Tensor, fill_value: Any, *, dtype: Any = None, device: Place = None,
              requires_grad: bool = False) -> Tensor:
    """Every element ``fill_value``; else as ``zeros_like``."""
    xp = backend_of(x.array).xp if device is None else backend_for(device).xp
    dtype = x.array.dtype if dtype is None else dtypes.as_dtype(dtype)
    if xp is not backend_of(x.array).xp:
        array = xp.full(x.array.shape, number_as("full_like", fill_value, dtype), dtype)
    elif fill_value == 0:
        array = xp.zeros_like(x.array, dtype)
    else:
        array = xp.full_like(x.array, number_as("full_like", fill_value, dtype), dtype)
    return finish(wrap(array), requires_grad)


def new_zeros(x: Tensor, *size: Any, dtype: Any = None, device: Place = None, requires_grad: bool = False) -> Tensor:
    """Zeros of another size in the dtype and on the device of ``x``."""
    return zeros(*size, dtype=dtype or x.dtype, device=device or x.device, requires_grad=requires_grad)


def new_ones(x: Tensor, *size: Any, dtype: Any = None, device: Place = None, requires_grad: bool = False) -> Tensor:
    """Ones of another size in the dtype and on the device of ``x``."""
    return ones(*size, dtype=dtype or x.dtype, device=device or x.device, requires_grad=requires_grad)


def new_empty(x: Tensor, *size: Any, dtype: Any = None, device: Place = None, requires_grad: bool = False) -> Tensor:
    """A tensor to be filled, of another size, in the dtype and on the device of ``x``."""
    return empty(*size, dtype=dtype or x.dtype, device=device or x.device, requires_grad=requires_grad)


def new_full(x: Tensor, size: Any, fill_value: Any, *, dtype: Any = None, device: Place = None,
             requires_grad: bool = False) -> Tensor:
    """A constant of another size in the dtype and on the device of ``x``."""
    return full(size, fill_value, dtype=dtype or x.dtype, device=device or x.device, requires_grad=requires_grad)


def new_tensor(x: Tensor, data: Any, *, dtype: Any = None, device: Place = None, requires_grad: bool = False) -> Tensor:
    """``mc.tensor(data)`` in the dtype and on the device of ``x``."""
    return tensor(data, dtype=dtype or x.dtype, device=device or x.device, requires_grad=requires_grad)
