"""The small networks that courses start with: perceptrons, one and two convolutions, and what grows out of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from minicnn import nn
from minicnn.models.registry import register
from minicnn.tensor import Tensor


class MLP(nn.Module):
    """A perceptron with one hidden layer: 784 → 100 → 10.

    Shapes: (N, 1, 28, 28) or (N, 784) → (N, num_classes).

    Example:
        >>> mc.models.MLP(activation=nn.Tanh)(mc.zeros(1, 784)).shape
        Size([1, 10])
    """

    def __init__(
        self, activation: Callable[[], nn.Module] = nn.ReLU, hidden: int = 100, num_classes: int = 10,
    ) -> None:  # fmt: skip
        super().__init__()
        self.fc1 = nn.Linear(28 * 28, hidden)
        self.activation = activation()
        self.fc2 = nn.Linear(hidden, num_classes)

    def forward(self, x: Tensor) -> Tensor:
        """Class scores of images, or of flat images."""
        return self.fc2(self.activation(self.fc1(x.flatten(1))))


@register
def mlp_relu(**options: Any) -> MLP:
    """The perceptron with max(x, 0)."""
    return MLP(nn.ReLU, **options)


@register
def mlp_tanh(**options: Any) -> MLP:
    """The perceptron with tanh, which is linear near 0 and flat far from it."""
    return MLP(nn.Tanh, **options)


@register
def mlp_sigmoid(**options: Any) -> MLP:
    """The perceptron with the sigmoid, whose small slope makes it learn slowest."""
    return MLP(nn.Sigmoid, **options)


def conv_block(in_channels: int, out_channels: int, batch_norm: bool = False) -> nn.Sequential:
    """5 × 5 convolution that keeps the size, batch norm if wanted, ReLU, and 2 × 2 max pooling."""
    norm = [nn.BatchNorm2d(out_channels)] if batch_norm else []
    conv = nn.Conv2d(in_channels, out_channels, kernel_size=5, stride=1, padding=2)
    return nn.Sequential(conv, *norm, nn.ReLU(), nn.MaxPool2d(2))


class CNN1(nn.Module):
    """One convolution: 16 features of 28 × 28, pooled to 14 × 14, and a linear layer.

    Shapes: (N, 1, 28, 28) → (N, num_classes).
    """

    def __init__(self, num_classes: int = 10) -> None:
        super().__init__()
        self.layer1 = conv_block(1, 16)
        self.fc = nn.Linear(16 * 14 * 14, num_classes)

    def forward(self, x: Tensor) -> Tensor:
        """Class scores of images."""
        return self.fc(self.layer1(x).flatten(1))


class CNN2(nn.Module):
    """Two convolutions: 16 features, then 32 of 7 × 7 after pooling, and a linear layer; batch norm if wanted.

    Shapes: (N, 1, 28, 28) → (N, num_classes).
    """

    def __init__(self, batch_norm: bool = False, num_classes: int = 10) -> None:
        super().__init__()
        self.layer1 = conv_block(1, 16, batch_norm)
        self.layer2 = conv_block(16, 32, batch_norm)
        self.fc = nn.Linear(32 * 7 * 7, num_classes)

    def forward(self, x: Tensor) -> Tensor:
        """Class scores of images."""
        return self.fc(self.layer2(self.layer1(x)).flatten(1))


@register
def cnn1(**options: Any) -> CNN1:
    """One convolution."""
    return CNN1(**options)


@register
def cnn2(**options: Any) -> CNN2:
    """Two convolutions."""
    return CNN2(**options)


@register
def cnn2_bn(**options: Any) -> CNN2:
    """Two convolutions with batch norm."""
    return CNN2(batch_norm=True, **options)


@register
class SimpleCNN(nn.Module):
    """Three 3 × 3 convolutions with pooling, then three linear layers; 32 × 32 colour images (CIFAR-10).

    Shapes: (N, 3, 32, 32) → (N, num_classes).
    """

    def __init__(self, num_classes: int = 10) -> None:
        super().__init__()
        for i, (wide, out) in enumerate([(3, 32), (32, 64), (64, 128)], 1):
            layer = nn.Sequential()
            layer.add_module(f"conv{i}", nn.Conv2d(wide, out, 3, 1, padding=1))
            layer.add_module(f"relu{i}", nn.ReLU(True))
            layer.add_module(f"pool{i}", nn.MaxPool2d(2, 2))
            self.add_module(f"layer{i}", layer)
        self.layer4 = nn.Sequential()
        self.layer4.add_module("fc1", nn.Linear(128 * 4 * 4, 512))
        self.layer4.add_module("fc_relu1", nn.ReLU(True))
        self.layer4.add_module("fc2", nn.Linear(512, 64))
        self.layer4.add_module("fc_relu2", nn.ReLU(True))
        self.layer4.add_module("fc3", nn.Linear(64, num_classes))

    def forward(self, x: Tensor) -> Tensor:
        """Class scores of images."""
        x = self.layer3(self.layer2(self.layer1(x)))
        return self.layer4(x.flatten(1))


class CNN4(nn.Module):
    """Four 3 × 3 convolutions with batch norm, pooling after every second, then three linear layers.

    Shapes: (N, 1, 28, 28) → (N, num_classes).
    """

    def __init__(self, num_classes: int = 10) -> None:
        super().__init__()
        self.layer1 = self._layer(1, 16)
        self.layer2 = self._layer(16, 32, nn.MaxPool2d(kernel_size=2, stride=2))
        self.layer3 = self._layer(32, 64)
        self.layer4 = self._layer(64, 128, nn.MaxPool2d(kernel_size=2, stride=2))
        self.fc = nn.Sequential(
            nn.Linear(128 * 4 * 4, 1024), nn.ReLU(inplace=True),
            nn.Linear(1024, 128), nn.ReLU(inplace=True),
            nn.Linear(128, num_classes),
        )  # fmt: skip

    @staticmethod
    def _layer(in_channels: int, out_channels: int, *pool: nn.Module) -> nn.Sequential:
        conv = nn.Conv2d(in_channels, out_channels, kernel_size=3)
        return nn.Sequential(conv, nn.BatchNorm2d(out_channels), nn.ReLU(inplace=True), *pool)

    def forward(self, x: Tensor) -> Tensor:
        """Class scores of images."""
        x = self.layer4(self.layer3(self.layer2(self.layer1(x))))
        return self.fc(x.flatten(1))


@register
def cnn4_bn(**options: Any) -> CNN4:
    """Four convolutions with batch norm."""
    return CNN4(**options)
