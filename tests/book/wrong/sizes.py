"""Typical wrong answers to the exercises of chapter 2."""

import math

import numpy as np

from minicnn.exercises import sizes as right


def correlate_without_padding(image, kernel, stride, padding):
    return right.correlate_with(image, kernel, stride, 0)


def correlate_without_stride(image, kernel, stride, padding):
    return right.correlate_with(image, kernel, 1, padding)


def correlate_cut(image, kernel, stride, padding):
    """The stride counts outputs, and the last window is forgotten."""
    return right.correlate_with(image, kernel, stride, padding)[:-1, :-1]


WRONG = {
    "2.1": [
        lambda size, k, s, p, d: (size + p - d * (k - 1) - 1) // s + 1,
        lambda size, k, s, p, d: (size + 2 * p - k) // s + 1,
        lambda size, k, s, p, d: math.ceil((size + 2 * p - d * (k - 1) - 1) / s) + 1,
        lambda size, k, s, p, d: (size + 2 * p - d * k) // s + 1,
        lambda size, k, s, p, d: (size + 2 * p - d * (k - 1) - 1) / s + 1,
    ],
    "2.2": [
        lambda image, p: np.pad(image, ((0, 2 * p), (0, 2 * p))),
        lambda image, p: np.pad(image, p, mode="edge"),
        lambda image, p: image,
        lambda image, p: np.pad(image, 1),
    ],
    "2.3": [correlate_without_padding, correlate_without_stride, correlate_cut],
    "2.4": [lambda k, d: k // 2, lambda k, d: d * k // 2, lambda k, d: d * (k - 1)],
    "2.5": [
        lambda size, k, s, p: (size + 2 * p - k) % s,
        lambda size, k, s, p: size % s,
        lambda size, k, s, p: max(0, (size - k) % s),
    ],
    "2.6": [
        lambda layers: 1 + sum(k - 1 for k, _, _ in layers),
        lambda layers: 1 + sum(d * (k - 1) for k, _, d in layers),
        lambda layers: 1 + sum(d * (k - 1) * math.prod(s for _, s, _ in layers[: i + 1])
                               for i, (k, _, d) in enumerate(layers)),
        lambda layers: sum(k for k, _, _ in layers),
    ],
}  # fmt: skip
