"""The draws of random transforms, from the default generator: the same seed gives torchvision's augmentation."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from minicnn.random import default_generator


def uniform(low: float, high: float) -> float:
    """A number from [low, high), drawn in the default dtype."""
    return float(default_generator.uniform(1, None, float(low), float(high)).item())


def integer(low: int, high: int) -> int:
    """An integer from [low, high)."""
    return int(default_generator.randint(low, high, 1).item())


def below(p: float) -> bool:
    """True with probability ``p``."""
    return bool(default_generator.uniform(1, None)[0] < p)


def order(n: int) -> list[int]:
    """0 … n−1 in a random order."""
    return list(default_generator.randperm(n).tolist())


def normal(shape: Sequence[int]) -> Any:
    """A float32 array of standard normal numbers."""
    return default_generator.normal(shape, "float32")


def box(area: float, scale: Sequence[float], ratio: Sequence[float]) -> tuple[float, float]:
    """The sides √(a·r) and √(a/r), where a ÷ ``area`` is uniform in ``scale``, and log r in log ``ratio``."""
    share = uniform(scale[0], scale[1])
    low, high = (float(np.float32(math.log(np.float32(bound)))) for bound in ratio)
    aspect = float(np.float32(math.exp(uniform(low, high))))
    return math.sqrt(area * share * aspect), math.sqrt(area * share / aspect)


def uniform_array(shape: int | Sequence[int]) -> Any:
    """An array of numbers from [0, 1), in the default dtype."""
    return default_generator.uniform(shape, None)


def integers(low: int, high: int, count: int) -> Any:
    """An array of integers from [low, high)."""
    return default_generator.randint(low, high, count)


def beta(alpha: float) -> float:
    """A number from the symmetric Beta distribution, x ÷ (x + y) of two Gamma variates, as PyTorch draws it."""
    x, y = _gamma(alpha), _gamma(alpha)
    return float(np.float32(x / (x + y)))


def _gamma(alpha: float) -> float:
    """G. Marsaglia and W. W. Tsang, "A simple method for generating gamma variables", 2000."""
    scale = 1.0
    if alpha < 1:
        scale, alpha = (1 - _uniform_double()) ** (1 / alpha), alpha + 1
    d = alpha - 1 / 3
    c = 1 / math.sqrt(9 * d)
    while True:
        x = float(default_generator.normal(1, "float64").item())
        v = 1 + c * x
        if v <= 0:
            continue
        v, u = v**3, 1 - _uniform_double()
        if u < 1 - 0.0331 * x**4 or math.log(u) < 0.5 * x * x + d * (1 - v + math.log(v)):
            return scale * d * v


def _uniform_double() -> float:
    return float(default_generator.uniform(1, "float64").item())
