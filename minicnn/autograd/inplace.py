"""In-place operations: edit memory, move the tensor to a new place in the graph, and keep views honest.

An edited tensor becomes the result of the edit. If it is a view, its base changes too: the base becomes the result of
a ``ViewWrite``, and any other view of it replays its steps from the base before it is next used.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import Any

from minicnn.arguments import in_words
from minicnn.autograd.function import Function, _new, mixed_devices
from minicnn.autograd.mode import mode
from minicnn.backend import backend_of
from minicnn.backend.quiet import restore, silence
from minicnn.dtypes import is_float
from minicnn.errors import DtypeError, GradientError, ShapeError
from minicnn.tensor import Tensor, wrap

Chain = tuple[tuple[type[Function], dict[str, Any]], ...]

RETAIN = 0
"""The key of ``retain_grad`` among the hooks of a node's output; those of users count from 1."""


class ViewWrite(Function):
    """base with the region that ``chain`` views replaced by ``value``; the memory is already written."""

    def forward(self, base: Any, value: Any, *, chain: Chain) -> Any:  # noqa: ARG002 (value is in place already)
        self.chain = chain
        return base

    def grad_base(self, g: Tensor) -> Tensor:
        array = g.array
        xp = backend_of(array).xp
        positions = replay(wrap(xp.arange(array.size).reshape(array.shape)), self.chain).array
        written = xp.zeros(array.size, dtype=bool)
        written[positions.reshape(-1)] = True
        return g.masked_fill(wrap(written.reshape(array.shape)), 0.0)

    def grad_value(self, g: Tensor) -> Tensor:
        return replay(g, self.chain)


def replay(tensor: Tensor, chain: Chain) -> Tensor:
    """Apply the view operations of ``chain`` to ``tensor``, in order."""
    for cls, options in chain:
        tensor = cls.apply(tensor, **options)
    return tensor


def refresh(view: Tensor) -> None:
    """Give a view whose memory was edited since the history that its base now has."""
    if view._base is None or not mode.grad:
        return
    base = _root(view._base)
    if base.tracked:
        fresh = replay(base, view._chain)
        _rehome(view, fresh._node, fresh._slot)
    view._seen = view._version[0]


def apply_in_place(name: str, cls: type[Function], target: Tensor, *others: Any, **options: Any) -> Tensor:
    """Run ``cls``, whose forward takes ``out``, on ``target`` and ``others``, into ``target``'s own memory."""
    check_writable(name, target)
    node = _new(cls)
    if mode.watch is not None:
        mode.watch.editing(target)
    inputs: tuple[Any, ...] = (target, *others)
    arrays, _, needed = node._open(inputs, mode.grad)
    if needed and any(source == 0 for _, source in node.recipe.saved):
        inputs = (_past(target, target.array.copy(order="K")), *others)
    loudness = silence()
    try:
        node.forward(*arrays, out=target.array, **options)  # type: ignore[attr-defined]  # subclasses have it
    except OverflowError as error:
        raise in_words(name, error) from None
    finally:
        restore(loudness)
    if mode.watch is not None:
        mode.watch.applied(node, inputs, arrays, options, (target,))
    if needed:
        node._record(inputs, arrays, target)
    _move(name, target, node if needed else None, 0)
    if node.saved and "out" in node.saved and "out" not in node.plan.positions:
        node.saved["out"] = (target.array, target._version, target._version[0])
    return target


def compute_in_place(name: str, function: Callable[..., Tensor], target: Tensor, *args: Any, **options: Any) -> Tensor:
    """``function(target, …)`` written into ``target``'s own memory."""
    check_writable(name, target)
    if target._base is not None and target._seen != target._version[0]:
        refresh(target)
    past = _past(target, target.array)
    result = function(past, *args, **options)
    saved_past = weakref.ref(past)
    del past
    if (saved := saved_past()) is not None:
        saved.array = target.array.copy(order="K")
    return assign(name, target, result)


def _past(target: Tensor, array: Any) -> Tensor:
    """``target`` as it is before an edit, for rules that need its old value."""
    past = wrap(array)
    past._node, past._slot, past.tracked = target._node, target._slot, target.tracked
    return past


def assign(name: str, target: Tensor, result: Tensor) -> Tensor:
    """Write ``result`` into ``target``'s memory and take over its history: ``name``'s in-place form.

    The caller checks ``check_writable`` before it computes ``result``.
    """
    array = target.array
    if result.array.__class__ is not array.__class__:
        raise mixed_devices(name, (target, result))
    if result.array.shape != array.shape:
        raise ShapeError(f"{name}: the result does not fit in place", got=f"{result.array.shape} into {array.shape}",
                         rule="an in-place result keeps the tensor's shape", hint="the form without the underscore")
    if result.array.dtype != array.dtype:
        check_castable(name, result.array.dtype, array.dtype)
        result = result.to(array.dtype)
    array[...] = result.array
    if mode.watch is not None:
        mode.watch.written(target, result)
    _move(name, target, result._node, result._slot)
    return target


