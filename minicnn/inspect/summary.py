"""``summary``: what a network's layers make of an input, and what that costs."""

from __future__ import annotations

import html
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from minicnn.errors import OptionError
from minicnn.inspect.fields import ReceptiveField
from minicnn.inspect.survey import Call, Operation, Survey, as_inputs, check_model, survey
from minicnn.nn.module import Module
from minicnn.tensor import Tensor
from minicnn.training import tables

HEADERS = ("layer", "kind", "output", "parameters", "multiply-adds", "memory", "field")


@dataclass(frozen=True)
class Row:
    """One call of a layer, or an operation between layers.

    Attributes:
        name: the layer's path; of an operation that of the layer in whose forward it is written.
        kind: the layer's class, or the operation in small letters.
        output: the shape of what it returns; of several tensors the first's; () where it returns none.
        parameters: numbers that are learnt and that no row above counted.
        shared: whether it has parameters that a row above counted.
        multiply_adds: of this call.
        memory: bytes of the results that are new memory.
        field: what one position of the output can depend on; None where the input is no image.
    """

    name: str
    kind: str
    output: tuple[int, ...]
    parameters: int
    shared: bool
    multiply_adds: int
    memory: int
    field: ReceptiveField | None

    def cells(self) -> tuple[str, ...]:
        """The row as strings, under ``HEADERS``."""
        parameters = f"{self.parameters:,}" if self.parameters or not self.shared else "(shared)"
        return (self.name, self.kind, " × ".join(map(str, self.output)), parameters, f"{self.multiply_adds:,}",
                size(self.memory), "-" if self.field is None else str(self.field))  # fmt: skip


@dataclass(frozen=True)
class Summary:
    """What ``summary`` found. Printed, it is a table and the totals; a notebook shows it as HTML.

    Attributes:
        rows: the layers and operations in the order in which they ran.
        parameters: of the whole model, each counted once, whether they took part or not.
        trainable: those of them that require a gradient.
        buffers: numbers that are kept but not learnt, such as running means.
        multiply_adds: of the whole run: products that are summed, in convolutions and products of matrices.
        memory: bytes of all results: what a forward pass makes, and training keeps most of.
        parameter_memory: bytes of parameters and buffers.
        idle: parameters of layers that did not run.
    """

    rows: tuple[Row, ...]
    parameters: int
    trainable: int
    buffers: int
    multiply_adds: int
    memory: int
    parameter_memory: int
    idle: int

    def totals(self) -> list[tuple[str, str]]:
        """The last lines, as names and values."""
        found = [("parameters", f"{self.parameters:,}"), ("trainable", f"{self.trainable:,}"),
                 ("buffers", f"{self.buffers:,}"), ("multiply-adds", f"{self.multiply_adds:,}"),
                 ("activation memory", size(self.memory)),
                 ("parameter memory", size(self.parameter_memory))]  # fmt: skip
        return [*found, ("parameters that took no part", f"{self.idle:,}")] if self.idle else found

    def __str__(self) -> str:
        width = max(len(name) for name, _ in self.totals())
        lines = [f"{name.ljust(width)}  {value}" for name, value in self.totals()]
        return "\n".join([tables.text(HEADERS, self._cells()), "", *lines])

    def markdown(self) -> str:
        """The table and the totals in Markdown."""
        return "\n".join([tables.markdown(HEADERS, self._cells()), "",
                          *(f"- {name}: {value}" for name, value in self.totals())])  # fmt: skip

    def html(self) -> str:
        """The table and the totals in HTML."""
        totals = "".join(f"<li>{name}: {value}</li>" for name, value in self.totals())
        head = _html_row("th", HEADERS)
        body = "".join(_html_row("td", cells) for cells in self._cells())
        return f"<table><thead>{head}</thead><tbody>{body}</tbody></table><ul>{totals}</ul>"

    _repr_html_ = html

    def show(self) -> None:
        """Print it, the table in a terminal's width."""
        tables.show(HEADERS, self._cells())
        print("", *(f"{name}: {value}" for name, value in self.totals()), sep="\n")

    def _cells(self) -> list[tuple[str, ...]]:
        return [row.cells() for row in self.rows]


