"""Tensor: an array, its gradient, the operation that made it, and a version that counts in-place edits.

This file is the record alone. The operations know how to compute; ``minicnn.ops`` binds them here as methods and
operators from one table (``methods.pyi`` lists them for editors and type checkers).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from minicnn import dtypes
from minicnn.absent import missing
from minicnn.backend import Device, backend_for, backend_of
from minicnn.errors import DtypeError, GradientError
from minicnn.methods import Methods

if TYPE_CHECKING:
    from minicnn.autograd.function import Function

_new = object.__new__


class Tensor(Methods):
    """A multi-dimensional array that remembers how it was made.

    ``Tensor([2.0, 3.0])`` holds these values and ``Tensor(2, 3)`` is of that size, in the default dtype, as with
    PyTorch's legacy constructor; prefer ``mc.tensor`` and ``mc.zeros``.

    Attributes:
        array: the NumPy or CuPy array, logically in (N, C, H, W) order. Its memory order is the backend's business.
        grad: the gradient that ``backward`` accumulated here, or None.
    """

    array: Any
    _grad: Tensor | None = None
    tracked: bool = False
    """Whether gradients flow to this tensor; ``requires_grad`` is its checked, public form."""
    inference: bool = False

    # Defaults live on the class so that making a tensor sets two attributes, not ten.
    _version: list[Any]  # the number of edits, then the name of the last editor
    _node: Function | None = None
    _slot: int = 0
    edges: tuple[()] = ()
    """A leaf ends the graph: gradients stop here. (The edges of a result are its ``grad_fn``'s.)"""
    _hooks: dict[int, Any] | None = None
    _post_hooks: dict[int, Any] | None = None
    _base: Tensor | None = None
    _chain: tuple[tuple[type[Function], dict[str, Any]], ...] = ()
    _seen: int = 0
    _aliased: bool = False
    _frozen: bool = False
    """A copy where the user may count on a view: an in-place edit would not reach the other, and is refused."""

    __array_ufunc__ = None  # ndarray * tensor asks the tensor

    def __init__(self, *data: Any) -> None:
        from minicnn.ops.legacy import plain_tensor

        shared = len(data) == 1 and isinstance(data[0], Tensor)
        made = data[0] if shared else plain_tensor(*data)
        self.array = made.array
        self._version = made._version

    @property
    def shape(self) -> Size:
        """The sizes, outermost first."""
        return Size(self.array.shape)

    @property
    def ndim(self) -> int:
        """The number of dimensions."""
        return int(self.array.ndim)

    @property
    def dtype(self) -> dtypes.Dtype:
        """The element type."""
        return self.array.dtype

    @property
    def device(self) -> Device:
        """Where the array lives."""
        return backend_of(self.array).device

    @property
    def requires_grad(self) -> bool:
        """Whether ``backward`` computes a gradient for this tensor. Only floating point tensors can have one."""
        self._refresh()
        return self.tracked

    @requires_grad.setter
    def requires_grad(self, value: bool) -> None:
        if value and not dtypes.is_float(self.dtype):
            raise DtypeError(f"requires_grad: a tensor of {self.dtype} cannot have a gradient", got=self.dtype,
                             rule="only floating point tensors require gradients", hint="x.float()")
        if self._node is not None and not value:
            raise GradientError("requires_grad: this tensor is the result of an operation",
                                got=f"grad_fn {self._node.name}", rule="only leaf tensors can be switched off",
                                hint="x.detach()")
        self.tracked = bool(value)

    @property
    def grad(self) -> Tensor | None:
        """The gradient that ``backward`` accumulated here, or None."""
        return self._grad

    @grad.setter
    def grad(self, value: Tensor | None) -> None:
        if value is not None and not isinstance(value, Tensor):
            raise DtypeError("grad: a gradient is a tensor", got=type(value).__name__, rule="a tensor, or None",
                             hint="mc.as_tensor(value)")
        if value is not None and not _alike(value.array, self.array):
            raise GradientError("grad: the gradient does not fit the tensor",
                                got=f"{value.array.shape}, {value.dtype} on {value.device}",
                                rule=f"a gradient is as its tensor: {self.array.shape}, {self.dtype} on {self.device}")
        self._grad = value

    @property
    def is_leaf(self) -> bool:
        """Whether no recorded operation made this tensor."""
        self._refresh()
        return self._node is None

    @property
    def grad_fn(self) -> Function | None:
        """The applied operation that made this tensor, or None for a leaf."""
        self._refresh()
        return self._node

    def _refresh(self) -> None:
        """Give a view whose memory was edited since it was last used the history that it has now."""
        if self._base is not None and self._seen != self._version[0]:
            from minicnn.autograd.inplace import refresh
            from minicnn.autograd.mode import set_grad_enabled

            with set_grad_enabled(True):
                refresh(self)

    @property
    def data(self) -> Tensor:
        """The same memory without a history. In-place edits of it are still seen by the version check."""
        return alias(self)

    @data.setter
    def data(self, value: Tensor) -> None:
        if not isinstance(value, Tensor):
            raise DtypeError("data: only a tensor can be assigned", got=type(value).__name__, hint="mc.tensor(value)")
        self.array = value.array
        value._aliased = self._aliased = True
        self._version[0] += 1

    def detach(self) -> Tensor:
        """The same memory without a history; an in-place edit of either is seen by both."""
        return alias(self)

    def is_inference(self) -> bool:
        """Whether this tensor was made in ``inference_mode``."""
        return self.inference

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)  # a protocol's probe, not a slip of the pen
        raise missing("Tensor", name, self.__dir__)

    __hash__ = object.__hash__


class Size(tuple[int, ...]):
    """A shape: a tuple of sizes with ``numel()``."""

    def numel(self) -> int:
        """The number of elements."""
        total = 1
        for size in self:
            total *= size
        return total

    def __repr__(self) -> str:
        return f"Size({list(self)})"

    def __add__(self, other: Any) -> Size:
        return Size(tuple(self) + tuple(other))

    def __getitem__(self, key: Any) -> Any:
        found = super().__getitem__(key)
        return Size(found) if isinstance(key, slice) else found


def _alike(a: Any, b: Any) -> bool:
    """Whether two arrays are of one shape, one dtype and one device."""
    if a.shape != b.shape or a.dtype != b.dtype:
        return False
    one, other = backend_of(a), backend_of(b)
    return one is other or one.device == other.device


def wrap(array: Any) -> Tensor:
    """A Tensor around ``array`` without any check or copy: how operations make their results."""
    tensor: Tensor = _new(Tensor)
    tensor.array = array
    tensor._version = [0]
    return tensor


def alias(tensor: Tensor) -> Tensor:
    """Another Tensor on the same memory and version counter, with no history."""
    twin: Tensor = _new(Tensor)
    twin.array = tensor.array
    twin._version = tensor._version
    twin._aliased = tensor._aliased = True
    return twin


def place(values: Any, device: Device | str | None) -> Tensor:
    """A Tensor of the NumPy array ``values`` on a device (the default one where None)."""
    return wrap(backend_for(device).from_numpy(values))
