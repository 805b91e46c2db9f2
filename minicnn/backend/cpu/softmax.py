"""Softmax on a CPU: the rows of a matrix, in blocks that stay in the cache and that threads share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from minicnn.backend.cpu.rows import blocks_of
from minicnn.backend.cpu.threads import run
from minicnn.backend.portable.activation import ActivationKernels

Array = Any

SMALL = 1 << 12  # numbers; of fewer, whole arrays take less time than blocks
SAFE = 30.0  # exp of a number of this size, and a sum of millions of them, is far from overflow and underflow


class CpuSoftmaxKernels(ActivationKernels):
    """Softmax of NumPy arrays; formulas are those of ``ActivationKernels``."""

    def softmax(self, x: Array, axis: int) -> Array:
        return _by_rows(_softmax, axis, x) if _are_rows(axis, x) else super().softmax(x, axis)

    def softmax_grad(self, g: Array, y: Array, axis: int) -> Array:
        return _by_rows(_softmax_grad, axis, y, g) if _are_rows(axis, y) else super().softmax_grad(g, y, axis)

    def log_softmax(self, x: Array, axis: int) -> Array:
        return _by_rows(_log_softmax, axis, x) if _are_rows(axis, x) else super().log_softmax(x, axis)

    def log_softmax_grad(self, g: Array, y: Array, axis: int) -> Array:
        return _by_rows(_log_softmax_grad, axis, y, g) if _are_rows(axis, y) else super().log_softmax_grad(g, y, axis)


def _are_rows(axis: int, x: Array) -> bool:
    """Whether ``axis`` is the last one in memory, of much, in a dtype that BLAS has."""
    return x.dtype in (np.float32, np.float64) and x.size >= SMALL and np.moveaxis(x, axis, -1).flags.c_contiguous


def _by_rows(work: Callable[..., None], axis: int, *arrays: Array) -> Array:
    """``work(out, *arrays)`` on blocks of rows along ``axis``; the first array says in which order memory is."""
    last = [np.moveaxis(a, axis, -1) for a in arrays]
    shape = last[0].shape
    rows = [np.ascontiguousarray(a).reshape(-1, shape[-1]) for a in last]
    out = np.empty_like(rows[0])
    run(lambda block: work(out[block], *(a[block] for a in rows)), blocks_of(out))
    return np.moveaxis(out.reshape(shape), -1, axis)


def _softmax(out: Array, x: Array) -> None:
    """The maximum is taken off only where some number is large: a row's maximum takes as long as its exponentials."""
    if x.max() < SAFE and x.min() > -SAFE:
        np.exp(x, out=out)
    else:
        np.exp(np.subtract(x, x.max(1, keepdims=True), out=out), out=out)
    out *= 1 / _sums(out)


def _softmax_grad(out: Array, y: Array, g: Array) -> None:
    np.subtract(g, np.vecdot(g, y)[:, None], out=out)
    out *= y


def _log_softmax(out: Array, x: Array) -> None:
    np.subtract(x, x.max(1, keepdims=True), out=out)
    out -= np.log(_sums(np.exp(out)))


def _log_softmax_grad(out: Array, y: Array, g: Array) -> None:
    np.exp(y, out=out)
    out *= _sums(g)
    np.subtract(g, out, out=out)


def _sums(x: Array) -> Array:
    """Σ of each row, (rows, 1)."""
    return (x @ np.ones(x.shape[1], x.dtype))[:, None]
