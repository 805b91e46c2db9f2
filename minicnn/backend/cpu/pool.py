"""Max-pooling on a CPU: few passes, over images that stay in the cache, and one small number for each winner.

While the maximum runs over a window, the winner is kept as its distance from the window's first pixel, in the fewest
bytes that hold it. Later taps lie further on, so "the last tap that won" is a maximum of distances, and nothing needs
a choice between two arrays, which costs NumPy ten times a maximum.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from minicnn.backend.cpu.runs import contiguous, copy_pixels
from minicnn.backend.cpu.sample_norm import samples_of
from minicnn.backend.cpu.threads import run
from minicnn.backend.cpu.windows import image_blocks
from minicnn.backend.portable.arrays import wide
from minicnn.backend.portable.pool import PoolKernels, along, first_tap, lowest
from minicnn.shapes.conv import Pair
from minicnn.shapes.pool import PoolGeometry

Array = Any

BLOCK_BYTES = 1 << 20  # of input in a block of images; a half of it and four times it were slower or no faster
SHORT = 64  # channels of pixels that lie apart; with fewer, a copy takes less time than arithmetic does longer
WORTH = 2  # blocks that are worth a thread: with one, ``steps: LeNet`` takes longer with two threads


class CpuPoolKernels(PoolKernels):
    """Pooling of NumPy arrays; shapes and formulas are those of ``PoolKernels``."""

    def max_pool_values(self, x: Array, geometry: PoolGeometry) -> Array:
        return _by_images(super().max_pool_values, x, geometry)

    def avg_pool(self, x: Array, *options: Any, **more: Any) -> Array:
        return _by_images(super().avg_pool, x, *options, **more)

    def avg_pool_grad(self, g: Array, *options: Any, **more: Any) -> Array:
        return _by_images(super().avg_pool_grad, g, *options, **more)

    def adaptive_avg_pool(self, x: Array, output_size: Pair) -> Array:
        """A mean of whole images is sums of pixels by BLAS (``kernels: adaptive avg pool 1``)."""
        if output_size != (1, 1) or not x.size or x.dtype not in (np.float32, np.float64):
            return super().adaptive_avg_pool(x, output_size)
        samples = samples_of(x)
        sums = np.concatenate(run(lambda part: samples.sums(samples.matrix[part]), samples.blocks()))
        return (sums / math.prod(x.shape[2:])).astype(x.dtype)[:, :, None, None]

    def adaptive_avg_pool_grad(self, g: Array, size: Pair) -> Array:
        """The same for all pixels is channels-last, as whatever made those images."""
        if g.shape[2:] != (1, 1) or g.dtype == np.float16:
            return super().adaptive_avg_pool_grad(g, size)
        dx = np.empty((len(g), *size, g.shape[1]), g.dtype)
        dx[...] = (g / (size[0] * size[1])).reshape(len(g), 1, 1, g.shape[1])
        return dx.transpose(0, 3, 1, 2)

    def max_pool(self, x: Array, geometry: PoolGeometry) -> tuple[Array, Array]:
        y, winners = self.max_pool_recorded(x, geometry)
        return y, _positions(winners, geometry, x.shape[3])

    def max_pool_recorded(self, x: Array, geometry: PoolGeometry) -> tuple[Array, Array]:
        """Winners as their distances, of a byte or two; as positions where a value is the lowest or NaN."""
        if not _grows_along_taps(geometry, x.shape[3]):
            return super().max_pool(x, geometry)
        y = np.empty_like(x, shape=(*x.shape[:2], *geometry.output_size(x.shape[2:])))
        distance = np.empty_like(y, dtype=_distance_dtype(geometry, x.shape[3]))

        def work(images: slice) -> None:
            y[images], distance[images] = _max_pool(x[images], geometry)

        run(work, _blocks(x), each=WORTH)
        # A NaN, or an -inf that ties with the padding, does not show in a running maximum.
        if not y.min(initial=np.inf if y.dtype.kind == "f" else np.iinfo(y.dtype).max) > lowest(np, y.dtype):
            return super().max_pool(x, geometry)
        return y, distance

    def pool_gather(self, x: Array, winners: Array, geometry: PoolGeometry | None = None) -> Array:
        return super().pool_gather(x, winners if geometry is None else _positions(winners, geometry, x.shape[3]))

    def pool_scatter(self, g: Array, winners: Array, size: Pair, geometry: PoolGeometry | None = None) -> Array:
        if geometry is None or not _grows_along_taps(geometry, size[1]):
            return super().pool_scatter(g, winners, size, geometry)
        values = wide(g)
        make = np.empty_like if _covers(geometry, size) else np.zeros_like
        dx = make(winners, dtype=values.dtype, shape=(*g.shape[:2], *size))

        def work(images: slice) -> None:
            distance = winners[images]
            if distance.dtype == np.int64:  # positions
                distance = distance - _first_pixels(distance, geometry, size[1])
            _scatter(values[images], distance, dx[images], geometry)

        run(work, _blocks(dx), each=WORTH)
        return dx.astype(g.dtype, copy=False)


def _by_images(kernel: Callable[..., Array], x: Array, *options: Any, **more: Any) -> Array:
    """``kernel(x, …)``, a few images at a time, each thread some of them."""
    if x.nbytes <= BLOCK_BYTES or len(x) < 2:
        return kernel(x, *options, **more)
    parts = run(lambda images: kernel(x[images], *options, **more), _blocks(x))
    return np.concatenate(parts)


def _max_pool(x: Array, geometry: PoolGeometry) -> tuple[Array, Array]:
    """x → y, and each winner's distance from its window's first pixel."""
    W, (step_down, step_right) = x.shape[3], geometry.dilation
    columns, taps = first_tap(np, x, 3, geometry, lowest(np, x.dtype), copy_pixels)
    column_distance = np.zeros_like(columns, dtype=_distance_dtype(geometry, W))
    number = column_distance.dtype.type
    for tap, (inputs, outputs) in enumerate(taps, 1):
        at = along(3, outputs)
        _keep_winners(columns[at], _together(x[along(3, inputs)]), column_distance[at], number(tap * step_right))
    y, taps = first_tap(np, columns, 2, geometry, lowest(np, x.dtype))
    distance, _ = first_tap(np, column_distance, 2, geometry, 0)
    for tap, (inputs, outputs) in enumerate(taps, 1):
        at, value = along(2, outputs), along(2, inputs)
        _keep_winners(y[at], columns[value], distance[at], column_distance[value] + number(tap * step_down * W))
    return y, distance


def _together(x: Array) -> Array:
    """x (N, C, H, W), whose pixels may lie apart → pixels beside each other; a copy if their runs are short."""
    pixels = x.transpose(0, 2, 3, 1)
    if x.shape[1] >= SHORT or pixels.strides[3] != x.itemsize:
        return x
    return contiguous(pixels).transpose(0, 3, 1, 2)


def _keep_winners(kept: Array, value: Array, distance: Array, value_distance: Array) -> None:
    """kept = max(kept, value); where value was greater, distance = value_distance, which is never below it."""
    wins = (value > kept).view(np.uint8)
    np.maximum(kept, value, out=kept)
    np.maximum(distance, wins * value_distance, out=distance)


def _scatter(g: Array, distance: Array, dx: Array, geometry: PoolGeometry) -> None:
    """dx += g at each winner, tap by tap; backwards, so that windows add to a pixel in their own order.

    Where windows do not overlap, each tap just writes its pixels. The choice is a product of bits with 1 or 0: an
    infinite gradient times 0 would be NaN.
    """
    bits = np.dtype(f"i{g.itemsize}")
    g, (H, W) = g.view(bits), dx.shape[2:]
    steps = zip(geometry.kernel, geometry.stride, geometry.dilation, strict=True)
    overlaps = any(stride <= dilation * (kernel - 1) for kernel, stride, dilation in steps)
    columns = list(enumerate(geometry.taps(1, W)))[::-1]
    for i, (row_in, row_out) in list(enumerate(geometry.taps(0, H)))[::-1]:
        for j, (column_in, column_out) in columns:
            number = distance.dtype.type(i * geometry.dilation[0] * W + j * geometry.dilation[1])
            wins = (distance[:, :, row_out, column_out] == number).view(np.int8)
            target, chosen = dx[:, :, row_in, column_in], g[:, :, row_out, column_out]
            if overlaps:
                target += np.multiply(chosen, wins).view(dx.dtype)
            elif g.shape[1] < SHORT:
                copy_pixels(target, np.multiply(chosen, wins).view(dx.dtype))
            else:
                np.multiply(chosen, wins, out=target.view(bits))


def _covers(geometry: PoolGeometry, size: Pair) -> bool:
    """Whether every pixel is in just one window."""
    tiles = geometry.kernel == geometry.stride and geometry.padding == (0, 0) and geometry.dilation == (1, 1)
    sizes = zip(geometry.output_size(size), geometry.stride, size, strict=True)
    return tiles and all(out * stride == whole for out, stride, whole in sizes)


def _grows_along_taps(geometry: PoolGeometry, W: int) -> bool:
    """Whether a window's later taps are no nearer to its first pixel; not so if it is wider than the image."""
    return geometry.dilation[1] * (geometry.kernel[1] - 1) < W


