"""Normalisation on CUDA: statistics in two passes over the numbers, and the joint gradient in two.

Batch, layer, group and instance norm are one kernel. They differ in which numbers share statistics: ``Segments``.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from minicnn.backend.cuda.launch import CudaKernels, has_kernels, optional
from minicnn.backend.portable.norm import Axes, NormKernels

Array = Any

PART = 1 << 13  # numbers that one block adds up


@dataclass(frozen=True, slots=True)
class Segments:
    """Number i belongs to segment (i // inner) % many; each has ``length`` numbers."""

    many: int
    inner: int
    length: int

    @property
    def splits(self) -> int:
        """Into how many parts a segment's sum is cut; it depends on sizes alone, as its bits do."""
        return min(64, -(-self.length // PART))


class CudaNormKernels(CudaKernels, NormKernels):
    """Statistics and normalisation in one, and their joint gradient; arguments as in the portable kernels."""

    def normalise(
        self, x: Array, weight: Array | None, bias: Array | None, axes: Axes, eps: float, groups: int | None = None
    ) -> tuple[Array, Array, Array]:
        own, each = _statistics(x.shape, axes, groups), _per_weight(x.shape, bias if weight is None else weight)
        if own is None or each is None or not has_kernels(x):
            return super().normalise(x, weight, bias, axes, eps, groups)
        x = self.packed(x)
        mean, var = (self.xp.empty(own.many, _real(x)) for _ in range(2))
        partial = self.xp.empty((own.many, own.splits, 2), "float64")
        self.launch("norm", "norm_sums", x, own.many * own.splits, x, partial, own.splits, own.many, own.inner,
                    own.length, block_each=True)  # fmt: skip
        self.launch("norm", "norm_statistics", x, own.many, x, partial, mean, var, own.splits, own.inner, own.length)
        y = self.xp.empty_like(x)
        self.launch("norm", "norm_apply", x, x.size, x, mean, var, float(eps), *self._optional(weight, x),
                    *self._optional(bias, x), y, own.many, own.inner, *each)  # fmt: skip
        shape = _kept(x.shape, axes)
        return y, *(_spread(self.xp, statistic, shape, groups) for statistic in (mean, var))

    def normalise_grad(
        self,
        g: Array,
        x: Array,
        weight: Array | None,
        mean: Array,
        var: Array,
        axes: Axes,
        eps: float,
        groups: int | None = None,
    ) -> tuple[Array, Array | None, Array]:
        own, each = _statistics(x.shape, axes, groups), _per_weight(x.shape, weight)
        if own is None or each is None or not has_kernels(x):
            return super().normalise_grad(g, x, weight, mean, var, axes, eps, groups)
        g, x = self.packed(g), self.packed(x)
        mean, var = (_gathered(statistic, x.shape, groups) for statistic in (mean, var))
        given = (g, x, self.packed(mean), self.packed(var), float(eps))
        scale = self._optional(weight, x)
        sums, products = self._sums(given, scale, own, own, each)
        dx = self.xp.empty_like(x)
        self.launch("norm", "norm_grad", x, x.size, *given, *scale, sums, products, dx, own.length, own.many,
                    own.inner, *each)  # fmt: skip
        if weight is None:
            return dx, None, g.astype(mean.dtype, copy=False)
        over = Segments(each[0], each[1], x.size // each[0])
        dbias, dweight = self._sums(given, (x, False), over, own, each)
        shape, dtype = weight.shape, mean.dtype
        return dx, dweight.reshape(shape).astype(dtype, copy=False), dbias.reshape(shape).astype(dtype, copy=False)

    def _sums(
        self, given: tuple[Any, ...], scale: tuple[Array, bool], over: Segments, own: Segments, each: tuple[int, int]
    ) -> tuple[Array, Array]:
        """Σ h and Σ h·x̂ over the segments ``over``, with x̂ by the statistics of the segments ``own``."""
        x = given[1]
        partial = self.xp.empty((over.many, over.splits, 2), "float64")
        self.launch("norm", "norm_grad_sums", x, over.many * over.splits, *given, *scale, partial, over.splits,
                    over.many, over.inner, over.length, own.many, own.inner, *each, block_each=True)  # fmt: skip
        sums, products = (self.xp.empty(over.many, _real(x)) for _ in range(2))
        self.launch("norm", "norm_total", x, over.many, partial, sums, products, over.splits)
        return sums, products

    def _optional(self, array: Array | None, x: Array) -> tuple[Array, bool]:
        return optional(None if array is None else self.packed(array.astype(x.dtype, copy=False)), x)


def _real(x: Array) -> str:
    return "float64" if x.dtype == "float64" else "float32"


def _statistics(shape: tuple[int, ...], axes: Axes, groups: int | None) -> Segments | None:
    """The segments that share statistics; None where the axes that are kept do not lie together."""
    if groups is not None:
        return Segments(shape[0] * groups, math.prod(shape[1:]) // groups, math.prod(shape[1:]) // groups)
    kept = [axis for axis in range(len(shape)) if axis not in axes]
    if not kept or not axes:
        return Segments(1, math.prod(shape), math.prod(shape)) if axes else None
    if kept != list(range(kept[0], kept[-1] + 1)):
        return None
    many = math.prod(shape[axis] for axis in kept)
    return Segments(many, math.prod(shape[kept[-1] + 1 :]), math.prod(shape) // max(1, many))


def _per_weight(shape: tuple[int, ...], weight: Array | None) -> tuple[int, int] | None:
    """(size, inner): number i is scaled by weight (i // inner) % size; None for a weight that is no such block."""
    if weight is None:
        return 1, 1
    padded = (1,) * (len(shape) - weight.ndim) + weight.shape
    own = [axis for axis, size in enumerate(padded) if size > 1]
    if not own:
        return 1, 1
    inside = range(own[0], own[-1] + 1)
    if any(padded[axis] != shape[axis] for axis in inside):
        return None
    return weight.size, math.prod(shape[own[-1] + 1 :])


def _kept(shape: tuple[int, ...], axes: Axes) -> tuple[int, ...]:
    return tuple(1 if axis in axes else size for axis, size in enumerate(shape))


def _spread(xp: Any, statistic: Array, shape: tuple[int, ...], groups: int | None) -> Array:
    """Statistics in the kept shape; those of a group repeated for each of its channels."""
    if groups is not None:
        statistic = xp.repeat(statistic, math.prod(shape) // statistic.size)
    return statistic.reshape(shape)


def _gathered(statistic: Array, shape: tuple[int, ...], groups: int | None) -> Array:
    """One of each group's equal statistics; ``_spread`` turned round."""
    return statistic if groups is None else statistic.reshape(shape[0], groups, -1)[:, :, 0]
