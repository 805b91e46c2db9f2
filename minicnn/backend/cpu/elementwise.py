"""Pointwise kernels in blocks that stay in the cache, shared among threads.

A pointwise formula of several steps, each a NumPy call over a whole large array, reads and writes main memory at every
step. Block by block, its intermediate results never leave the cache.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from minicnn.backend.cpu.threads import run

Array = Any

BLOCK = 1 << 18  # numbers; with fewer, threads wait for each other longer than they compute (``kernels: GELU``)
PIECE = 1 << 19  # numbers that are worth waking a thread for, if few calls go over them: ``kernels: ReLU``


def flat(*arrays: Array) -> list[Array] | None:
    """Views (size,) of arrays of one shape, in the order of memory; None unless all lie in one order, without gaps."""
    first = arrays[0]
    if all(a.flags.c_contiguous for a in arrays):
        order: tuple[int, ...] = tuple(range(first.ndim))
    else:
        order = tuple(sorted(range(first.ndim), key=lambda axis: -first.strides[axis]))
        if not all(a.transpose(order).flags.c_contiguous for a in arrays):
            return None
    return [a.transpose(order).reshape(-1) for a in arrays]


def pointwise(
    work: Callable[..., Any], out: Array, *arrays: Array, block: int = BLOCK, piece: int = PIECE
) -> Array:
    """``work(out, *arrays)``, which fills ``out``, a block at a time; returns ``out``.

    Arrays that lie in different orders are cut along their first axis only.
    """
    if out.size <= block or any(a.shape != out.shape for a in arrays):
        work(out, *arrays)
        return out
    views = flat(out, *arrays)
    if views is None:
        step = max(1, block * len(out) // out.size)
        rows = [slice(start, start + step) for start in range(0, len(out), step)]
        run(lambda part: work(out[part], *(a[part] for a in arrays)), rows)
        return out

    def blocks(part: slice) -> None:
        for start in range(part.start, part.stop, block):
            here = slice(start, min(start + block, part.stop))
            work(*(view[here] for view in views))

    run(blocks, pieces(out.size, piece))
    return out


def pieces(size: int, piece: int = PIECE) -> list[slice]:
    """One slice, or two, four or eight even ones of ``piece`` numbers or more."""
    count = min(8, 1 << max(0, (size // piece).bit_length() - 1))
    step = -(-size // (64 * count)) * 64
    return [slice(start, min(start + step, size)) for start in range(0, size, step)]


def like(x: Array, dtype: Any = None) -> Array:
    """An array to fill, in the memory order of ``x``."""
    return np.empty_like(x, dtype=dtype)
