"""Functions put in place of others, for as long as a measurement runs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

Place = tuple[Any, str, Callable[..., Any]]
"""Where a function is kept, a module or a class; its name there; and what takes its place."""


@contextmanager
def replaced(places: Iterable[Place]) -> Iterator[None]:
    """Each place has the other function until the block ends."""
    before: list[Place] = []
    try:
        for owner, name, function in places:
            before.append((owner, name, vars(owner)[name]))
            setattr(owner, name, function)
        yield
    finally:
        for owner, name, function in reversed(before):
            setattr(owner, name, function)
