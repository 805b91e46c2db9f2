"""What a convolution is to the forms that compute it."""

from __future__ import annotations

import math
from typing import NamedTuple

from minicnn.shapes.conv import ConvGeometry, Pair


class Layer(NamedTuple):
    """A convolution's sizes. x (N, G·C, H, W), w (G·O, C, KH, KW), y and g (N, G·O, OH, OW), of a dtype's ``char``."""

    N: int
    G: int
    C: int
    O: int
    size: Pair
    kernel: Pair
    out: Pair
    geometry: ConvGeometry
    char: str

    @property
    def pixels(self) -> int:
        """Of an image of y."""
        return math.prod(self.out)

    @property
    def taps(self) -> int:
        """Numbers of a window in one channel."""
        return math.prod(self.kernel)

    @property
    def walk(self) -> tuple[int, ...]:
        """stride_h, stride_w, top, left, dilation_h, dilation_w: the last numbers of nearly every kernel."""
        (top, _), (left, _) = self.geometry.padding
        return (*self.geometry.stride, top, left, *self.geometry.dilation)
