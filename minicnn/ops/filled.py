"""Formulas that fill an array number by number, so that a backend may run them part by part, or as one kernel.

    def double_plus_one(out, x):
        backend_of(x).xp.multiply(x, 2, out=out)
        out += 1

    y = filled(double_plus_one, x)
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from minicnn.backend import backend_of

Array = Any


def filled(formula: Callable[..., None], like: Array, *others: Array) -> Array:
    """An array like ``like``, which ``formula(array, like, *others)`` fills; all of them of one shape."""
    backend = backend_of(like)
    out = backend.xp.empty_like(like)
    backend.piecewise(formula, out, like, *others)
    return out
