"""HIPS autograd: derivatives of NumPy functions."""

from __future__ import annotations

import sys
from typing import Any

import autograd.numpy as np
from autograd import grad, value_and_grad
from autograd.scipy.signal import convolve

from benchmarks.case import Work
from benchmarks.peers.layers import Layers, forward, momentum_sgd


def conv(x: Any, w: Any, b: Any, padding: int) -> Any:
    """A convolution turns its kernel around, a convolutional layer does not."""
    around = ((0, 0), (0, 0), (padding, padding), (padding, padding))
    y = convolve(np.pad(x, around, mode="constant"), w[:, :, ::-1, ::-1], axes=([2, 3], [2, 3]),
                 dot_axes=([1], [1]), mode="valid")  # fmt: skip
    return y + b.reshape(1, -1, 1, 1)


def relu(x: Any) -> Any:
    """max(x, 0)."""
    return np.maximum(x, 0)


def pool(x: Any, size: int) -> Any:
    """Max-pooling; of equal numbers each gets its part of the gradient."""
    N, C, H, W = x.shape
    x = x[:, :, : H // size * size, : W // size * size]
    return np.max(x.reshape(N, C, H // size, size, W // size, size), axis=(3, 5))


def flatten(x: Any) -> Any:
    """(N, …) → (N, numbers of an image)."""
    return x.reshape(x.shape[0], -1)


def linear(x: Any, w: Any, b: Any) -> Any:
    """x · wᵀ + b."""
    return np.dot(x, w.T) + b


def step(layers: Layers, arrays: list[Any], x: Any, labels: Any, lr: float, momentum: float) -> Work:
    """One training step."""
    params, buffers = arrays, [np.zeros_like(a) for a in arrays]

    def loss_of(params: list[Any]) -> Any:
        scores = forward(sys.modules[__name__], layers, params, x)
        scores = scores - np.max(scores, axis=1, keepdims=True)
        logs = scores - np.log(np.sum(np.exp(scores), axis=1, keepdims=True))
        return -np.mean(logs[np.arange(len(labels)), labels])

    differentiated = value_and_grad(loss_of)

    def run() -> Any:
        loss, grads = differentiated(params)
        momentum_sgd(params, grads, buffers, lr, momentum)
        return loss

    return run


def chain(start: Any, length: int, factor: float, term: float, *, backward: bool) -> Work:
    """The chain of tiny operations; forward alone it is NumPy's."""

    def once(x: Any) -> Any:
        for _ in range(length // 2):
            x = x * factor + term
        return x

    gradient = grad(lambda x: np.sum(once(x)))
    return (lambda: gradient(start)) if backward else (lambda: once(start))