def _distance_dtype(geometry: PoolGeometry, W: int) -> Any:
    """The smallest integers that hold how far a window's last pixel is from its first."""
    rows, columns = ((k - 1) * d for k, d in zip(geometry.kernel, geometry.dilation, strict=True))
    return np.min_scalar_type(rows * W + columns)


def _positions(winners: Array, geometry: PoolGeometry, W: int) -> Array:
    """Winners as positions h·W + w, from whichever note of them."""
    return winners if winners.dtype == np.int64 else _first_pixels(winners, geometry, W) + winners


def _first_pixels(winners: Array, geometry: PoolGeometry, W: int) -> Array:
    """Where each window begins, h·W + w (outside the image in the padding); (1, C, OH, OW), in the order of winners."""
    steps = zip(winners.shape[2:], geometry.stride, geometry.padding, strict=True)
    rows, columns = (np.arange(count) * stride - padding for count, stride, padding in steps)
    first = np.empty_like(winners[:1], dtype=np.int64, shape=(1, *winners.shape[1:]))
    first[...] = rows[:, None] * W + columns
    return first


def _blocks(x: Array) -> list[slice]:
    """Slices of images that fit the cache together."""
    return [images for images, _ in image_blocks(len(x), x.nbytes // max(1, len(x)), BLOCK_BYTES)]
