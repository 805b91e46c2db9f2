"""NiN of Lin, Chen and Yan, "Network in network" (2013), in the form of "Dive into deep learning"."""

from __future__ import annotations

from minicnn import nn
from minicnn.models.registry import register


def nin_block(in_channels: int, out_channels: int, kernel_size: int, stride: int, padding: int) -> nn.Sequential:
    """A convolution, then a perceptron at each pixel: two 1 × 1 convolutions."""
    return nn.Sequential(
        nn.Conv2d(in_channels, out_channels, kernel_size, stride, padding), nn.ReLU(),
        nn.Conv2d(out_channels, out_channels, kernel_size=1), nn.ReLU(),
        nn.Conv2d(out_channels, out_channels, kernel_size=1), nn.ReLU(),
    )  # fmt: skip


@register
class NiN(nn.Sequential):
    """Four NiN blocks and no linear layer: the last block has a channel a class, averaged over the image.

    Shapes: (N, in_channels, H, W) → (N, num_classes); H and W at least 67, 224 in the course.

    Example:
        >>> mc.models.NiN()(mc.zeros(1, 1, 224, 224)).shape
        Size([1, 10])
    """

    def __init__(self, in_channels: int = 1, num_classes: int = 10, dropout: float = 0.5) -> None:
        super().__init__(
            nin_block(in_channels, 96, kernel_size=11, stride=4, padding=0), nn.MaxPool2d(3, stride=2),
            nin_block(96, 256, kernel_size=5, stride=1, padding=2), nn.MaxPool2d(3, stride=2),
            nin_block(256, 384, kernel_size=3, stride=1, padding=1), nn.MaxPool2d(3, stride=2),
            nn.Dropout(dropout),
            nin_block(384, num_classes, kernel_size=3, stride=1, padding=1),
            nn.AdaptiveAvgPool2d((1, 1)), nn.Flatten(),
        )  # fmt: skip
