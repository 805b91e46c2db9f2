"""Gates, softmax and the linear layer."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from minicnn.backend.portable.arrays import ArrayKernels, wide

Array = Any


class ActivationKernels(ArrayKernels):
    """What layers between convolutions need beyond array functions."""

    relu_in_last_pass = False
    """Whether ``conv_relu`` and ``linear_relu`` compute the ReLU in the pass that writes the result; where they do not,
    they buy nothing, and layers do not ask for them. Not on a CPU, where a step's ReLUs take .1 to .7 % (``steps``)."""

    def relu(self, x: Array, out: Array | None = None) -> Array:
        """x → max(x, 0), into ``out`` if that is given; NaN stays NaN."""
        return self.xp.maximum(x, 0, out=out)

    def clip(self, x: Array, low: float, high: float, out: Array | None = None) -> Array:
        """x → min(max(x, low), high), into ``out`` if that is given; NaN stays NaN."""
        return self.xp.minimum(self.xp.maximum(x, low, out=out), high, out=out)

    def gate(self, g: Array, is_open: Array) -> Array:
        """g → g where ``is_open``, else 0 (a product would make NaN of a blocked infinity)."""
        return self.xp.where(is_open, g, g.dtype.type(0))

    def gate_by(self, g: Array, x: Array, is_open: Callable[[Array], Array]) -> Array:
        """g → g where ``is_open(x)``, else 0; ``is_open`` asks each number alone, so a backend may do so by parts."""
        return self.gate(g, is_open(x))

    def choose(self, condition: Array, x: Array, y: Array) -> Array:
        """x where ``condition``, else y; all of one shape, x and y of one floating dtype."""
        return self.xp.where(condition, x, y)

    def linear(self, x: Array, w: Array, b: Array | None) -> Array:
        """x (*, I), w (O, I), b (O,) → y = x·wᵀ + b (*, O), as one product whatever the leading dimensions."""
        y = self.matmul(wide(x).reshape(math.prod(x.shape[:-1]), x.shape[-1]), wide(w).T)
        if b is not None:
            y += b
        return y.astype(x.dtype, copy=False).reshape(*x.shape[:-1], len(w))

    def linear_relu(self, x: Array, w: Array, b: Array | None) -> Array:
        """x, w, b → max(linear(x, w, b), 0) (*, O), NaN staying NaN."""
        y = self.linear(x, w, b)
        return self.relu(y, y)

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

    def softmax_grad(self, g: Array, y: Array, axis: int) -> Array:
        """g, and y = softmax(x) → dx = y · (g − Σ g·y)."""
        return self.xp.asarray(y * (g - (g * y).sum(axis, keepdims=True)))

    def log_softmax_grad(self, g: Array, y: Array, axis: int) -> Array:
        """g, and y = log softmax(x) → dx = g − exp(y) · Σ g."""
        return self.xp.asarray(g - self.xp.exp(y) * g.sum(axis, keepdims=True))

    def softmax_nll(
        self, x: Array, target: Array, weight: Array | None, kept: Array | None
    ) -> tuple[Array, Array]:
        """x (N, C, *), target, weight and kept (N, *) → −weight·log softmax(x)[target] (N, *), and softmax(x).

        Weight None is 1. Where not ``kept`` (None: everywhere kept) the loss is 0, whatever x is.
        """
        shifted = self._shifted(x, 1)
        picked = shifted[self._at(target)]
        probabilities = self.xp.exp(shifted, out=shifted)
        total = probabilities.sum(1)
        losses = self.xp.log(total) - picked
        if weight is not None:
            losses *= weight
        if kept is not None:
            losses = self.gate(losses, kept)
        probabilities /= total[:, None]
        return losses.astype(x.dtype, copy=False), probabilities.astype(x.dtype, copy=False)

    def softmax_nll_grad(
        self, g: Array, probabilities: Array, target: Array, weight: Array | None, kept: Array | None
    ) -> Array:
        """g (N, *) → dx = g·weight·(softmax(x) − onehot(target)) (N, C, *); 0 where not ``kept``."""
        scale = g if weight is None else g * weight
        dx = probabilities * scale[:, None]
        dx[self._at(target)] -= scale
        return dx if kept is None else self.gate(dx, kept[:, None])

    def _at(self, target: Array) -> tuple[Array, ...]:
        """The index of x[n, target[n, *], *] in x (N, C, *)."""
        places = [self.xp.arange(n).reshape(-1, *[1] * (target.ndim - 1 - i)) for i, n in enumerate(target.shape)]
        return places[0], target, *places[1:]

    def _shifted(self, x: Array, axis: int) -> Array:
        x = wide(x)
        return self.xp.asarray(x - x.max(axis, keepdims=True)) if x.size else x.copy()
