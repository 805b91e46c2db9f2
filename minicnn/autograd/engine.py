"""backward and grad: walk the graph from results to leaves, once, without recursion.

An edge always leads to an older node. So the walk runs the nodes below its roots from the newest to the oldest: by the
time it comes to a node, every gradient that will reach it has arrived. Every gradient is fitted to its input on the way
(summed over broadcast dimensions, cast to the input's dtype), so no rule has to.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from itertools import repeat
from operator import attrgetter
from sys import getrefcount
from threading import RLock
from typing import Any

from minicnn.autograd.function import Function
from minicnn.autograd.mode import mode, set_grad_enabled
from minicnn.autograd.saved import unpack
from minicnn.backend import backend_of
from minicnn.errors import DtypeError, GradientError, ShapeError
from minicnn.tensor import Tensor, wrap

Target = Any  # a Function (a node) or a leaf Tensor

_age = attrgetter("order")
_nothing = repeat(None)


class _Captured:
    """Gradients that ``grad`` asked for, by target and slot."""

    def __init__(self, inputs: tuple[Tensor, ...]) -> None:
        self.keys = [(t._node, t._slot) if t._node is not None else (t, 0) for t in inputs]
        self.found: dict[tuple[Any, int], Tensor] = {}


class _Walk:
    """One backward pass: the gradients that have arrived at each target, and what is still to come at the leaves."""

    def __init__(self, create_graph: bool, retain_graph: bool, captured: _Captured | None) -> None:
        self.create_graph, self.retain_graph, self.captured = create_graph, retain_graph, captured
        self.wanted = {target for target, _ in captured.keys} if captured is not None else set()
        self.arrived: dict[Target, list[Tensor | None]] = {}
        self.sums: set[tuple[Target, int]] = set()
        self.coming: dict[Tensor, int] = {}
        self.whole: list[Tensor] = []
        self.useful: set[Target] | None = None
        self.differentiate = gradients if mode.watch is None else watched_gradients

    def run(self, roots: list[Target]) -> None:
        """Run every node below ``roots``, and hand each leaf its gradient as soon as this is whole."""
        nodes = self.reach(roots)
        self.whole = [leaf for leaf, count in self.coming.items() if count == 0]
        self.deliver()
        try:
            for node in nodes:
                self.step(node)
                if self.whole:
                    self.deliver()
            while mode.after_backward:
                mode.after_backward.pop()()
        finally:
            mode.after_backward.clear()

    def reach(self, roots: list[Target]) -> list[Function]:
        """The nodes below ``roots``, newest first (for ``grad``, the useful ones); counts the edges to each leaf."""
        coming = self.coming = {root: 0 for root in roots if isinstance(root, Tensor)}
        nodes = [root for root in dict.fromkeys(roots) if root not in coming]
        reached = set(nodes)
        for node in nodes:  # which grows on the way
            for edge in node.edges:
                target = edge[0]
                if target in reached:
                    continue
                if isinstance(target, Tensor):
                    coming[target] = coming.get(target, 0) + 1
                else:
                    reached.add(target)
                    nodes.append(target)
        nodes.sort(key=_age, reverse=True)
        if self.captured is None:
            return nodes
        useful = self.useful = set(self.wanted)
        for node in reversed(nodes):
            for edge in node.edges:
                if edge[0] in useful:
                    useful.add(node)
                    break
        return [node for node in nodes if node in useful]

    def send(self, target: Target, slot: int, g: Tensor) -> None:
        """Add ``g`` to what has arrived at output ``slot`` of ``target``."""
        slots = self.arrived.setdefault(target, [])
        slots.extend([None] * (slot + 1 - len(slots)))
        before = slots[slot]
        if before is None:
            slots[slot] = g
        elif (target, slot) in self.sums and not self.create_graph:
            before.add_(g)  # the sum of two gradients is nobody else's, so a third goes into its memory
        else:
            slots[slot] = before + g
            self.sums.add((target, slot))

    def step(self, node: Function) -> None:
        """Run one node's rules on what has arrived, and send the results on."""
        arrived, useful = self.arrived, self.useful
        grads = arrived.pop(node, None)
        results: Iterable[Tensor | None] = _nothing
        if grads is not None and ((node.hooks is None and node not in self.wanted) or self.observe(node, grads)):
            results = self.differentiate(node, grads)
            if node.saved is not None and not self.retain_graph:
                node.saved, node.freed = None, True
        for (target, slot, shape, dtype), g in zip(node.edges, results):  # noqa: B905 (_nothing has no end)
            if useful is not None and target not in useful:
                continue
            if g is not None:
                if not isinstance(g, Tensor) or (array := g.array).shape != shape or array.dtype is not dtype:
                    g = _fit(node, g, shape, dtype)  # noqa: PLW2901 (from here on it is this one)
                if slot == 0 and target not in arrived:
                    arrived[target] = [g]
                else:
                    self.send(target, slot, g)
            if isinstance(target, Tensor):
                self.coming[target] -= 1
                if self.coming[target] == 0:
                    self.whole.append(target)

    def deliver(self) -> None:
        """Run the hooks of the leaves whose gradient is whole, then hand it over or accumulate it."""
        while self.whole:
            leaf = self.whole.pop()
            grads = self.arrived.pop(leaf, None)
            if grads is None:
                continue
            if leaf._hooks:
                for hook in list(leaf._hooks.values()):
                    grads[0] = _hooked(hook, grads[0])
            if self.captured is None:
                accumulate(leaf, grads, self.create_graph)
            elif grads[0] is not None and leaf in self.wanted:
                self.captured.found[leaf, 0] = grads[0]

    def observe(self, node: Function, grads: list[Tensor | None]) -> bool:
        """Run the hooks of a node's outputs, and capture their gradients where ``grad`` asked for them; returns whether
        something below the node waits for them, too."""
        for slot, hooks in (node.hooks or {}).items():
            for hook in list(hooks.values()):
                if slot < len(grads) and grads[slot] is not None:
                    grads[slot] = _hooked(hook, grads[slot])
        if self.captured is None or node not in self.wanted:
            return True
        for slot, g in enumerate(grads):
            if g is not None:
                self.captured.found[node, slot] = g
        return self.useful is None or any(edge[0] in self.useful for edge in node.edges)


