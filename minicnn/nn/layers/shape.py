"""Layers that only move elements: flattening, windows to columns and back, pixels to channels and back."""

from __future__ import annotations

from collections.abc import Sequence

from minicnn.errors import DtypeError
from minicnn.nn import functional as F
from minicnn.nn.layers.base import Layer
from minicnn.ops.shape import flatten, unflatten
from minicnn.tensor import Tensor

__all__ = ["ChannelShuffle", "Flatten", "Fold", "PixelShuffle", "PixelUnshuffle", "Unflatten", "Unfold"]

Sizes = int | Sequence[int]


class Flatten(Layer):
    """Merges the dimensions from ``start_dim`` to ``end_dim`` into one: by default (N, *) → (N, size).

    Example:
        >>> nn.Flatten()(mc.zeros(8, 16, 5, 5)).shape
        Size([8, 400])
    """

    def __init__(self, start_dim: int = 1, end_dim: int = -1) -> None:
        super().__init__(start_dim=start_dim, end_dim=end_dim)

    def forward(self, input: Tensor) -> Tensor:
        return flatten(input, self.start_dim, self.end_dim)


class Unflatten(Layer):
    """Splits the dimension ``dim`` into ``unflattened_size``, one size of which may be -1.

    Example:
        >>> nn.Unflatten(1, (16, 5, 5))(mc.zeros(8, 400)).shape
        Size([8, 16, 5, 5])
    """

    def __init__(self, dim: int, unflattened_size: Sequence[int]) -> None:
        if not isinstance(unflattened_size, (tuple, list)) or not all(isinstance(n, int) for n in unflattened_size):
            raise DtypeError("Unflatten: unflattened_size is no tuple of integers", got=repr(unflattened_size),
                             rule="the sizes that the dimension is split into", hint="(-1,)")
        super().__init__(dim=dim, unflattened_size=unflattened_size)

    def forward(self, input: Tensor) -> Tensor:
        return unflatten(input, self.dim, self.unflattened_size)


class Unfold(Layer):
    """The windows of an image as columns: (N, C, H, W) → (N, C·KH·KW, windows). See ``F.unfold``."""

    def __init__(self, kernel_size: Sizes, dilation: Sizes = 1, padding: Sizes = 0, stride: Sizes = 1) -> None:
        super().__init__(kernel_size=kernel_size, dilation=dilation, padding=padding, stride=stride)

    def forward(self, input: Tensor) -> Tensor:
        return F.unfold(input, self.kernel_size, self.dilation, self.padding, self.stride)


class Fold(Layer):
    """Sums columns back into an image: (N, C·KH·KW, windows) → (N, C, *output_size). See ``F.fold``."""

    def __init__(
        self, output_size: Sizes, kernel_size: Sizes, dilation: Sizes = 1, padding: Sizes = 0, stride: Sizes = 1
    ) -> None:
        super().__init__(output_size=output_size, kernel_size=kernel_size, dilation=dilation, padding=padding,
                         stride=stride)

    def forward(self, input: Tensor) -> Tensor:
        return F.fold(input, self.output_size, self.kernel_size, self.dilation, self.padding, self.stride)


class PixelShuffle(Layer):
    """Channels to pixels: (N, C·r², H, W) → (N, C, H·r, W·r). See ``F.pixel_shuffle``."""

    def __init__(self, upscale_factor: int) -> None:
        super().__init__(upscale_factor=upscale_factor)

    def forward(self, input: Tensor) -> Tensor:
        return F.pixel_shuffle(input, self.upscale_factor)


class PixelUnshuffle(Layer):
    """Pixels to channels: (N, C, H·r, W·r) → (N, C·r², H, W). See ``F.pixel_unshuffle``."""

    def __init__(self, downscale_factor: int) -> None:
        super().__init__(downscale_factor=downscale_factor)

    def forward(self, input: Tensor) -> Tensor:
        return F.pixel_unshuffle(input, self.downscale_factor)


class ChannelShuffle(Layer):
    """Deals the channels of each group out over all groups: (N, C, *) → (N, C, *). See ``F.channel_shuffle``."""

    def __init__(self, groups: int) -> None:
        super().__init__(groups=groups)

    def forward(self, input: Tensor) -> Tensor:
        return F.channel_shuffle(input, self.groups)
