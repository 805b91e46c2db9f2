"""Noise from a seeded stream. Here it is drawn on the host and brought to the device, whatever that is."""

from __future__ import annotations

from typing import Any

from minicnn.backend.portable.arrays import ArrayKernels

Array = Any
Stream = Any  # a minicnn.random.Generator, which lives above this room


class RandomKernels(ArrayKernels):
    """What layers draw in every step. The same seed gives the same numbers on every device."""

    def dropout_noise(self, stream: Stream, shape: tuple[int, ...], keep: float, dtype: Any) -> Array:
        """An array of 1/keep with probability ``keep``, else 0; zeros for keep 0. Nothing is drawn for keep 0 or 1."""
        if keep in (0, 1):
            return self.xp.full(shape, keep, dtype)
        noise = stream.dropout_mask(shape, keep, dtype)
        noise /= keep
        return self.from_numpy(noise)

    def rrelu_slopes(self, stream: Stream, x: Array, low: float, high: float) -> Array:
        """x → slopes of its shape and dtype: U(low, high), rounded once more in float32, where x ≤ 0, else 1.

        Drawn in the order of the elements, and for those alone: two words of the stream each.
        """
        below = self.to_numpy(x <= 0)
        slopes = (~below).astype(x.dtype).reshape(-1)
        drawn = stream.uniform(int(below.sum()), "float64", low, high)
        with self.quiet():  # a slope may be too large for the dtype
            slopes[below.reshape(-1)] = drawn if x.dtype == "float64" else drawn.astype("float32")
        return self.from_numpy(slopes.reshape(x.shape))
