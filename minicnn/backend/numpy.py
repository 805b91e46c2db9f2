"""The CPU: NumPy arrays, and the kernels that have a faster form there than the portable one."""

from __future__ import annotations

from typing import Any

import numpy as np

from minicnn.backend.portable import Backend


class NumpyBackend(Backend):
    """NumPy on the CPU."""

    device_type = "cpu"
    array_type = np.ndarray
    xp = np

    def from_numpy(self, values: Any) -> Any:
        return values

    def to_numpy(self, array: Any) -> Any:
        return array
