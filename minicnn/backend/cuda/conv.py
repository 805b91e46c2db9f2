"""Convolution on CUDA: columns by a kernel, one product for a group of images, and back.

The columns of a group stay below WORKSPACE bytes, so memory does not grow with the batch.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from minicnn.backend.cuda.launch import CudaKernels, has_kernels, optional
from minicnn.backend.portable.conv import ConvKernels
from minicnn.shapes.conv import ConvGeometry, Pair

Array = Any

WORKSPACE = 64 << 20  # bytes of columns at a time


class CudaConvKernels(CudaKernels, ConvKernels):
    """2-D convolution and its gradients. x (N, C, H, W), w (O, C/groups, KH, KW), b (O,), g and y (N, O, OH, OW)."""

    def conv(self, x: Array, w: Array, b: Array | None, geometry: ConvGeometry) -> Array:
        (N, C), (O, _, *kernel) = x.shape[:2], w.shape
        size = geometry.output_size(x.shape[2:], kernel)
        if not (has_kernels(x) and has_kernels(w)):
            return super().conv(x, w, b, geometry)
        x, w = self.packed(x), self.packed(w)
        y, pixels = self.xp.empty((N, O, *size), x.dtype), math.prod(size)
        bias = optional(None if b is None else self.packed(b), w)
        if _is_depthwise(C, w, geometry):
            self.launch("depthwise", "depthwise", x, y.size, x, w, *bias, y, *_depthwise(x.shape, w, size, geometry))
            return y
        weights = _weight_rows(w, geometry.groups)
        if _is_pointwise(kernel, geometry):
            images = x.reshape(N, geometry.groups, C // geometry.groups, pixels)
            y = self.matmul(weights, images).reshape(y.shape)
            return y if b is None else y + b.reshape(1, O, 1, 1)
        for part in _groups_of_images(N, C, kernel, size, x.itemsize):
            rows = self.matmul(weights, self._columns(x[part], kernel, size, geometry))
            count = len(y[part])
            self.launch("conv", "rows_to_images", x, y[part].size, rows, *bias, y[part], count, O, pixels)
        return y

    def conv_input_grad(self, g: Array, w: Array, geometry: ConvGeometry, size: Pair) -> Array:
        (N, O, *out_size), kernel, groups = g.shape, w.shape[2:], geometry.groups
        C = w.shape[1] * groups
        if not (has_kernels(g) and has_kernels(w) and min(size) > 0):
            return super().conv_input_grad(g, w, geometry, size)
        g, w = self.packed(g), self.packed(w)
        dx = self.xp.empty((N, C, *size), g.dtype)
        if _is_depthwise(C, w, geometry):
            numbers = _depthwise(dx.shape, w, out_size, geometry)
            self.launch("depthwise", "depthwise_input_grad", g, dx.size, g, w, dx, *numbers)
            return dx
        weights = _weight_rows(w, groups).transpose(0, 2, 1)
        if _is_pointwise(kernel, geometry):
            images = g.reshape(N, groups, O // groups, math.prod(out_size))
            return self.matmul(weights, images).reshape(dx.shape)
        for part in _groups_of_images(N, C, kernel, out_size, g.itemsize):
            columns = self.packed(self.matmul(weights, self._rows(g[part], groups)))
            count = len(g[part])
            numbers = _numbers(count, (count, C, *size), kernel, out_size, geometry)
            self.launch("conv", "col2im", g, dx[part].size, columns, dx[part], *numbers)
        return dx

    def conv_weight_grad(self, x: Array, g: Array, geometry: ConvGeometry, kernel: Pair) -> Array:
        (N, C), (O, *out_size), groups = x.shape[:2], g.shape[1:], geometry.groups
        if not (has_kernels(x) and has_kernels(g)):
            return super().conv_weight_grad(x, g, geometry, kernel)
        x, g = self.packed(x), self.packed(g)
        dw = self.xp.zeros((O, C // groups, *kernel), x.dtype)
        if _is_depthwise(C, dw, geometry):
            numbers = _depthwise(x.shape, dw, out_size, geometry)
            self.launch("depthwise", "depthwise_weight_grad", x, dw.size, x, g, dw, N, *numbers, block_each=True)
            return dw
        rows = dw.reshape(groups, O // groups, C // groups * math.prod(kernel))
        for part in _groups_of_images(N, C, kernel, out_size, x.itemsize):
            columns = self._columns(x[part], kernel, out_size, geometry)
            rows += self.matmul(self._rows(g[part], groups), columns.transpose(0, 2, 1))
        return dw

    def _columns(self, x: Array, kernel: Pair, size: Pair, geometry: ConvGeometry) -> Array:
        """x (N, C, H, W) → (groups, C/groups·KH·KW, N·OH·OW): what each tap reads for each output pixel."""
        (N, C), taps, pixels = x.shape[:2], math.prod(kernel), math.prod(size)
        columns = self.xp.empty((geometry.groups, C // geometry.groups * taps, N * pixels), x.dtype)
        self.launch("conv", "im2col", x, C * N * pixels, x, columns, *_numbers(N, x.shape, kernel, size, geometry))
        return columns

    def _rows(self, g: Array, groups: int) -> Array:
        """g (N, O, OH, OW) → (groups, O/groups, N·OH·OW)."""
        N, O, OH, OW = g.shape
        return self.packed(g.transpose(1, 0, 2, 3)).reshape(groups, O // groups, N * OH * OW)


def _weight_rows(w: Array, groups: int) -> Array:
    """w (O, C/groups, KH, KW) → (groups, O/groups, C/groups·KH·KW)."""
    return w.reshape(groups, w.shape[0] // groups, math.prod(w.shape[1:]))


def _is_depthwise(channels: int, w: Array, geometry: ConvGeometry) -> bool:
    return geometry.groups == channels > 1 and w.shape[1] == 1


def _is_pointwise(kernel: Pair, geometry: ConvGeometry) -> bool:
    """1×1 at stride 1 without padding: the images are their own columns."""
    return (*kernel, *geometry.stride) == (1, 1, 1, 1) and geometry.padding == ((0, 0), (0, 0))


def _groups_of_images(N: int, C: int, kernel: Pair, size: Pair, itemsize: int) -> Iterator[slice]:
    """Slices of the batch whose columns fit the workspace; one image at the least."""
    step = max(1, WORKSPACE // max(1, C * math.prod(kernel) * math.prod(size) * itemsize))
    return (slice(start, start + step) for start in range(0, N, step))


def _walk(geometry: ConvGeometry) -> tuple[int, ...]:
    """stride_h, stride_w, top, left, dilation_h, dilation_w: the last numbers of every kernel here."""
    (top, _), (left, _) = geometry.padding
    return (*geometry.stride, top, left, *geometry.dilation)


def _numbers(N: int, shape: tuple[int, ...], kernel: Pair, size: Pair, geometry: ConvGeometry) -> tuple[int, ...]:
    """N, C, H, W, KH, KW, OH, OW and the walk: what the kernels of conv.cu need, from the shape of x."""
    return (N, *shape[1:], *kernel, *size, *_walk(geometry))


def _depthwise(shape: tuple[int, ...], w: Array, size: Pair, geometry: ConvGeometry) -> tuple[int, ...]:
    """C, M, H, W, KH, KW, OH, OW and the walk: what the kernels of depthwise.cu need, from the shape of x."""
    return (shape[1], w.shape[0] // shape[1], *shape[2:], *w.shape[2:], *size, *_walk(geometry))
