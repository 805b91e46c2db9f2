"""backward and grad: walk the graph from results to leaves, once, without recursion.

A node runs when every gradient that will reach it has arrived: the walk first counts how many edges lead to each
node, then runs the nodes whose count is down to zero. Every gradient is fitted to its input on the way (summed over
broadcast dimensions, cast to the input's dtype), so no rule has to.
"""

from __future__ import annotations

from typing import Any

from minicnn.autograd.function import Function
from minicnn.autograd.mode import mode, set_grad_enabled
from minicnn.autograd.saved import unpack
from minicnn.backend import backend_of
from minicnn.errors import DtypeError, GradientError, ShapeError
from minicnn.tensor import Tensor

Target = Any  # a Function (a node) or a leaf Tensor


class _Captured:
    """Gradients that ``grad`` asked for, by target and slot."""

    def __init__(self, inputs: tuple[Tensor, ...]) -> None:
        self.keys = [(t._node, t._slot) if t._node is not None else (t, 0) for t in inputs]
        self.wanted = {target for target, _ in self.keys}
        self.found: dict[tuple[Any, int], Tensor] = {}


class _Walk:
    """One backward pass: the gradients that have arrived at each target, and how many are still to come."""

    def __init__(self, create_graph: bool, retain_graph: bool, captured: _Captured | None) -> None:
        self.create_graph, self.retain_graph, self.captured = create_graph, retain_graph, captured
        self.arrived: dict[Target, list[Tensor | None]] = {}
        self.coming: dict[Target, int] = {}
        self.ready: list[Target] = []

    def count(self, roots: list[Target]) -> None:
        """How many edges of the graph below ``roots`` lead to each target; for ``grad``, of its useful part only."""
        useful = None if self.captured is None else _useful(roots, self.captured.wanted)
        coming = self.coming = dict.fromkeys(roots, 0)
        stack = list(coming)
        while stack:
            for edge in stack.pop().edges:
                if edge is None:
                    continue
                target = edge[0]
                if target in coming:
                    coming[target] += 1
                elif useful is None or target in useful:
                    coming[target] = 1
                    stack.append(target)

    def send(self, target: Target, slot: int, g: Tensor) -> None:
        """Add ``g`` to what has arrived at output ``slot`` of ``target``."""
        slots = self.arrived.get(target)
        if slots is None:
            self.arrived[target] = [g] if slot == 0 else [None] * slot + [g]
            return
        slots.extend([None] * (slot + 1 - len(slots)))
        before = slots[slot]
        slots[slot] = g if before is None else before + g

    def run(self, roots: list[Target]) -> None:
        """Run every node that is ready until none is left."""
        self.ready = [root for root in dict.fromkeys(roots) if self.coming[root] == 0]
        while self.ready:
            target = self.ready.pop()
            grads = self.arrived.pop(target, None)
            if isinstance(target, Tensor):
                if grads is not None and grads[0] is not None:
                    self.deliver(target, grads[0])
            else:
                self.step(target, grads)

    def deliver(self, leaf: Tensor, g: Tensor) -> None:
        """A leaf's whole gradient is here: run its hooks, then hand it over or accumulate it."""
        for hook in list((leaf._hooks or {}).values()):
            g = _hooked(hook, g)
        if self.captured is None:
            accumulate(leaf, g, self.create_graph)
        elif leaf in self.captured.wanted:
            self.captured.found[leaf, 0] = g

    def step(self, node: Function, grads: list[Tensor | None] | None) -> None:
        """Run one node's rules and send the results on."""
        results: tuple[Tensor | None, ...] = (None,) * len(node.edges)
        if grads is not None:
            if node.hooks is not None or self.captured is not None:
                self.observe(node, grads)
            if self.captured is None or any(edge is not None and edge[0] in self.coming for edge in node.edges):
                results = gradients(node, grads)
                if not self.retain_graph and node.saved is not None:
                    node.saved, node.freed = None, True
        coming = self.coming
        for edge, g in zip(node.edges, results, strict=True):
            if edge is None or edge[0] not in coming:
                continue
            target, slot, shape, dtype = edge
            if g is not None:
                array = g.array if isinstance(g, Tensor) else None
                if array is None or array.shape != shape or array.dtype != dtype:
                    self.send(target, slot, _fit(node, g, shape, dtype))
                else:
                    self.send(target, slot, g)
            coming[target] -= 1
            if coming[target] == 0:
                self.ready.append(target)

    def observe(self, node: Function, grads: list[Tensor | None]) -> None:
        """Run the hooks of a node's outputs, and capture their gradients where ``grad`` asked for them."""
        for slot, hooks in (node.hooks or {}).items():
            for hook in list(hooks.values()):
                if slot < len(grads) and grads[slot] is not None:
                    grads[slot] = _hooked(hook, grads[slot])
        if self.captured is not None and node in self.captured.wanted:
            for slot, g in enumerate(grads):
                if g is not None:
                    self.captured.found[node, slot] = g


