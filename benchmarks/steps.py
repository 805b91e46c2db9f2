"""A training step: forward, cross-entropy, backward, SGD with momentum; and inference."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from benchmarks import networks
from benchmarks.case import Case, Work

TRAINED = {
    "LeNet b64": (networks.lenet, (64, 1, 28, 28)),
    "four convolutions b64": (networks.four_convolutions, (64, 1, 28, 28)),
    "SimpleCNN b64": (networks.simple_cnn, (64, 3, 32, 32)),
    "ResNet-20 b32": (networks.resnet20, (32, 3, 32, 32)),
    "AlexNet b4": (networks.alexnet, (4, 3, 224, 224)),
    "VGG-11 b4": (networks.vgg11, (4, 3, 224, 224)),
    "dense block b8": (networks.dense_block, (8, 64, 28, 28)),
}
INFERRED = {"ResNet-18": networks.resnet18, "ResNet-50": networks.resnet50, "MobileNet v2": networks.mobilenet_v2}


def training_steps() -> Iterator[Case]:
    """One step of each network."""
    for name, (network, shape) in TRAINED.items():
        yield Case(f"step {name}", lambda t, network=network, shape=shape: step_of(t, network, shape), 2e-3)


def inference() -> Iterator[Case]:
    """One forward pass in eval mode."""
    for name, network in INFERRED.items():
        for batch in (1, 8):
            yield Case(f"inference {name} b{batch}", lambda t, a=(network, batch): _inference(t, *a))


def step_of(t: Any, network: Callable[[Any], Any], shape: tuple[int, ...]) -> Work:
    """A step that returns its loss; the same seed gives both libraries the same weights and dropout masks."""
    t.manual_seed(0)
    model = network(t)
    rng = np.random.default_rng(0)
    x = t.from_numpy(rng.standard_normal(shape).astype("float32"))
    labels = t.from_numpy(rng.integers(0, 10, shape[0]))
    optimizer = t.optim.SGD(model.parameters(), lr=0.001, momentum=0.9)

    def step() -> Any:
        loss = t.nn.functional.cross_entropy(model(x), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return loss

    return step


def _inference(t: Any, network: Callable[[Any], Any], batch: int) -> Work:
    t.manual_seed(0)
    model = network(t).eval()
    x = t.from_numpy(np.random.default_rng(0).standard_normal((batch, 3, 224, 224)).astype("float32"))

    def infer() -> Any:
        with t.no_grad():
            return model(x)

    return infer
