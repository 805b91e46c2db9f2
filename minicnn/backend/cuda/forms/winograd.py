"""3×3 convolution at stride 1 by Winograd's F(2×2, 3×3): 16 products for four output pixels, where there were 36.

Three kernels and a product: sums of the weights, sums of the inputs' 4×4 tiles, one product over channels for each of a
tile's 16 numbers (all 16 in one call), sums of the products. ``kernels/winograd.cu`` has the formulas. The input
gradient is the same with turned weights; the weight gradient takes sums of g's 2×2 tiles, and its products are over
tiles.

S. Winograd, Arithmetic Complexity of Computations (1980); A. Lavin and S. Gray, Fast Algorithms for Convolutional
Neural Networks, https://arxiv.org/abs/1509.09308
"""

from __future__ import annotations

from typing import Any

from minicnn.backend.cuda.forms.columns import images_at_a_time
from minicnn.backend.cuda.launch import optional
from minicnn.backend.cuda.layer import Layer
from minicnn.shapes.conv import Pair

Array = Any


def fits(layer: Layer) -> bool:
    """3×3 at stride 1 without dilation; float32 or float64, as sums of float16 would lose digits."""
    geometry = layer.geometry
    return layer.kernel == (3, 3) and geometry.stride == geometry.dilation == (1, 1) and layer.char != "e"


def forward(device: Any, x: Array, w: Array, b: Array | None, y: Array, layer: Layer, relu: bool = False) -> None:
    """Rows O, depth C."""
    (top, _), (left, _) = layer.geometry.padding
    _correlate(device, x, w, b, y, layer, (layer.O, layer.C), (top, left), turned=False, relu=relu)


def input_grad(device: Any, g: Array, w: Array, dx: Array, layer: Layer) -> None:
    """Rows C, depth O: a correlation of g, padded the other way round, with the turned weights."""
    (top, _), (left, _) = layer.geometry.padding
    _correlate(device, g, w, None, dx, layer, (layer.C, layer.O), (2 - top, 2 - left), turned=True)


def weight_grad(device: Any, x: Array, g: Array, dw: Array, layer: Layer) -> None:
    """Sums over the tiles of all images, in groups that the workspace holds."""
    N, G, C, O, (OH, OW) = layer.N, layer.G, layer.C, layer.O, layer.out
    (top, _), (left, _) = layer.geometry.padding
    sums = device.xp.empty((16 * G, O, C), x.dtype)
    for part in images_at_a_time(N, 16 * G * max(C, O) * _tiles(layer.out) * x.itemsize):
        count = len(g[part])
        h = device.xp.empty((16 * G, O, count * _tiles(layer.out)), g.dtype)
        device.launch("winograd", "winograd_gradients", g, h.size // 16, g[part], h, count, G * O, OH, OW)
        v = _inputs(device, x[part], G, layer.out, (top, left))
        device.product(h, v.transpose(0, 2, 1), sums, add=part.start > 0)
    device.launch("winograd", "winograd_weight_grad", x, G * O * C, sums, x, g, dw, N, G, O, C, *layer.size, OH, OW,
                  top, left)  # fmt: skip


def _correlate(
    device: Any,
    x: Array,
    w: Array,
    b: Array | None,
    y: Array,
    layer: Layer,
    channels: Pair,
    corner: Pair,
    *,
    turned: bool,
    relu: bool = False,
) -> None:
    """y (N, G·R, …) of x (N, G·D, …), whose image begins ``corner`` pixels before the first window's end."""
    G, (R, D), size, out = layer.G, channels, x.shape[2:], y.shape[2:]
    u = device.xp.empty((16 * G, R, D), w.dtype)
    device.launch("winograd", "winograd_weights", w, G * R * D, w, u, R, D, turned)
    for part in images_at_a_time(len(x), 16 * G * max(R, D) * _tiles(out) * x.itemsize):
        products, count = device.product(u, _inputs(device, x[part], G, out, corner)), len(x[part])
        device.launch("winograd", "winograd_outputs", x, products.size // 16, products, x[part], w, *optional(b, w),
                      relu, y[part], count, G, R, D, *size, *out, *corner, turned)  # fmt: skip


def _inputs(device: Any, x: Array, groups: int, out: Pair, corner: Pair) -> Array:
    """x (N, G·D, H, W) → (16·G, D, N·TH·TW): the sums of its tiles."""
    (N, C), tiles = x.shape[:2], _tiles(out)
    v = device.xp.empty((16 * groups, C // groups, N * tiles), x.dtype)
    across = (-(-out[0] // 2), -(-out[1] // 2))
    device.launch("winograd", "winograd_inputs", x, C * N * tiles, x, v, N, C, *x.shape[2:], *across, *corner)
    return v


def _tiles(out: Pair) -> int:
    """2×2 tiles that cover an image."""
    return -(-out[0] // 2) * -(-out[1] // 2)
