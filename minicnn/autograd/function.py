"""Function: one differentiable operation. An application of it is one node of the graph.

    class Multiply(Function):
        def forward(self, x, y):        # arrays in, array out
            return x * y
        def grad_x(self, g, y):         # Tensors in, Tensor out; naming ``y`` is what saves it
            return g * y
        def grad_y(self, g, x):
            return g * x

    z = Multiply.apply(x, y)

``grad_<input>`` is the rule for one input; after ``g`` it names what it needs of the forward pass: an input, ``out``
(the result), or something that ``forward`` passed to ``self.keep``. Nothing else is kept alive, and only the rules of
inputs that require a gradient are consulted. Where gradients share work, one ``backward(self, g, …)`` returns a tuple
with a gradient for each input instead. Rules are written in Tensor operations, so they can be differentiated again.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import count
from typing import Any

from minicnn.arguments import in_words
from minicnn.autograd.mode import mode
from minicnn.autograd.plan import Plan, Recipe
from minicnn.autograd.saved import save
from minicnn.backend import backend_for, backend_of, is_array
from minicnn.backend.quiet import restore, silence
from minicnn.errors import DeviceError
from minicnn.tensor import Tensor, wrap

Edge = tuple[Any, int, tuple[int, ...], Any]
"""Where a gradient goes: the node that made the input, or the leaf that it is; which of the node's results; and the
input's shape and dtype, which the gradient will have."""

_order = count(1)
_new = object.__new__


