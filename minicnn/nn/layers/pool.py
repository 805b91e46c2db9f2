"""Pooling: the maximum, the mean or a norm of each window, and the inverse of max-pooling."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from minicnn.nn import functional as F
from minicnn.nn.layers.base import Layer
from minicnn.shapes.conv import ntuple
from minicnn.tensor import Tensor

__all__ = [
    "AdaptiveAvgPool1d", "AdaptiveAvgPool2d", "AdaptiveMaxPool1d", "AdaptiveMaxPool2d", "AvgPool1d", "AvgPool2d",
    "LPPool1d", "LPPool2d", "MaxPool1d", "MaxPool2d", "MaxUnpool1d", "MaxUnpool2d",
]  # fmt: skip

Sizes = int | Sequence[int]
OutputSizes = int | None | Sequence[int | None]


class _MaxPool(Layer):
    hidden = ("return_indices",)

    def __init__(
        self, kernel_size: Sizes, stride: Sizes | None = None, padding: Sizes = 0, dilation: Sizes = 1,
        return_indices: bool = False, ceil_mode: bool = False,
    ) -> None:  # fmt: skip
        super().__init__(kernel_size=kernel_size, stride=kernel_size if stride is None else stride, padding=padding,
                         dilation=dilation, return_indices=return_indices, ceil_mode=ceil_mode)

    def _arguments(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self._options}


class MaxPool1d(_MaxPool):
    """The maximum of each window: (N, C, L) or (C, L) → (N, C, OL). See ``MaxPool2d`` and ``F.max_pool1d``."""

    def forward(self, input: Tensor) -> Any:
        """The maxima, and with ``return_indices`` where they are."""
        return F.max_pool1d(input, **self._arguments())


class MaxPool2d(_MaxPool):
    """The maximum of each window: (N, C, H, W) or (C, H, W) → (N, C, OH, OW). See ``F.max_pool2d``.

    Args:
        kernel_size: the window's height and width, or one number for both; so for the next three.
        stride: the step from one window to the next, ``kernel_size`` where None.
        padding: −∞ put on each side, at most half the window.
        dilation: the distance between the elements of a window.
        return_indices: also return the position of each maximum in its plane, for ``MaxUnpool2d``.
        ceil_mode: let the last window hang over the edge, where it starts inside.

    Example:
        >>> nn.MaxPool2d(2)(mc.zeros(8, 6, 28, 28)).shape
        Size([8, 6, 14, 14])
    """

    def forward(self, input: Tensor) -> Any:
        """The maxima, and with ``return_indices`` where they are."""
        return F.max_pool2d(input, **self._arguments())


class _MaxUnpool(Layer):
    dims: ClassVar[int]

    def __init__(self, kernel_size: Sizes, stride: Sizes | None = None, padding: Sizes = 0) -> None:
        given = {"kernel_size": kernel_size, "stride": kernel_size if stride is None else stride, "padding": padding}
        super().__init__(**{k: ntuple(v, self.dims, f"{type(self).__name__}: {k}") for k, v in given.items()})


class MaxUnpool1d(_MaxUnpool):
    """Undoes ``MaxPool1d``: puts each value where the maximum was, zeros elsewhere. See ``F.max_unpool1d``."""

    dims = 1

    def forward(self, input: Tensor, indices: Tensor, output_size: Sequence[int] | None = None) -> Tensor:
        """``input`` at ``indices``; ``output_size`` chooses among the sizes that pool to that of ``input``."""
        return F.max_unpool1d(input, indices, self.kernel_size, self.stride, self.padding, output_size)


class MaxUnpool2d(_MaxUnpool):
    """Undoes ``MaxPool2d``: puts each value where the maximum was, zeros elsewhere. See ``F.max_unpool2d``."""

    dims = 2

    def forward(self, input: Tensor, indices: Tensor, output_size: Sequence[int] | None = None) -> Tensor:
        """``input`` at ``indices``; ``output_size`` chooses among the sizes that pool to that of ``input``."""
        return F.max_unpool2d(input, indices, self.kernel_size, self.stride, self.padding, output_size)


class AvgPool1d(Layer):
    """The mean of each window: (N, C, L) or (C, L) → (N, C, OL). See ``AvgPool2d`` and ``F.avg_pool1d``."""

    hidden = ("ceil_mode", "count_include_pad")

    def __init__(
        self, kernel_size: Sizes, stride: Sizes | None = None, padding: Sizes = 0, ceil_mode: bool = False,
        count_include_pad: bool = True,
    ) -> None:  # fmt: skip
        super().__init__(
            kernel_size=ntuple(kernel_size, 1, "AvgPool1d: kernel_size"),
            stride=ntuple(kernel_size if stride is None else stride, 1, "AvgPool1d: stride"),
            padding=ntuple(padding, 1, "AvgPool1d: padding"),
            ceil_mode=ceil_mode, count_include_pad=count_include_pad)  # fmt: skip

    def forward(self, input: Tensor) -> Tensor:
        """The means."""
        return F.avg_pool1d(input, self.kernel_size, self.stride, self.padding, self.ceil_mode, self.count_include_pad)


class AvgPool2d(Layer):
    """The mean of each window: (N, C, H, W) or (C, H, W) → (N, C, OH, OW). See ``F.avg_pool2d``.

    Args:
        kernel_size: the window's height and width, or one number for both; so for the next two.
        stride: the step from one window to the next, ``kernel_size`` where None.
        padding: zeros put on each side.
        ceil_mode: let the last window hang over the edge, where it starts inside.
        count_include_pad: whether the padding's zeros count in the mean (an overhang never does).
        divisor_override: divide by this instead of the count.
    """

    hidden = ("ceil_mode", "count_include_pad", "divisor_override")

    def __init__(
        self, kernel_size: Sizes, stride: Sizes | None = None, padding: Sizes = 0, ceil_mode: bool = False,
        count_include_pad: bool = True, divisor_override: int | None = None,
    ) -> None:  # fmt: skip
        super().__init__(kernel_size=kernel_size, stride=kernel_size if stride is None else stride, padding=padding,
                         ceil_mode=ceil_mode, count_include_pad=count_include_pad, divisor_override=divisor_override)

    def forward(self, input: Tensor) -> Tensor:
        """The means."""
        return F.avg_pool2d(input, self.kernel_size, self.stride, self.padding, self.ceil_mode, self.count_include_pad,
                            self.divisor_override)


class _LPPool(Layer):
    def __init__(
        self, norm_type: float, kernel_size: Sizes, stride: Sizes | None = None, ceil_mode: bool = False
    ) -> None:
        super().__init__(norm_type=norm_type, kernel_size=kernel_size, stride=stride, ceil_mode=ceil_mode)


class LPPool1d(_LPPool):
    """(Σ x^p)^(1/p) over each window: (N, C, L) or (C, L) → (N, C, OL). See ``F.lp_pool1d``."""

    def forward(self, input: Tensor) -> Tensor:
        """The norms."""
        return F.lp_pool1d(input, float(self.norm_type), self.kernel_size, self.stride, self.ceil_mode)


class LPPool2d(_LPPool):
    """(Σ x^p)^(1/p) over each window: (N, C, H, W) → (N, C, OH, OW). See ``F.lp_pool2d``."""

    def forward(self, input: Tensor) -> Tensor:
        """The norms."""
        return F.lp_pool2d(input, float(self.norm_type), self.kernel_size, self.stride, self.ceil_mode)


class _AdaptivePool(Layer):
    def __init__(self, output_size: OutputSizes) -> None:
        super().__init__(output_size=output_size)


class AdaptiveAvgPool1d(_AdaptivePool):
    """Means over ``output_size`` bins, whatever the length: (N, C, L) → (N, C, OL). See ``F.adaptive_avg_pool1d``."""

    def forward(self, input: Tensor) -> Tensor:
        """The means."""
        return F.adaptive_avg_pool1d(input, self.output_size)


class AdaptiveAvgPool2d(_AdaptivePool):
    """Means over a grid of ``output_size`` bins, whatever the input's size: (N, C, H, W) → (N, C, OH, OW).

    Bin i of n covers ⌊i·H/n⌋ to ⌈(i+1)·H/n⌉; None keeps that size. See ``F.adaptive_avg_pool2d``.

    Example:
        >>> nn.AdaptiveAvgPool2d(1)(mc.zeros(8, 512, 7, 7)).shape
        Size([8, 512, 1, 1])
    """

    def forward(self, input: Tensor) -> Tensor:
        """The means."""
        return F.adaptive_avg_pool2d(input, self.output_size)


class _AdaptiveMaxPool(Layer):
    hidden = ("return_indices",)

    def __init__(self, output_size: OutputSizes, return_indices: bool = False) -> None:
        super().__init__(output_size=output_size, return_indices=return_indices)


class AdaptiveMaxPool1d(_AdaptiveMaxPool):
    """Maxima over ``output_size`` bins: (N, C, L) → (N, C, OL). See ``F.adaptive_max_pool1d``."""

    def forward(self, input: Tensor) -> Any:
        """The maxima, and with ``return_indices`` where they are."""
        return F.adaptive_max_pool1d(input, self.output_size, self.return_indices)


class AdaptiveMaxPool2d(_AdaptiveMaxPool):
    """Maxima over a grid of ``output_size`` bins: (N, C, H, W) → (N, C, OH, OW). See ``F.adaptive_max_pool2d``."""

    def forward(self, input: Tensor) -> Any:
        """The maxima, and with ``return_indices`` where they are."""
        return F.adaptive_max_pool2d(input, self.output_size, self.return_indices)
