"""Noise on CUDA: the host's stream goes on in the device's memory, to the same numbers, and nothing is brought."""

from __future__ import annotations

from typing import Any

import numpy as np

from minicnn.backend.cuda.launch import CudaKernels, has_kernels, optional
from minicnn.backend.portable.random import RandomKernels, Stream

Array = Any

AT_ONCE = 1 << 21
"""Values whose words are drawn together: 16 MiB of them, however large the mask is."""


class CudaRandomKernels(CudaKernels, RandomKernels):
    """Arguments and results as in the portable kernels; ``stream.on_device`` keeps the stream's state on the device."""

    def dropout_noise(self, stream: Stream, shape: tuple[int, ...], keep: float, dtype: Any) -> Array:
        noise = self.xp.empty(shape, dtype)
        if keep in (0, 1) or not has_kernels(noise):
            return super().dropout_noise(stream, shape, keep, dtype)
        values = np.array([0, 1], dtype)
        values /= keep  # as the host divides a mask, to the bit
        flat = noise.reshape(-1)
        with stream.on_device(self) as state:
            for start in range(0, flat.size, AT_ONCE):
                part = flat[start : start + AT_ONCE]
                words = self._words(state, part.size, part)
                self.launch("random", "random_noise", part, part.size, words, float(keep), *map(float, values), part)
        return noise

    def rrelu_slopes(self, stream: Stream, x: Array, low: float, high: float) -> Array:
        stream.uniform(0, "float64", low, high)  # draws nothing, and refuses what is no range
        if not has_kernels(x):
            return super().rrelu_slopes(stream, x, low, high)
        x = self.packed(x)
        ranks = self.xp.cumsum((x <= 0).reshape(-1).astype("int64"))  # how many slopes are drawn up to each element
        slopes = self.xp.empty_like(x)
        with stream.on_device(self) as state:
            words = self._words(state, x.size, x, needed=ranks[-1:])
            self.launch("random", "random_slopes", x, x.size, words, x, ranks, float(low), float(high - low), slopes)
        return slopes

    def _words(self, state: Array, values: int, like: Array, needed: Array | None = None) -> Array:
        """The stream's next words for so many values, (2·values,) uint32, not tempered; for ``needed``, (1,) int64,
        values where only the device knows how many there are, and anything behind them."""
        words = self.xp.empty(2 * values, "uint32")
        self.launch("random", "random_words", like, 1, state, words, words.size, *optional(needed, words),
                    block_each=True)  # fmt: skip
        return words
