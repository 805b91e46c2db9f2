"""Formulas over arrays, as one launch each."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from minicnn.backend.cuda.formula import Formula, Key, key_of, traced
from minicnn.backend.cuda.launch import CudaKernels, has_kernels

Array = Any


class CudaPointwiseKernels(CudaKernels):
    """Update rules, compiled."""

    _last: tuple[Key | None, Formula | None] = (None, None)

    def piecewise(self, work: Callable[..., None], *arrays: Array) -> None:
        first = arrays[0]
        formula = None
        if has_kernels(first) and all(a.dtype == first.dtype and a.flags.c_contiguous for a in arrays):
            formula = self._formula(work, len(arrays))
        if formula is None:
            work(*arrays)
            return
        self.launch_source(formula.source, "formula", first, first.size, (*arrays, *formula.numbers))

    def _formula(self, work: Callable[..., None], count: int) -> Formula | None:
        key = key_of(work)
        if key is None:
            return traced(work, count)
        key = (*key, count)
        if self._last[0] != key:
            self._last = key, traced(work, count)
        return self._last[1]
