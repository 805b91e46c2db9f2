"""Resizing layers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from minicnn.errors import DtypeError, MinicnnError
from minicnn.nn import functional as F
from minicnn.nn.layers.base import Layer
from minicnn.tensor import Tensor

__all__ = ["Upsample", "UpsamplingBilinear2d", "UpsamplingNearest2d"]

Sizes = int | Sequence[int]
Factors = float | Sequence[float]


class Upsample(Layer):
    """Resizes the dimensions after the channels, to ``size`` or by ``scale_factor``. See ``F.interpolate``.

    Args:
        size: the new size, or sizes.
        scale_factor: how many times the old one; either this or ``size``.
        mode: ``"nearest"``, ``"nearest-exact"``, ``"linear"`` (one dimension), ``"bilinear"`` or ``"bicubic"`` (two).
        align_corners: whether the corner pixels' centres stay in the corners (for the linear and cubic modes).
        recompute_scale_factor: compute with the scale that the rounded new size really is.
    """

    def __init__(
        self, size: Sizes | None = None, scale_factor: Factors | None = None, mode: str = "nearest",
        align_corners: bool | None = None, recompute_scale_factor: bool | None = None,
    ) -> None:  # fmt: skip
        factor = _floats(type(self).__name__, scale_factor)
        super().__init__(size=size, scale_factor=factor, mode=mode, align_corners=align_corners,
                         recompute_scale_factor=recompute_scale_factor)

    def forward(self, input: Tensor) -> Tensor:
        return F.interpolate(input, self.size, self.scale_factor, self.mode, self.align_corners,
                             recompute_scale_factor=self.recompute_scale_factor)

    def extra_repr(self) -> str:
        target = f"size={self.size}" if self.scale_factor is None else f"scale_factor={self.scale_factor}"
        return f"{target}, mode={self.mode!r}"


class UpsamplingNearest2d(Upsample):
    """Upsample of an image by repeating pixels."""

    def __init__(self, size: Sizes | None = None, scale_factor: Factors | None = None) -> None:
        super().__init__(size, scale_factor, mode="nearest")


class UpsamplingBilinear2d(Upsample):
    """Upsample of an image by bilinear interpolation with aligned corners."""

    def __init__(self, size: Sizes | None = None, scale_factor: Factors | None = None) -> None:
        super().__init__(size, scale_factor, mode="bilinear", align_corners=True)


def _floats(owner: str, factor: Factors | None) -> float | tuple[float, ...] | None:
    if factor is None:
        return None
    try:
        if isinstance(factor, Sequence) and not isinstance(factor, str | bytes):
            return tuple(map(_float, factor))
        return _float(factor)
    except (TypeError, MinicnnError):
        raise DtypeError(f"{owner}: scale_factor is no number", got=repr(factor)[:80],
                         rule="a number, or one for each dimension", hint="scale_factor=2") from None


def _float(factor: Any) -> float:
    if isinstance(factor, str | bytes):
        raise TypeError
    return float(factor)
