"""The table of converters: for each operation of minicnn, how ONNX says it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeVar

from minicnn.autograd.function import Function
from minicnn.errors import OptionError
from minicnn.onnx.trace import Step

Convert = TypeVar("Convert", bound=Callable[..., Any])


class Either(NamedTuple):
    """An option that may differ with the sizes that are free: its value in each of the two traces."""

    first: Any
    second: Any


@dataclass(frozen=True, slots=True)
class Converter:
    """``convert`` writes the nodes; the options ``free`` may differ between traces, and reach it as ``Either``."""

    convert: Callable[..., Any]
    free: tuple[str, ...]


CONVERTERS: dict[type[Function], Converter] = {}


def converter(*operations: type[Function], free: tuple[str, ...] = ()) -> Callable[[Convert], Convert]:
    """Say how operations are written in ONNX: the decorator of a function that adds nodes to a graph.

    It is called with a ``Graph`` and what the operation's ``forward`` gets, where tensors are ``Value``s. It returns
    the name of its result, or a tuple of names.

    Args:
        operations: subclasses of ``mc.autograd.Function``.
        free: options that depend on sizes which may be free, such as the batch's; they are passed as ``Either``.

    Example:
        >>> @mc.onnx.converter(Swish)
        ... def swish(g, x):
        ...     return g.op("Mul", x, g.op("Sigmoid", x))
    """

    def enter(convert: Convert) -> Convert:
        for operation in operations:
            CONVERTERS[operation] = Converter(convert, free)
        return convert

    return enter


def converter_of(step: Step) -> Converter:
    """The converter of a step, or an error that names the operation and the layer."""
    found = CONVERTERS.get(step.kind)
    if found is None:
        raise refused(step, "has no counterpart in the table of converters",
                      hint=f"@mc.onnx.converter({step.kind.__name__}) adds one")
    return found


def refused(step: Step, what: str, *, got: object = None, hint: str | None = None) -> OptionError:
    """The error for a step that cannot be written."""
    shapes = ", ".join(str(getattr(x, "shape", x)) for x in step.inputs)
    return OptionError(f"onnx.export: {step.kind.name} in {step.place} {what}", got=got or f"inputs {shapes}",
                       rule="every operation of the network is written as nodes of ONNX", hint=hint)
