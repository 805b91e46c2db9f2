"""ShuffleNetV2 of Ma, Zhang, Zheng and Sun, "Practical guidelines for efficient CNN architecture design" (2018)."""

from __future__ import annotations

from typing import Any

from minicnn import nn
from minicnn.models.registry import register
from minicnn.ops.join import cat
from minicnn.tensor import Tensor


def conv_bn(
    in_channels: int, out_channels: int, kernel_size: int = 1, stride: int = 1, groups: int = 1,
) -> list[nn.Module]:  # fmt: skip
    """A convolution without bias, and batch norm."""
    conv = nn.Conv2d(in_channels, out_channels, kernel_size, stride, kernel_size // 2, groups=groups, bias=False)
    return [conv, nn.BatchNorm2d(out_channels)]


def channel_shuffle(x: Tensor, groups: int) -> Tensor:
    """Deal the channels of ``groups`` groups out in turn: 1 2 3 a b c becomes 1 a 2 b 3 c."""
    n, c, h, w = x.shape
    return x.reshape(n, groups, c // groups, h, w).transpose(1, 2).reshape(n, c, h, w)


class InvertedResidual(nn.Module):
    """Half of the channels pass untouched at stride 1 (figure 3c); at stride 2 both halves see all of them (3d)."""

    def __init__(self, in_channels: int, out_channels: int, stride: int) -> None:
        super().__init__()
        half, self.stride = out_channels // 2, stride
        self.branch1 = nn.Sequential()
        if stride > 1:
            self.branch1.extend([
                *conv_bn(in_channels, in_channels, 3, stride, groups=in_channels),
                *conv_bn(in_channels, half), nn.ReLU(inplace=True),
            ])  # fmt: skip
        self.branch2 = nn.Sequential(
            *conv_bn(in_channels if stride > 1 else half, half), nn.ReLU(inplace=True),
            *conv_bn(half, half, 3, stride, groups=half),
            *conv_bn(half, half), nn.ReLU(inplace=True),
        )  # fmt: skip

    def forward(self, x: Tensor) -> Tensor:
        """(N, in_channels, H, W) → (N, out_channels, ⌈H / stride⌉, ⌈W / stride⌉)."""
        kept, seen = x.chunk(2, 1) if self.stride == 1 else (self.branch1(x), x)
        return channel_shuffle(cat([kept, self.branch2(seen)], 1), 2)


class ShuffleNetV2(nn.Module):
    """A convolution and pooling, stages 2 to 4 of 4, 8 and 4 units, a 1 × 1 convolution, the mean, a linear layer.

    Args:
        channels: of the first convolution, the three stages, and the last convolution (table 5).

    Shapes: (N, 3, H, W) → (N, num_classes); 224 × 224 in the paper.

    Example:
        >>> mc.models.shufflenet_v2_x0_5(num_classes=10)(mc.zeros(1, 3, 64, 64)).shape
        Size([1, 10])
    """

    def __init__(self, channels: tuple[int, int, int, int, int], num_classes: int = 1000) -> None:
        super().__init__()
        first, *stages, last = channels
        self.conv1 = nn.Sequential(*conv_bn(3, first, 3, 2), nn.ReLU(inplace=True))
        self.maxpool = nn.MaxPool2d(kernel_size=3, stride=2, padding=1)
        wide = first
        for i, (units, out) in enumerate(zip((4, 8, 4), stages, strict=True), 2):
            rest = (InvertedResidual(out, out, 1) for _ in range(units - 1))
            self.add_module(f"stage{i}", nn.Sequential(InvertedResidual(wide, out, 2), *rest))
            wide = out
        self.conv5 = nn.Sequential(*conv_bn(wide, last), nn.ReLU(inplace=True))
        self.fc = nn.Linear(last, num_classes)

    def forward(self, x: Tensor) -> Tensor:
        """Class scores of images."""
        x = self.maxpool(self.conv1(x))
        x = self.conv5(self.stage4(self.stage3(self.stage2(x))))
        return self.fc(x.mean((2, 3)))


@register
def shufflenet_v2_x0_5(**options: Any) -> ShuffleNetV2:
    """Half the channels."""
    return ShuffleNetV2((24, 48, 96, 192, 1024), **options)


@register
def shufflenet_v2_x1_0(**options: Any) -> ShuffleNetV2:
    """The paper's 1 ×."""
    return ShuffleNetV2((24, 116, 232, 464, 1024), **options)


@register
def shufflenet_v2_x1_5(**options: Any) -> ShuffleNetV2:
    """One and a half times the channels."""
    return ShuffleNetV2((24, 176, 352, 704, 1024), **options)


@register
def shufflenet_v2_x2_0(**options: Any) -> ShuffleNetV2:
    """Twice the channels."""
    return ShuffleNetV2((24, 244, 488, 976, 2048), **options)
