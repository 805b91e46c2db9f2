"""GoogLeNet of Szegedy et al., "Going deeper with convolutions" (2014), with batch norm.

The branch that the paper calls 5 × 5 is 3 × 3 here, as in the published weights.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from minicnn import nn
from minicnn.models.blocks import BasicConv2d
from minicnn.models.registry import register
from minicnn.nn import functional as F
from minicnn.ops.join import cat
from minicnn.tensor import Tensor


class GoogLeNetOutputs(NamedTuple):
    """Class scores of the network and of its two auxiliary heads, in training."""

    logits: Tensor
    aux_logits2: Tensor
    aux_logits1: Tensor


class Inception(nn.Module):
    """Four branches side by side: 1 × 1; reduced, then 3 × 3; reduced, then "5 × 5"; pooled, then 1 × 1 (figure 2b)."""

    def __init__(
        self, in_channels: int, ch1x1: int, ch3x3red: int, ch3x3: int, ch5x5red: int, ch5x5: int, pool_proj: int,
    ) -> None:  # fmt: skip
        super().__init__()
        self.branch1 = BasicConv2d(in_channels, ch1x1, 1)
        self.branch2 = nn.Sequential(BasicConv2d(in_channels, ch3x3red, 1), BasicConv2d(ch3x3red, ch3x3, 3, padding=1))
        self.branch3 = nn.Sequential(BasicConv2d(in_channels, ch5x5red, 1), BasicConv2d(ch5x5red, ch5x5, 3, padding=1))
        self.branch4 = nn.Sequential(
            nn.MaxPool2d(kernel_size=3, stride=1, padding=1, ceil_mode=True), BasicConv2d(in_channels, pool_proj, 1),
        )  # fmt: skip

    def forward(self, x: Tensor) -> Tensor:
        """(N, in_channels, H, W) → (N, ch1x1 + ch3x3 + ch5x5 + pool_proj, H, W)."""
        return cat([self.branch1(x), self.branch2(x), self.branch3(x), self.branch4(x)], 1)


class InceptionAux(nn.Module):
    """A classifier on a middle layer, which brings gradient there in training."""

    def __init__(self, in_channels: int, num_classes: int, dropout: float) -> None:
        super().__init__()
        self.conv = BasicConv2d(in_channels, 128, 1)
        self.fc1 = nn.Linear(2048, 1024)
        self.fc2 = nn.Linear(1024, num_classes)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor) -> Tensor:
        """(N, in_channels, H, W) → (N, num_classes)."""
        x = self.conv(F.adaptive_avg_pool2d(x, (4, 4))).flatten(1)
        return self.fc2(self.dropout(F.relu(self.fc1(x), inplace=True)))


class GoogLeNet(nn.Module):
    """Nine Inception modules (table 1), the mean over the image, dropout, and a linear layer.

    Args:
        num_classes: scores an image.
        aux_logits: build the two auxiliary heads; training then returns ``GoogLeNetOutputs``.
        transform_input: for images normalised by ImageNet's mean and std, where the weights expect 0.5 and 0.5.
        dropout: before the last layer.
        dropout_aux: in the auxiliary heads.
        init_weights: N(0, 0.01²) cut at ±2 instead of the layers' own initial values.

    Shapes: (N, 3, H, W) → (N, num_classes); H and W at least 15, 224 in the paper.

    Example:
        >>> mc.models.googlenet(num_classes=10).eval()(mc.zeros(1, 3, 64, 64)).shape
        Size([1, 10])
    """

    def __init__(
        self, num_classes: int = 1000, aux_logits: bool = True, transform_input: bool = False,
        dropout: float = 0.2, dropout_aux: float = 0.7, init_weights: bool = True,
    ) -> None:  # fmt: skip
        super().__init__()
        self.aux_logits, self.transform_input = aux_logits, transform_input
        self.conv1 = BasicConv2d(3, 64, 7, stride=2, padding=3)
        self.maxpool1 = nn.MaxPool2d(3, stride=2, ceil_mode=True)
        self.conv2 = BasicConv2d(64, 64, 1)
        self.conv3 = BasicConv2d(64, 192, 3, padding=1)
        self.maxpool2 = nn.MaxPool2d(3, stride=2, ceil_mode=True)
        self.inception3a = Inception(192, 64, 96, 128, 16, 32, 32)
        self.inception3b = Inception(256, 128, 128, 192, 32, 96, 64)
        self.maxpool3 = nn.MaxPool2d(3, stride=2, ceil_mode=True)
        self.inception4a = Inception(480, 192, 96, 208, 16, 48, 64)
        self.inception4b = Inception(512, 160, 112, 224, 24, 64, 64)
        self.inception4c = Inception(512, 128, 128, 256, 24, 64, 64)
        self.inception4d = Inception(512, 112, 144, 288, 32, 64, 64)
        self.inception4e = Inception(528, 256, 160, 320, 32, 128, 128)
        self.maxpool4 = nn.MaxPool2d(2, stride=2, ceil_mode=True)
        self.inception5a = Inception(832, 256, 160, 320, 32, 128, 128)
        self.inception5b = Inception(832, 384, 192, 384, 48, 128, 128)
        self.aux1 = InceptionAux(512, num_classes, dropout_aux) if aux_logits else None
        self.aux2 = InceptionAux(528, num_classes, dropout_aux) if aux_logits else None
        self.avgpool = nn.AdaptiveAvgPool2d((1, 1))
        self.dropout = nn.Dropout(dropout)
        self.fc = nn.Linear(1024, num_classes)
        if init_weights:
            truncated_normal(self)

    def forward(self, x: Tensor) -> Tensor | GoogLeNetOutputs:
        """Class scores of images; with those of the auxiliary heads in training."""
        x = imagenet_to_half(x) if self.transform_input else x
        x = self.maxpool2(self.conv3(self.conv2(self.maxpool1(self.conv1(x)))))
        x = self.maxpool3(self.inception3b(self.inception3a(x)))
        middle1 = self.inception4a(x)
        middle2 = self.inception4d(self.inception4c(self.inception4b(middle1)))
        aux1 = self.aux1(middle1) if self.training and self.aux1 is not None else None
        aux2 = self.aux2(middle2) if self.training and self.aux2 is not None else None
        x = self.inception5b(self.inception5a(self.maxpool4(self.inception4e(middle2))))
        x = self.fc(self.dropout(self.avgpool(x).flatten(1)))
        return x if aux1 is None or aux2 is None else GoogLeNetOutputs(x, aux2, aux1)


def truncated_normal(network: nn.Module, std: float = 0.01) -> None:
    """Fill the weights of convolutions and linear layers with N(0, std²), cut at ±2."""
    for module in network.modules():
        if isinstance(module, nn.Conv2d | nn.Linear):
            nn.init.trunc_normal_(module.weight, std=std)


def imagenet_to_half(x: Tensor) -> Tensor:
    """Images normalised by ImageNet's means and standard deviations, normalised by 0.5 and 0.5 instead."""
    statistics = ((0.485, 0.229), (0.456, 0.224), (0.406, 0.225))
    return cat([x[:, i : i + 1] * (std / 0.5) + (mean - 0.5) / 0.5 for i, (mean, std) in enumerate(statistics)], 1)


@register
def googlenet(**options: Any) -> GoogLeNet:
    """GoogLeNet."""
    return GoogLeNet(**options)