def view_in_place(name: str, function: Callable[..., Tensor], target: Tensor, *args: Any) -> Tensor:
    """Make ``target`` the view of itself that ``function`` gives: another shape of the same memory.

    A tensor that was no view becomes one of a tensor that takes its place; its other views follow that one, too.
    """
    check_writable(name, target)
    if target._base is not None and target._seen != target._version[0]:
        refresh(target)
    past = _past(target, target.array)
    past._version, past._base, past._chain, past._seen = target._version, target._base, target._chain, target._seen
    result = function(past, *args)
    current = target._seen == target._version[0]
    target.array = result.array
    if mode.grad or not target.tracked or not current:
        target._base, target._chain = result._base, result._chain
    if mode.grad:
        _rehome(target, result._node, result._slot)
    target._version[:] = (target._version[0] + 1, name)
    if mode.grad or current:
        target._seen = target._version[0]
    return target


def _root(base: Tensor) -> Tensor:
    """What holds the memory's history now, where ``base`` did once: itself, unless it became a view."""
    while base._base is not None:
        base = base._base
    return base


def _move(name: str, target: Tensor, node: Function | None, slot: int) -> None:
    """Make ``target``, whose memory ``name`` just wrote, the result of ``node`` (of nothing recorded where None)."""
    if mode.grad:
        _rehome(target, node, slot)
    edited(target, name)


def _rehome(tensor: Tensor, node: Function | None, slot: int) -> None:
    """Make ``tensor`` the result of ``node``; a retained gradient follows it, other hooks stay where they were."""
    old = tensor._node
    if old is not None and old.hooks and node is not None and old is not node:
        retain = old.hooks.get(tensor._slot, {}).pop(RETAIN, None)
        if retain is not None:
            node.hooks = {**(node.hooks or {}), slot: {RETAIN: retain}}
    tensor._node, tensor._slot, tensor.tracked = node, slot if node else 0, node is not None


def edited(target: Tensor, name: str | None = None) -> None:
    """Count an edit of ``target``'s memory, made by ``name``, and tell the base of a view about it."""
    current = target._seen == target._version[0]
    target._version[:] = (target._version[0] + 1, name)
    if target._base is None:
        return
    base = _root(target._base)
    if mode.grad or current:  # unrecorded, an edit leaves a view whose history is out of date as it is
        target._seen = target._version[0]
    if mode.grad and (target.tracked or base.tracked):
        node = _new(ViewWrite)
        arrays, _, needed = node._open((base, target), mode.grad)
        node.chain = target._chain
        if needed:
            node._record((base, target), arrays, None)
        _rehome(base, node if needed else None, 0)


def check_writable(name: str, target: Tensor) -> None:
    """Raise where an in-place edit of ``target`` could not be right."""
    array = target.array
    if mode.grad and target.tracked and target._node is None:
        raise GradientError(f"{name}: a leaf that requires a gradient cannot be edited in place",
                            got=f"a leaf of shape {array.shape}", rule="the recorded past of a leaf is its value",
                            hint="with mc.no_grad(): …, or what makes a new tensor: no trailing underscore, no +=")
    base = target._base
    if mode.grad and base is not None and base.tracked and base._node is None:
        raise GradientError(f"{name}: a view of a leaf that requires a gradient cannot be edited in place",
                            got=f"a view of shape {array.shape}", rule="the recorded past of a leaf is its value",
                            hint="with mc.no_grad(): …, or clone() the leaf first")
    repeats = 0 in array.strides and array.size and any(
        step == 0 and size > 1 for step, size in zip(array.strides, array.shape, strict=True)
    )
    frozen = target._frozen or (base is not None and base._frozen)
    if repeats or frozen or not getattr(array.flags, "writeable", True):
        raise ShapeError(f"{name}: this memory cannot be written", got=f"shape {array.shape}, strides {array.strides}",
                         rule="read-only and expanded memory, where elements share a place, is not edited in place",
                         hint="x.clone() first")


def check_castable(name: str, source: Any, target: Any) -> None:
    """Raise where writing dtype ``source`` into ``target`` would lose its kind (a float into an integer)."""
    order = "biuf"
    if (is_float(source) and not is_float(target)) or (target.kind == "b" and order.index(source.kind) > 0):
        raise DtypeError(f"{name}: the result of dtype {source} does not fit a tensor of {target}", got=source,
                         rule="an in-place result keeps the tensor's dtype", hint="x.float() first")
