"""ResNet of He, Zhang, Ren and Sun, "Deep residual learning for image recognition" (2015), and its wide relatives.

ResNeXt: Xie et al., "Aggregated residual transformations for deep neural networks" (2016).
Wide ResNet: Zagoruyko and Komodakis, "Wide residual networks" (2016).
"""

from __future__ import annotations

from typing import Any

from minicnn import nn
from minicnn.errors import OptionError
from minicnn.models.blocks import initialise, kaiming_fan_out
from minicnn.models.registry import register
from minicnn.tensor import Tensor


def conv3x3(in_channels: int, out_channels: int, stride: int = 1, groups: int = 1) -> nn.Conv2d:
    """A 3 × 3 convolution that keeps the size at stride 1; no bias, since batch norm follows."""
    return nn.Conv2d(in_channels, out_channels, 3, stride, padding=1, groups=groups, bias=False)


def conv1x1(in_channels: int, out_channels: int, stride: int = 1) -> nn.Conv2d:
    """A 1 × 1 convolution without bias."""
    return nn.Conv2d(in_channels, out_channels, 1, stride, bias=False)


class BasicBlock(nn.Module):
    """Two 3 × 3 convolutions around which the input is carried and added (figure 5, left)."""

    expansion = 1

    def __init__(
        self, in_channels: int, channels: int, stride: int = 1, downsample: nn.Module | None = None,
        groups: int = 1, base_width: int = 64,
    ) -> None:  # fmt: skip
        super().__init__()
        if groups != 1 or base_width != 64:
            raise OptionError("BasicBlock: only bottleneck blocks have groups and other widths",
                              got=f"groups {groups}, width {base_width}", rule="groups 1, width 64")
        self.conv1 = conv3x3(in_channels, channels, stride)
        self.bn1 = nn.BatchNorm2d(channels)
        self.relu = nn.ReLU(inplace=True)
        self.conv2 = conv3x3(channels, channels)
        self.bn2 = nn.BatchNorm2d(channels)
        self.downsample = downsample

    def forward(self, x: Tensor) -> Tensor:
        """relu(F(x) + x)."""
        y = self.relu(self.bn1(self.conv1(x)))
        y = self.bn2(self.conv2(y))
        return self.relu(y + (x if self.downsample is None else self.downsample(x)))


class Bottleneck(nn.Module):
    """1 × 1, 3 × 3 and 1 × 1 convolutions, the last with four times the channels (figure 5, right).

    The stride is the 3 × 3 convolution's, where the paper gave it to the first: known as ResNet 1.5, more accurate.
    """

    expansion = 4

    def __init__(
        self, in_channels: int, channels: int, stride: int = 1, downsample: nn.Module | None = None,
        groups: int = 1, base_width: int = 64,
    ) -> None:  # fmt: skip
        super().__init__()
        width = channels * base_width // 64 * groups
        self.conv1 = conv1x1(in_channels, width)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = conv3x3(width, width, stride, groups)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv3 = conv1x1(width, channels * self.expansion)
        self.bn3 = nn.BatchNorm2d(channels * self.expansion)
        self.relu = nn.ReLU(inplace=True)
        self.downsample = downsample

    def forward(self, x: Tensor) -> Tensor:
        """relu(F(x) + x)."""
        y = self.relu(self.bn1(self.conv1(x)))
        y = self.relu(self.bn2(self.conv2(y)))
        y = self.bn3(self.conv3(y))
        return self.relu(y + (x if self.downsample is None else self.downsample(x)))


