"""The graph of a computation: what ran forward, with shapes, and what flowed back, with norms, one node at a time."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from minicnn.autograd import grad
from minicnn.autograd.function import Function
from minicnn.autograd.mode import _Switch
from minicnn.autograd.watch import Watch
from minicnn.errors import GradientError
from minicnn.inspect.survey import Call, Operation, Survey, as_inputs, check_model, evaluating
from minicnn.nn.module import Module
from minicnn.tensor import Tensor


@dataclass(eq=False)
class Node:
    """A layer's call or an operation between layers; or an input.

    Attributes:
        number: its place in ``Graph.nodes``.
        name: the layer's class, or the operation in small letters, or "input".
        path: of the layer; of an operation that of the layer in whose forward it is written.
        shape: of the result.
        gradient: the norm of the loss's gradient with respect to the result; None where none flows.
        parameters: norms of the gradients of the node's parameters, by name.
    """

    number: int
    name: str
    path: str
    shape: tuple[int, ...]
    gradient: float | None = None
    parameters: dict[str, float | None] = field(default_factory=dict)

    def lines(self) -> list[str]:
        """What the pictures say in the node."""
        found = [f"{self.path} {self.name}".strip(), " × ".join(map(str, self.shape)) or "number"]
        found += [] if self.gradient is None else [f"gradient {self.gradient:.3g}"]
        return found + [f"{name} {'none' if g is None else f'{g:.3g}'}" for name, g in self.parameters.items()]


@dataclass(frozen=True, eq=False)
class BackwardStep:
    """One operation's part of the backward pass.

    Attributes:
        number: its place in the pass, from 1.
        operation: whose rules ran.
        node: the graph's node that it belongs to.
        arriving: the gradient of the operation's result.
        leaving: the gradients of its inputs, by position; None for those that need none.
    """

    number: int
    operation: str
    node: Node
    arriving: Tensor | None
    leaving: tuple[Tensor | None, ...]

    def __str__(self) -> str:
        place = f" in {self.node.path}" if self.node.path else ""
        left = ", ".join("-" if g is None else _described(g) for g in self.leaving)
        came = "nothing" if self.arriving is None else _described(self.arriving)
        return f"{self.number}: {self.operation}{place}: {came} -> {left}"


@dataclass(frozen=True, eq=False)
class Graph:
    """What ``graph`` found. A notebook shows the SVG.

    Attributes:
        nodes: in the order in which they ran, inputs first.
        edges: pairs of nodes' numbers, from what made a tensor to what took it.
        backward: the steps of the backward pass, in their order.
        loss: the number that was differentiated.
    """

    nodes: tuple[Node, ...]
    edges: tuple[tuple[int, int], ...]
    backward: tuple[BackwardStep, ...]
    loss: float

    def mermaid(self) -> str:
        """The graph in Mermaid's language, which Markdown pages can draw."""
        lines = ["flowchart TD"]
        for node in self.nodes:
            words = "<br/>".join(node.lines()).replace('"', "'")
            lines.append(f'  n{node.number}["{words}"]')
        return "\n".join([*lines, *(f"  n{a} --> n{b}" for a, b in self.edges)])

    def svg(self) -> str:
        """The graph as a picture, from top to bottom."""
        from minicnn.inspect.graph_drawing import draw

        return draw(self)

    _repr_svg_ = svg

    def html(self) -> str:
        """A page of its own: the picture, and buttons that step through the backward pass."""
        from minicnn.inspect.graph_drawing import page

        return page(self)


