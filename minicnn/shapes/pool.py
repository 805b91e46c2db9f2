"""Sizes of poolings in pure integers: which pixels each window sees, and how many it counts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from minicnn.shapes.conv import Pair, tap_slices


@dataclass(frozen=True, slots=True)
class PoolGeometry:
    """How a pooling window walks over an image. All pairs are (height, width); padding is the same on both sides.

    Example:
        >>> PoolGeometry((3, 3), (2, 2), (1, 1)).output_size((224, 224))
        (112, 112)
    """

    kernel: Pair
    stride: Pair
    padding: Pair = (0, 0)
    dilation: Pair = (1, 1)
    ceil_mode: bool = False

    def output_size(self, size: Sequence[int]) -> Pair:
        """(H, W) → (OH, OW); below 1 where no window fits."""
        return self.axis_size(0, size[0]), self.axis_size(1, size[1])

    def axis_size(self, axis: int, size: int) -> int:
        """Outputs along one axis: ⌊(size + 2·padding − dilation·(kernel − 1) − 1) / stride⌋ + 1, or ⌈…⌉ with ceil_mode.

        The last window of ceil_mode hangs over the right pad, but must start inside the input or the left pad.
        """
        stride, padding = self.stride[axis], self.padding[axis]
        room = size + 2 * padding - self.dilation[axis] * (self.kernel[axis] - 1) - 1
        if not self.ceil_mode:
            return room // stride + 1
        count = -(-room // stride) + 1
        return count - 1 if (count - 1) * stride >= size + padding else count

    def taps(self, axis: int, size: int) -> list[tuple[slice, slice]]:
        """Per position in the window: the pixels it reads along axis 0 (H) or 1 (W), and for which outputs.

        Pixels in the padding are left out, so a pooling reads no pad at all.
        """
        out_size, stride, padding = self.axis_size(axis, size), self.stride[axis], self.padding[axis]
        return [
            tap_slices(tap, size, out_size, stride=stride, before=padding, dilation=self.dilation[axis])
            for tap in range(self.kernel[axis])
        ]

    def divisors(self, axis: int, size: int, count_include_pad: bool = True) -> list[int]:
        """How many pixels along one axis an average counts, per output; a window's count is the product over its axes.

        Explicit padding counts where ``count_include_pad``; what ceil_mode's last window hangs over never does.
        Average pooling has no dilation.

        Example:
            >>> PoolGeometry((3, 1), (2, 1), (1, 0), ceil_mode=True).divisors(0, 4)
            [3, 3, 2]
        """
        padding = self.padding[axis]
        margin = padding if count_include_pad else 0
        starts = [i * self.stride[axis] - padding for i in range(self.axis_size(axis, size))]
        return [min(start + self.kernel[axis], size + margin) - max(start, -margin) for start in starts]

    def unpooled_size(self, size: Sequence[int]) -> Pair:
        """(OH, OW) → the (H, W) that max_unpool2d chooses: (size − 1)·stride − 2·padding + kernel."""
        height, width = (
            (n - 1) * s - 2 * p + k for n, k, s, p in zip(size, self.kernel, self.stride, self.padding, strict=True)
        )
        return height, width


def adaptive_bins(size: int, out_size: int) -> list[Pair]:
    """The (start, end) of each adaptive bin: ⌊i·size/out⌋ to ⌈(i + 1)·size/out⌉. They overlap where it does not divide.

    Example:
        >>> adaptive_bins(5, 3)
        [(0, 2), (1, 4), (3, 5)]
    """
    return [(i * size // out_size, -(-(i + 1) * size // out_size)) for i in range(out_size)]
