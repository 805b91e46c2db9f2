"""Tracing: a network runs, and every operation that it applies is written down with its options and its layer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from minicnn.autograd.function import Function
from minicnn.autograd.inplace import replay
from minicnn.autograd.mode import _Switch
from minicnn.autograd.watch import Watch
from minicnn.dtypes import Dtype
from minicnn.errors import OptionError
from minicnn.ops.convert import Clone, Contiguous, Transfer
from minicnn.ops.operands import Alongside
from minicnn.ops.shape import Expand, Reshape, View
from minicnn.tensor import Tensor

Array = Any

_SAME = (Alongside, Clone, Contiguous, Transfer)
"""Operations whose result has the input's values: where it lies in memory is no matter of the file."""


@dataclass(eq=False, slots=True)
class Value:
    """One tensor of a trace.

    Attributes:
        shape, dtype: the tensor's.
        array: the values of a constant; None of what is computed.
        name: of a parameter or buffer.
        source: of a constant that is another in another shape, that one.
        place: the layer that was running when the trace met it.
        other: the shape in the second trace, where some sizes were others.
    """

    shape: tuple[int, ...]
    dtype: Dtype
    array: Array = None
    name: str | None = None
    source: Value | None = None
    place: str = ""
    other: tuple[int, ...] = ()

    @property
    def sizes(self) -> tuple[int | None, ...]:
        """The shape, with None for a size that is free."""
        return tuple(a if a == b else None for a, b in zip(self.shape, self.other, strict=True))


@dataclass(eq=False, slots=True)
class Step:
    """One applied operation: ``inputs`` are Values, numbers or None; ``layer`` is the module that was running."""

    kind: type[Function]
    inputs: tuple[Any, ...]
    options: dict[str, Any]
    outputs: tuple[Value, ...]
    path: str
    place: str
    layer: Any


class Tracer(Watch):
    """Writes down the operations of one run of ``model``.

    A value is known by the array that holds it. An edit in place gives the array another value; what else shows the
    same memory is then out of date, and is taken from the edited tensor anew when it is next used.
    """

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.inputs: list[Value] = []
        self.parameters: dict[str, Value] = {}
        self.steps: list[Step] = []
        self._known: dict[int, Value] = {}
        self._outdated: dict[int, str] = {}  # with the layer that edited
        self._tensors: dict[int, tuple[Tensor, Array, Value]] = {}
        self._held: list[Array] = []
        for name, tensor in [*model.named_parameters(), *model.named_buffers()]:
            self.parameters[name] = self._new(tensor, array=tensor.array, name=name)
            self._learn(tensor, self.parameters[name])

    def run(self, model: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """What ``model`` returns; its Tensor arguments become the inputs of the trace."""
        for tensor in [t for t in (*args, *kwargs.values()) if isinstance(t, Tensor)]:
            self.inputs.append(self._new(tensor))
            self._learn(tensor, self.inputs[-1])
        with _Switch(watch=self, grad=False):
            return model(*args, **kwargs)

    def applied(
        self, node: Function, inputs: tuple[Any, ...], arrays: list[Any], options: dict[str, Any],  # noqa: ARG002 (a Watch's form)
        results: tuple[Tensor, ...],
    ) -> None:  # fmt: skip
        """Write down one operation, or, where its inputs are constants, its results as constants.

        But what a constant expands to may be of a free size.
        """
        known = tuple(self.value(x) if isinstance(x, Tensor) else x for x in inputs)
        kind = View if type(node) is Reshape else type(node)
        edited = inputs[0] if results[0] is inputs[0] else None
        values: tuple[Value, ...]
        if kind in _SAME:
            values = (known[0],)
        elif kind is not Expand and all(x.array is not None for x in known if isinstance(x, Value)):
            source = known[0] if kind is View else None
            values = tuple(self._new(t, array=t.array.copy(), source=source) for t in results)
        else:
            values = tuple(self._new(t) for t in results)
            layer = self.layers[-1] if self.layers else None
            self.steps.append(Step(kind, known, options, values, self.path, self.place, layer))
        for tensor, value in zip(results, values, strict=True):
            self._learn(tensor, value)
        if edited is not None:
            self._outdate(edited)

    def editing(self, target: Tensor) -> None:
        """See a constant before it is edited."""
        self.value(target)

    def written(self, target: Tensor, result: Tensor) -> None:
        """An edit in place: ``target`` now is ``result``."""
        self._learn(target, self.value(result))
        self._outdate(target)

    def value(self, tensor: Tensor) -> Value:
        """What ``tensor`` is in this trace; a constant, if no traced operation made it."""
        key = id(tensor.array)
        if key not in self._known:
            met = self._tensors.get(id(tensor))  # moved to other memory since
            self._learn(tensor, self._new(tensor, array=tensor.array.copy()) if met is None else met[2])
        if key not in self._outdated:
            return self._known[key]
        base = tensor._base
        if base is None or id(base.array) in self._outdated:
            raise OptionError(f"onnx.export: {self._outdated[key]} edits a part of a tensor in place",
                              got=f"shape {tuple(tensor.shape)}, edited through a view of it",
                              rule="operations are exported that make new tensors, or edit whole ones",
                              hint="mc.where, masked_fill or cat, which make a new tensor")
        self._learn(tensor, self.value(replay(base, tensor._chain)))
        return self.value(tensor)

    def _new(self, tensor: Tensor, **facts: Any) -> Value:
        return Value(tuple(tensor.shape), tensor.dtype, place=self.place, **facts)

    def _learn(self, tensor: Tensor, value: Value) -> None:
        """``tensor`` is ``value``. Tensors and arrays are held, so that no other gets their identity."""
        self._held.append(tensor.array)
        self._known[id(tensor.array)] = value
        self._outdated.pop(id(tensor.array), None)
        self._tensors[id(tensor)] = (tensor, tensor.array, value)

    def _outdate(self, edited: Tensor) -> None:
        """What shares the memory of ``edited``, but under another shape or in another order, is out of date."""
        for tensor, array, _ in self._tensors.values():
            if tensor._version is edited._version and array is not edited.array:
                self._outdated[id(array)] = self.place
