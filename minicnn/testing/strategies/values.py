"""Tensors and shapes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from hypothesis import strategies as hs

import minicnn as mc
from minicnn.tensor import Tensor

Shape = tuple[int, ...]
Strategy = hs.SearchStrategy


def shapes(min_dims: int = 1, max_dims: int = 4, min_side: int = 1, max_side: int = 4) -> Strategy[Shape]:
    """Shapes with so many dimensions, each so long."""
    return hs.lists(hs.integers(min_side, max_side), min_size=min_dims, max_size=max_dims).map(tuple)


@hs.composite
def tensors(
    draw: Any, shape: Sequence[int] | Strategy[Shape] | None = None, dtype: Any = mc.float64, low: float = -3.0,
    high: float = 3.0, distinct: bool = False,
) -> Tensor:  # fmt: skip
    """A tensor of ``shape`` (or one that this strategy draws), with multiples of 1/4 in [low, high].

    Args:
        shape: None draws one.
        dtype: integers for an integer one.
        low, high: bounds of the values.
        distinct: no two values equal, and none 0: away from the kinks of maxima and ReLU. The bounds do not hold then.
    """
    sizes = draw(shapes() if shape is None else shape) if not isinstance(shape, Sequence) else tuple(shape)
    count = int(np.prod(sizes))
    if distinct:
        ranks = np.array(draw(hs.permutations(range(count))), dtype=np.float64)
        values = (ranks - count // 2 + 0.5) / 2
    else:
        step = 1 if np.dtype(dtype).kind in "iu" else 4
        numbers = hs.integers(int(np.ceil(low * step)), int(np.floor(high * step)))
        values = np.array(draw(hs.lists(numbers, min_size=count, max_size=count)), dtype=np.float64) / step
    return mc.from_numpy(values.reshape(sizes).astype(dtype))


@hs.composite
def broadcast_pairs(draw: Any, max_dims: int = 4, max_side: int = 4, dtype: Any = mc.float64) -> tuple[Tensor, Tensor]:
    """Two tensors whose shapes broadcast: sides of 1 and missing dimensions on either."""
    whole = draw(shapes(0, max_dims, 1, max_side))
    pair = []
    for _ in range(2):
        sizes = tuple(draw(hs.sampled_from([n, 1])) for n in whole)
        pair.append(draw(tensors(sizes[draw(hs.integers(0, len(sizes))) :], dtype)))
    return pair[0], pair[1]


def labels(shape: Sequence[int], classes: int) -> Strategy[Tensor]:
    """Class numbers 0 … classes − 1, int64."""
    return tensors(shape, mc.int64, 0, classes - 1)


@hs.composite
def probabilities(draw: Any, shape: Sequence[int], dim: int = 1) -> Tensor:
    """Positive values that sum to 1 along ``dim``."""
    weights = draw(tensors(shape, low=0.25, high=4.0))
    return weights / weights.sum(dim, keepdim=True)