class Function:
    """Base of all differentiable operations; see the module's text for how to write one.

    While a gradient is computed, ``needs`` says for each input whether it requires one.

    Attributes:
        name: how messages call the operation; the class's name unless the class says otherwise.
        is_view: the result shares the input's memory, so in-place edits of either are edits of both. A view has one
            tensor input, and all else in keyword options.
        takes_out: ``forward`` accepts ``out``, an array to write the result to, so it can run in place.
    """

    name: str
    is_view = False
    takes_out = False

    plan: Plan
    recipe: Recipe
    needs: tuple[bool, ...] = ()
    edges: Sequence[Edge] = ()
    outputs = 1
    order = 0
    saved: dict[str, Any] | None = None
    freed = False
    hooks: dict[int, dict[int, Any]] | None = None
    trace: str | None = None
    _kept: dict[str, Any] | None = None
    _context_form = False

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "name" not in cls.__dict__:
            cls.name = cls.__name__
        if isinstance(cls.__dict__.get("forward"), staticmethod):
            cls._context_form = True
        elif not cls._context_form and "forward" in dir(cls):
            cls.plan = Plan(cls)

    @classmethod
    def apply(cls, *inputs: Any, **options: Any) -> Any:
        """Compute the operation on ``inputs`` (Tensors and constants), recording it if any input needs a gradient."""
        if cls._context_form:
            from minicnn.autograd.context import apply_context

            return apply_context(cls, inputs, options)
        node = _new(cls)
        switches = mode.__dict__  # looked up once: whatever belongs to a thread takes long to find (``overhead``)
        arrays, kind, needed = node._open(inputs, switches["grad"])
        loudness = silence()
        try:
            if len(arrays) == 2 and not options:  # without a star, which takes a tenth of an ``overhead`` operation
                out = node.forward(arrays[0], arrays[1])  # type: ignore[attr-defined]  # subclasses have it
            else:
                out = node.forward(*arrays, **options)  # type: ignore[attr-defined]  # subclasses have it
        except (MemoryError, ValueError, OverflowError) as error:
            raise in_words(cls.name.lower(), error) from None
        finally:
            restore(loudness)
        if type(out) is not kind:
            if type(out) is tuple:
                return node._outputs(inputs, arrays, options, out, kind, needed)
            out = _as_array(out, kind, arrays)
        result: Tensor = _new(Tensor)  # what wrap does, here where every operation passes
        result.array = out
        result._version = [0]
        if switches["watch"] is not None:
            switches["watch"].applied(node, inputs, arrays, options, (result,))
        if needed:
            node._record(inputs, arrays, result)
            result._node = node
            result.tracked = True
        elif switches["inference"]:
            result.inference = True
        if cls.is_view:
            _link_view(cls, inputs[0], result, options)
        return result

    def _open(self, inputs: tuple[Any, ...], recording: bool) -> tuple[list[Any], type | None, bool]:
        """The arrays of ``inputs``, their type, and whether any needs a gradient; then the node has its ``recipe``."""
        arrays: list[Any] = []
        pattern, kind = 1, None  # a 1, and a bit for each input that requires a gradient
        for x in inputs:
            if isinstance(x, Tensor):
                if x._base is not None and x._seen != x._version[0]:
                    from minicnn.autograd.inplace import refresh

                    refresh(x)
                array = x.array
                if type(array) is not kind:
                    if kind is not None:
                        raise mixed_devices(self.name, inputs)
                    kind = type(array)
                arrays.append(array)
                pattern += pattern + x.tracked
            else:
                arrays.append(x)
                pattern += pattern
        if not recording or pattern & (pattern - 1) == 0:
            return arrays, kind, False
        self.recipe = recipe = self.plan.recipes.get(pattern) or self.plan.recipe(pattern)
        self.needs = recipe.needs
        return arrays, kind, recipe.records

    def keep(self, **arrays: Any) -> None:
        """Keep arrays that ``forward`` computed, for the rules that name them."""
        self._kept = {**self._kept, **arrays} if self._kept else arrays

    def _record(self, inputs: tuple[Any, ...], arrays: list[Any], result: Tensor | None) -> None:
        """Become a node: remember where gradients go, in what shape and dtype, and exactly what the rules name."""
        self.order = next(_order)
        self.edges = edges = []
        recipe = self.recipe
        for position in recipe.positions:
            x, array = inputs[position], arrays[position]
            edges.append((x._node or x, x._slot, array.shape, array.dtype))
        if recipe.saved:
            self.saved = save(self, inputs, result)
            self._kept = None

    def _outputs(
        self, inputs: tuple[Any, ...], arrays: list[Any], options: dict[str, Any], outs: tuple[Any, ...],
        kind: type | None, needed: bool,
    ) -> tuple[Tensor, ...]:  # fmt: skip
        """Wrap several results; those that are not floating point carry no gradient."""
        outs = tuple(out if out.__class__ is kind else _as_array(out, kind, arrays) for out in outs)
        results = tuple(wrap(out) for out in outs)
        if mode.watch is not None:
            mode.watch.applied(self, inputs, arrays, options, results)
        if needed:
            self._record(inputs, arrays, results[0])
            for slot, result in enumerate(results):
                if result.dtype.kind == "f":
                    result._node, result._slot, result.tracked = self, slot, True
                    self.outputs = slot + 1
        return results

    @property
    def next_functions(self) -> tuple[tuple[Function | Tensor, int], ...]:
        """The nodes (or leaf tensors) that this node's gradients go to."""
        return tuple((target, slot) for target, slot, _, _ in self.edges)

    def __repr__(self) -> str:
        return f"<{self.name} node {self.order}>"


def mixed_devices(name: str, inputs: tuple[Any, ...]) -> DeviceError:
    """The error for inputs on different devices: says which is where."""
    places = [f"argument {i} {tuple(x.shape)} on {x.device}" for i, x in enumerate(inputs) if isinstance(x, Tensor)]
    return DeviceError(f"{name.lower()}: the tensors are on different devices", got="; ".join(places),
                       rule="all tensors of an operation are on one device", hint="x.to(device), model.to(device)")


def _as_array(out: Any, kind: type | None, arrays: list[Any]) -> Any:
    """An array of what ``forward`` returned where that is a scalar, as NumPy's full reductions are."""
    if is_array(out):
        return out
    for array in arrays:
        if array.__class__ is kind:
            return backend_of(array).xp.asarray(out)
    return backend_for(None).xp.asarray(out)


def _link_view(cls: type[Function], source: Tensor, result: Tensor, options: dict[str, Any]) -> None:
    result._base = base = source if source._base is None else source._base
    result._chain = (*source._chain, (cls, options))
    result._version = source._version
    result._seen = source._version[0]
    base._aliased = True
