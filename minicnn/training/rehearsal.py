"""Rehearsal: a step that is done once more, or on a smaller batch, to learn from it, and leaves no trace."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from minicnn.autograd.mode import no_grad
from minicnn.nn.module import Module
from minicnn.random import fork_rng
from minicnn.tensor import Tensor


@contextmanager
def rehearsal(model: Module) -> Iterator[None]:
    """Within the block there are no gradients yet; afterwards gradients, buffers and random numbers are as before."""
    grads = [(p, p.grad) for p in model.parameters()]
    kept = Buffers(model)
    for p, _ in grads:
        p.grad = None
    try:
        with fork_rng():
            yield
    finally:
        kept.restore()
        for p, grad in grads:
            p.grad = grad


class Buffers:
    """A copy of a model's buffers, such as running means."""

    def __init__(self, model: Module) -> None:
        self._copies: list[tuple[Tensor, Any]] = [(b, b.array.copy()) for b in model.buffers()]

    def restore(self) -> None:
        """Give the buffers their values of then."""
        with no_grad():
            for buffer, copy in self._copies:
                buffer.array[...] = copy
