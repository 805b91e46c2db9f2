"""DeZero: the library of the book "Deep Learning from Scratch 3"."""

from __future__ import annotations

import sys
from typing import Any

import dezero.functions as F
import numpy as np
from dezero import Parameter, Variable, no_grad
from dezero.optimizers import MomentumSGD

from benchmarks.case import Work
from benchmarks.peers.layers import Layers, forward

relu = F.relu


def conv(x: Any, w: Any, b: Any, padding: int) -> Any:
    """Convolution."""
    return F.conv2d(x, w, b, stride=1, pad=padding)


def pool(x: Any, size: int) -> Any:
    """Max-pooling."""
    return F.pooling(x, size, stride=size)


def flatten(x: Any) -> Any:
    """(N, …) → (N, numbers of an image)."""
    return F.reshape(x, (x.shape[0], -1))


def linear(x: Any, w: Any, b: Any) -> Any:
    """x · w + b; DeZero keeps the weight of a linear layer as (I, O)."""
    return F.linear(x, w, b)


class _Network:
    """What DeZero's optimisers ask of a model."""

    def __init__(self, layers: Layers, arrays: list[Any]) -> None:
        turned = {id(a) for a in arrays if a.ndim == 2}
        self.weights = [Parameter(np.ascontiguousarray(a.T) if id(a) in turned else a) for a in arrays]
        self.layers = layers

    def params(self) -> list[Any]:
        return self.weights

    def cleargrads(self) -> None:
        for p in self.weights:
            p.cleargrad()


def step(layers: Layers, arrays: list[Any], x: Any, labels: Any, lr: float, momentum: float) -> Work:
    """One training step."""
    model, images = _Network(layers, arrays), Variable(x)
    optimizer = MomentumSGD(lr, momentum).setup(model)

    def run() -> Any:
        scores = forward(sys.modules[__name__], model.layers, model.weights, images)
        loss = F.softmax_cross_entropy(scores, labels)
        model.cleargrads()
        loss.backward()
        optimizer.update()
        return loss.data

    return run


def chain(start: Any, length: int, factor: float, term: float, *, backward: bool) -> Work:
    """The chain of tiny operations; its constants in float32, as NumPy 2 asks for."""
    x, times, plus = Variable(start), np.float32(factor), np.float32(term)

    def once() -> Any:
        y = x
        for _ in range(length // 2):
            y = y * times + plus
        return y

    def run() -> Any:
        if not backward:
            with no_grad():
                return once().data
        x.cleargrad()
        F.sum(once()).backward()
        return x.grad.data

    return run
