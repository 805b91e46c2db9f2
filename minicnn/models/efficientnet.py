"""EfficientNet of Tan and Le, "EfficientNet: rethinking model scaling for convolutional neural networks" (2019)."""

from __future__ import annotations

import math
from functools import partial
from typing import Any

from minicnn import nn
from minicnn.models.blocks import Conv2dNormActivation, SqueezeExcitation, StochasticDepth, initialise
from minicnn.models.registry import register
from minicnn.tensor import Tensor

# Table 1, stages 2 to 8: expansion, kernel, stride, channels, layers.
STAGES = (
    (1, 3, 1, 16, 1),
    (6, 3, 2, 24, 2),
    (6, 5, 2, 40, 2),
    (6, 3, 2, 80, 3),
    (6, 5, 1, 112, 3),
    (6, 5, 2, 192, 4),
    (6, 3, 1, 320, 1),
)

ConvNorm = partial(Conv2dNormActivation, activation=nn.SiLU)


class MBConv(nn.Module):
    """MobileNetV2's inverted residual with SiLU, squeeze-and-excitation, and stochastic depth."""

    def __init__(
        self, in_channels: int, out_channels: int, kernel: int, stride: int, expand_ratio: int, drop: float,
    ) -> None:  # fmt: skip
        super().__init__()
        expanded = in_channels * expand_ratio
        self.use_res_connect = stride == 1 and in_channels == out_channels
        self.block = nn.Sequential()
        if expand_ratio != 1:
            self.block.append(ConvNorm(in_channels, expanded, 1))
        self.block.extend([
            ConvNorm(expanded, expanded, kernel, stride, groups=expanded),
            SqueezeExcitation(expanded, max(1, in_channels // 4), activation=partial(nn.SiLU, inplace=True)),
            ConvNorm(expanded, out_channels, 1, activation=None),
        ])  # fmt: skip
        self.stochastic_depth = StochasticDepth(drop)

    def forward(self, x: Tensor) -> Tensor:
        """(N, in_channels, H, W) → (N, out_channels, ⌈H / stride⌉, ⌈W / stride⌉)."""
        return self.stochastic_depth(self.block(x)) + x if self.use_res_connect else self.block(x)


class EfficientNet(nn.Module):
    """A convolution, the table's stages, a 1 × 1 convolution, the mean over the image, and a linear layer.

    Shapes: (N, 3, H, W) → (N, num_classes); 224 × 224 in the paper.

    Example:
        >>> mc.models.efficientnet_b0(num_classes=10)(mc.zeros(1, 3, 64, 64)).shape
        Size([1, 10])
    """

    def __init__(self, num_classes: int = 1000, dropout: float = 0.2, stochastic_depth_prob: float = 0.2) -> None:
        super().__init__()
        wide, done, blocks = 32, 0, sum(layers for *_, layers in STAGES)
        self.features = nn.Sequential(ConvNorm(3, wide, stride=2))
        for expand_ratio, kernel, stride, out, layers in STAGES:
            stage = nn.Sequential()
            for i in range(layers):
                drop = stochastic_depth_prob * done / blocks
                stage.append(MBConv(wide, out, kernel, stride if i == 0 else 1, expand_ratio, drop))
                wide, done = out, done + 1
            self.features.append(stage)
        self.features.append(ConvNorm(wide, 4 * wide, 1))
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.classifier = nn.Sequential(nn.Dropout(dropout, inplace=True), nn.Linear(4 * wide, num_classes))
        bound = 1 / math.sqrt(num_classes)
        initialise(self, conv=lambda w: nn.init.kaiming_normal_(w, mode="fan_out"),
                   linear=lambda w: nn.init.uniform_(w, -bound, bound))

    def forward(self, x: Tensor) -> Tensor:
        """Class scores of images."""
        return self.classifier(self.avgpool(self.features(x)).flatten(1))


@register
def efficientnet_b0(**options: Any) -> EfficientNet:
    """The baseline found by search."""
    return EfficientNet(**options)
