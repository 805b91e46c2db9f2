"""MobileNet of Howard et al., "MobileNets: efficient convolutional neural networks for mobile vision" (2017).

Parameter names are timm's (its mobilenetv1_100), and so is ReLU6 where the paper has ReLU.
"""

from __future__ import annotations

from typing import Any

from minicnn import nn
from minicnn.models.blocks import initialise, kaiming_fan_out
from minicnn.models.registry import register
from minicnn.nn import functional as F
from minicnn.tensor import Tensor

# Table 1: stages of (blocks, channels), each block a depthwise and a pointwise convolution; stages but the first halve.
STAGES = ((1, 64), (2, 128), (2, 256), (6, 512), (2, 1024))


class DepthwiseSeparableConv(nn.Module):
    """A 3 × 3 filter for each channel by itself, then a 1 × 1 convolution across channels (figure 3)."""

    def __init__(self, in_channels: int, out_channels: int, stride: int) -> None:
        super().__init__()
        self.conv_dw = nn.Conv2d(in_channels, in_channels, 3, stride, padding=1, groups=in_channels, bias=False)
        self.bn1 = nn.BatchNorm2d(in_channels)
        self.conv_pw = nn.Conv2d(in_channels, out_channels, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(out_channels)

    def forward(self, x: Tensor) -> Tensor:
        """(N, in_channels, H, W) → (N, out_channels, ⌈H / stride⌉, ⌈W / stride⌉)."""
        x = F.relu6(self.bn1(self.conv_dw(x)), inplace=True)
        return F.relu6(self.bn2(self.conv_pw(x)), inplace=True)


class MobileNetV1(nn.Module):
    """A convolution and 13 depthwise separable ones, the mean over the image, dropout, and a linear layer.

    Args:
        width_mult: the paper's α, which multiplies all channels.

    Shapes: (N, 3, H, W) → (N, num_classes); 224 × 224 in the paper.

    Example:
        >>> mc.models.mobilenet_v1(width_mult=0.25)(mc.zeros(1, 3, 64, 64)).shape
        Size([1, 1000])
    """

    def __init__(self, num_classes: int = 1000, width_mult: float = 1.0, dropout: float = 0.0) -> None:
        super().__init__()
        wide = int(32 * width_mult)
        self.conv_stem = nn.Conv2d(3, wide, 3, stride=2, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(wide)
        self.blocks = nn.Sequential()
        for i, (blocks, channels) in enumerate(STAGES):
            stage, out = nn.Sequential(), int(channels * width_mult)
            for j in range(blocks):
                stage.append(DepthwiseSeparableConv(wide, out, stride=2 if i > 0 and j == 0 else 1))
                wide = out
            self.blocks.append(stage)
        self.dropout = nn.Dropout(dropout)
        self.classifier = nn.Linear(wide, num_classes)
        initialise(self, conv=kaiming_fan_out)

    def forward(self, x: Tensor) -> Tensor:
        """Class scores of images."""
        x = self.blocks(F.relu6(self.bn1(self.conv_stem(x)), inplace=True))
        return self.classifier(self.dropout(x.mean((2, 3))))


@register
def mobilenet_v1(**options: Any) -> MobileNetV1:
    """MobileNet."""
    return MobileNetV1(**options)
