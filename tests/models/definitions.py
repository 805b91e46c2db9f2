"""Networks that no library publishes, once more, as functions in PyTorch: what minicnn's are compared with."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch.nn import functional as F

from tests.models.cases import fill

Tensor = torch.Tensor


class Weights:
    """Parameters that are made, named and filled where they are used first, and the operations that use them."""

    def __init__(self, training: bool) -> None:
        self.training = training
        self.state: dict[str, Any] = {}

    def _take(self, key: str, *shape: int) -> Tensor:
        self.state[key] = np.empty(shape, np.float32)
        fill(key, self.state[key])
        return torch.from_numpy(self.state[key])

    def conv(
        self, key: str, x: Tensor, out: int, kernel: int, *, bias: bool = True, groups: int = 1, **options: int,
    ) -> Tensor:  # fmt: skip
        weight = self._take(f"{key}.weight", out, x.shape[1] // groups, kernel, kernel)
        return F.conv2d(x, weight, self._take(f"{key}.bias", out) if bias else None, groups=groups, **options)

    def up(self, key: str, x: Tensor, out: int, kernel: int, *, bias: bool = True, **options: int) -> Tensor:
        weight = self._take(f"{key}.weight", x.shape[1], out, kernel, kernel)
        return F.conv_transpose2d(x, weight, self._take(f"{key}.bias", out) if bias else None, **options)

    def linear(self, key: str, x: Tensor, out: int) -> Tensor:
        return F.linear(x, self._take(f"{key}.weight", out, x.shape[1]), self._take(f"{key}.bias", out))

    def bn(self, key: str, x: Tensor) -> Tensor:
        names = ("weight", "bias", "running_mean", "running_var")
        weight, bias, mean, var = (self._take(f"{key}.{name}", x.shape[1]) for name in names)
        self.state[f"{key}.num_batches_tracked"] = np.zeros((), np.int64)
        return F.batch_norm(x, mean, var, weight, bias, self.training)


def mlp(activation: Callable[[Tensor], Tensor]) -> Callable[[Weights, Tensor], Tensor]:
    return lambda w, x: w.linear("fc2", activation(w.linear("fc1", x.flatten(1), 100)), 10)


def cnn(layers: int, batch_norm: bool) -> Callable[[Weights, Tensor], Tensor]:
    def network(w: Weights, x: Tensor) -> Tensor:
        for i in range(1, layers + 1):
            x = w.conv(f"layer{i}.0", x, 8 * 2**i, 5, padding=2)
            x = F.max_pool2d(F.relu(w.bn(f"layer{i}.1", x) if batch_norm else x), 2)
        return w.linear("fc", x.flatten(1), 10)

    return network


def cnn4_bn(w: Weights, x: Tensor) -> Tensor:
    for i, out in enumerate((16, 32, 64, 128), 1):
        x = F.relu(w.bn(f"layer{i}.1", w.conv(f"layer{i}.0", x, out, 3)))
        x = F.max_pool2d(x, 2) if i % 2 == 0 else x
    x = F.relu(w.linear("fc.2", F.relu(w.linear("fc.0", x.flatten(1), 1024)), 128))
    return w.linear("fc.4", x, 10)


def simplecnn(w: Weights, x: Tensor) -> Tensor:
    for i, out in enumerate((32, 64, 128), 1):
        x = F.max_pool2d(F.relu(w.conv(f"layer{i}.conv{i}", x, out, 3, padding=1)), 2)
    x = F.relu(w.linear("layer4.fc1", x.flatten(1), 512))
    return w.linear("layer4.fc3", F.relu(w.linear("layer4.fc2", x, 64)), 10)


def lenet(w: Weights, x: Tensor) -> Tensor:
    x = F.max_pool2d(w.conv("layer1.conv1", x, 6, 3, padding=1), 2)
    x = F.max_pool2d(w.conv("layer2.conv2", x, 16, 5), 2).flatten(1)
    return w.linear("layer3.fc3", w.linear("layer3.fc2", w.linear("layer3.fc1", x, 120), 84), 10)


def lenet_sigmoid(w: Weights, x: Tensor) -> Tensor:
    x = F.avg_pool2d(w.conv("0", x, 6, 5, padding=2).sigmoid(), 2)
    x = F.avg_pool2d(w.conv("3", x, 16, 5).sigmoid(), 2).flatten(1)
    return w.linear("11", w.linear("9", w.linear("7", x, 120).sigmoid(), 84).sigmoid(), 10)


def nin(w: Weights, x: Tensor) -> Tensor:
    blocks = ((0, 96, 11, 4, 0), (2, 256, 5, 1, 2), (4, 384, 3, 1, 1), (7, 10, 3, 1, 1))
    for block, out, kernel, stride, padding in blocks:
        x = F.dropout(x, 0.5, w.training) if block == 7 else x
        x = F.relu(w.conv(f"{block}.0", x, out, kernel, stride=stride, padding=padding))
        x = F.relu(w.conv(f"{block}.4", F.relu(w.conv(f"{block}.2", x, out, 1)), out, 1))
        x = F.max_pool2d(x, 3, 2) if block < 6 else x
    return x.mean((2, 3))


def cifar_resnet(depth: int) -> Callable[[Weights, Tensor], Tensor]:
    def network(w: Weights, x: Tensor) -> Tensor:
        x = F.relu(w.bn("bn1", w.conv("conv1", x, 16, 3, padding=1, bias=False)))
        for i, out in enumerate((16, 32, 64), 1):
            for j in range((depth - 2) // 6):
                stride, name = (2 if i > 1 and j == 0 else 1), f"layer{i}.{j}"
                y = w.conv(f"{name}.conv1", x, out, 3, stride=stride, padding=1, bias=False)
                y = F.relu(w.bn(f"{name}.bn1", y))
                y = w.bn(f"{name}.bn2", w.conv(f"{name}.conv2", y, out, 3, padding=1, bias=False))
                if stride == 2:
                    zeros = torch.zeros_like(x[:, : out // 4, ::2, ::2])
                    x = torch.cat([zeros, x[:, :, ::2, ::2], zeros], 1)
                x = F.relu(x + y)
        return w.linear("fc", x.mean((2, 3)), 10)

    return network


def mobilenet_v1(w: Weights, x: Tensor) -> Tensor:
    x = F.relu6(w.bn("bn1", w.conv("conv_stem", x, 32, 3, stride=2, padding=1, bias=False)))
    for i, (blocks, out) in enumerate(((1, 64), (2, 128), (2, 256), (6, 512), (2, 1024))):
        for j in range(blocks):
            name, stride, wide = f"blocks.{i}.{j}", 2 if i > 0 and j == 0 else 1, x.shape[1]
            x = w.conv(f"{name}.conv_dw", x, wide, 3, stride=stride, padding=1, groups=wide, bias=False)
            x = F.relu6(w.bn(f"{name}.bn1", x))
            x = F.relu6(w.bn(f"{name}.bn2", w.conv(f"{name}.conv_pw", x, out, 1, bias=False)))
    return w.linear("classifier", x.mean((2, 3)), 1000)


def unet(w: Weights, x: Tensor) -> Tensor:
    def double(level: str, short: str, x: Tensor, out: int) -> Tensor:
        for i in (1, 2):
            x = w.conv(f"{level}.{short}conv{i}", x, out, 3, padding=1, bias=False)
            x = F.relu(w.bn(f"{level}.{short}norm{i}", x))
        return x

    seen = []
    for i in (1, 2, 3, 4):
        seen.append(double(f"encoder{i}", f"enc{i}", x, 16 * 2**i))
        x = F.max_pool2d(seen[-1], 2)
    x = double("bottleneck", "bottleneck", x, 512)
    for i in (4, 3, 2, 1):
        x = torch.cat([w.up(f"upconv{i}", x, 16 * 2**i, 2, stride=2), seen[i - 1]], 1)
        x = double(f"decoder{i}", f"dec{i}", x, 16 * 2**i)
    return w.conv("conv", x, 1, 1).sigmoid()


def dcgan_generator(w: Weights, x: Tensor) -> Tensor:
    for i, out in enumerate((512, 256, 128, 64)):
        stride, padding = (2, 1) if i else (1, 0)
        x = w.up(f"main.{3 * i}", x, out, 4, stride=stride, padding=padding, bias=False)
        x = F.relu(w.bn(f"main.{3 * i + 1}", x))
    return w.up("main.12", x, 3, 4, stride=2, padding=1, bias=False).tanh()


DEFINITIONS: dict[str, Callable[[Weights, Tensor], Tensor]] = {
    "mlp_relu": mlp(torch.relu), "mlp_tanh": mlp(torch.tanh), "mlp_sigmoid": mlp(torch.sigmoid),
    "cnn1": cnn(1, False), "cnn2": cnn(2, False), "cnn2_bn": cnn(2, True), "cnn4_bn": cnn4_bn, "simplecnn": simplecnn,
    "lenet": lenet, "lenet_sigmoid": lenet_sigmoid, "nin": nin, "mobilenet_v1": mobilenet_v1, "unet": unet,
    "dcgan_generator": dcgan_generator, **{f"resnet{n}": cifar_resnet(n) for n in (20, 32, 44, 56, 110)},
}  # fmt: skip
