"""Finding a layer in a network, and what it returns in a run."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, cast

from minicnn.autograd import grad
from minicnn.errors import DtypeError, OptionError
from minicnn.inspect.survey import evaluating
from minicnn.nn.module import Module
from minicnn.tensor import Tensor

Layer = Module | str


def find_layer(name: str, model: Module, layer: Any) -> Module:
    """The module that ``layer``, a path or the module itself, means."""
    if isinstance(layer, Module):
        if not any(layer is module for module in model.modules()):
            raise OptionError(f"{name}: the layer is not in the model", got=type(layer).__name__,
                              rule="a layer of the model that is looked into", hint="its path, such as 'features.3'")
        return layer
    if not isinstance(layer, str):
        raise DtypeError(f"{name}: this is no layer", got=type(layer).__name__,
                         rule="a Module of the model or its path", hint="model.conv1 or 'conv1'")
    return model.get_submodule(layer)


@contextmanager
def listening(*layers: Module) -> Iterator[dict[Module, Any]]:
    """A dictionary that is filled with what ``layers`` return, the last call of each; no edit in place reaches it.

    What follows works on a copy, so that an in-place ReLU behind a convolution leaves the convolution's output alone.
    """
    heard: dict[Module, Any] = {}

    def hear(module: Module, args: Any, output: Any) -> Any:  # noqa: ARG001 (a hook's form)
        heard[module] = output
        return output.clone() if isinstance(output, Tensor) else None

    handles = [layer.register_forward_hook(hear) for layer in layers]
    try:
        yield heard
    finally:
        for handle in handles:
            handle.remove()


def output_of(name: str, model: Module, inputs: Tensor, layer: Any) -> tuple[Tensor, Any]:
    """What ``layer`` and what the whole of ``model`` make of ``inputs`` in evaluation mode."""
    module = find_layer(name, model, layer)
    with evaluating(model), listening(module) as heard:
        result = model(inputs)
    if not isinstance(heard.get(module), Tensor):
        raise OptionError(f"{name}: the layer returns no tensor in this run", got=type(heard.get(module)).__name__,
                          rule="a layer that runs, and returns one tensor")
    return heard[module], result


def gradient(score: Tensor, x: Tensor) -> Tensor:
    """d score / dx; zeros where the score does not depend on ``x``."""
    return cast(Tensor, grad(score, x, materialize_grads=True)[0])
