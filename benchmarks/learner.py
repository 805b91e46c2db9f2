"""One library's training on MNIST, as a process of its own does it."""

from __future__ import annotations

import importlib
from typing import Any

import numpy as np

from benchmarks import networks
from benchmarks.case import Clock

LR, MOMENTUM = 0.1, 0.9


class Learner:
    """A library's network, optimiser and schedule."""

    def __init__(self, library: str, threads: int, steps: int, clock: Clock) -> None:
        self.t, self.clock = importlib.import_module(library), clock
        self.t.set_num_threads(threads)
        self.t.manual_seed(0)
        self.model = networks.two_convolutions(self.t)
        self.optimizer = self.t.optim.SGD(self.model.parameters(), lr=LR, momentum=MOMENTUM)
        self.schedule = self.t.optim.lr_scheduler.OneCycleLR(self.optimizer, max_lr=LR, total_steps=steps)

    def weights(self) -> dict[str, Any]:
        """The state of the network, as arrays."""
        return {name: tensor.numpy().copy() for name, tensor in self.model.state_dict().items()}

    def load(self, weights: dict[str, Any]) -> None:
        """Take the other's weights."""
        self.model.load_state_dict({name: self.t.from_numpy(a) for name, a in weights.items()})

    def train(self, batches: list[tuple[Any, Any]]) -> tuple[float, list[float]]:
        """A step on each batch. Returns the seconds of all, and their losses."""
        t, losses = self.t, []
        tensors = [(t.from_numpy(x), t.from_numpy(labels)) for x, labels in batches]
        start = self.clock()
        for x, labels in tensors:
            loss = t.nn.functional.cross_entropy(self.model(x), labels)
            self.optimizer.zero_grad()
            loss.backward()
            self.optimizer.step()
            self.schedule.step()
            losses.append(loss.item())
        return self.clock() - start, losses

    def judge(self, images: Any, labels: Any) -> float:
        """How much of the images it gets right."""
        self.model.eval()
        with self.t.no_grad():
            scores = [self.model(self.t.from_numpy(images[i : i + 1000])).numpy() for i in range(0, len(images), 1000)]
        self.model.train()
        return float((np.concatenate(scores).argmax(1) == labels).mean())
