"""MobileNetV2 of Sandler et al., "MobileNetV2: inverted residuals and linear bottlenecks" (2018)."""

from __future__ import annotations

from typing import Any

from minicnn import nn
from minicnn.models.blocks import Conv2dNormActivation, initialise, make_divisible, small_normal
from minicnn.models.registry import register
from minicnn.nn import functional as F
from minicnn.tensor import Tensor

# Table 2: expansion t, channels c, blocks n, stride s of the first.
STAGES = ((1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1))


class InvertedResidual(nn.Module):
    """Expand the channels, filter each by itself, project back without activation; add the input where sizes agree."""

    def __init__(self, in_channels: int, out_channels: int, stride: int, expand_ratio: int) -> None:
        super().__init__()
        hidden = in_channels * expand_ratio
        self.use_res_connect = stride == 1 and in_channels == out_channels
        self.conv = nn.Sequential()
        if expand_ratio != 1:
            self.conv.append(Conv2dNormActivation(in_channels, hidden, 1, activation=nn.ReLU6))
        self.conv.extend([
            Conv2dNormActivation(hidden, hidden, 3, stride, groups=hidden, activation=nn.ReLU6),
            nn.Conv2d(hidden, out_channels, 1, bias=False),
            nn.BatchNorm2d(out_channels),
        ])  # fmt: skip

    def forward(self, x: Tensor) -> Tensor:
        """(N, in_channels, H, W) → (N, out_channels, ⌈H / stride⌉, ⌈W / stride⌉)."""
        return x + self.conv(x) if self.use_res_connect else self.conv(x)


class MobileNetV2(nn.Module):
    """A convolution, 17 inverted residuals, a 1 × 1 convolution, the mean over the image, and a linear layer.

    Shapes: (N, 3, H, W) → (N, num_classes); 224 × 224 in the paper.

    Example:
        >>> mc.models.mobilenet_v2(num_classes=10)(mc.zeros(1, 3, 64, 64)).shape
        Size([1, 10])
    """

    def __init__(self, num_classes: int = 1000, width_mult: float = 1.0, dropout: float = 0.2) -> None:
        super().__init__()
        wide, last = make_divisible(32 * width_mult), make_divisible(1280 * max(1.0, width_mult))
        self.features = nn.Sequential(Conv2dNormActivation(3, wide, stride=2, activation=nn.ReLU6))
        for expand_ratio, channels, blocks, stride in STAGES:
            out = make_divisible(channels * width_mult)
            for i in range(blocks):
                self.features.append(InvertedResidual(wide, out, stride if i == 0 else 1, expand_ratio))
                wide = out
        self.features.append(Conv2dNormActivation(wide, last, 1, activation=nn.ReLU6))
        self.classifier = nn.Sequential(nn.Dropout(dropout), nn.Linear(last, num_classes))
        initialise(self, conv=lambda w: nn.init.kaiming_normal_(w, mode="fan_out"), linear=small_normal)

    def forward(self, x: Tensor) -> Tensor:
        """Class scores of images."""
        return self.classifier(F.adaptive_avg_pool2d(self.features(x), (1, 1)).flatten(1))


@register
def mobilenet_v2(**options: Any) -> MobileNetV2:
    """MobileNetV2."""
    return MobileNetV2(**options)
