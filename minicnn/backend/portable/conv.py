"""Convolution, its two gradients, and the unfold and fold they are made of.

A convolution is a matrix product: ``unfold`` lays the window under each output pixel out as a column, and the
weights, one row per output channel, multiply the columns. Products are linear, so both gradients are products too: the
input's is the transposed weights times g, folded back, and the weight's is g times the transposed columns.

``fold`` is the adjoint of ``unfold``: it adds up what ``unfold`` copied. It goes tap by tap, KH·KW strided slice
additions, because within one tap no two columns meet in a pixel; an indexed addition would have to expect that.
"""

from __future__ import annotations

from typing import Any

from minicnn.backend.portable.activation import ActivationKernels
from minicnn.backend.portable.arrays import wide
from minicnn.shapes.conv import ConvGeometry, Pair

Array = Any


class ConvKernels(ActivationKernels):
    """2-D convolution kernels. x (N, C, H, W), w (O, C/groups, KH, KW), b (O,), g and y (N, O, OH, OW)."""

    def conv(self, x: Array, w: Array, b: Array | None, geometry: ConvGeometry) -> Array:
        """x, w, b → y (N, O, OH, OW); y[n, o] = Σ_ckl w[o, c, k, l] · window[n, c, k, l] + b[o], within a group."""
        kernel, groups = w.shape[2:], geometry.groups
        size = geometry.output_size(x.shape[2:], kernel)
        columns = _grouped_columns(self.conv_windows(wide(x), kernel, geometry, size), groups)
        weights = wide(w).reshape(groups, w.shape[0] // groups, columns.shape[2])
        y = self.xp.matmul(weights, columns).reshape(x.shape[0], w.shape[0], *size)
        if b is not None:
            y += b.reshape(1, w.shape[0], 1, 1)
        return y.astype(x.dtype, copy=False)

    def conv_relu(self, x: Array, w: Array, b: Array | None, geometry: ConvGeometry) -> Array:
        """x, w, b → max(conv(x, w, b), 0), NaN staying NaN."""
        y = self.conv(x, w, b, geometry)
        return self.relu(y, y)

    def conv_input_grad(self, g: Array, w: Array, geometry: ConvGeometry, size: Pair) -> Array:
        """g, w → dx (N, C, *size); dx = fold(wᵀ · g). Also the forward pass of the transposed convolution."""
        (N, O, *out_size), (_, channels, *kernel), groups = g.shape, w.shape, geometry.groups
        weights = wide(w).reshape(groups, O // groups, channels * kernel[0] * kernel[1]).transpose(0, 2, 1)
        columns = self.xp.matmul(weights, wide(g).reshape(N, groups, O // groups, out_size[0] * out_size[1]))
        columns = columns.reshape(N, groups * channels, *kernel, *out_size)
        return self.fold_windows(columns, size, geometry).astype(g.dtype, copy=False)

    def conv_weight_grad(self, x: Array, g: Array, geometry: ConvGeometry, kernel: Pair) -> Array:
        """x, g → dw (O, C/groups, *kernel); dw[o] = Σ_n g[n, o] · columnsᵀ, one product over the whole batch."""
        (N, O, *out_size), groups = g.shape, geometry.groups
        channels, taps, pixels = x.shape[1] // groups, kernel[0] * kernel[1], out_size[0] * out_size[1]
        windows = self.conv_windows(wide(x), kernel, geometry, out_size)
        windows = windows.reshape(N, groups, channels, *kernel, *out_size).transpose(1, 0, 5, 6, 2, 3, 4)
        g_rows = wide(g).reshape(N, groups, O // groups, pixels).transpose(1, 2, 0, 3)
        dw = self.xp.matmul(
            g_rows.reshape(groups, O // groups, N * pixels),
            windows.reshape(groups, N * pixels, channels * taps),
        )
        return dw.reshape(O, channels, *kernel).astype(x.dtype, copy=False)

    def unfold(self, x: Array, kernel: Pair, geometry: ConvGeometry) -> Array:
        """x (N, C, H, W) → columns (N, C·KH·KW, L); column l is the window of output pixel l, zeros in the padding."""
        windows = self.conv_windows(x, kernel, geometry, geometry.output_size(x.shape[2:], kernel))
        N, C, KH, KW, OH, OW = windows.shape
        return windows.copy().reshape(N, C * KH * KW, OH * OW)  # never a view of x, not even for one tap

    def fold(self, columns: Array, size: Pair, kernel: Pair, geometry: ConvGeometry) -> Array:
        """columns (N, C·KH·KW, L) → x (N, C, *size); each pixel is the sum of its places in the columns."""
        channels = columns.shape[1] // (kernel[0] * kernel[1])
        out_size = geometry.output_size(size, kernel)
        windows = columns.reshape(columns.shape[0], channels, *kernel, *out_size)
        return self.fold_windows(windows, size, geometry)

    def conv_windows(self, x: Array, kernel: Pair, geometry: ConvGeometry, out_size: Pair) -> Array:
        """x (N, C, H, W) → view (N, C, KH, KW, OH, OW) of the zero-padded image; [n, c, i, j, k, l] is what tap (i, j)
        reads for output pixel (k, l)."""
        if geometry.padding != ((0, 0), (0, 0)):
            x = self.xp.pad(x, ((0, 0), (0, 0), *geometry.padding))
        n, c, h, w = x.strides
        dilation, stride = geometry.dilation, geometry.stride
        strides = (n, c, h * dilation[0], w * dilation[1], h * stride[0], w * stride[1])
        return self.windows(x, (*x.shape[:2], *kernel, *out_size), strides)

    def fold_windows(self, windows: Array, size: Pair, geometry: ConvGeometry) -> Array:
        """windows (N, C, KH, KW, OH, OW) → x (N, C, *size); the adjoint of ``conv_windows``."""
        N, C, KH, KW, *out_size = windows.shape
        x = self.xp.zeros((N, C, *size), windows.dtype)
        for (i, j), pixels, places in geometry.taps(size, out_size, (KH, KW)):
            x[:, :, *pixels] += windows[:, :, i, j, *places]
        return x


def _grouped_columns(windows: Array, groups: int) -> Array:
    """windows (N, C, KH, KW, OH, OW) → (N, groups, C/groups·KH·KW, OH·OW)."""
    N, C, KH, KW, OH, OW = windows.shape
    return windows.reshape(N, groups, C // groups * KH * KW, OH * OW)
