"""VGG of Simonyan and Zisserman, "Very deep convolutional networks for large-scale image recognition" (2014)."""

from __future__ import annotations

from typing import Any

from minicnn import nn
from minicnn.models.blocks import initialise, kaiming_fan_out, small_normal
from minicnn.models.registry import register
from minicnn.tensor import Tensor

# Convolutions of each of the five blocks (table 1's columns); a block ends in pooling.
CONFIGURATIONS = {"A": (1, 1, 2, 2, 2), "B": (2, 2, 2, 2, 2), "D": (2, 2, 3, 3, 3), "E": (2, 2, 4, 4, 4)}
CHANNELS = (64, 128, 256, 512, 512)


class VGG(nn.Module):
    """Blocks of 3 × 3 convolutions, each halved by 2 × 2 pooling, then three linear layers with dropout.

    Shapes: (N, 3, H, W) → (N, num_classes); H and W at least 32, 224 in the paper.

    Example:
        >>> mc.models.vgg11(num_classes=10)(mc.zeros(1, 3, 32, 32)).shape
        Size([1, 10])
    """

    def __init__(
        self, configuration: str, batch_norm: bool = False, num_classes: int = 1000, dropout: float = 0.5,
    ) -> None:  # fmt: skip
        super().__init__()
        self.features = nn.Sequential()
        wide = 3
        for convolutions, channels in zip(CONFIGURATIONS[configuration], CHANNELS, strict=True):
            for _ in range(convolutions):
                norm = [nn.BatchNorm2d(channels)] if batch_norm else []
                self.features.extend([nn.Conv2d(wide, channels, 3, padding=1), *norm, nn.ReLU(inplace=True)])
                wide = channels
            self.features.append(nn.MaxPool2d(kernel_size=2, stride=2))
        self.avgpool = nn.AdaptiveAvgPool2d((7, 7))
        self.classifier = nn.Sequential(
            nn.Linear(512 * 7 * 7, 4096), nn.ReLU(True), nn.Dropout(dropout),
            nn.Linear(4096, 4096), nn.ReLU(True), nn.Dropout(dropout),
            nn.Linear(4096, num_classes),
        )  # fmt: skip
        initialise(self, conv=kaiming_fan_out, linear=small_normal)

    def forward(self, x: Tensor) -> Tensor:
        """Class scores of images."""
        return self.classifier(self.avgpool(self.features(x)).flatten(1))


@register
def vgg11(**options: Any) -> VGG:
    """Configuration A: 8 convolutions and 3 linear layers."""
    return VGG("A", **options)


@register
def vgg13(**options: Any) -> VGG:
    """Configuration B: 10 convolutions and 3 linear layers."""
    return VGG("B", **options)


@register
def vgg16(**options: Any) -> VGG:
    """Configuration D: 13 convolutions and 3 linear layers."""
    return VGG("D", **options)


@register
def vgg19(**options: Any) -> VGG:
    """Configuration E: 16 convolutions and 3 linear layers."""
    return VGG("E", **options)


@register
def vgg11_bn(**options: Any) -> VGG:
    """Configuration A with batch norm."""
    return VGG("A", batch_norm=True, **options)


@register
def vgg13_bn(**options: Any) -> VGG:
    """Configuration B with batch norm."""
    return VGG("B", batch_norm=True, **options)


@register
def vgg16_bn(**options: Any) -> VGG:
    """Configuration D with batch norm."""
    return VGG("D", batch_norm=True, **options)


@register
def vgg19_bn(**options: Any) -> VGG:
    """Configuration E with batch norm."""
    return VGG("E", batch_norm=True, **options)
