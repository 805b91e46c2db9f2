"""tinygrad: lazy tensors, compiled for the processor by clang."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
from tinygrad import Tensor, TinyJit
from tinygrad.helpers import Context
from tinygrad.nn.optim import SGD

from benchmarks.case import Work
from benchmarks.peers.layers import Layers, forward


def conv(x: Any, w: Any, b: Any, padding: int) -> Any:
    """Convolution."""
    return x.conv2d(w, b, padding=padding)


def relu(x: Any) -> Any:
    """max(x, 0)."""
    return x.relu()


def pool(x: Any, size: int) -> Any:
    """Max-pooling."""
    return x.max_pool2d((size, size))


def flatten(x: Any) -> Any:
    """(N, …) → (N, numbers of an image)."""
    return x.flatten(1)


def linear(x: Any, w: Any, b: Any) -> Any:
    """x · wᵀ + b."""
    return x.linear(w.T, b)


def step(layers: Layers, arrays: list[Any], x: Any, labels: Any, lr: float, momentum: float) -> Work:
    """One training step."""
    params = [Tensor(a).realize() for a in arrays]
    images, wanted = Tensor(x).realize(), Tensor(labels.astype(np.int32)).realize()
    optimizer = SGD(params, lr, momentum)

    @TinyJit
    def once() -> Any:
        optimizer.zero_grad()
        loss = forward(sys.modules[__name__], layers, params, images).sparse_categorical_crossentropy(wanted)
        loss.backward()
        return loss.realize(*optimizer.schedule_step())

    def run() -> Any:
        with Context(TRAINING=1):
            return once().numpy()

    return run


def chain(start: Any, length: int, factor: float, term: float, *, backward: bool) -> Work:
    """The chain of tiny operations, computed a hundred at a time: clang refuses a thousand in one expression. The
    gradient is a constant, which tinygrad finds without computing the chain."""
    x = Tensor(start).realize()

    def run() -> Any:
        y = x
        for i in range(length // 2):
            y = y * factor + term
            if i % 50 == 49 and not backward:
                y = y.realize()
        return (y.sum().gradient(x)[0] if backward else y).numpy()

    return run
