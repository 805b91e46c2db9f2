"""Bring the operands of an operation to one dtype by PyTorch's promotion, before any arithmetic."""

from __future__ import annotations

from typing import Any

from minicnn import dtypes
from minicnn.autograd.function import Function
from minicnn.backend import Device, backend_for, backend_of
from minicnn.errors import DtypeError, OptionError, ShapeError
from minicnn.ops.convert import cast
from minicnn.tensor import Tensor, wrap

Array = Any

_NUMBERS = (bool, int, float)


class Alongside(Function):
    """A CPU tensor without dimensions on another device: told to a kernel as a number, so nothing is copied there."""

    def forward(self, x: Array, *, device: Device) -> Array:
        own = backend_of(x)
        self.source = own.device
        return backend_for(device).xp.full((), own.to_numpy(x).item(), x.dtype)

    def grad_x(self, g: Tensor) -> Tensor:
        return g.to(self.source)


def alongside(*given: Any) -> tuple[Any, ...]:
    """``given``, with CPU tensors that have no dimensions brought to the others' device: PyTorch lets these meet.

    All else stays where it is, and is the operation's to refuse.
    """
    tensors = [t for t in given if isinstance(t, Tensor)]
    if len({type(t.array) for t in tensors}) < 2:
        return given
    device = next((t.device for t in tensors if not t.is_cpu), None)
    if device is None:
        return given
    return tuple(
        Alongside.apply(t, device=device) if isinstance(t, Tensor) and t.is_cpu and not t.array.ndim else t
        for t in given
    )


def operands(name: str, x: Any, y: Any) -> tuple[Any, Any]:
    """``x`` and ``y``, at least one a Tensor, ready for a ufunc: of one dtype, broadcastable, or plain numbers."""
    if type(y) is float or type(y) is int or y.__class__ is bool:
        if isinstance(x, Tensor) and x.array.dtype.kind == "f":
            return x, y
        return _with_number(x, y), y
    if isinstance(x, Tensor) and isinstance(y, Tensor):
        a, b = x.array, y.array
        if a.__class__ is not b.__class__:
            x, y = alongside(x, y)
            a, b = x.array, y.array
        if a.dtype is not b.dtype and a.dtype != b.dtype:
            dtype = dtypes.result_type(a, b)
            x, y = cast(x, dtype), cast(y, dtype)
        if a.shape != b.shape:
            check_broadcast(name, a.shape, b.shape)
        return x, y
    if type(x) in _NUMBERS:
        return x, _with_number(y, x)
    return operands(name, operand(name, x, y), operand(name, y, x))


def operand(name: str, value: Any, other: Any) -> Any:
    """A Tensor or Python number from whatever was passed: NumPy scalars and arrays are taken, too."""
    if isinstance(value, Tensor) or type(value) in _NUMBERS:
        return value
    if hasattr(value, "dtype") and hasattr(value, "ndim"):
        if value.ndim == 0:
            return value.item()
        like = other if isinstance(other, Tensor) else None
        backend = backend_of(value if like is None else like.array)
        return wrap(value if isinstance(value, backend.array_type) else backend.from_numpy(value))
    raise DtypeError(f"{name}: cannot compute with {type(value).__name__}", got=repr(value)[:80],
                     rule="operands are tensors, arrays or numbers", hint="mc.as_tensor(value)")


def as_float(x: Tensor) -> Tensor:
    """``x`` itself where it is floating point, else in the default float dtype (as sqrt, exp, … of integers are)."""
    return x if x.array.dtype.kind == "f" else cast(x, dtypes.get_default_dtype())


def check_broadcast(name: str, *shapes: tuple[int, ...]) -> tuple[int, ...]:
    """The broadcast shape of ``shapes``, or a ShapeError that names the first sizes that differ."""
    result: list[int] = []
    for back in range(1, max(map(len, shapes)) + 1):
        sizes = {shape[-back] for shape in shapes if len(shape) >= back} - {1}
        if len(sizes) > 1:
            raise ShapeError(f"{name}: the shapes do not broadcast", got=" and ".join(str(tuple(s)) for s in shapes),
                             rule=f"aligned at the right, sizes are equal or 1; dimension -{back} has {sorted(sizes)}",
                             hint="reshape or unsqueeze one of them")
        result.append(sizes.pop() if sizes else 1)
    return tuple(reversed(result))


def choice(name: str, option: str, value: Any, choices: tuple[Any, ...]) -> Any:
    """``value`` if it is one of ``choices``, else an OptionError that lists them."""
    if value not in choices:
        raise OptionError(f"{name}: {option}={value!r} is not an option", got=repr(value),
                          rule=f"{option} is one of {', '.join(map(repr, choices))}")
    return value


def _with_number(x: Any, number: float) -> Any:
    """The tensor ``x`` in the dtype that computing with a Python number gives."""
    if not isinstance(x, Tensor):
        x = operand("operands", x, None)
        if not isinstance(x, Tensor):
            raise DtypeError("no operand is a tensor", got=f"{x!r} and {number!r}", hint="mc.tensor(value)")
    kind = x.array.dtype.kind
    if kind == "f":
        return x
    if type(number) is float:
        return cast(x, dtypes.get_default_dtype())
    if kind == "b" and type(number) is int:
        return cast(x, dtypes.int64)
    return x
