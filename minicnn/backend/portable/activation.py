"""Pointwise gates and softmax."""

from __future__ import annotations

from typing import Any

from minicnn.backend.portable.arrays import ArrayKernels
from minicnn.backend.portable.conv import wide

Array = Any


class ActivationKernels(ArrayKernels):
    """What activations need beyond array functions."""

    def gate(self, g: Array, is_open: Array) -> Array:
        """g → g where ``is_open``, else 0 (a product would make NaN of a blocked infinity)."""
        return self.xp.where(is_open, g, g.dtype.type(0))

    def softmax(self, x: Array, axis: int) -> Array:
        """x → exp(x) / Σ exp(x) along ``axis``; the maximum is taken off first, so nothing overflows."""
        e = self._shifted(x, axis)
        self.xp.exp(e, out=e)
        e /= e.sum(axis, keepdims=True)
        return e.astype(x.dtype, copy=False)

    def log_softmax(self, x: Array, axis: int) -> Array:
        """x → x − log Σ exp(x) along ``axis``."""
        y = self._shifted(x, axis)
        y -= self.xp.log(self.xp.exp(y).sum(axis, keepdims=True))
        return y.astype(x.dtype, copy=False)

    def softmax_nll(self, x: Array, target: Array, weight: Array) -> tuple[Array, Array]:
        """x (N, C, *), target and weight (N, *) → losses −weight·log softmax(x)[target] (N, *), and softmax(x).

        Where weight is 0 the loss is, too, whatever x is.
        """
        shifted = self._shifted(x, 1)
        picked = shifted[self._at(target)]
        probabilities = self.xp.exp(shifted, out=shifted)
        total = probabilities.sum(1)
        losses = self.gate((self.xp.log(total) - picked) * weight, weight != 0)
        probabilities /= total[:, None]
        return losses.astype(x.dtype, copy=False), probabilities.astype(x.dtype, copy=False)

    def softmax_nll_grad(self, g: Array, probabilities: Array, target: Array, weight: Array) -> Array:
        """g (N, *) → dx = g·weight·(softmax(x) − onehot(target)) (N, C, *); 0 where weight is."""
        scale = g * weight
        dx = self.gate(probabilities * scale[:, None], weight[:, None] != 0)
        dx[self._at(target)] -= scale
        return dx.astype(g.dtype, copy=False)

    def _at(self, target: Array) -> tuple[Array, ...]:
        """The index of x[n, target[n, *], *] in x (N, C, *)."""
        places = [self.xp.arange(n).reshape(-1, *[1] * (target.ndim - 1 - i)) for i, n in enumerate(target.shape)]
        return places[0], target, *places[1:]

    def _shifted(self, x: Array, axis: int) -> Array:
        x = wide(x)
        return x - x.max(axis, keepdims=True) if x.size else x.copy()
