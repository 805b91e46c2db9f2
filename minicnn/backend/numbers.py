"""Python's numbers as NumPy takes them fastest.

To compute with a Python number NumPy first makes an array of it, each time, which takes as long as the arithmetic of a
small array (``overhead``: a tenth of an operation). Here arrays are made once for each number that is met.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

_FLOAT32 = np.dtype("float32")
_MOST = 4096
_LARGEST = 1 << 24  # integers up to this are their float32

_met: dict[float, Any] = {}


def quick(number: float, beside: Any) -> Any:
    """``number``, to compute with ``beside``: an array without dimensions where that is a NumPy array of float32."""
    if beside.dtype is _FLOAT32 and type(beside) is np.ndarray:
        found = _met.get(number)
        return _meet(number) if found is None else found
    return number


def _meet(number: float) -> Any:
    """``number`` as an array that is kept; as it is where it is 0 (0.0 equals -0.0), NaN, or no integer of float32."""
    if number == 0 or math.isnan(number) or (type(number) is int and abs(number) > _LARGEST):
        return number
    if len(_met) >= _MOST:
        _met.clear()
    _met[number] = array = np.array(number, _FLOAT32)
    array.flags.writeable = False
    return array
