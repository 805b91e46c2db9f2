"""Normalisation over any axes: batch, layer, group and instance norm are one formula and one gradient."""

from __future__ import annotations

import math
from typing import Any

from minicnn.backend.portable.arrays import ArrayKernels, wide

Array = Any
Axes = tuple[int, ...]


class NormKernels(ArrayKernels):
    """Statistics and normalisation in one, and their joint gradient."""

    def normalise(
        self, x: Array, weight: Array | None, bias: Array | None, axes: Axes, eps: float, groups: int | None = None
    ) -> tuple[Array, Array, Array]:
        """x → y = (x − mean) / √(var + eps) · weight + bias; mean; var. They are x's over ``axes`` (kept, size 1), var
        the biased one; with ``groups``, also over the C/groups channels of each group (each has the group's)."""
        y = wide(x)
        mean = _mean(y, axes, groups)
        y = y - mean
        var = _mean(y * y, axes, groups)
        y *= (var + eps) ** -0.5
        if weight is not None:
            y *= weight
        if bias is not None:
            y += bias
        return y.astype(x.dtype, copy=False), mean, var

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
        """g → dx = rstd·(h − mean(h) − x̂·mean(h·x̂)), h = g·weight; dweight = Σ g·x̂, dbias = Σ g, in weight's shape.

        x̂ = (x − mean)·rstd is computed again, and rstd = 1 / √(var + eps).
        """
        rstd = (var + eps) ** -0.5
        normal = (x.astype(mean.dtype, copy=False) - mean) * rstd
        h = g.astype(mean.dtype, copy=False)
        dweight, dbias = None, h
        if weight is not None:
            dweight, dbias = _sum_to(h * normal, weight.shape), _sum_to(h, weight.shape)
            h = h * weight
        dx = h - _mean(h, axes, groups) - normal * _mean(h * normal, axes, groups)
        dx *= rstd
        return dx.astype(x.dtype, copy=False), dweight, dbias

    def scale_shift(self, x: Array, scale: Array, shift: Array) -> Array:
        """x → y = x·scale + shift, in x's dtype; scale and shift broadcast to x."""
        y = wide(x) * scale
        y += shift
        return y.astype(x.dtype, copy=False)


def _mean(x: Array, axes: Axes, groups: int | None = None) -> Array:
    if not x.size:
        return _sum(x, axes) / math.nan
    mean = _sum(x, axes) / math.prod(x.shape[axis] for axis in axes)
    if groups is None:
        return mean
    parts = mean.reshape(len(x), groups, -1)
    return parts.mean(2, keepdims=True).repeat(parts.shape[2], axis=2).reshape(mean.shape)


def _sum_to(x: Array, shape: tuple[int, ...]) -> Array:
    """x summed over what broadcasting ``shape`` to it repeated."""
    lead = x.ndim - len(shape)
    axes = (*range(lead), *(lead + i for i, size in enumerate(shape) if size == 1))
    return _sum(x, axes).reshape(shape)


def _sum(x: Array, axes: Axes) -> Array:
    """Σ x over ``axes`` (kept, size 1): the last in x's dtype, where it is short, and all others in float64."""
    if not axes:
        return x
    last = x.sum(axes[-1], keepdims=True)
    return last.sum(axes[:-1], dtype="float64", keepdims=True).astype(x.dtype, copy=False)
