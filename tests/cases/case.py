"""A case: one call of one operation, written once and run by minicnn and by PyTorch alike.

``call(t, *inputs)`` gets the library as ``t`` (minicnn or torch: the names are the same), so a case is also a test that
PyTorch's code runs here unchanged. Inputs are made by NumPy from a seed of the case's own name.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

Array = np.ndarray
Maker = Callable[[np.random.Generator], Array]


@dataclass(frozen=True)
class Case:
    """One call of an operation.

    Args:
        op: the public name, from ``mc`` on: ``"add"``, ``"Tensor.view"``, ``"nn.functional.conv2d"``.
        call: the call, for either library.
        inputs: makers of the arguments; float64 results are what gets gradients.
        variant: what distinguishes this case among those of the operation.
        grad: whether results have gradients to compare at all.
        second: whether second derivatives are checked; only off where there is none by nature (``why_not`` says).
        kinks: gradients are compared with PyTorch's, but differences make no sense (ties, values at a kink).
        tolerance: (rtol, atol) in float64 against PyTorch.
    """

    op: str
    call: Callable[..., Any]
    inputs: tuple[Maker, ...]
    variant: str = ""
    grad: bool = True
    second: bool = True
    kinks: bool = False
    tolerance: tuple[float, float] = (1e-7, 1e-9)
    why_not: str = ""

    @property
    def id(self) -> str:
        """The case's unique name."""
        return f"{self.op}-{self.variant}" if self.variant else self.op

    def arrays(self) -> list[Array]:
        """The arguments: the same for every run of every library."""
        rng = np.random.default_rng(zlib.crc32(self.id.encode()))
        return [np.asarray(make(rng)) for make in self.inputs]


def normal(*shape: int) -> Maker:
    """Standard normal values."""
    return lambda rng: rng.standard_normal(shape)


def uniform(low: float, high: float, *shape: int) -> Maker:
    """Uniform values in [low, high)."""
    return lambda rng: rng.uniform(low, high, shape)


def apart(*shape: int, gap: float = 0.1, offset: float = 0.0) -> Maker:
    """A random permutation of values ``gap`` apart around ``offset``, none of them within gap / 3 of zero.

    For operations with kinks where inputs are equal, or cross zero.
    """

    def make(rng: np.random.Generator) -> Array:
        size = int(np.prod(shape))
        return (rng.permutation(size) - size // 2 + 0.5).reshape(shape) * gap + offset

    return make


def given(*values: Any, dtype: Any = np.float64) -> Maker:
    """Exactly these values."""
    array = np.array(values[0] if len(values) == 1 else values, dtype=dtype)
    return lambda rng: array.copy()


def integers(low: int, high: int, *shape: int, dtype: Any = np.int64) -> Maker:
    """Integers in [low, high)."""
    return lambda rng: rng.integers(low, high, shape).astype(dtype)


def permutation(n: int) -> Maker:
    """A permutation of 0 … n − 1."""
    return lambda rng: rng.permutation(n)


def booleans(*shape: int) -> Maker:
    """True and False, evenly."""
    return lambda rng: rng.random(shape) < 0.5


def probabilities(*shape: int, axis: int = 1) -> Maker:
    """Positive values that sum to one along ``axis``."""

    def make(rng: np.random.Generator) -> Array:
        values = rng.uniform(0.1, 1.0, shape)
        return values / values.sum(axis, keepdims=True)

    return make
