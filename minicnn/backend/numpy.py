"""The CPU: NumPy arrays, and the kernels that have a faster form there than the portable one."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Any

import numpy as np

from minicnn.backend.cpu.activation import CpuActivationKernels
from minicnn.backend.cpu.conv import CpuConvKernels
from minicnn.backend.cpu.norm import CpuNormKernels
from minicnn.backend.cpu.pool import CpuPoolKernels
from minicnn.backend.cpu.products import CpuProductKernels
from minicnn.backend.cpu.softmax import CpuSoftmaxKernels
from minicnn.backend.cpu.special import CpuSpecialKernels
from minicnn.backend.portable import Backend


class NumpyBackend(
    CpuActivationKernels, CpuNormKernels, CpuConvKernels, CpuPoolKernels, CpuProductKernels, CpuSoftmaxKernels,
    CpuSpecialKernels, Backend,
):  # fmt: skip
    """NumPy on the CPU."""

    device_type = "cpu"
    array_type = np.ndarray
    xp = np

    def from_numpy(self, values: Any) -> Any:
        return values

    def to_numpy(self, array: Any) -> Any:
        return array

    def quiet(self) -> AbstractContextManager[Any]:
        return np.errstate(all="ignore")

    def windows(self, array: Any, shape: tuple[int, ...], strides: tuple[int, ...]) -> Any:
        """An as_strided view; strides in bytes. Over one block of memory the constructor is 9 times as fast."""
        if array.flags.c_contiguous and array.size:
            return np.ndarray(shape, array.dtype, array, 0, strides)
        return np.lib.stride_tricks.as_strided(array, shape, strides)
