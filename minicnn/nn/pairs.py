"""Layers that are computed in one pass: a convolution or a linear layer, and the ReLU after it.

The last pass of a convolution writes the result, and adds the bias to each number on the way. A ReLU that follows reads
all of them again and writes them again, for one comparison each. Where the backend can (``relu_in_last_pass``: CUDA's),
the convolution makes that comparison, too, and the ReLU has nothing left to do.

    y = conv(x, w) + b;  z = max(y, 0)      two passes: y is written, read, and z is written
    z = max(conv(x, w) + b, 0)              one

Only the passes are fewer. The graph has the nodes of a convolution and of a ReLU, with what these save; so values,
gradients of any order, errors and ``grad_fn`` are those of two layers. And where somebody looks on between the two, or
has put something else into the place of one, they are computed one after the other: see ``is_unobserved``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from minicnn.autograd.mode import mode
from minicnn.backend import backend_of
from minicnn.nn import functional as F
from minicnn.nn.functional.conv import conv_relu
from minicnn.nn.functional.linear import linear_relu
from minicnn.nn.layers.activation import ReLU
from minicnn.nn.layers.conv import Conv1d, Conv2d
from minicnn.nn.layers.linear import Linear
from minicnn.nn.module import Module
from minicnn.tensor import Tensor

__all__: list[str] = []


def paired(modules: Iterable[Module]) -> list[tuple[Module, ReLU | None]]:
    """The modules in order, each with the ReLU that follows it where the two can be one pass, else with None.

    Subclasses are left alone: nobody knows what they compute.
    """
    pairs: list[tuple[Module, ReLU | None]] = []
    last: Module | None = None  # what a ReLU would go with
    for module in modules:
        if type(module) is ReLU and last is not None:
            pairs[-1] = last, module
            last = None
        else:
            pairs.append((module, None))
            last = module if type(module) in ONE_PASS else None
    return pairs


def together(layer: Module, relu: ReLU, x: Any) -> Any:
    """``relu(layer(x))``, in one pass where the backend can and nobody sees it."""
    if isinstance(x, Tensor) and backend_of(x.array).relu_in_last_pass and is_unobserved(layer, relu):
        return ONE_PASS[type(layer)](layer, x, relu.inplace)
    return relu(layer(x))


def is_unobserved(layer: Module, relu: ReLU) -> bool:
    """Whether nobody can tell one pass from two.

    No hooks; no watch (ONNX export, ``mc.inspect``, anomaly detection); no autocast, which goes by names of functions;
    and nothing put into the place of what runs (``mc.use``).
    """
    return (
        layer._hooks is None and relu._hooks is None
        and mode.watch is None and mode.autocast is None
        and "forward" not in layer.__dict__ and "forward" not in relu.__dict__
        and all(getattr(owner, name) is own for owner, name, own in (*_RUN[type(layer)], *_RUN[ReLU]))
    )  # fmt: skip


def _conv_relu(layer: Conv1d | Conv2d, x: Tensor, inplace: bool) -> Tensor:
    x, padding = layer._padded(x)
    return conv_relu(f"conv{layer.dims}d", layer.dims, x, layer.weight, layer.bias, layer.stride, padding,
                     layer.dilation, layer.groups, inplace)  # fmt: skip


def _linear_relu(layer: Linear, x: Tensor, inplace: bool) -> Tensor:
    return linear_relu(x, layer.weight, layer.bias, inplace)


ONE_PASS: dict[type[Module], Callable[[Any, Tensor, bool], Tensor]] = {
    Conv1d: _conv_relu, Conv2d: _conv_relu, Linear: _linear_relu,
}  # fmt: skip
"""How a layer of each kind is computed with its ReLU: ``(layer, x, inplace)``."""

_RUN: dict[type[Module], list[tuple[Any, str, Any]]] = {
    kind: [(kind, "__call__", kind.__call__), (kind, "forward", kind.forward), (F, name, getattr(F, name))]
    for kind, name in ((Conv1d, "conv1d"), (Conv2d, "conv2d"), (Linear, "linear"), (ReLU, "relu"))
}
"""What calling a layer of each kind runs, in order to notice where something else was put into its place."""
