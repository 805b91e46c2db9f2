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
        first, formula = arrays[0], self._formula(work, arrays)
        if formula is None:
            work(*arrays)
            return
        self.launch_source(formula.source, "formula", first, first.size, (*arrays, *formula.numbers))

    def piecewise_unless(self, flag: Array, work: Callable[..., None], *arrays: Array) -> None:
        first, formula = arrays[0], self._formula(work, arrays)
        if formula is None:
            super().piecewise_unless(flag, work, *arrays)
            return
        arguments = (*arrays, *formula.numbers, flag.view("uint8"))
        self.launch_source(formula.guarded_source, "formula", first, first.size, arguments)

    def _formula(self, work: Callable[..., None], arrays: tuple[Array, ...]) -> Formula | None:
        first, count = arrays[0], len(arrays)
        if not (has_kernels(first) and all(a.dtype == first.dtype and a.flags.c_contiguous for a in arrays)):
            return None
        key = key_of(work)
        if key is None:
            return traced(work, count)
        key = (*key, count)
        if self._last[0] != key:
            self._last = key, traced(work, count)
        return self._last[1]
