"""A survey: one run of a network, with what every operation computed and cost, in the tree of the layers' calls."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from minicnn.autograd.function import Function
from minicnn.autograd.mode import _Switch
from minicnn.autograd.watch import Watch
from minicnn.errors import DtypeError, OptionError
from minicnn.inspect.fields import START, WHOLE_FIELD, Applied, ReceptiveField, follow
from minicnn.nn.module import Module
from minicnn.ops.sampling import rand
from minicnn.random import Generator
from minicnn.shapes.sizes import size_tuple
from minicnn.tensor import Tensor

Array = Any


@dataclass(eq=False, slots=True)
class Operation:
    """One applied operation.

    Attributes:
        node: what ran.
        name: of its class.
        path: of the layer that was running.
        inputs, output: tensors; of several results the first.
        multiply_adds: of a convolution or a product of matrices, 0 of all else.
        made: bytes of new memory: none by a view or an edit in place.
        field: what its result sees of the image; None where that has no meaning.
        call: of the layer that was running; None outside of all.
    """

    node: Function
    name: str
    path: str
    inputs: tuple[Tensor, ...]
    output: Tensor
    multiply_adds: int
    made: int
    field: ReceptiveField | None
    call: Call | None


@dataclass(eq=False, slots=True)
class Call:
    """One call of a layer: its operations and the calls below it, in order, and what it returned."""

    module: Module
    path: str
    events: list[Operation | Call] = field(default_factory=list)
    output: Any = None

    @property
    def is_layer(self) -> bool:
        """Whether nothing is below it: then its operations are its own affair."""
        return not self.module._modules

    def operations(self) -> Iterator[Operation]:
        """All operations of this call and of those below it."""
        for event in self.events:
            if isinstance(event, Call):
                yield from event.operations()
            else:
                yield event


class Survey(Watch):
    """Writes down one run. Tensors are held until it goes, so that none is taken for another."""

    def __init__(self) -> None:
        super().__init__()
        self.fields: dict[int, ReceptiveField] = {}
        self.operations: list[Operation] = []
        self.top: Call
        """The call of the whole model."""
        self._open: list[Call] = []
        self._held: list[Any] = []

    def run(self, model: Module, args: tuple[Any, ...], *, grad: bool = False) -> Any:
        """What ``model`` returns of ``args``, in the mode that it is in."""
        for x in args:
            if isinstance(x, Tensor) and x.ndim in (3, 4) and x.dtype.kind == "f":
                self._learn(x, START)
        handles = [module.register_forward_hook(self._returned) for module in model.modules()]
        try:
            with _Switch(watch=self, grad=grad):
                return model(*args)
        finally:
            for handle in handles:
                handle.remove()

    def enter(self, module: Any) -> None:
        super().enter(module)
        call = Call(module, self.path)
        if self._open:
            self._open[-1].events.append(call)
        else:
            self.top = call
        self._open.append(call)

    def leave(self) -> None:
        super().leave()
        self._open.pop()

    def applied(
        self, node: Function, inputs: tuple[Any, ...], arrays: list[Any], options: dict[str, Any],
        results: tuple[Tensor, ...],
    ) -> None:  # fmt: skip
        tensors = tuple(x for x in inputs if isinstance(x, Tensor))
        made = 0 if node.is_view or any(results[0].array is a for a in arrays) else sum(t.array.nbytes for t in results)
        seen = self._seen(node, tensors, arrays, options, results[0])
        for result in results:
            self._learn(result, seen)
        multiply_adds = _multiply_adds(node.name, arrays, results[0])
        call = self._open[-1] if self._open else None
        operation = Operation(node, node.name, self.path, tensors, results[0], multiply_adds, made, seen, call)
        self.operations.append(operation)
        if call is not None:
            call.events.append(operation)

    def written(self, target: Tensor, result: Tensor) -> None:
        self._learn(target, self.field_of(result))

    def field_of(self, tensor: Tensor) -> ReceptiveField | None:
        """What ``tensor`` sees of the image; None where it does not depend on one."""
        return self.fields.get(id(tensor.array), self.fields.get(id(tensor)))

    def _returned(self, module: Module, args: Any, output: Any) -> None:  # noqa: ARG002 (a hook's form)
        self._open[-1].output = output

    def _seen(
        self, node: Function, inputs: tuple[Tensor, ...], arrays: list[Any], options: dict[str, Any], result: Tensor
    ) -> ReceptiveField | None:
        known = [(found, tuple(x.shape)) for x in inputs if (found := self.field_of(x)) is not None]
        if not known:
            return None
        if WHOLE_FIELD in [found for found, _ in known]:
            return WHOLE_FIELD
        kernel = arrays[1].shape[2:] if node.name in ("Conv2d", "ConvInputGrad") else ()
        (first, source), *others = known
        return follow(Applied(node.name, options, first, source, tuple(result.shape), kernel), others)

    def _learn(self, tensor: Tensor, seen: ReceptiveField | None) -> None:
        self._held += (tensor, tensor.array)
        if seen is not None:
            self.fields[id(tensor.array)] = self.fields[id(tensor)] = seen


def _multiply_adds(name: str, arrays: list[Array], result: Tensor) -> int:
    """Products that are summed: of convolutions, with a bias counted as free, and of matrices."""
    if name == "Conv2d":
        return int(result.array.size * math.prod(arrays[1].shape[1:]))
    if name == "ConvInputGrad":
        return int(arrays[0].size * math.prod(arrays[1].shape[1:]))
    if name in ("Linear", "MatMul"):
        return int(result.array.size * arrays[0].shape[-1])
    return 0


@contextmanager
def evaluating(*modules: Module) -> Iterator[None]:
    """Put ``modules`` and all below them in evaluation mode for the block, and each back to what it was."""
    modes = [(module, module.training) for top in modules for module in top.modules()]
    try:
        for top in modules:
            top.eval()
        yield
    finally:
        for module, before in modes:
            module.training = before


def check_model(name: str, model: Any) -> None:
    """DtypeError unless ``model`` is a Module."""
    if not isinstance(model, Module):
        raise DtypeError(f"{name}: this is no model", got=type(model).__name__, rule="a Module, such as a network",
                         hint=f"model = {model.__name__}()" if isinstance(model, type) else None)


def as_inputs(name: str, model: Module, given: tuple[Any, ...]) -> tuple[Any, ...]:
    """The inputs of ``model``: those given; for a shape, numbers from [0, 1), in each call the same."""
    if not given:
        raise OptionError(f"{name}: there is no input", rule="a tensor, or the shape of one",
                          hint=f"{name}(model, (1, 3, 32, 32))")
    parameter = next(iter(model.parameters()), None)
    like: dict[str, Any] = {} if parameter is None else {"dtype": parameter.dtype, "device": parameter.device}
    generator = Generator().manual_seed(0)
    return tuple(rand(*size_tuple(f"{name}: input", (x,)), generator=generator).to(**like)
                 if isinstance(x, tuple | list) else x for x in given)  # fmt: skip


def survey(model: Module, args: tuple[Any, ...], *, grad: bool = False) -> Survey:
    """Run ``model`` in evaluation mode under a new Survey."""
    found = Survey()
    with evaluating(model):
        found.run(model, args, grad=grad)
    return found
