"""Softmax cross-entropy on CUDA: one launch forward, one backward."""

from __future__ import annotations

import math
from typing import Any

from minicnn.backend.cuda.launch import CudaKernels, has_kernels, optional
from minicnn.backend.portable.activation import ActivationKernels

Array = Any


class CudaSoftmaxKernels(CudaKernels, ActivationKernels):
    """x (N, C, *); target, weight and kept (N, *), the last two or None; as in the portable kernels."""

    def softmax_nll(
        self, x: Array, target: Array, weight: Array | None, kept: Array | None
    ) -> tuple[Array, Array]:
        if not has_kernels(x):
            return super().softmax_nll(x, target, weight, kept)
        x, (target, *options) = self.packed(x), self._labels(x, target, weight, kept)
        losses, probabilities = self.xp.empty(target.shape, x.dtype), self.xp.empty_like(x)
        self.launch("softmax", "softmax_nll", x, losses.size, x, target, *options, losses, probabilities, x.shape[1],
                    math.prod(x.shape[2:]), block_each=True)  # fmt: skip
        return losses, probabilities

    def softmax_nll_grad(
        self, g: Array, probabilities: Array, target: Array, weight: Array | None, kept: Array | None
    ) -> Array:
        if not has_kernels(probabilities):
            return super().softmax_nll_grad(g, probabilities, target, weight, kept)
        p, (target, *options) = self.packed(probabilities), self._labels(probabilities, target, weight, kept)
        dx = self.xp.empty_like(p)
        self.launch("softmax", "softmax_nll_grad", p, dx.size, self.packed(g), p, target, *options, dx, p.shape[1],
                    math.prod(p.shape[2:]))  # fmt: skip
        return dx

    def _labels(self, x: Array, target: Array, weight: Array | None, kept: Array | None) -> tuple[Any, ...]:
        """target as int64, weight in x's dtype and whether there is one, kept as bytes and whether there is one."""
        target = self.packed(target.astype("int64", copy=False))
        weight = None if weight is None else self.packed(weight.astype(x.dtype, copy=False))
        kept = None if kept is None else self.packed(kept).view("uint8")
        return (target, *optional(weight, target), *optional(kept, target))
