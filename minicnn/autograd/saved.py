"""What a node keeps of its forward pass, and how a rule gets it back: linked to the graph, checked against edits."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from minicnn.autograd.plan import OUT, REST
from minicnn.errors import GradientError
from minicnn.tensor import Tensor, alias, wrap

if TYPE_CHECKING:
    from minicnn.autograd.function import Function


def save(node: Function, inputs: tuple[Any, ...], result: Tensor | None) -> dict[str, Any]:
    """What the names of the node's recipe stand for in this application, each with the version of its memory."""
    saved: dict[str, Any] = {}
    for name, source in node.recipe.saved:
        if source >= 0:
            x = inputs[source] if source < len(inputs) else None
            saved[name] = _save_input(node, x) if isinstance(x, Tensor) else x
        elif source == OUT and result is not None:
            saved[name] = (result.array, result._version, result._version[0])
        elif source == REST:
            rest = inputs[len(node.plan.positions) :]
            saved[name] = tuple(_save_input(node, x) if isinstance(x, Tensor) else x for x in rest)
        else:
            saved[name] = _kept(node, name)
    return saved


def unpack(node: Function, name: str, source: int) -> Any:
    """What a rule gets for a name it saved: a Tensor linked to the graph, or the constant that was passed."""
    saved = node.saved[name]  # type: ignore[index]  # asked only of nodes that saved something
    if source >= 0:
        return _unpack_input(node, name, saved) if saved.__class__ is tuple else saved
    if source == OUT:
        array, version, number = saved
        if version[0] != number:
            raise edited(node, "its result", version, number)
        out = wrap(array)
        out._node, out.tracked, out._version = node, True, version
        return out
    if source == REST:
        return tuple(_unpack_input(node, name, value) if value.__class__ is tuple else value for value in saved)
    return wrap(saved) if hasattr(saved, "dtype") else saved


def edited(node: Function, what: str, version: list[Any], then: int) -> GradientError:
    """The error for a saved tensor whose memory was written since."""
    editor = f" by {version[1]}" if len(version) > 1 and version[1] else ""
    return GradientError(
        f"backward: {node.name} saved {what}, which was since edited in place{editor}",
        got=f"version {version[0]}, saved at version {then}",
        rule="a tensor that a gradient needs stays as it was until backward",
        hint="the form without the trailing underscore, or x.clone() before the edit")


def _save_input(node: Function, x: Tensor) -> tuple[Tensor, list[Any], int, Function | None]:
    if x.inference:
        raise GradientError(f"{node.name}: a tensor made in inference_mode cannot be saved for backward",
                            got=f"a tensor of shape {tuple(x.shape)}",
                            rule="inference tensors stay out of recorded computations",
                            hint="x.clone() outside of inference_mode, or mc.no_grad() instead of it")
    return x, x._version, x._version[0], x._node


def _unpack_input(node: Function, name: str, saved: tuple[Any, ...]) -> Tensor:
    tensor: Tensor
    tensor, version, number, made_by = saved
    if version[0] != number:
        raise edited(node, f"its input {name}", version, number)
    if tensor._node is not made_by:
        # The tensor was detached in place since: rules see it as it was.
        tensor = alias(tensor)
        tensor._node, tensor.tracked = made_by, made_by is not None
    return tensor


def _kept(node: Function, name: str) -> Any:
    if node._kept is None or name not in node._kept:
        raise GradientError(f"{node.name}: a rule names '{name}', which forward did not keep", got=name,
                            rule="a rule's parameters are inputs, out, or names passed to self.keep",
                            hint=f"self.keep({name}=…) in forward")
    return node._kept[name]