def graph(
    model: Module, *inputs: Any, loss: Callable[[Any], Tensor] | None = None, operations: bool = False
) -> Graph:
    """Run ``model`` forward, in evaluation mode, and backward, and draw what happened.

    No gradient is left in the model's parameters.

    Args:
        model: a network.
        inputs: its inputs, or their shapes; then they are random, the same in each call.
        loss: makes a number of the model's output; by default the sum of its elements.
        operations: a node for each operation, not for each layer.

    Errors: GradientError where the loss depends on nothing that requires a gradient.

    Example:
        >>> found = mc.inspect.graph(model, images, loss=lambda y: F.cross_entropy(y, labels))
        >>> print(found.mermaid())
        >>> for step in found.backward:
        ...     print(step)
    """
    check_model("graph", model)
    args = tuple(x.detach().clone().requires_grad_() if isinstance(x, Tensor) and x.dtype.kind == "f" else x
                 for x in as_inputs("graph", model, inputs))  # fmt: skip
    watch, back = Survey(), _Back()
    with evaluating(model):
        output = watch.run(model, args, grad=True)
        with _Switch(watch=watch, grad=True):
            value = output.sum() if loss is None else loss(output)
    leaves = [t for t in (*(x for x in args if isinstance(x, Tensor)), *model.parameters()) if t.requires_grad]
    if not leaves or not value.requires_grad:
        raise GradientError("graph: the loss depends on nothing that requires a gradient",
                            got=f"loss {value.item():.4g}",
                            rule="parameters, or inputs that are floating point, lead to the loss")
    with _Switch(watch=back):
        gradients = grad(value, leaves, allow_unused=True)
    norms = {id(t): None if g is None else norm(g) for t, g in zip(leaves, gradients, strict=True)}
    return _Builder(watch, model, args, norms, operations).graph(back, value.item())


class _Back(Watch):
    """Writes down the backward pass."""

    def __init__(self) -> None:
        super().__init__()
        self.steps: list[tuple[Function, Any, tuple[Tensor | None, ...]]] = []

    def differentiated(self, node: Function, g: Any, grads: Sequence[Tensor | None]) -> None:
        self.steps.append((node, g, tuple(grads)))


class _Builder:
    """Makes nodes and edges of a survey's operations."""

    def __init__(
        self, watch: Survey, model: Module, args: tuple[Any, ...], norms: dict[int, float | None], operations: bool
    ) -> None:
        self.watch, self.norms, self.operations = watch, norms, operations
        self.names = {id(p): name for name, p in model.named_parameters()}
        self.nodes: list[Node] = []
        self.edges: dict[tuple[int, int], None] = {}
        self.maker: dict[int, Node] = {}
        self.of_call: dict[int, Node] = {}
        self.of_function: dict[Function, Node] = {}
        for x in args:
            if isinstance(x, Tensor):
                node = self._node("input", "", x)
                node.gradient = norms.get(id(x))
                self._made(x, node)

    def graph(self, back: _Back, loss: float) -> Graph:
        """The whole of it."""
        for operation in self.watch.operations:
            self._add(operation)
        steps: list[BackwardStep] = []
        for function, g, grads in back.steps:
            node = self.of_function.get(function)
            if node is not None:
                arriving = g[0] if isinstance(g, tuple) else g
                steps.append(BackwardStep(len(steps) + 1, function.name.lower(), node, arriving, grads))
        for step in reversed(steps):  # the last operation of a layer, whose gradient comes first, has the last word
            step.node.gradient = None if step.arriving is None else norm(step.arriving)
        return Graph(tuple(self.nodes), tuple(self.edges), tuple(steps), loss)

    def _add(self, operation: Operation) -> None:
        """Put an operation into the layer that it belongs to, or make a node of it."""
        call = operation.call if operation.call is not None and operation.call.is_layer else None
        if call is None or self.operations:
            node = self._node(operation.name.lower(), operation.path, operation.output)
        else:
            node = self.of_call.get(id(call)) or self._layer(call, operation)
            node.shape = tuple(operation.output.shape)
        self.of_function[operation.node] = node
        for x in operation.inputs:
            source = self.maker.get(id(x.array), self.maker.get(id(x)))
            if source is not None and source is not node:
                self.edges[source.number, node.number] = None
            if id(x) in self.names:
                name = self.names[id(x)].removeprefix(f"{node.path}.")
                node.parameters[name] = self.norms.get(id(x))
        self._made(operation.output, node)

    def _layer(self, call: Call, operation: Operation) -> Node:
        self.of_call[id(call)] = node = self._node(type(call.module).__name__, call.path, operation.output)
        return node

    def _node(self, name: str, path: str, result: Tensor) -> Node:
        self.nodes.append(Node(len(self.nodes), name, path, tuple(result.shape)))
        return self.nodes[-1]

    def _made(self, tensor: Tensor, node: Node) -> None:
        self.maker[id(tensor.array)] = self.maker[id(tensor)] = node


def norm(g: Tensor) -> float:
    """√ Σ g²."""
    return math.sqrt((g.detach().double() ** 2).sum().item())


def _described(g: Tensor) -> str:
    return f"({' × '.join(map(str, g.shape)) or 'number'}, norm {norm(g):.4g})"
