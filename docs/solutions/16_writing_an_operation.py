"""Solutions of chapter 16, writing an operation."""

import numpy as np


def squareplus_grad(g, out):
    squared = out * out
    return g * squared / (squared + 1)


def softplus(x):
    # log(1 + eˣ) = x + log(1 + e⁻ˣ): the exponent is never positive.
    return np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x)))


def tanh_grad(g, out):
    return g * (1 - out * out)


def sum_to_shape(g, shape):
    while g.ndim > len(shape):
        g = g.sum(axis=0)
    for axis, size in enumerate(shape):
        if size == 1:
            g = g.sum(axis=axis, keepdims=True)
    return g


def normalise_grad(g, x):
    length = np.sqrt((x * x).sum())
    y = x / length
    return (g - y * (g * y).sum()) / length
