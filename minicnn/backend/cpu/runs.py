"""Copies of short runs of adjacent numbers: the channels of a pixel, the rows of a window.

NumPy copies an array row by row of adjacent numbers, and begins each row anew, which takes as long as copying 64 of
them. Seen as one element, a run of them is copied whole, one after the other: runs of 2 and 4 numbers take a tenth of
the time, of 6 to 12 .4, of 32 .6 (``kernels: max pool 2x2``).
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np

Array = Any

LONG = 512  # bytes of a run that NumPy copies as fast by its numbers; ``steps: AlexNet``


def copy_runs(target: Array, source: Array) -> None:
    """``target[...] = source``, of one shape and dtype; by runs where the last axis of both lies without gaps."""
    if target.strides[-1] == source.strides[-1] == target.itemsize and target.size:
        target, source = as_runs(target), as_runs(source)
    np.copyto(target, source)


def copy_pixels(target: Array, source: Array) -> None:
    """``target[...] = source``, (N, C, *) of one shape and dtype; by whole pixels where channels lie last in both."""
    channels_last = (0, *range(2, target.ndim), 1)
    copy_runs(target.transpose(channels_last), source.transpose(channels_last))


def as_runs(x: Array) -> Array:
    """x (*, n), whose last axis lies without gaps → view (*) of runs of n numbers, to copy; x itself if they are long.
    """
    size = x.shape[-1] * x.itemsize
    return x.view(_run(size))[..., 0] if size < LONG else x


def contiguous(x: Array) -> Array:
    """x, or a copy of it that lies in the order of its axes."""
    if x.flags.c_contiguous:
        return x
    copy = np.empty(x.shape, x.dtype)
    copy_runs(copy, x)
    return copy


@lru_cache(maxsize=1024)
def _run(size: int) -> np.dtype[np.void]:
    """The type of ``size`` bytes."""
    return np.dtype((np.void, size))
