"""Pooling on CUDA: a thread for each output, and for each pixel of a gradient."""

from __future__ import annotations

import math
from typing import Any

from minicnn.backend.cuda.launch import CudaKernels, has_kernels
from minicnn.backend.portable.pool import PoolKernels
from minicnn.shapes.conv import Pair
from minicnn.shapes.pool import PoolGeometry

Array = Any


class CudaPoolKernels(CudaKernels, PoolKernels):
    """Max, average and adaptive pooling, forward and backward; shapes as in the portable kernels."""

    def max_pool_values(self, x: Array, geometry: PoolGeometry) -> Array:
        if not has_kernels(x):
            return super().max_pool_values(x, geometry)
        return self._max_pool(x, geometry, winners=False)[0]

    def max_pool(self, x: Array, geometry: PoolGeometry) -> tuple[Array, Array]:
        if not has_kernels(x):
            return super().max_pool(x, geometry)
        return self._max_pool(x, geometry, winners=True)

    def _max_pool(self, x: Array, geometry: PoolGeometry, *, winners: bool) -> tuple[Array, Array]:
        x, size = self.packed(x), geometry.output_size(x.shape[2:])
        y = self.xp.empty((*x.shape[:2], *size), x.dtype)
        places = self.xp.empty(y.shape if winners else 1, "int64")
        self.launch("pool", "max_pool", x, y.size, x, y, places, winners, *_numbers(x.shape[2:], size, geometry),
                    *geometry.dilation)  # fmt: skip
        return y, places

    def pool_scatter(self, g: Array, winners: Array, size: Pair, geometry: PoolGeometry | None = None) -> Array:
        if not has_kernels(g) or not math.prod(size):
            return super().pool_scatter(g, winners, size, geometry)
        (N, C, *out_size), g, winners = g.shape, self.packed(g), self.packed(winners)
        if geometry is None:
            sums = self.xp.zeros((N, C, *size), "float64" if g.dtype == "float64" else "float32")
            self.launch("pool", "scatter_planes", g, N * C, g, winners, sums, math.prod(out_size), math.prod(size))
            return sums.astype(g.dtype, copy=False)
        dx = self.xp.empty((N, C, *size), g.dtype)
        self.launch("pool", "max_pool_grad", g, dx.size, g, winners, dx, *_numbers(size, out_size, geometry),
                    *geometry.dilation)  # fmt: skip
        return dx

    def avg_pool(
        self, x: Array, geometry: PoolGeometry, count_include_pad: bool = True, divisor_override: int | None = None
    ) -> Array:
        if not has_kernels(x):
            return super().avg_pool(x, geometry, count_include_pad, divisor_override)
        x, size = self.packed(x), geometry.output_size(x.shape[2:])
        y = self.xp.empty((*x.shape[:2], *size), x.dtype)
        self.launch("pool", "avg_pool", x, y.size, x, y, *_divisor(geometry, count_include_pad, divisor_override),
                    *_numbers(x.shape[2:], size, geometry))  # fmt: skip
        return y

    def avg_pool_grad(
        self,
        g: Array,
        geometry: PoolGeometry,
        size: Pair,
        count_include_pad: bool = True,
        divisor_override: int | None = None,
    ) -> Array:
        if not has_kernels(g) or not math.prod(size):
            return super().avg_pool_grad(g, geometry, size, count_include_pad, divisor_override)
        g = self.packed(g)
        dx = self.xp.empty((*g.shape[:2], *size), g.dtype)
        self.launch("pool", "avg_pool_grad", g, dx.size, g, dx,
                    *_divisor(geometry, count_include_pad, divisor_override),
                    *_numbers(size, g.shape[2:], geometry))  # fmt: skip
        return dx

    def adaptive_avg_pool(self, x: Array, output_size: Pair) -> Array:
        return self._adaptive("adaptive_avg", x, output_size) if _fits(x, output_size) else super().adaptive_avg_pool(
            x, output_size)  # fmt: skip

    def adaptive_avg_pool_grad(self, g: Array, size: Pair) -> Array:
        if not _fits(g, size):
            return super().adaptive_avg_pool_grad(g, size)
        g = self.packed(g)
        dx = self.xp.empty((*g.shape[:2], *size), g.dtype)
        self.launch("adaptive", "adaptive_avg_grad", g, dx.size, g, dx, *size, *g.shape[2:])
        return dx

    def adaptive_max_pool(self, x: Array, output_size: Pair) -> tuple[Array, Array]:
        if not _fits(x, output_size):
            return super().adaptive_max_pool(x, output_size)
        winners = self.xp.empty((*x.shape[:2], *output_size), "int64")
        return self._adaptive("adaptive_max", x, output_size, winners), winners

    def _adaptive(self, name: str, x: Array, output_size: Pair, *winners: Array) -> Array:
        x = self.packed(x)
        y = self.xp.empty((*x.shape[:2], *output_size), x.dtype)
        self.launch("adaptive", name, x, y.size, x, y, *winners, *x.shape[2:], *output_size)
        return y


def _fits(x: Array, size: Pair) -> bool:
    return has_kernels(x) and math.prod(size) > 0


def _numbers(size: Pair, out_size: Pair, geometry: PoolGeometry) -> tuple[int, ...]:
    """H, W, KH, KW, OH, OW, the strides and the padding."""
    return (*size, *geometry.kernel, *out_size, *geometry.stride, *geometry.padding)


def _divisor(geometry: PoolGeometry, count_include_pad: bool, override: int | None) -> tuple[float, int, int]:
    """What averages divide by (0: the pixels that count), and how far beyond the image pixels count."""
    return (float(override or 0), *(geometry.padding if count_include_pad else (0, 0)))
