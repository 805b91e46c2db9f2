"""The residual networks for CIFAR-10 of section 4.2 of "Deep residual learning for image recognition" (2015)."""

from __future__ import annotations

from typing import Any

from minicnn import nn
from minicnn.errors import OptionError
from minicnn.models.blocks import initialise, kaiming_fan_out
from minicnn.models.registry import register
from minicnn.models.resnet import BasicBlock, conv1x1, conv3x3
from minicnn.nn import functional as F
from minicnn.tensor import Tensor


class Subsample(nn.Module):
    """Option A's shortcut: every second pixel, and zeros for the new channels, half before and half after the old."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.new = out_channels - in_channels

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) → (N, C + new, ⌈H / 2⌉, ⌈W / 2⌉)."""
        return F.pad(x[:, :, ::2, ::2], (0, 0, 0, 0, self.new // 2, self.new - self.new // 2))


class CifarResNet(nn.Module):
    """A 3 × 3 convolution, three layers of n basic blocks with 16, 32 and 64 channels, the mean, and a linear layer.

    Args:
        depth: layers with weights, 6n + 2.
        num_classes: scores an image.
        shortcut: where the channels double, ``"A"`` carries the input by subsampling and zeros, which is the paper's
            choice and has no parameters; ``"B"`` by a 1 × 1 convolution with batch norm.

    Shapes: (N, 3, H, W) → (N, num_classes); 32 × 32 in the paper.

    Example:
        >>> mc.models.resnet20()(mc.zeros(1, 3, 32, 32)).shape
        Size([1, 10])
    """

    def __init__(self, depth: int, num_classes: int = 10, shortcut: str = "A") -> None:
        super().__init__()
        if depth < 8 or depth % 6 != 2:
            raise OptionError("CifarResNet: no network has this depth", got=depth, rule="6n + 2: 20, 32, 44, 56, 110")
        if shortcut not in ("A", "B"):
            raise OptionError("CifarResNet: the shortcut is not known", got=repr(shortcut), rule="'A' or 'B'")
        blocks, self.shortcut = (depth - 2) // 6, shortcut
        self.conv1 = conv3x3(3, 16)
        self.bn1 = nn.BatchNorm2d(16)
        self.relu = nn.ReLU(inplace=True)
        self.layer1 = self._make_layer(16, 16, blocks, stride=1)
        self.layer2 = self._make_layer(16, 32, blocks, stride=2)
        self.layer3 = self._make_layer(32, 64, blocks, stride=2)
        self.avgpool = nn.AdaptiveAvgPool2d((1, 1))
        self.fc = nn.Linear(64, num_classes)
        initialise(self, conv=kaiming_fan_out)

    def _make_layer(self, in_channels: int, channels: int, blocks: int, stride: int) -> nn.Sequential:
        downsample: nn.Module | None = None
        if stride != 1 and self.shortcut == "A":
            downsample = Subsample(in_channels, channels)
        elif stride != 1:
            downsample = nn.Sequential(conv1x1(in_channels, channels, stride), nn.BatchNorm2d(channels))
        first = BasicBlock(in_channels, channels, stride, downsample)
        return nn.Sequential(first, *(BasicBlock(channels, channels) for _ in range(1, blocks)))

    def forward(self, x: Tensor) -> Tensor:
        """Class scores of images."""
        x = self.relu(self.bn1(self.conv1(x)))
        x = self.layer3(self.layer2(self.layer1(x)))
        return self.fc(self.avgpool(x).flatten(1))


@register
def resnet20(**options: Any) -> CifarResNet:
    """0.27 million parameters."""
    return CifarResNet(20, **options)


@register
def resnet32(**options: Any) -> CifarResNet:
    """0.46 million parameters."""
    return CifarResNet(32, **options)


@register
def resnet44(**options: Any) -> CifarResNet:
    """0.66 million parameters."""
    return CifarResNet(44, **options)


@register
def resnet56(**options: Any) -> CifarResNet:
    """0.85 million parameters."""
    return CifarResNet(56, **options)


@register
def resnet110(**options: Any) -> CifarResNet:
    """1.7 million parameters."""
    return CifarResNet(110, **options)