def gradients(node: Function, grads: list[Tensor | None]) -> tuple[Tensor | None, ...]:
    """The gradients of a node's inputs from those of its outputs."""
    if node.freed:
        raise GradientError(
            f"backward: the saved tensors of {node.name} are already freed", got="a second backward through this graph",
            rule="backward frees what the forward pass saved as it walks",
            hint="backward(retain_graph=True) the first time, or run the forward pass again")
    g: Any = grads[0] if node.outputs == 1 else tuple(grads + [None] * (node.outputs - len(grads)))
    if mode.watch is None:
        return _run_rules(node, g)
    watch, mode.watch = mode.watch, None  # a rule's own operations are looked at as a whole
    try:
        results = _run_rules(node, g)
    finally:
        mode.watch = watch
    watch.differentiated(node, g, results)
    return results


def _run_rules(node: Function, g: Any) -> tuple[Tensor | None, ...]:
    plan = node.plan
    if plan.joint is None:
        return tuple(
            [
                rule(node, g, *[unpack(node, name) for name in names]) if need and rule is not None else None
                for need, rule, names in zip(node.needs, plan.rules, plan.rule_names, strict=False)
            ]
        )
    found = plan.joint(node, g, *[unpack(node, name) for name in plan.joint_names])
    results = found if isinstance(found, tuple) else (found,)
    if len(results) != len(node.edges):
        raise GradientError(f"{node.name}: backward returned {len(results)} gradients", got=len(results),
                            rule=f"one for each of the {len(node.edges)} inputs, None where there is none")
    return results


def _fit(node: Function, g: Tensor, shape: tuple[int, ...], dtype: Any) -> Tensor:
    """``g`` in the input's shape and dtype: summed over what broadcasting repeated."""
    if not isinstance(g, Tensor):
        raise DtypeError(f"{node.name}: a rule returned {type(g).__name__}, no tensor", got=repr(g)[:80],
                         rule="grad_<input> returns a Tensor or None")
    if g.array.shape != shape:
        try:
            g = g.sum_to_size(shape)
        except ShapeError as error:
            raise ShapeError(f"{node.name}: a rule's gradient does not fit its input", got=tuple(g.shape),
                             rule=f"a gradient has the shape of its input, here {shape}") from error
    return g if g.array.dtype == dtype else g.to(dtype)


def _hooked(hook: Any, g: Any) -> Tensor:
    replaced = hook(g)
    return g if replaced is None else replaced


def accumulate(leaf: Tensor, g: Tensor, create_graph: bool) -> None:
    """leaf.grad += g. The first gradient is copied, since other leaves may have been handed the same memory."""
    if leaf.grad is None:
        leaf.grad = g if create_graph else g.detach().clone()
    elif create_graph:
        leaf.grad = leaf.grad + g
    else:
        leaf.grad.add_(g)
    for hook in list((leaf._post_hooks or {}).values()):
        hook(leaf)


def _useful(roots: list[Target], wanted: set[Target]) -> set[Target]:
    """The targets from which a wanted one can be reached. An edge always leads to an earlier node."""
    reached, stack = set(roots), list(dict.fromkeys(roots))
    while stack:
        for edge in stack.pop().edges:
            if edge is not None and edge[0] not in reached:
                reached.add(edge[0])
                stack.append(edge[0])
    useful = {t for t in reached if t in wanted}
    for node in sorted((t for t in reached if not isinstance(t, Tensor)), key=lambda n: n.order):
        if any(edge is not None and edge[0] in useful for edge in node.edges):
            useful.add(node)
    return useful


def walk(
    outputs: list[Tensor],
    seeds: list[Tensor],
    create_graph: bool,
    retain_graph: bool,
    captured: _Captured | None = None,
) -> None:
    """Send ``seeds`` into the graph at ``outputs`` and run it to the leaves."""
    roots: list[Target] = [out if out._node is None else out._node for out in outputs]
    pass_ = _Walk(create_graph, retain_graph, captured)
    with set_grad_enabled(create_graph), backend_of(seeds[0].array).quiet():  # rules meet 0 · inf in normal use
        pass_.count(roots)
        for out, root, seed in zip(outputs, roots, seeds, strict=True):
            pass_.send(root, out._slot, seed)
        pass_.run(roots)
