"""Names that begin with an underscore, and that scripts import from PyTorch all the same."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from minicnn.optim.lr_scheduler import LRScheduler

__all__ = ["_LRScheduler", "_pair", "_single", "_triple"]

_LRScheduler = LRScheduler  # its name before PyTorch 2.0


def _repeated(n: int) -> Callable[[Any], tuple[Any, ...]]:
    """A function from a number to ``n`` of it; what is several already is a tuple of them."""
    return lambda value: tuple(value) if isinstance(value, Iterable) else (value,) * n


_single, _pair, _triple = map(_repeated, (1, 2, 3))
