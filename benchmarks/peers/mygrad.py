"""MyGrad: automatic differentiation for NumPy, with the layers of a small CNN."""

from __future__ import annotations

import sys
from typing import Any

import mygrad as mg
import numpy as np
from mygrad.nnet import activations
from mygrad.nnet.layers import conv_nd, max_pool
from mygrad.nnet.losses import softmax_crossentropy

from benchmarks.case import Work
from benchmarks.peers.layers import Layers, forward, momentum_sgd

relu = activations.relu


def conv(x: Any, w: Any, b: Any, padding: int) -> Any:
    """conv_nd has no bias."""
    return conv_nd(x, w, stride=1, padding=padding) + b.reshape(1, -1, 1, 1)


def pool(x: Any, size: int) -> Any:
    """Max-pooling."""
    return max_pool(x, (size, size), size)


def flatten(x: Any) -> Any:
    """(N, …) → (N, numbers of an image)."""
    return x.reshape(x.shape[0], -1)


def linear(x: Any, w: Any, b: Any) -> Any:
    """x · wᵀ + b."""
    return mg.matmul(x, w.T) + b


def step(layers: Layers, arrays: list[Any], x: Any, labels: Any, lr: float, momentum: float) -> Work:
    """One training step."""
    params, buffers = [mg.tensor(a) for a in arrays], [np.zeros_like(a) for a in arrays]

    def run() -> Any:
        loss = softmax_crossentropy(forward(sys.modules[__name__], layers, params, x), labels)
        loss.backward()
        momentum_sgd([p.data for p in params], [p.grad for p in params], buffers, lr, momentum)
        return loss.data

    return run


def chain(start: Any, length: int, factor: float, term: float, *, backward: bool) -> Work:
    """The chain of tiny operations."""
    x = mg.tensor(start, constant=not backward)

    def run() -> Any:
        y = x
        for _ in range(length // 2):
            y = y * factor + term
        if not backward:
            return y.data
        y.sum().backward()
        return x.grad

    return run
