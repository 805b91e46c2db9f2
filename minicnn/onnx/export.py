"""Writing a network as an ONNX file, which other runtimes serve and Netron shows."""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

from minicnn.errors import MissingPackageError, OptionError
from minicnn.io.files import written_aside
from minicnn.nn.module import Module
from minicnn.onnx.recording import Recording, argument_names, record
from minicnn.onnx.sizes import named_axes
from minicnn.tensor import Tensor

if TYPE_CHECKING:
    from minicnn.onnx.graph import Graph

OPSETS = range(17, 22)
LARGEST = 2**31 - 1


def export(
    model: Module,
    args: Any,
    path: str | PathLike[str] | None = None,
    *,
    kwargs: Mapping[str, Any] | None = None,
    input_names: Sequence[str] | None = None,
    output_names: Sequence[str] | None = None,
    dynamic_axes: str | Mapping[str, Mapping[int, str] | Sequence[int]] | None = None,
    opset_version: int = 18,
    training: bool = False,
) -> Any:
    """Write ``model`` as ONNX: run it on an example, and write down the operations that it applies.

    Parameters and buffers keep the names of the ``state_dict``, and nodes are named after their layers. The model is
    run twice, with other values and with other sizes where they are free, to find what depends on them; it is left as
    it was.

    Args:
        model: the network.
        args: an example of its input, or a tuple of the arguments of ``forward``. Tensors are inputs of the exported
            model, everything else is fixed.
        path: the file, which appears when all of it is written; None to get the model only.
        kwargs: arguments of ``forward`` by name.
        input_names, output_names: names for the inputs and outputs; by default what ``forward`` calls its parameters,
            and "output".
        dynamic_axes: sizes that are free. A string is a name for the first axis of all inputs: ``"batch"``. A
            dictionary has for an input's name its axes and names for them, ``{"input": {0: "batch"}}``; an output's
            axes follow from the inputs', and can be named. None fixes all sizes to the example's.
        opset_version: the version of ONNX's operators, 17 to 21.
        training: export what the model computes in training mode, where batch norm uses the batch's statistics. What
            draws random numbers, as dropout does, cannot be exported so.

    Returns:
        The model, an ``onnx.ModelProto``, after ONNX's own checker has accepted it.

    Errors: MissingPackageError without the package ``onnx``; OptionError for an operation that has no counterpart
    (which names the layer), for a network whose operations depend on its input, and for names and axes that do not fit.

    Example:
        >>> model = mc.models.resnet18()
        >>> mc.onnx.export(model, mc.randn(1, 3, 224, 224), "resnet18.onnx", dynamic_axes="batch")
    """
    if importlib.util.find_spec("onnx") is None:
        raise MissingPackageError("onnx.export: the package onnx is not installed",
                                  rule="it writes and checks the file", hint='pip install "minicnn[onnx]"')
    _check(model, opset_version)
    args, kwargs = args if isinstance(args, tuple) else (args,), dict(kwargs or {})
    inputs = _input_names(model, args, kwargs, input_names)
    tensors = dict(zip(inputs, [t for t in (*args, *kwargs.values()) if isinstance(t, Tensor)], strict=True))
    axes = named_axes(dynamic_axes, tensors, output_names)
    recording = record(model, args, kwargs, axes=axes, inputs=tuple(inputs),
                       outputs=None if output_names is None else tuple(output_names), training=training)

    from minicnn.onnx.graph import Graph

    graph = Graph(recording, opset_version)
    graph.write()
    made = _model(graph, type(model).__name__)
    if path is not None:
        with written_aside(Path(path)) as file:
            file.write(made.SerializeToString())
    return made


def _check(model: Any, opset_version: Any) -> None:
    if not isinstance(model, Module):
        raise OptionError("onnx.export: the model is no Module", got=type(model).__name__,
                          rule="an nn.Module, called as model(*args)")
    if opset_version not in OPSETS:
        raise OptionError(f"onnx.export: opset {opset_version} is not written", got=repr(opset_version),
                          rule=f"opset_version is {OPSETS[0]} to {OPSETS[-1]}", hint="opset_version=18")


def _input_names(
    model: Module, args: tuple[Any, ...], kwargs: Mapping[str, Any], given: Sequence[str] | None
) -> list[str]:
    own = argument_names(model, args, kwargs)
    if not own:
        raise OptionError("onnx.export: there is no input", got=", ".join(type(a).__name__ for a in args) or "nothing",
                          rule="at least one argument is a Tensor", hint="args=mc.randn(1, 3, 224, 224)")
    names = own if given is None else list(given)
    if len(names) != len(own) or len(set(names)) < len(names):
        raise OptionError(f"onnx.export: the names do not fit {len(own)} inputs", got=names,
                          rule="another name for each Tensor among the arguments", hint=f"input_names={own}")
    return names


def _model(graph: Graph, name: str) -> Any:
    """The checked ModelProto of a written graph."""
    import onnx

    recording = graph.recording
    opset = onnx.helper.make_opsetid("", graph.opset)
    inputs, outputs = (
        [onnx.helper.make_tensor_value_info(n, graph.dtype(v.dtype), _dims(recording, n)) for n, v in values.items()]
        for values in (recording.inputs, recording.outputs)
    )
    proto = onnx.helper.make_graph(graph.nodes, name, inputs, outputs, graph.initializers)
    from minicnn import __version__

    made = onnx.helper.make_model(
        proto, opset_imports=[opset], producer_name="minicnn", producer_version=__version__,
        ir_version=onnx.helper.find_min_ir_version_for([opset]),
    )  # fmt: skip
    if made.ByteSize() > LARGEST:
        raise OptionError("onnx.export: the model is too large for one file", got=f"{made.ByteSize()} bytes",
                          rule="a file of ONNX holds less than 2 GiB", hint="model.half()")
    onnx.checker.check_model(made, full_check=True)
    return made


def _dims(recording: Recording, name: str) -> list[int | str]:
    """The sizes of an input or output; a free one by its name."""
    value = recording.inputs.get(name) or recording.outputs[name]
    return [a if a == b else _symbol(recording, name, axis, (a, b))
            for axis, (a, b) in enumerate(zip(value.shape, value.other, strict=True))]


def _symbol(recording: Recording, name: str, axis: int, pair: tuple[int, int]) -> str:
    """What a free size is called: as the user says, else as the input's that it equals, else after its place."""
    known = recording.axes.get(name, {}).get(axis)
    if known is not None:
        return known
    for entry, value in recording.inputs.items():
        for place, symbol in recording.axes.get(entry, {}).items():
            if (value.shape[place], value.other[place]) == pair:
                return symbol
    return f"{name}_{axis}"
