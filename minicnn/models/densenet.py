"""DenseNet-BC of Huang, Liu, van der Maaten and Weinberger, "Densely connected convolutional networks" (2016)."""

from __future__ import annotations

import re
from collections import OrderedDict
from typing import Any

from minicnn import nn
from minicnn.models.blocks import initialise
from minicnn.models.registry import register
from minicnn.nn import functional as F
from minicnn.ops.join import cat
from minicnn.tensor import Tensor

_OLD = re.compile(r"(norm|conv)\.([12])\.(\w+)")


class DenseLayer(nn.Module):
    """Batch norm, ReLU, 1 × 1 convolution to four times the growth rate; the same with 3 × 3 to the growth rate."""

    def __init__(self, in_channels: int, growth_rate: int, drop_rate: float) -> None:
        super().__init__()
        self.norm1 = nn.BatchNorm2d(in_channels)
        self.relu1 = nn.ReLU(inplace=True)
        self.conv1 = nn.Conv2d(in_channels, 4 * growth_rate, kernel_size=1, bias=False)
        self.norm2 = nn.BatchNorm2d(4 * growth_rate)
        self.relu2 = nn.ReLU(inplace=True)
        self.conv2 = nn.Conv2d(4 * growth_rate, growth_rate, kernel_size=3, padding=1, bias=False)
        self.drop_rate = drop_rate

    def forward(self, x: Tensor) -> Tensor:
        """(N, in_channels, H, W) → (N, growth_rate, H, W)."""
        x = self.conv1(self.relu1(self.norm1(x)))
        x = self.conv2(self.relu2(self.norm2(x)))
        return F.dropout(x, self.drop_rate, self.training) if self.drop_rate else x

    def _load_from_state_dict(self, state_dict: dict[str, Any], prefix: str, *rest: Any) -> None:
        """torchvision's published weights are older than its names: in them ``norm1`` is ``norm.1``."""
        for key in list(state_dict):
            if old := _OLD.fullmatch(key.removeprefix(prefix)):
                state_dict[f"{prefix}{old[1]}{old[2]}.{old[3]}"] = state_dict.pop(key)
        super()._load_from_state_dict(state_dict, prefix, *rest)


class DenseBlock(nn.Module):
    """Layers each of which sees the block's input and the outputs of all layers before it, side by side."""

    def __init__(self, layers: int, in_channels: int, growth_rate: int, drop_rate: float) -> None:
        super().__init__()
        for i in range(layers):
            layer = DenseLayer(in_channels + i * growth_rate, growth_rate, drop_rate)
            self.add_module(f"denselayer{i + 1}", layer)

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) → (N, C + layers · growth_rate, H, W)."""
        features = [x]
        for layer in self.children():
            features.append(layer(cat(features, 1)))
        return cat(features, 1)


class Transition(nn.Sequential):
    """Halve the channels by a 1 × 1 convolution, and the size by averaging."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.norm = nn.BatchNorm2d(in_channels)
        self.relu = nn.ReLU(inplace=True)
        self.conv = nn.Conv2d(in_channels, out_channels, kernel_size=1, bias=False)
        self.pool = nn.AvgPool2d(kernel_size=2, stride=2)


class DenseNet(nn.Module):
    """Four dense blocks with transitions between them.

    Args:
        growth_rate: channels that each layer adds (the paper's k).
        block_config: layers in each block (table 1).
        num_init_features: channels of the first convolution.
        num_classes: scores an image.
        drop_rate: dropout after each layer.

    Shapes: (N, 3, H, W) → (N, num_classes); H and W at least 29, 224 in the paper.

    Example:
        >>> mc.models.densenet121(num_classes=10)(mc.zeros(1, 3, 64, 64)).shape
        Size([1, 10])
    """

    def __init__(
        self, growth_rate: int, block_config: tuple[int, ...], num_init_features: int,
        num_classes: int = 1000, drop_rate: float = 0,
    ) -> None:  # fmt: skip
        super().__init__()
        channels = num_init_features
        self.features = nn.Sequential(OrderedDict[str, nn.Module](
            conv0=nn.Conv2d(3, channels, kernel_size=7, stride=2, padding=3, bias=False),
            norm0=nn.BatchNorm2d(channels),
            relu0=nn.ReLU(inplace=True),
            pool0=nn.MaxPool2d(kernel_size=3, stride=2, padding=1),
        ))  # fmt: skip
        for i, layers in enumerate(block_config, 1):
            self.features.add_module(f"denseblock{i}", DenseBlock(layers, channels, growth_rate, drop_rate))
            channels += layers * growth_rate
            if i < len(block_config):
                self.features.add_module(f"transition{i}", Transition(channels, channels // 2))
                channels //= 2
        self.features.add_module("norm5", nn.BatchNorm2d(channels))
        self.classifier = nn.Linear(channels, num_classes)
        initialise(self, conv=nn.init.kaiming_normal_)
        nn.init.zeros_(self.classifier.bias)

    def forward(self, x: Tensor) -> Tensor:
        """Class scores of images."""
        x = F.relu(self.features(x), inplace=True)
        return self.classifier(F.adaptive_avg_pool2d(x, (1, 1)).flatten(1))


@register
def densenet121(**options: Any) -> DenseNet:
    """121 layers with weights."""
    return DenseNet(32, (6, 12, 24, 16), 64, **options)


@register
def densenet161(**options: Any) -> DenseNet:
    """161 layers with weights, growth rate 48."""
    return DenseNet(48, (6, 12, 36, 24), 96, **options)


@register
def densenet169(**options: Any) -> DenseNet:
    """169 layers with weights."""
    return DenseNet(32, (6, 12, 32, 32), 64, **options)


@register
def densenet201(**options: Any) -> DenseNet:
    """201 layers with weights."""
    return DenseNet(32, (6, 12, 48, 32), 64, **options)
