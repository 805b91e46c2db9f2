"""SqueezeNet of Iandola et al., "AlexNet-level accuracy with 50x fewer parameters and < 0.5 MB model size" (2016)."""

from __future__ import annotations

from typing import Any

from minicnn import nn
from minicnn.models.blocks import initialise, small_normal
from minicnn.models.registry import register
from minicnn.ops.join import cat
from minicnn.tensor import Tensor


class Fire(nn.Module):
    """Squeeze the channels by 1 × 1 convolution, then expand them by 1 × 1 and by 3 × 3, side by side."""

    def __init__(self, in_channels: int, squeezed: int, expanded: int) -> None:
        super().__init__()
        self.squeeze = nn.Conv2d(in_channels, squeezed, kernel_size=1)
        self.squeeze_activation = nn.ReLU(inplace=True)
        self.expand1x1 = nn.Conv2d(squeezed, expanded, kernel_size=1)
        self.expand1x1_activation = nn.ReLU(inplace=True)
        self.expand3x3 = nn.Conv2d(squeezed, expanded, kernel_size=3, padding=1)
        self.expand3x3_activation = nn.ReLU(inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        """(N, in_channels, H, W) → (N, 2 · expanded, H, W)."""
        x = self.squeeze_activation(self.squeeze(x))
        return cat([self.expand1x1_activation(self.expand1x1(x)), self.expand3x3_activation(self.expand3x3(x))], 1)


def pool() -> nn.MaxPool2d:
    """3 × 3 pooling with stride 2."""
    return nn.MaxPool2d(kernel_size=3, stride=2, ceil_mode=True)


class SqueezeNet(nn.Module):
    """Fire modules after a convolution; the last convolution has a channel a class, averaged over the image.

    Shapes: (N, 3, H, W) → (N, num_classes); H and W at least 21 (17 in version 1.1), 224 in the paper.

    Example:
        >>> mc.models.squeezenet1_1(num_classes=10)(mc.zeros(1, 3, 64, 64)).shape
        Size([1, 10])
    """

    def __init__(self, features: nn.Sequential, num_classes: int = 1000, dropout: float = 0.5) -> None:
        super().__init__()
        self.features = features
        conv10 = nn.Conv2d(512, num_classes, kernel_size=1)
        self.classifier = nn.Sequential(
            nn.Dropout(dropout), conv10, nn.ReLU(inplace=True), nn.AdaptiveAvgPool2d((1, 1)),
        )  # fmt: skip
        initialise(self.features, conv=nn.init.kaiming_uniform_)
        initialise(conv10, conv=small_normal)

    def forward(self, x: Tensor) -> Tensor:
        """Class scores of images."""
        return self.classifier(self.features(x)).flatten(1)


@register
def squeezenet1_0(**options: Any) -> SqueezeNet:
    """The paper's network (table 1)."""
    features = nn.Sequential(
        nn.Conv2d(3, 96, kernel_size=7, stride=2), nn.ReLU(inplace=True), pool(),
        Fire(96, 16, 64), Fire(128, 16, 64), Fire(128, 32, 128), pool(),
        Fire(256, 32, 128), Fire(256, 48, 192), Fire(384, 48, 192), Fire(384, 64, 256), pool(),
        Fire(512, 64, 256),
    )  # fmt: skip
    return SqueezeNet(features, **options)


@register
def squeezenet1_1(**options: Any) -> SqueezeNet:
    """A smaller first convolution and earlier pooling: 2.4 times less work, the same accuracy."""
    features = nn.Sequential(
        nn.Conv2d(3, 64, kernel_size=3, stride=2), nn.ReLU(inplace=True), pool(),
        Fire(64, 16, 64), Fire(128, 16, 64), pool(),
        Fire(128, 32, 128), Fire(256, 32, 128), pool(),
        Fire(256, 48, 192), Fire(384, 48, 192), Fire(384, 64, 256), Fire(512, 64, 256),
    )  # fmt: skip
    return SqueezeNet(features, **options)
