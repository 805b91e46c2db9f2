"""Parameter and Buffer: tensors that a Module registers when they are assigned to it; and their uninitialised forms."""

from __future__ import annotations

from typing import Any, Self

from minicnn import dtypes
from minicnn.backend import Device
from minicnn.errors import DtypeError, StateError
from minicnn.ops.creation import empty
from minicnn.tensor import Tensor

__all__ = ["Buffer", "Parameter", "UninitializedBuffer", "UninitializedParameter"]

Array = Any


class _Registered(Tensor):
    """A tensor on the memory of another: nothing is copied, and no history is taken over."""

    def __init__(self, data: Tensor | None = None, requires_grad: bool = False) -> None:
        if data is None:
            data = empty(0)
        if not isinstance(data, Tensor):
            raise DtypeError(f"{type(self).__name__}: the data is no tensor", got=type(data).__name__,
                             rule="it shares the memory of a tensor", hint="mc.tensor(values)")
        self.array = data.array
        self._version = data._version
        self._aliased = data._aliased = True
        self.requires_grad = requires_grad

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        if id(self) not in memo:
            twin = object.__new__(type(self))
            twin.__dict__.update(self.__dict__)
            for name in ("_grad", "_node", "_hooks", "_post_hooks"):
                twin.__dict__.pop(name, None)
            twin.array, twin._version = self.array.copy(order="K"), [0]
            memo[id(self)] = twin
        found: Self = memo[id(self)]
        return found


class Parameter(_Registered):
    """A tensor that is learnt: a Module that it is assigned to lists it in ``parameters()``.

    Args:
        data: the values. Their memory is shared, not copied; None is an empty tensor.
        requires_grad: whether gradients are computed for it.

    Raises:
        DtypeError: data that is no tensor, or an integer one that should require a gradient.

    Example:
        >>> nn.Parameter(mc.tensor([1.0, 2.0]))
        Parameter containing:
        tensor([1., 2.], requires_grad=True)
    """

    def __init__(self, data: Tensor | None = None, requires_grad: bool = True) -> None:
        super().__init__(data, requires_grad)

    def __repr__(self) -> str:
        return f"Parameter containing:\n{super().__repr__()}"


class Buffer(_Registered):
    """A tensor that is part of a Module's state without being learnt, as the running mean of a batch norm.

    Args:
        data: the values; memory is shared.
        persistent: whether ``state_dict`` has it.
    """

    persistent = True

    def __init__(self, data: Tensor | None = None, *, persistent: bool = True) -> None:
        super().__init__(data)
        self.persistent = persistent


class _Uninitialized(Tensor):
    """A tensor whose shape is not known yet; it has a dtype and a device, and no values."""

    becomes: type[Any]

    def __init__(self, requires_grad: bool = False, device: Device | str | None = None, dtype: Any = None) -> None:
        self.blank = empty(0, device=device, dtype=dtype)
        self._version = [0]
        self.tracked = requires_grad

    @property
    def array(self) -> Array:
        raise StateError("an uninitialized parameter has no values yet", got=repr(self),
                         rule="a lazy layer learns its sizes from its first input",
                         hint="call the module once on an example before initialising or using its parameters")

    @property
    def dtype(self) -> dtypes.Dtype:
        return self.blank.dtype

    @property
    def device(self) -> Device:
        return self.blank.device

    def materialize(self, shape: Any, device: Device | str | None = None, dtype: Any = None) -> None:
        """Become an ordinary parameter (or buffer) of ``shape``: the same object, so who holds it sees it."""
        made = empty(shape, device=device or self.device, dtype=dtype or self.dtype)
        self.__class__ = self.becomes
        del self.__dict__["blank"]
        self.__dict__["array"] = made.array

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        twin = type(self)(self.tracked, device=self.device, dtype=self.dtype)
        memo[id(self)] = twin
        return twin

    def detach(self) -> Tensor:
        return self

    def __repr__(self) -> str:
        return f"<{type(self).__name__}>"


class UninitializedParameter(_Uninitialized, Parameter):
    """A Parameter whose shape a lazy layer finds out when it is first called."""

    becomes = Parameter

    def __init__(self, requires_grad: bool = True, device: Device | str | None = None, dtype: Any = None) -> None:
        super().__init__(requires_grad, device, dtype)


class UninitializedBuffer(_Uninitialized, Buffer):
    """A buffer whose shape a lazy layer finds out when it is first called."""

    becomes = Tensor


def is_lazy(tensor: object) -> bool:
    """Whether ``tensor`` has no shape yet."""
    return isinstance(tensor, _Uninitialized)


def parameter(*shape: int, device: Device | str | None = None, dtype: Any = None) -> Parameter:
    """A Parameter of ``shape`` for a layer to initialise."""
    return Parameter(empty(shape, device=device, dtype=dtype))
