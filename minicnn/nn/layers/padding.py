"""Padding layers: what is put around the last one or two dimensions. A negative padding crops."""

from __future__ import annotations

from collections.abc import Sequence, Sized
from typing import ClassVar

from minicnn.errors import OptionError
from minicnn.nn import functional as F
from minicnn.nn.module import Module
from minicnn.shapes.conv import ntuple
from minicnn.tensor import Tensor

__all__ = [
    "CircularPad1d", "CircularPad2d", "ConstantPad1d", "ConstantPad2d", "ReflectionPad1d", "ReflectionPad2d",
    "ReplicationPad1d", "ReplicationPad2d", "ZeroPad1d", "ZeroPad2d",
]  # fmt: skip

Sizes = int | Sequence[int]


class _Pad(Module):
    """Pads as ``F.pad`` does in ``mode``, by (left, right), (left, right, top, bottom), or one number for all."""

    dims: ClassVar[int]
    mode: ClassVar[str]

    def __init__(self, padding: Sizes) -> None:
        super().__init__()
        several = len(padding) if isinstance(padding, Sized) and getattr(padding, "ndim", 1) > 0 else 2 * self.dims
        self.padding = ntuple(padding, several, f"{type(self).__name__}: padding")
        if several % 2:
            raise OptionError(f"{type(self).__name__}: padding has {several} numbers", got=repr(padding),
                              rule="an int, or two for each dimension: before and after, the last dimension first",
                              hint=repr((1,) * 2 * self.dims))

    def forward(self, input: Tensor) -> Tensor:
        """``input`` padded."""
        return F.pad(input, self.padding, mode=self.mode)

    def extra_repr(self) -> str:
        """The sizes."""
        return str(self.padding)


class _ConstantPad(_Pad):
    mode = "constant"

    def __init__(self, padding: Sizes, value: float) -> None:
        super().__init__(padding)
        self.value = value

    def forward(self, input: Tensor) -> Tensor:
        """``input`` padded."""
        return F.pad(input, self.padding, mode=self.mode, value=self.value)

    def extra_repr(self) -> str:
        """The sizes and the value."""
        return f"padding={self.padding}, value={self.value}"


class ConstantPad1d(_ConstantPad):
    """``value`` before and after the last dimension: (N, C, L) → (N, C, L + left + right)."""

    dims = 1


class ConstantPad2d(_ConstantPad):
    """``value`` around an image: (N, C, H, W) → (N, C, H + top + bottom, W + left + right)."""

    dims = 2


class ZeroPad1d(ConstantPad1d):
    """Zeros before and after the last dimension."""

    def __init__(self, padding: Sizes) -> None:
        super().__init__(padding, 0.0)

    extra_repr = _Pad.extra_repr


class ZeroPad2d(ConstantPad2d):
    """Zeros around an image.

    Example:
        >>> nn.ZeroPad2d((1, 2, 0, 0))(mc.ones(1, 1, 1, 2))
        tensor([[[[0., 1., 1., 0., 0.]]]])
    """

    def __init__(self, padding: Sizes) -> None:
        super().__init__(padding, 0.0)

    extra_repr = _Pad.extra_repr


class ReflectionPad1d(_Pad):
    """The values next to the edge, mirrored in it (``cb|abc|ba``); padding is below the size."""

    dims, mode = 1, "reflect"


class ReflectionPad2d(_Pad):
    """The pixels next to the edge, mirrored in it; padding is below the size."""

    dims, mode = 2, "reflect"


class ReplicationPad1d(_Pad):
    """The value at the edge, repeated (``aa|abc|cc``)."""

    dims, mode = 1, "replicate"


class ReplicationPad2d(_Pad):
    """The pixels at the edge, repeated."""

    dims, mode = 2, "replicate"


class CircularPad1d(_Pad):
    """The values from the other end (``bc|abc|ab``)."""

    dims, mode = 1, "circular"


class CircularPad2d(_Pad):
    """The pixels from the other end."""

    dims, mode = 2, "circular"
