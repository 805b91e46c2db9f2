"""Convolution on CUDA: which form computes one, by a rule, or by measuring where ``switches.benchmark`` asks for it.

The rule looks at sizes and dtype alone, so a run chooses as the last one did and has the same bits. Its numbers come
from counting bytes and operations, as ``choose`` tells; no device was at hand to measure them on.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Any

from minicnn.backend.cuda.forms import columns, depthwise, implicit, one_by_one, winograd
from minicnn.backend.cuda.launch import has_kernels
from minicnn.backend.cuda.layer import Layer
from minicnn.backend.cuda.products import CudaProducts
from minicnn.backend.portable.conv import ConvKernels
from minicnn.backend.switches import switches
from minicnn.shapes.conv import ConvGeometry, Pair

Array = Any
Form = Any  # one of the modules of ``forms``

FORMS: tuple[Form, ...] = (depthwise, one_by_one, winograd, implicit, columns)
FORWARD, INPUT_GRAD, WEIGHT_GRAD = "forward", "input_grad", "weight_grad"
FEW_ROWS = 64  # results of one window that implicit GEMM is for; with matrix units, FEW_ROWS_FOR_UNITS
FEW_ROWS_FOR_UNITS = 16
FEWEST_SAVED = 24  # products that the channels save Winograd for each of its sums, C·O / (C + O)


def choose(layer: Layer, direction: str, units: bool) -> Form:
    """The form for a convolution (a direction is one of FORWARD, …); ``units``: whether matrix units multiply.

    Times are counted: bytes / 4.8 TB/s and operations / 67 TFLOP/s (an H200's data sheet), half of that rate for the
    kernel of implicit GEMM. For each window, channel and tap, columns are written and read (8 bytes) and take 2·rows
    operations, implicit GEMM just these at half the rate: columns lose up to some 56 rows. Matrix units multiply seven
    (TF32) to fifteen times (float16) as fast: then they lose up to 29, or 14. At a stride, most depths of an implicit
    input gradient are zeros. A product for the weight gradient of 1×1 kernels has to copy its factors: they are the
    images turned around. Winograd moves 36 numbers for each channel of a 2×2 tile, and takes 32·C·O operations, not
    72·C·O: by that it beats implicit GEMM from 36 channels on, and columns always; but it is four launches, not one.
    """
    rows = layer.C if direction == INPUT_GRAD else layer.O
    if depthwise.fits(layer):
        return depthwise
    few = rows <= (FEW_ROWS_FOR_UNITS if units else FEW_ROWS)
    if one_by_one.fits(layer):
        return implicit if few and direction == WEIGHT_GRAD else one_by_one
    if winograd.fits(layer) and not units and layer.C * layer.O >= FEWEST_SAVED * (layer.C + layer.O):
        return winograd
    strided = direction == INPUT_GRAD and math.prod(layer.geometry.stride) > 1
    return implicit if few and not strided else columns


class CudaConvKernels(CudaProducts, ConvKernels):
    """2-D convolution and its gradients. x (N, C, H, W), w (O, C/groups, KH, KW), b (O,), g and y (N, O, OH, OW)."""

    def __init__(self, index: int | None = None) -> None:
        super().__init__(index)
        self.measured: dict[tuple[Layer, str, bool], Form] = {}

    def milliseconds_of(self, work: Callable[[], None]) -> float | None:
        """How long the device is busy with ``work``; None where that cannot be told now."""
        raise NotImplementedError(f"{type(self).__name__} must say how work is timed")

    def conv(self, x: Array, w: Array, b: Array | None, geometry: ConvGeometry) -> Array:
        if not (has_kernels(x) and has_kernels(w)):
            return super().conv(x, w, b, geometry)
        return self._forward(x, w, b, geometry)

    def conv_relu(self, x: Array, w: Array, b: Array | None, geometry: ConvGeometry) -> Array:
        if not (has_kernels(x) and has_kernels(w)):
            return super().conv_relu(x, w, b, geometry)
        return self._forward(x, w, b, geometry, relu=True)

    def _forward(self, x: Array, w: Array, b: Array | None, geometry: ConvGeometry, **last: bool) -> Array:
        """y; ``last`` says what the last pass does besides."""
        x, w, kernel = self.packed(x), self.packed(w), w.shape[2:]
        layer = _layer(x.shape, w.shape, geometry.output_size(x.shape[2:], kernel), geometry, x.dtype.char)
        y = self.xp.empty((x.shape[0], w.shape[0], *layer.out), x.dtype)
        self._run(FORWARD, layer, x, w, None if b is None else self.packed(b), y, **last)
        return y

    def conv_input_grad(self, g: Array, w: Array, geometry: ConvGeometry, size: Pair) -> Array:
        if not (has_kernels(g) and has_kernels(w) and min(size) > 0):
            return super().conv_input_grad(g, w, geometry, size)
        shape = (g.shape[0], w.shape[1] * geometry.groups, *size)
        dx = self.xp.empty(shape, g.dtype)
        layer = _layer(shape, w.shape, g.shape[2:], geometry, g.dtype.char)
        self._run(INPUT_GRAD, layer, self.packed(g), self.packed(w), dx)
        return dx

    def conv_weight_grad(self, x: Array, g: Array, geometry: ConvGeometry, kernel: Pair) -> Array:
        if not (has_kernels(x) and has_kernels(g)):
            return super().conv_weight_grad(x, g, geometry, kernel)
        dw = self.xp.empty((g.shape[1], x.shape[1] // geometry.groups, *kernel), x.dtype)
        layer = _layer(x.shape, dw.shape, g.shape[2:], geometry, x.dtype.char)
        self._run(WEIGHT_GRAD, layer, self.packed(x), self.packed(g), dw)
        return dw

    def form_of(self, layer: Layer, direction: str) -> Form:
        """The form that the rule chooses for a convolution."""
        return choose(layer, direction, layer.char == "e" or (layer.char == "f" and switches.allow_tf32))

    def _run(self, direction: str, layer: Layer, *arrays: Array | None, **last: bool) -> None:
        """Compute in the form that the rule says, or that was the fastest at the first time."""
        form = self.form_of(layer, direction)
        if switches.benchmark:
            key = layer, direction, switches.allow_tf32
            form = self.measured.get(key) or self._measure(key, arrays) or form
        getattr(form, direction)(self, *arrays, layer, **last)

    def _measure(self, key: tuple[Layer, str, bool], arrays: tuple[Array | None, ...]) -> Form | None:
        """The fastest of the forms that fit; of equals, the first. None where no time can be told now."""
        layer, direction, _ = key
        times: dict[Form, float] = {}
        for form in FORMS:
            if form.fits(layer):
                time = self.milliseconds_of(functools.partial(getattr(form, direction), self, *arrays, layer))
                if time is None:
                    return None
                times[form] = time
        self.measured[key] = min(times, key=times.__getitem__)
        return self.measured[key]


@functools.lru_cache(maxsize=1024)
def _layer(x: tuple[int, ...], w: tuple[int, ...], out: Pair, geometry: ConvGeometry, char: str) -> Layer:
    """From the shapes of x, w and y."""
    G = geometry.groups
    return Layer(x[0], G, w[1], w[0] // G, (x[2], x[3]), (w[2], w[3]), (out[0], out[1]), geometry, char)
