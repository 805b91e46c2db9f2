"""What a network computes, from two runs that differ in the inputs' values and in the sizes that are to be free.

What one run alone cannot tell, two can: an option that differs depends on a size, and so does a shape; a constant that
differs was computed from the input behind the tracer's back; other steps mean that the network looked at its input.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from minicnn.autograd import no_grad
from minicnn.backend import backend_of
from minicnn.errors import OptionError
from minicnn.onnx.sizes import Axes, stretched
from minicnn.onnx.table import Either, converter_of, refused
from minicnn.onnx.trace import Step, Tracer, Value
from minicnn.tensor import Tensor

Array = Any


@dataclass(slots=True)
class Recording:
    """What a network computes.

    Attributes:
        inputs, outputs: by name.
        steps: from one to the other.
        parameters: parameters and buffers, by the identity of their arrays.
        axes: what free sizes are called.
    """

    inputs: dict[str, Value]
    outputs: dict[str, Value]
    steps: list[Step]
    parameters: dict[int, Value]
    axes: Axes


def record(
    model: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any], *, axes: Axes, inputs: tuple[str, ...],
    outputs: tuple[str, ...] | None, training: bool,
) -> Recording:  # fmt: skip
    """Run ``model`` twice, compare, and keep what both runs say. ``inputs`` names the Tensors among the arguments."""
    with _in_mode(model, training):
        runs = [_run(model, args, kwargs, axes, inputs, outputs, second) for second in (False, True)]
    (first, results), _ = runs
    steps = _compared(runs)
    parameters = {id(value.array): value for value in first.parameters.values()}
    return Recording(dict(zip(inputs, first.inputs, strict=True)), results, steps, parameters, axes)


def _run(
    model: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any], axes: Axes, inputs: tuple[str, ...],
    outputs: tuple[str, ...] | None, second: bool,
) -> tuple[Tracer, dict[str, Value]]:  # fmt: skip
    """One trace, and its outputs by name."""
    names = iter(inputs)

    def fresh(argument: Any) -> Any:
        return stretched(argument, next(names), axes, second) if isinstance(argument, Tensor) else argument

    with _unchanged(model):
        tracer = Tracer(model)
        made = tracer.run(model, tuple(map(fresh, args)), {key: fresh(t) for key, t in kwargs.items()})
        return tracer, {name: tracer.value(t) for name, t in _flat(made, outputs).items()}


def argument_names(model: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> list[str]:
    """What ``forward`` calls the Tensors among its arguments."""
    named = [p.name for p in inspect.signature(model.forward).parameters.values() if p.kind <= p.POSITIONAL_OR_KEYWORD]
    names = [*named, *(f"input_{i}" for i in range(len(named), len(args)))]
    return [name for name, t in (*zip(names, args, strict=False), *kwargs.items()) if isinstance(t, Tensor)]


def _flat(made: Any, names: tuple[str, ...] | None) -> dict[str, Tensor]:
    """The Tensors of what a model returned, by the given names, else by those of its fields, else by number."""
    if isinstance(made, Mapping):
        own, tensors = [str(key) for key in made], list(made.values())
    elif isinstance(made, list | tuple):
        own, tensors = list(getattr(made, "_fields", (f"output_{i}" for i in range(len(made))))), list(made)
    else:
        own, tensors = ["output"], [made]
    if not tensors or not all(isinstance(t, Tensor) for t in tensors):
        raise OptionError("onnx.export: the model returns what is no tensor", got=type(made).__name__,
                          rule="a Tensor, or a flat tuple, list or dictionary of them")
    if names is not None and len(names) != len(tensors):
        raise OptionError(f"onnx.export: {len(names)} names for {len(tensors)} outputs", got=names,
                          rule="a name for each output", hint=f"output_names={own}")
    return dict(zip(own if names is None else names, tensors, strict=True))


def _compared(runs: list[tuple[Tracer, dict[str, Value]]]) -> list[Step]:
    """The steps that the outputs need, the same in both runs; options that may differ have become ``Either``."""
    twins = _Twins()
    tracers, results = zip(*runs, strict=True)
    for pairs in zip(*([*t.parameters.values(), *t.inputs] for t in tracers), strict=True):
        twins.meet(*pairs)
    first, second = (_needed(tracer.steps, outputs.values()) for tracer, outputs in runs)
    for step, twin in zip(first, second, strict=False):
        twins.user = f"{step.kind.name} in {step.place}"
        same = step.kind is twin.kind and step.path == twin.path and len(step.inputs) == len(twin.inputs)
        if not same or not all(map(twins.agree, step.inputs, twin.inputs)):
            raise _branches(f"{step.kind.name} in {step.place}, then {twin.kind.name} in {twin.place}")
        _compare_numbers(step, twin)
        for pairs in zip(step.outputs, twin.outputs, strict=True):
            twins.meet(*pairs)
        _compare_options(step, twin)
    if len(first) != len(second):
        raise _branches(f"{len(first)} operations, then {len(second)}")
    twins.user = "an output"
    if [*results[0]] != [*results[1]] or not all(map(twins.agree, results[0].values(), results[1].values())):
        raise _branches("other outputs")
    return first


def _needed(steps: list[Step], outputs: Iterable[Value]) -> list[Step]:
    """The steps on which ``outputs`` depend, in order."""
    wanted, kept = set(outputs), []
    for step in reversed(steps):
        if not wanted.isdisjoint(step.outputs):
            kept.append(step)
            wanted.update(x for x in step.inputs if isinstance(x, Value))
    return kept[::-1]


class _Twins:
    """Which value of the first run is which of the second; ``user`` is who asks."""

    def __init__(self) -> None:
        self.user = ""
        self.twin_of: dict[Value, Value] = {}

    def meet(self, value: Value, twin: Value) -> None:
        """Two new values are one; note the shape in the second run."""
        if len(value.shape) != len(twin.shape):
            raise _branches(f"shapes {value.shape} and {twin.shape} in {value.place}")
        self.twin_of[value] = twin
        value.other = twin.shape

    def agree(self, a: Any, b: Any) -> bool:
        """Whether two inputs are the same in both runs: numbers, known values, or constants met for the first time."""
        if not isinstance(a, Value) or not isinstance(b, Value):
            return not isinstance(a, Value) and not isinstance(b, Value)
        if a in self.twin_of:
            return self.twin_of[a] is b
        if a.array is None or b.array is None:
            return False
        self.meet(a, b)
        if a.source is not None and b.source is not None:
            return self.agree(a.source, b.source)
        _check_constant(a, b, self.user)
        return True


def _compare_numbers(step: Step, twin: Step) -> None:
    for a, b in zip(step.inputs, twin.inputs, strict=True):
        if not isinstance(a, Value) and not _same(a, b):
            raise refused(step, "computes with a number that is another in a second run", got=f"{a} or {b}",
                          hint="Tensor operations instead of item(), float(x) and x.shape; numbers are fixed in a file")


def _compare_options(step: Step, twin: Step) -> None:
    free = converter_of(step).free
    for name, option in step.options.items():
        if name in free:
            step.options[name] = Either(option, twin.options[name])
        elif not callable(option) and not _same(option, twin.options[name]):
            raise refused(step, "depends on a size that is free", got=f"{name} {option} or {twin.options[name]}",
                          hint="leave this size out of dynamic_axes, or compute without it")


def _same(a: Any, b: Any) -> bool:
    return bool(a == b) or repr(a) == repr(b)  # NaN, which a padding may be, does not equal itself


def _branches(got: str) -> OptionError:
    return OptionError("onnx.export: the network does not compute the same for every input", got=got,
                       rule="two runs, of other values and free sizes, apply the same operations",
                       hint="mc.where instead of if; squeeze(dim), which leaves a batch of one alone")


def _check_constant(value: Value, twin: Value, user: str) -> None:
    """Make sure that a constant is one: equal in both runs, or zeros, ones, … of a free size."""
    a, b = (backend_of(v.array).to_numpy(v.array) for v in (value, twin))
    if a.size and b.size and a.shape != b.shape and (a == a.flat[0]).all() and (b == a.flat[0]).all():
        return
    if a.shape != b.shape or a.tobytes() != b.tobytes():
        raise OptionError(f"onnx.export: {user} uses a tensor that is no constant, and that no operation made",
                          got=f"shape {value.shape}, other values in a second run",
                          rule="what depends on the input is computed by Tensor operations; noise is not exported",
                          hint="training=False; Tensor operations instead of arrays and lists")


@contextmanager
def _in_mode(model: Any, training: bool) -> Iterator[None]:
    modes = [(module, module.training) for module in model.modules()]
    model.train(training)
    try:
        yield
    finally:
        for module, before in modes:
            module.training = before


@contextmanager
def _unchanged(model: Any) -> Iterator[None]:
    """Put the buffers, such as running statistics, back to what they were."""
    before = [(buffer, buffer.array.copy()) for buffer in model.buffers()]
    try:
        yield
    finally:
        with no_grad():
            for buffer, array in before:
                buffer.array[...] = array
