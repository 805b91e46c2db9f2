"""Where in a network an error was raised: which pass, which operation, which layer."""

from __future__ import annotations

import traceback
from collections.abc import Iterator, Sequence
from types import FrameType
from typing import Any

from minicnn.autograd.engine import gradients
from minicnn.autograd.function import Function
from minicnn.autograd.mode import _Switch
from minicnn.autograd.watch import Watch
from minicnn.errors import MinicnnError
from minicnn.nn.module import Module
from minicnn.tensor import Tensor
from minicnn.training.outputs import Loss, loss_of
from minicnn.training.rehearsal import rehearsal


def whereabouts(error: BaseException, model: Module, loss_function: Loss, batch: tuple[Any, Any]) -> str:
    """The pass, operation and layer in which ``error`` was raised, as the end of a sentence.

    The calls of a forward pass tell the layer. Those of a backward pass tell the operation alone, so the ``batch``, a
    small one, goes forward once more, to see which layer makes the operation of that number.
    """
    names = {id(module): name for name, module in model.named_modules()}
    layer: Module | None = None
    roots: list[Any] = []
    for frame in _frames(error):
        roots = frame.f_locals.get("roots", roots)  # of the walk, in the engine
        if frame.f_code is gradients.__code__:
            return _backward(frame.f_locals["node"], roots, model, loss_function, batch)
        if isinstance(me := frame.f_locals.get("self"), Module) and id(me) in names:
            layer = me
    if layer is None:
        return "outside of all layers"
    kind, name = type(layer).__name__, names[id(layer)]
    return f"in the forward pass of layer {name} ({kind})" if name else f"in the forward pass of {kind}"


def let_go(error: BaseException | None) -> None:
    """Drop the tensors of the step in which ``error`` was raised, which the calls of its traceback hold."""
    while error is not None:
        traceback.clear_frames(error.__traceback__)
        for frame in _frames(error):
            _ = frame.f_locals  # asked again, Python 3.11 and 3.12 empty the copy that they made before
        error = error.__context__


def _frames(error: BaseException) -> Iterator[FrameType]:
    """The calls that led to ``error``, outermost first."""
    trace = error.__traceback__
    while trace is not None:
        yield trace.tb_frame
        trace = trace.tb_next


def _backward(node: Function, roots: list[Any], model: Module, loss_function: Loss, batch: tuple[Any, Any]) -> str:
    """Where ``node`` stands among the operations that led to ``roots``."""
    watch = _Places()
    try:
        with rehearsal(model), _Switch(watch=watch):
            loss_of(loss_function, model(batch[0]), batch[1])
    except (MemoryError, MinicnnError):  # too little memory for even these, or too few images for the network
        return f"in the backward pass of {node.name}"
    made = sorted((own.order, own.name, place) for own, place in watch.applications if own.order)
    number = node.order - _oldest(roots)
    here = made[0][0] + number if made else 0
    place = next((place for order, name, place in made if order == here and name == node.name), "")
    return f"in the backward pass of {node.name}" + (f", in {place}" if place.startswith("layer") else "")


def _oldest(roots: list[Any]) -> int:
    """The number of the first operation that led to ``roots``."""
    todo = [root for root in roots if isinstance(root, Function)]
    reached = set(todo)
    for node in todo:  # which grows on the way
        for target, *_ in node.edges:
            if isinstance(target, Function) and target not in reached:
                reached.add(target)
                todo.append(target)
    return min((node.order for node in todo), default=0)


class _Places(Watch):
    """Notes in which layer each operation is applied."""

    def __init__(self) -> None:
        super().__init__()
        self.applications: list[tuple[Function, str]] = []

    def applied(
        self, node: Function, inputs: tuple[Any, ...], arrays: list[Any], options: dict[str, Any],  # noqa: ARG002 (a Watch's form)
        results: Sequence[Tensor],  # noqa: ARG002 (likewise)
    ) -> None:  # fmt: skip
        self.applications.append((node, self.place))