def summary(model: Module, *inputs: Any, depth: int | None = None) -> Summary:
    """Run ``model`` once, in evaluation mode and without gradients, and list what its layers did.

    A layer that runs twice has two rows, and its parameters count in the first; so do those that two layers share.
    Between the layers stand the operations that ``forward`` applies itself (``F.relu(x)``, ``a + b``), but for views,
    which cost nothing. A multiply-add is one product that is added to a sum, in a convolution or a product of matrices;
    biases, normalisation, pooling and activations count none, as in the figures that torchvision publishes.

    Args:
        model: a network.
        inputs: its inputs: Tensors, or shapes, for which random ones are made: ``summary(model, (1, 3, 224, 224))``.
        depth: fold what is deeper than so many levels of layers into one row; by default nothing is folded.

    Errors: DtypeError for what is no model, OptionError without an input; what the model raises.

    Example:
        >>> found = mc.inspect.summary(mc.models.resnet18(), (1, 3, 224, 224), depth=1)
        >>> found.parameters, found.multiply_adds
        (11689512, 1814073344)
        >>> print(found)
    """
    check_model("summary", model)
    if depth is not None and (not isinstance(depth, int) or depth < 0):
        raise OptionError("summary: this is no depth", got=repr(depth), rule="an integer, at least 0, or None")
    found = survey(model, as_inputs("summary", model, inputs))
    table = _Table(found, model, depth)
    table.add(found.top)
    own, buffers = list(model.parameters()), list(model.buffers())
    return Summary(
        tuple(table.rows), sum(p.numel() for p in own), sum(p.numel() for p in own if p.requires_grad),
        sum(b.numel() for b in buffers), sum(row.multiply_adds for row in table.rows),
        sum(row.memory for row in table.rows), sum(int(t.array.nbytes) for t in (*own, *buffers)),
        sum(p.numel() for p in own if id(p) not in table.counted),
    )  # fmt: skip


class _Table:
    """The rows of a survey, and which parameters they have counted."""

    def __init__(self, found: Survey, model: Module, depth: int | None) -> None:
        self.found, self.depth = found, depth
        self.parameters = {id(p): p for p in model.parameters()}
        self.counted: set[int] = set()
        self.rows: list[Row] = []

    def add(self, call: Call) -> None:
        """The rows of a call: itself where nothing is below it, else what is."""
        level = call.path.count(".") + 1 if call.path else 0
        if call.is_layer or (self.depth is not None and level >= self.depth):
            self.rows.append(self._layer(call))
            return
        for event in call.events:
            if isinstance(event, Call):
                self.add(event)
            elif not event.node.is_view:
                self.rows.append(self._operation(event))

    def _layer(self, call: Call) -> Row:
        output = _first(call.output)
        parameters, shared = self._count(call.module.parameters())
        shape = () if output is None else tuple(output.shape)
        seen = None if output is None else self.found.field_of(output)
        return Row(call.path, type(call.module).__name__, shape, parameters, shared,
                   sum(o.multiply_adds for o in call.operations()), _memory(call), seen)  # fmt: skip

    def _operation(self, operation: Operation) -> Row:
        own = [x for x in operation.inputs if id(x) in self.parameters]
        parameters, shared = self._count(own)
        return Row(operation.path, operation.name.lower(), tuple(operation.output.shape), parameters, shared,
                   operation.multiply_adds, operation.made, operation.field)  # fmt: skip

    def _count(self, parameters: Iterable[Tensor]) -> tuple[int, bool]:
        """How many numbers are new, and whether some are not."""
        listed = list(parameters)
        new = [p for p in listed if id(p) not in self.counted]
        self.counted.update(map(id, new))
        return sum(p.numel() for p in new), len(new) < len(listed)


def _memory(call: Call) -> int:
    """New memory that a call's results take: of the layers and operations in it, or of the layer that it is."""
    if not call.is_layer:
        return sum(_memory(e) if isinstance(e, Call) else e.made for e in call.events)
    fresh = {id(o.output.array) for o in call.operations() if o.made}
    roots = [t if t._base is None else t._base for t in _tensors(call.output)]
    return sum(int(root.array.nbytes) for root in {id(r): r for r in roots}.values() if id(root.array) in fresh)


def _tensors(output: Any) -> list[Tensor]:
    if isinstance(output, Tensor):
        return [output]
    values = output.values() if isinstance(output, dict) else output if isinstance(output, tuple | list) else ()
    return [t for value in values for t in _tensors(value)]


def _first(output: Any) -> Tensor | None:
    return next(iter(_tensors(output)), None)


def size(count: int) -> str:
    """Bytes for people: ``1.5 MiB``."""
    power = min(max(count.bit_length() - 1, 0) // 10, 3)
    return f"{count / 1024**power:.1f} {('', 'Ki', 'Mi', 'Gi')[power]}B" if power else f"{count} B"


def _html_row(tag: str, cells: Iterable[str]) -> str:
    return f"<tr>{''.join(f'<{tag}>{html.escape(cell)}</{tag}>' for cell in cells)}</tr>"
