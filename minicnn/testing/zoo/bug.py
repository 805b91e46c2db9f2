"""A wrong implementation that replaces a function of ``mc.nn.functional`` for a while, and the list of them all."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import minicnn.nn.functional as F
from minicnn.tensor import Tensor


@dataclass(frozen=True)
class Bug:
    """One classic mistake.

    Attributes:
        name: ``"conv2d: flipped kernel"``.
        operation: the function of ``mc.nn.functional`` that has it; layers that use the function have it, too.
        wrong: the wrong implementation; it gets the right one first, then all arguments by name.
        story: how it comes about, or how it shows.
    """

    name: str
    operation: str
    wrong: Callable[..., Any]
    story: str

    @contextmanager
    def installed(self) -> Iterator[None]:
        """Within this context ``mc.nn.functional`` has the bug."""
        right = getattr(F, self.operation)
        signature = inspect.signature(right)

        @functools.wraps(right)
        def wrong(*args: Any, **options: Any) -> Any:
            bound = signature.bind(*args, **options)
            bound.apply_defaults()
            return self.wrong(right, **bound.arguments)

        setattr(F, self.operation, wrong)
        try:
            yield
        finally:
            setattr(F, self.operation, right)


ZOO: dict[str, Bug] = {}
"""All bugs, by name."""


def bug(operation: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Put the decorated wrong implementation of ``operation`` into the zoo; its docstring is the story."""

    def add(wrong: Callable[..., Any]) -> Callable[..., Any]:
        name = f"{operation}: {wrong.__name__.replace('_', ' ').strip()}"
        ZOO[name] = Bug(name, operation, wrong, (wrong.__doc__ or "").strip())
        return wrong

    return add


def with_gradient_of(value: Tensor, other: Tensor) -> Tensor:
    """A tensor with the values of ``value``, and the gradient of ``other``."""
    return value.detach() + (other - other.detach())
