"""MobileNetV3 of Howard et al., "Searching for MobileNetV3" (2019)."""

from __future__ import annotations

from functools import partial
from typing import Any, NamedTuple

from minicnn import nn
from minicnn.models.blocks import Conv2dNormActivation, SqueezeExcitation, initialise, make_divisible, small_normal
from minicnn.models.registry import register
from minicnn.tensor import Tensor


class Bneck(NamedTuple):
    """A row of tables 1 and 2."""

    kernel: int
    expanded: int
    out: int
    se: bool
    activation: str
    stride: int


LARGE = (
    Bneck(3, 16, 16, False, "RE", 1),
    Bneck(3, 64, 24, False, "RE", 2),
    Bneck(3, 72, 24, False, "RE", 1),
    Bneck(5, 72, 40, True, "RE", 2),
    Bneck(5, 120, 40, True, "RE", 1),
    Bneck(5, 120, 40, True, "RE", 1),
    Bneck(3, 240, 80, False, "HS", 2),
    Bneck(3, 200, 80, False, "HS", 1),
    Bneck(3, 184, 80, False, "HS", 1),
    Bneck(3, 184, 80, False, "HS", 1),
    Bneck(3, 480, 112, True, "HS", 1),
    Bneck(3, 672, 112, True, "HS", 1),
    Bneck(5, 672, 160, True, "HS", 2),
    Bneck(5, 960, 160, True, "HS", 1),
    Bneck(5, 960, 160, True, "HS", 1),
)
SMALL = (
    Bneck(3, 16, 16, True, "RE", 2),
    Bneck(3, 72, 24, False, "RE", 2),
    Bneck(3, 88, 24, False, "RE", 1),
    Bneck(5, 96, 40, True, "HS", 2),
    Bneck(5, 240, 40, True, "HS", 1),
    Bneck(5, 240, 40, True, "HS", 1),
    Bneck(5, 120, 48, True, "HS", 1),
    Bneck(5, 144, 48, True, "HS", 1),
    Bneck(5, 288, 96, True, "HS", 2),
    Bneck(5, 576, 96, True, "HS", 1),
    Bneck(5, 576, 96, True, "HS", 1),
)

ACTIVATIONS: dict[str, type[nn.Module]] = {"RE": nn.ReLU, "HS": nn.Hardswish}
ConvNorm = partial(Conv2dNormActivation, norm=partial(nn.BatchNorm2d, eps=0.001, momentum=0.01))


class InvertedResidual(nn.Module):
    """Expand, filter each channel by itself, squeeze and excite where the table says so, project (figure 4)."""

    def __init__(self, in_channels: int, row: Bneck) -> None:
        super().__init__()
        activation = ACTIVATIONS[row.activation]
        self.use_res_connect = row.stride == 1 and in_channels == row.out
        self.block = nn.Sequential()
        if row.expanded != in_channels:
            self.block.append(ConvNorm(in_channels, row.expanded, 1, activation=activation))
        self.block.append(
            ConvNorm(row.expanded, row.expanded, row.kernel, row.stride, groups=row.expanded, activation=activation))
        if row.se:
            squeezed = make_divisible(row.expanded // 4)
            self.block.append(SqueezeExcitation(row.expanded, squeezed, scale=nn.Hardsigmoid))
        self.block.append(ConvNorm(row.expanded, row.out, 1, activation=None))

    def forward(self, x: Tensor) -> Tensor:
        """(N, in_channels, H, W) → (N, out, ⌈H / stride⌉, ⌈W / stride⌉)."""
        return self.block(x) + x if self.use_res_connect else self.block(x)


class MobileNetV3(nn.Module):
    """A convolution, the table's bottlenecks, a 1 × 1 convolution, the mean over the image, and two linear layers.

    Shapes: (N, 3, H, W) → (N, num_classes); 224 × 224 in the paper.

    Example:
        >>> mc.models.mobilenet_v3_small(num_classes=10)(mc.zeros(1, 3, 64, 64)).shape
        Size([1, 10])
    """

    def __init__(
        self, table: tuple[Bneck, ...], last_channel: int, num_classes: int = 1000, dropout: float = 0.2,
    ) -> None:  # fmt: skip
        super().__init__()
        wide = 16
        self.features = nn.Sequential(ConvNorm(3, wide, stride=2, activation=nn.Hardswish))
        for row in table:
            self.features.append(InvertedResidual(wide, row))
            wide = row.out
        self.features.append(ConvNorm(wide, 6 * wide, 1, activation=nn.Hardswish))
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.classifier = nn.Sequential(
            nn.Linear(6 * wide, last_channel), nn.Hardswish(inplace=True),
            nn.Dropout(dropout, inplace=True), nn.Linear(last_channel, num_classes),
        )  # fmt: skip
        initialise(self, conv=lambda w: nn.init.kaiming_normal_(w, mode="fan_out"), linear=small_normal)

    def forward(self, x: Tensor) -> Tensor:
        """Class scores of images."""
        return self.classifier(self.avgpool(self.features(x)).flatten(1))


@register
def mobilenet_v3_large(**options: Any) -> MobileNetV3:
    """Table 1."""
    return MobileNetV3(LARGE, 1280, **options)


@register
def mobilenet_v3_small(**options: Any) -> MobileNetV3:
    """Table 2."""
    return MobileNetV3(SMALL, 1024, **options)
