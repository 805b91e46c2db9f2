"""Graph: the nodes and initialisers of an ONNX model as they are written, step by step.

``onnx`` is imported with this file, and this file only where something is exported.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import onnx

from minicnn.backend import backend_of
from minicnn.dtypes import as_dtype
from minicnn.onnx.recording import Recording
from minicnn.onnx.table import Either, converter_of, refused
from minicnn.onnx.trace import Step, Value
from minicnn.tensor import Tensor

Operand = Value | str | float | None
Shape = Sequence[int]


class Graph:
    """What converters write to. A tensor is a ``Value`` of the trace, or the name that ``op`` gave to a node's result.

    Attributes:
        opset: the version of ONNX's operators.
        step: the operation that is being written.
    """

    step: Step

    def __init__(self, recording: Recording, opset: int) -> None:
        self.recording, self.opset = recording, opset
        self.nodes: list[Any] = []
        self.initializers: list[Any] = []
        self._names: dict[Value, str] = {value: name for name, value in recording.inputs.items()}
        self._taken = {*recording.inputs, *recording.outputs}
        self._constants: dict[tuple[Any, ...], str] = {}

    def write(self) -> None:
        """Convert every step, then give the outputs their names."""
        for step in self.recording.steps:
            self.step = step
            made = converter_of(step).convert(self, *step.inputs, **step.options)
            for value, name in zip(step.outputs, made if isinstance(made, tuple) else (made,), strict=True):
                self._names[value] = name
        self._name_outputs()

    def op(self, kind: str, *inputs: Operand, outputs: int = 1, **attributes: Any) -> Any:
        """Add a node; returns the name of its result, or a tuple of names where it has several ``outputs``.

        Attributes that are None are left out. A number among the inputs becomes a constant of the first Value's dtype.
        """
        like = next((x for x in inputs if isinstance(x, Value)), None)
        names = [self._operand(x, like) for x in inputs]
        name = self._unique(f"{self.step.path}/{kind}" if self.step.path else kind)
        results = [name, *(self._unique(f"{name}.{i}") for i in range(1, outputs))]
        given = {key: value for key, value in attributes.items() if value is not None}
        while names and not names[-1]:
            names.pop()
        self.nodes.append(onnx.helper.make_node(kind, names, results, name=name, **given))
        return tuple(results) if outputs > 1 else name

    def reduce(self, kind: str, x: Value | str, axes: Shape | None, keepdims: bool) -> str:
        """A reduction over ``axes``, all where None: an attribute until opset 18, an input since (ReduceSum's is)."""
        if axes is None:
            return self.op(kind, x, keepdims=int(keepdims))
        if self.opset < 18 and kind != "ReduceSum":
            return self.op(kind, x, axes=list(axes), keepdims=int(keepdims))
        return self.op(kind, x, self.ints(axes), keepdims=int(keepdims))

    def name(self, value: Value) -> str:
        """What ``value`` is called in the file; a constant is put there when first asked for."""
        if value not in self._names:
            self._names[value] = self._constant(value)
        return self._names[value]

    def known(self, tensor: Tensor) -> Value:
        """The parameter or buffer ``tensor`` of the network."""
        return self.recording.parameters[id(tensor.array)]

    def ints(self, numbers: Shape) -> str:
        """A constant vector of int64."""
        return self.tensor(list(numbers), (len(numbers),), "int64")

    def number(self, number: float, like: Value) -> str:
        """A constant without dimensions, in the dtype of ``like``."""
        return self.tensor([number], (), like.dtype)

    def tensor(self, values: Sequence[float], shape: Shape, dtype: Any) -> str:
        """A constant of these values in row-major order."""
        key = (*values, tuple(shape), str(dtype))
        if key not in self._constants:
            name = self._unique(f"{self.step.path}/constant" if self.step.path else "constant")
            self.initializers.append(onnx.helper.make_tensor(name, self.dtype(dtype), list(shape), list(values)))
            self._constants[key] = name
        return self._constants[key]

    def dtype(self, dtype: Any) -> int:
        """ONNX's number of a dtype."""
        return int(onnx.helper.np_dtype_to_tensor_dtype(as_dtype(dtype)))

    def shape(self, sizes: Either, near: Value | None = None) -> str:
        """A vector of sizes of which some may be free; those are taken from ``near``, or from the inputs, at run time.

        Example:
            The result's shape where the batch is free: ``g.shape(Either((2, 10), (4, 10)), x)``.
        """
        if sizes.first == sizes.second:
            return self.ints(sizes.first)
        parts = [self.size(pair, near) for pair in zip(*sizes, strict=True)]
        return self.op("Concat", *parts, axis=0)

    def size(self, pair: tuple[int, int], near: Value | None = None) -> str:
        """A vector of one size: a constant, or what in ``near`` or an input is it, a multiple or a divisor of it."""
        if pair[0] == pair[1]:
            return self.ints([pair[0]])
        for value in [*([near] if near is not None else []), *self.recording.inputs.values()]:
            for axis, (a, b) in enumerate(zip(value.shape, value.other, strict=True)):
                found = None if a == b else _ratio((a, b), pair)
                if found is None:
                    continue
                size = self.op("Gather", self.op("Shape", value), self.ints([axis]))
                kind, factor = found
                return size if factor == 1 else self.op(kind, size, self.ints([factor]))
        raise self.refused("has a size that is no multiple of one of its input's", got=f"{pair[0]} or {pair[1]}")

    def refused(self, what: str, *, got: object = None, hint: str | None = None) -> Exception:
        """The error of a converter that cannot write the present step."""
        return refused(self.step, what, got=got, hint=hint)

    def _operand(self, x: Operand, like: Value | None) -> str:
        if x is None:
            return ""
        if isinstance(x, Value):
            return self.name(x)
        return x if isinstance(x, str) else self.number(x, like or self.step.outputs[0])

    def _constant(self, value: Value) -> str:
        if value.source is not None and value.source.name is not None:  # a parameter keeps its name and its shape
            return self.op("Reshape", value.source, self.ints(value.shape))
        array = backend_of(value.array).to_numpy(value.array)
        if value.shape != value.other:
            sizes = self.shape(Either(value.shape, value.other))
            return self.op("Expand", self.tensor([array.flat[0].item()], (), value.dtype), sizes)
        name = self._unique(value.name or (f"{self.step.path}/constant" if self.step.path else "constant"))
        self.initializers.append(onnx.numpy_helper.from_array(array, name))
        return name

    def _unique(self, name: str) -> str:
        count, free = 0, name
        while free in self._taken:
            count += 1
            free = f"{name}_{count}"
        self._taken.add(free)
        return free

    def _name_outputs(self) -> None:
        """Rename the results that are outputs; one that is an input, a constant or twice an output is copied."""
        made = {name for node in self.nodes for name in node.output}
        renamed: dict[str, str] = {}
        for output, value in self.recording.outputs.items():
            name = self.name(value)
            if name in made and name not in renamed:
                renamed[name] = output
            else:
                source = renamed.get(name, name)
                self.nodes.append(onnx.helper.make_node("Identity", [source], [output], name=f"{output}/Identity"))
        for node in self.nodes:
            for names in (node.input, node.output):
                for i, name in enumerate(names):
                    names[i] = renamed.get(name, name)


def _ratio(have: tuple[int, int], want: tuple[int, int]) -> tuple[str, int] | None:
    """How ``want`` is made of ``have``, in both traces: ("Mul" or "Div", a number), or None."""
    for kind, large, small in (("Mul", want, have), ("Div", have, want)):
        if all(n and m % n == 0 for n, m in zip(small, large, strict=True)):
            factor, other = (m // n for n, m in zip(small, large, strict=True))
            if factor == other:
                return kind, factor
    return None
