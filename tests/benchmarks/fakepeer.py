"""PyTorch in the place of a peer: an adapter as those of ``benchmarks.peers``."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
import torch

from benchmarks.case import Clock, Work
from benchmarks.peers import layers, one
from benchmarks.sides import Here

_beside = one.beside


def beside(peer: str, task: str, weights: Any, clock: Clock) -> Here:
    """``benchmarks.peers.one.beside``, where the adapter of ``peer`` is this."""
    sys.modules[f"benchmarks.peers.{peer}"] = Peer()  # type: ignore[assignment]  # the adapters are modules
    try:
        return _beside(peer, task, weights, clock)
    finally:
        del sys.modules[f"benchmarks.peers.{peer}"]


class Peer:
    """The adapter; it forgets the momentum with ``wrong``."""

    wrong = False
    relu = staticmethod(torch.relu)

    @staticmethod
    def conv(x: Any, w: Any, b: Any, padding: int) -> Any:
        return torch.nn.functional.conv2d(x, w, b, padding=padding)

    @staticmethod
    def pool(x: Any, size: int) -> Any:
        return torch.nn.functional.max_pool2d(x, size)

    @staticmethod
    def flatten(x: Any) -> Any:
        return x.flatten(1)

    linear = staticmethod(torch.nn.functional.linear)

    def step(self, network: layers.Layers, arrays: list[Any], x: Any, labels: Any, lr: float, momentum: float) -> Work:
        params, buffers = [torch.from_numpy(a) for a in arrays], [np.zeros_like(a) for a in arrays]

        def run() -> Any:
            for p in params:
                p.requires_grad_()
            scores = layers.forward(self, network, params, torch.from_numpy(x))
            loss = torch.nn.functional.cross_entropy(scores, torch.from_numpy(labels))
            grads = [g.numpy() for g in torch.autograd.grad(loss, params)]
            layers.momentum_sgd([p.detach().numpy() for p in params], grads, buffers, lr, momentum * (not self.wrong))
            return loss.item()

        return run

    def chain(self, start: Any, length: int, factor: float, term: float, *, backward: bool) -> Work:
        return lambda: start * factor ** (length // 2) if not backward else np.full(4, factor ** (length // 2))