def gradients(node: Function, grads: list[Tensor | None]) -> Sequence[Tensor | None]:
    """The gradients along a node's edges from those of its outputs."""
    if node.freed:
        raise GradientError(
            f"backward: the saved tensors of {node.name} are already freed", got="a second backward through this graph",
            rule="backward frees what the forward pass saved as it walks",
            hint="backward(retain_graph=True) the first time, or run the forward pass again")
    g = grads[0] if node.outputs == 1 else _of_outputs(node, grads)
    recipe = node.recipe
    if recipe.joint is not None:
        return _run_joint_rule(node, g)
    results = []
    for rule, asked in recipe.rules:
        if not asked:
            results.append(rule(node, g))
        elif len(asked) == 1:  # in a plain call, which takes less time than one with a star
            name, source = asked[0]
            results.append(rule(node, g, unpack(node, name, source)))
        else:
            results.append(rule(node, g, *[unpack(node, name, source) for name, source in asked]))
    return results


def watched_gradients(node: Function, grads: list[Tensor | None]) -> Sequence[Tensor | None]:
    """``gradients``, told to the thread's watch; a rule's own operations are looked at as a whole."""
    watch, mode.watch = mode.watch, None
    try:
        results = gradients(node, grads)
    finally:
        mode.watch = watch
    watch.differentiated(node, _of_outputs(node, grads), results)
    return results


def _of_outputs(node: Function, grads: list[Tensor | None]) -> Any:
    """What a rule gets for the gradients of a node's outputs: the one gradient, or a tuple of them."""
    return grads[0] if node.outputs == 1 else tuple(grads + [None] * (node.outputs - len(grads)))


def _run_joint_rule(node: Function, g: Any) -> list[Tensor | None]:
    recipe = node.recipe
    found = recipe.joint(node, g, *[unpack(node, name, source) for name, source in recipe.saved])  # type: ignore[misc]  # asked only where there is a joint rule
    results = found if isinstance(found, tuple) else (found,)
    if len(results) != len(node.needs):
        raise GradientError(f"{node.name}: backward returned {len(results)} gradients", got=len(results),
                            rule=f"one for each of the {len(node.needs)} inputs, None where there is none")
    return [results[position] for position in recipe.positions]


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


def _references(value: object) -> int:
    return getrefcount(value)


_ONE = _references(object())
"""What ``getrefcount`` says of what one local variable refers to: 2, or 1 where Python lends the argument."""


_turn = RLock()
"""Held by who adds to a leaf's gradient: walks of several threads may meet there. NumPy lets go of Python's lock."""


def _after_fork() -> None:
    """A child process frees the lock, which a thread may have held that it does not have."""
    global _turn
    _turn = RLock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


def accumulate(leaf: Tensor, grads: list[Any], create_graph: bool) -> None:
    """leaf.grad += the gradient in ``grads``, which is taken out. The first one becomes ``grad`` itself if it is nobody
    else's, as a weight's mostly is; else a copy does, since other leaves may have been handed the same memory."""
    g = grads.pop()
    with _turn:
        if leaf._grad is not None:
            leaf._grad = leaf._grad + g if create_graph else leaf._grad.add_(g)
        elif create_graph:
            leaf._grad = g
        else:
            leaf._grad = wrap(g.array) if getrefcount(g) == _ONE and _is_sole(g.array) else g.detach().clone()
    if leaf._post_hooks:
        for hook in list(leaf._post_hooks.values()):
            hook(leaf)


SPARE = 64
"""Bytes that an array's memory may have beyond it: a backend's, so that it begins with a cache line."""


def _is_sole(array: Any) -> bool:
    """Whether nothing but one tensor refers to ``array``, and nothing but ``array`` to its memory."""
    if getrefcount(array) != _ONE + 1:
        return False
    base = getattr(array, "base", array)
    if base is None:
        return True
    if base is array or base.__class__ is not array.__class__ or not 0 <= base.nbytes - array.nbytes <= SPARE:
        return False
    return base.base is None and getrefcount(base) == _ONE + 1 and getattr(array.flags, "writeable", True)


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
        for out, root, seed in zip(outputs, roots, seeds, strict=True):
            pass_.send(root, out._slot, seed)
        pass_.run(roots)
