"""A case: a name, and how to make the same work in either library."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

Work = Callable[[], Any]


class Case(NamedTuple):
    """``make(t)``, t being minicnn or torch, gives a function that does the work and returns a tensor to compare."""

    name: str
    make: Callable[[Any], Work]
    tolerance: float = 1e-3


def difference(ours: Any, theirs: Any) -> float:
    """The greatest difference of two results, relative to the greatest number in them."""
    a, b = (t.detach().numpy().astype("float64") for t in (ours, theirs))
    if a.shape != b.shape:
        raise ValueError(f"the results have different shapes: {a.shape} and {b.shape}")
    return float(abs(a - b).max() / max(abs(b).max(), 1e-30))
