"""PyDyNet: PyTorch's names on NumPy."""

from __future__ import annotations

import sys
import warnings
from typing import Any

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # that CuPy is not installed
    import pydynet
    import pydynet.nn.functional as F
    from pydynet.optim import SGD

from benchmarks.case import Work
from benchmarks.peers.layers import Layers, forward

relu = F.relu


def conv(x: Any, w: Any, b: Any, padding: int) -> Any:
    """conv2d has no bias."""
    return F.conv2d(x, w, padding, 1) + b.reshape(1, -1, 1, 1)


def pool(x: Any, size: int) -> Any:
    """Max-pooling."""
    return F.max_pool2d(x, size, size)


def flatten(x: Any) -> Any:
    """(N, …) → (N, numbers of an image)."""
    return x.reshape(x.shape[0], -1)


def linear(x: Any, w: Any, b: Any) -> Any:
    """x · wᵀ + b."""
    return F.linear(x, w.T, b)


def step(layers: Layers, arrays: list[Any], x: Any, labels: Any, lr: float, momentum: float) -> Work:
    """One training step."""
    params = [pydynet.Tensor(a, dtype=a.dtype, requires_grad=True) for a in arrays]
    images, optimizer = pydynet.Tensor(x), SGD(params, lr, momentum, nesterov=False)

    def run() -> Any:
        loss = F.cross_entropy_loss(forward(sys.modules[__name__], layers, params, images), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return loss.data

    return run


def chain(start: Any, length: int, factor: float, term: float, *, backward: bool) -> Work:
    """The chain of tiny operations."""
    x = pydynet.Tensor(start, dtype=start.dtype, requires_grad=backward)

    def run() -> Any:
        y = x
        for _ in range(length // 2):
            y = y * factor + term
        if not backward:
            return y.data
        x.zero_grad()
        pydynet.sum(y).backward()
        return x.grad

    return run
