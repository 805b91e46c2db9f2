"""A training step: forward, cross-entropy, backward, SGD with momentum; and inference."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from benchmarks import networks
from benchmarks.case import Case, Work

Network = Callable[[Any], Any]
Shape = tuple[int, ...]

TRAINED: dict[str, tuple[Network, Shape]] = {
    "LeNet b64": (networks.lenet, (64, 1, 28, 28)),
    "four convolutions b64": (networks.four_convolutions, (64, 1, 28, 28)),
    "SimpleCNN b64": (networks.simple_cnn, (64, 3, 32, 32)),
    "ResNet-20 b32": (networks.resnet20, (32, 3, 32, 32)),
    "AlexNet b4": (networks.alexnet, (4, 3, 224, 224)),
    "VGG-11 b4": (networks.vgg11, (4, 3, 224, 224)),
    "dense block b8": (networks.dense_block, (8, 64, 28, 28)),
}
INFERRED = {"ResNet-18": networks.resnet18, "ResNet-50": networks.resnet50, "MobileNet v2": networks.mobilenet_v2}
LR, MOMENTUM = 0.001, 0.9
TOLERANCE = (3e-6, 3e-2)
"""Of the loss, in each of the first steps; and of a gradient: where a ReLU's input is 0 but for rounding, one library
lets a gradient pass and the other does not, in one of a deep network's pixels in thousands."""


def training_steps() -> Iterator[Case]:
    """One step of each network."""
    for name, (network, shape) in TRAINED.items():
        yield Case(f"step {name}", lambda t, network=network, shape=shape: step_of(t, network, shape), TOLERANCE)


def inference() -> Iterator[Case]:
    """One forward pass in eval mode."""
    for name, network in INFERRED.items():
        for batch in (1, 8):
            yield Case(f"inference {name} b{batch}", lambda t, a=(network, batch): inference_of(t, *a))


def batch_of(shape: Shape) -> tuple[Any, Any]:
    """Images and labels, the same for whoever asks."""
    rng = np.random.default_rng(0)
    return rng.standard_normal(shape).astype("float32"), rng.integers(0, 10, shape[0])


def step_of(t: Any, network: Network, shape: Shape, lr: float = LR) -> Work:
    """A step on the images and labels of ``batch_of``."""
    step, x, labels = learner(t, network, shape, lr)
    return functools.partial(step, x, labels)


def learner(t: Any, network: Network, shape: Shape, lr: float = LR) -> tuple[Callable[..., Any], Any, Any]:
    """A step of images and labels, and both of them, on the device where ``t.from_numpy`` puts them.

    It returns its loss and the gradient of the first layer's weights, which all layers had a part in; the same seed
    gives both libraries the same weights and, on the CPU, dropout masks.
    """
    t.manual_seed(0)
    images, targets = (t.from_numpy(a) for a in batch_of(shape))
    model = network(t).to(images.device)
    optimizer = t.optim.SGD(model.parameters(), lr=lr, momentum=MOMENTUM)
    first = next(iter(model.parameters()))

    def step(x: Any, labels: Any) -> Any:
        loss = t.nn.functional.cross_entropy(model(x), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return loss, first.grad

    return step, images, targets


def inference_of(t: Any, network: Network, batch: int) -> Work:
    """A forward pass in eval mode, on images of 3×224×224."""
    t.manual_seed(0)
    x = t.from_numpy(batch_of((batch, 3, 224, 224))[0])
    model = network(t).eval().to(x.device)

    def infer() -> Any:
        with t.no_grad():
            return model(x)

    return infer
