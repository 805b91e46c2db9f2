"""Arrays as one draws them by hand: planes of rows and columns."""

from __future__ import annotations

from typing import Any

import numpy as np

_MOST = 400
"""Elements that are drawn; of larger arrays the shape is told."""


def drawn(name: str, values: Any) -> str:
    """``values`` under ``name``: the shape, and plane after plane, each under its index where there are several.

    Example:
        >>> print(drawn("weight", np.array([[[[0.0, 0.25], [1.0, -2.0]]]])))
        weight 1 × 1 × 2 × 2
              0  0.25
              1    -2
    """
    if values is None:
        return f"{name} None"
    array = np.asarray(values)
    shape = " × ".join(map(str, array.shape)) or "a number"
    if not 0 < array.size <= _MOST:
        return f"{name} {shape}"
    if array.ndim < 2:
        return f"{name} {shape}\n{_row(array.reshape(-1))}"
    lines = [f"{name} {shape}"]
    several = array.size > array.shape[-1] * array.shape[-2]
    for index in np.ndindex(array.shape[:-2]):
        if several:
            lines.append(f"  {list(index)}")
        lines += [_row(row) for row in array[index]]
    return "\n".join(lines)


def _row(values: Any) -> str:
    return "  " + " ".join(f"{_number(v):>5}" for v in values)


def _number(value: Any) -> str:
    return str(value) if value.dtype.kind not in "fc" else f"{value:.6g}"
