"""Tensor's methods of the graph: backward, hooks, leaves; and what copying and pickling mean for it."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import Any

from minicnn.autograd import api
from minicnn.autograd.handle import RemovableHandle, register
from minicnn.autograd.inplace import RETAIN
from minicnn.backend import Device, backend_for, backend_of
from minicnn.errors import GradientError
from minicnn.ops.arithmetic import add
from minicnn.ops.convert import clone
from minicnn.tensor import Tensor, _new, alias

__all__: list[str] = []
METHODS = (
    "backward", "data_ptr", "detach_", "is_cuda", "register_hook", "register_post_accumulate_grad_hook",
    "requires_grad_", "retain_grad", "retains_grad", "storage_offset",
)  # fmt: skip
OPERATORS = {"__copy__": "shallow_copy", "__deepcopy__": "deep_copy", "__reduce__": "reduced"}


def backward(x: Tensor, gradient: Tensor | None = None, retain_graph: bool | None = None, create_graph: bool = False,
             inputs: Any = None) -> None:
    """Accumulate the gradient of ``x`` in the ``grad`` of every leaf below it; see ``mc.autograd.backward``.

    Args:
        gradient: the gradient of some scalar with respect to ``x``, in its shape; needless for one element.
        retain_graph: keep what was saved, for another backward. Default: ``create_graph``.
        create_graph: record the pass itself, so that gradients can be differentiated.
        inputs: accumulate in these tensors only.

    Example:
        >>> w = mc.tensor([1.0, 2.0], requires_grad=True)
        >>> (w * w).sum().backward()
        >>> w.grad
        tensor([2., 4.])
    """
    api.backward(x, gradient, retain_graph, create_graph, inputs)


def requires_grad_(x: Tensor, requires_grad: bool = True) -> Tensor:
    """Set whether gradients are computed for ``x``, and return it."""
    x.requires_grad = requires_grad
    return x


def detach_(x: Tensor) -> Tensor:
    """Cut ``x`` from the graph that made it; it becomes a leaf without a gradient. Views cannot be cut."""
    if x._base is not None:
        raise GradientError("detach_: this tensor is a view", got=f"shape {tuple(x.shape)}",
                            rule="a view's history is its base's", hint="x.detach()")
    x._node, x._slot, x.tracked = None, 0, False
    return x


def register_hook(x: Tensor, hook: Callable[[Tensor], Tensor | None]) -> RemovableHandle:
    """Call ``hook(gradient)`` whenever the gradient of ``x`` is computed; what it returns, if anything, replaces it.

    Returns:
        A handle whose ``remove()`` takes the hook away.

    Example:
        >>> w = mc.ones(2, requires_grad=True)
        >>> handle = w.register_hook(lambda g: 10 * g)
        >>> w.sum().backward()
        >>> w.grad
        tensor([10., 10.])
    """
    _check_tracked("register_hook", x)
    if x._node is None:
        x._hooks = hooks = {} if x._hooks is None else x._hooks
    else:
        hooks = _node_hooks(x)
    handle = register(hooks, hook)
    if RETAIN in hooks:
        hooks[RETAIN] = hooks.pop(RETAIN)  # what is retained is what all the other hooks leave
    return handle


def register_post_accumulate_grad_hook(x: Tensor, hook: Callable[[Tensor], None]) -> RemovableHandle:
    """Call ``hook(x)`` after a backward has added to the ``grad`` of the leaf ``x``."""
    _check_tracked("register_post_accumulate_grad_hook", x)
    if x._node is not None:
        raise GradientError("register_post_accumulate_grad_hook: this tensor is no leaf", got=f"grad_fn {x._node.name}",
                            rule="gradients accumulate in leaves only", hint="register_hook")
    x._post_hooks = hooks = {} if x._post_hooks is None else x._post_hooks
    return register(hooks, hook)


def retain_grad(x: Tensor) -> None:
    """Have ``backward`` fill ``grad`` of this tensor too, although it is no leaf."""
    _check_tracked("retain_grad", x)
    if x._node is None:
        return
    holder = weakref.ref(x)

    def retain(g: Tensor) -> None:
        tensor = holder()
        if tensor is not None:
            tensor.grad = clone(g) if tensor.grad is None else add(tensor.grad, g)

    _node_hooks(x)[RETAIN] = retain


def _retains_grad(x: Tensor) -> bool:
    return x._node is not None and RETAIN in (x._node.hooks or {}).get(x._slot, {})


def _node_hooks(x: Tensor) -> dict[int, Any]:
    node = x._node
    assert node is not None
    node.hooks = node.hooks or {}
    return node.hooks.setdefault(x._slot, {})


def _check_tracked(name: str, x: Tensor) -> None:
    if not x.requires_grad:
        raise GradientError(f"{name}: this tensor does not require a gradient", got=f"shape {tuple(x.shape)}",
                            rule="gradients exist for tensors with requires_grad", hint="x.requires_grad_()")


def data_ptr(x: Tensor) -> int:
    """The address of the first element, to see whether two tensors share memory."""
    return _address(x.array)


def storage_offset(x: Tensor) -> int:
    """How many elements after the beginning of its memory, which views share, the first element lies."""
    whole = x.array
    while type(whole.base) is type(whole):
        whole = whole.base
    return (_address(x.array) - _address(whole)) // int(x.array.itemsize)


def _address(array: Any) -> int:
    about = getattr(array, "__cuda_array_interface__", None) or array.__array_interface__
    return int(about["data"][0])


def shallow_copy(x: Tensor) -> Tensor:
    """``copy.copy``: a leaf on the same memory that requires a gradient if ``x`` does."""
    twin = alias(x)
    twin.__class__ = x.__class__
    twin.tracked = x.tracked
    return twin


def deep_copy(x: Tensor, memo: dict[int, Any]) -> Tensor:
    """``copy.deepcopy``: a leaf in memory of its own, with a copy of ``grad``. Only leaves can be copied so."""
    if id(x) in memo:
        return memo[id(x)]
    if x._node is not None:
        raise GradientError("deepcopy: this tensor is the result of an operation", got=f"grad_fn {x._node.name}",
                            rule="only leaves can be deep-copied", hint="x.detach().clone(), or x.clone() in the graph")
    twin = memo[id(x)] = _remade(x.__class__, x.array.copy(order="K"), x.tracked)
    twin.grad = None if x.grad is None else deep_copy(x.grad.detach(), memo)
    return twin


def reduced(x: Tensor) -> tuple[Any, ...]:
    """What pickle keeps: class, values, device, and whether gradients are computed; no graph, no hooks."""
    return _rebuild, (x.__class__, backend_of(x.array).to_numpy(x.array), str(x.device), x.tracked)


def _rebuild(cls: type[Tensor], values: Any, device: str, tracked: bool) -> Tensor:
    return _remade(cls, backend_for(Device(device)).from_numpy(values), tracked)


def _remade(cls: type[Tensor], array: Any, tracked: bool) -> Tensor:
    tensor: Tensor = _new(cls)
    tensor.array, tensor._version, tensor.tracked = array, [0], tracked
    return tensor


is_cuda = property(lambda x: x.device.type == "cuda", doc="Whether the tensor is on a CUDA device.")
retains_grad = property(_retains_grad, doc="Whether ``retain_grad`` was called on this tensor, which is no leaf.")