class ResNet(nn.Module):
    """A 7 × 7 convolution and pooling, four layers of residual blocks, the mean over the image, and a linear layer.

    Args:
        block: BasicBlock or Bottleneck.
        layers: blocks in each of the four layers (table 1).
        num_classes: scores an image.
        zero_init_residual: start each residual branch at 0, so that a block starts as the identity.
        groups: groups of the bottlenecks' 3 × 3 convolutions (ResNeXt's cardinality).
        width_per_group: the bottlenecks' channels a group, where 64 is ResNet's.

    Shapes: (N, 3, H, W) → (N, num_classes); 224 × 224 in the paper.

    Example:
        >>> mc.models.resnet18(num_classes=10)(mc.zeros(1, 3, 64, 64)).shape
        Size([1, 10])
    """

    def __init__(
        self, block: type[BasicBlock | Bottleneck], layers: tuple[int, int, int, int], num_classes: int = 1000,
        zero_init_residual: bool = False, groups: int = 1, width_per_group: int = 64,
    ) -> None:  # fmt: skip
        super().__init__()
        self.inplanes, self.groups, self.base_width = 64, groups, width_per_group
        self.conv1 = nn.Conv2d(3, 64, kernel_size=7, stride=2, padding=3, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        self.relu = nn.ReLU(inplace=True)
        self.maxpool = nn.MaxPool2d(kernel_size=3, stride=2, padding=1)
        self.layer1 = self._make_layer(block, 64, layers[0])
        self.layer2 = self._make_layer(block, 128, layers[1], stride=2)
        self.layer3 = self._make_layer(block, 256, layers[2], stride=2)
        self.layer4 = self._make_layer(block, 512, layers[3], stride=2)
        self.avgpool = nn.AdaptiveAvgPool2d((1, 1))
        self.fc = nn.Linear(512 * block.expansion, num_classes)
        initialise(self, conv=kaiming_fan_out)
        if zero_init_residual:
            for module in self.modules():
                if isinstance(module, BasicBlock | Bottleneck):
                    nn.init.zeros_((module.bn2 if isinstance(module, BasicBlock) else module.bn3).weight)

    def _make_layer(
        self, block: type[BasicBlock | Bottleneck], channels: int, blocks: int, stride: int = 1,
    ) -> nn.Sequential:  # fmt: skip
        out, downsample = channels * block.expansion, None
        if stride != 1 or self.inplanes != out:
            downsample = nn.Sequential(conv1x1(self.inplanes, out, stride), nn.BatchNorm2d(out))
        layer = nn.Sequential(block(self.inplanes, channels, stride, downsample, self.groups, self.base_width))
        for _ in range(1, blocks):
            layer.append(block(out, channels, groups=self.groups, base_width=self.base_width))
        self.inplanes = out
        return layer

    def forward(self, x: Tensor) -> Tensor:
        """Class scores of images."""
        x = self.maxpool(self.relu(self.bn1(self.conv1(x))))
        x = self.layer4(self.layer3(self.layer2(self.layer1(x))))
        return self.fc(self.avgpool(x).flatten(1))


@register
def resnet18(**options: Any) -> ResNet:
    """18 layers with weights."""
    return ResNet(BasicBlock, (2, 2, 2, 2), **options)


@register
def resnet34(**options: Any) -> ResNet:
    """34 layers with weights."""
    return ResNet(BasicBlock, (3, 4, 6, 3), **options)


@register
def resnet50(**options: Any) -> ResNet:
    """50 layers with weights, in bottlenecks."""
    return ResNet(Bottleneck, (3, 4, 6, 3), **options)


@register
def resnet101(**options: Any) -> ResNet:
    """101 layers with weights, in bottlenecks."""
    return ResNet(Bottleneck, (3, 4, 23, 3), **options)


@register
def resnet152(**options: Any) -> ResNet:
    """152 layers with weights, in bottlenecks."""
    return ResNet(Bottleneck, (3, 8, 36, 3), **options)


@register
def resnext50_32x4d(**options: Any) -> ResNet:
    """32 groups of 4 channels."""
    return ResNet(Bottleneck, (3, 4, 6, 3), groups=32, width_per_group=4, **options)


@register
def resnext101_32x8d(**options: Any) -> ResNet:
    """32 groups of 8 channels."""
    return ResNet(Bottleneck, (3, 4, 23, 3), groups=32, width_per_group=8, **options)


@register
def resnext101_64x4d(**options: Any) -> ResNet:
    """64 groups of 4 channels."""
    return ResNet(Bottleneck, (3, 4, 23, 3), groups=64, width_per_group=4, **options)


@register
def wide_resnet50_2(**options: Any) -> ResNet:
    """ResNet 50 with twice the channels in its 3 × 3 convolutions."""
    return ResNet(Bottleneck, (3, 4, 6, 3), width_per_group=128, **options)


@register
def wide_resnet101_2(**options: Any) -> ResNet:
    """ResNet 101 with twice the channels in its 3 × 3 convolutions."""
    return ResNet(Bottleneck, (3, 4, 23, 3), width_per_group=128, **options)
