"""AlexNet of Krizhevsky, Sutskever and Hinton, in the one-column form of Krizhevsky's "One weird trick …" (2014)."""

from __future__ import annotations

from typing import Any

from minicnn import nn
from minicnn.models.registry import register
from minicnn.tensor import Tensor


class AlexNet(nn.Module):
    """Five convolutions, the first with large kernels and strides, then three linear layers with dropout.

    Shapes: (N, 3, H, W) → (N, num_classes); H and W at least 63, 224 in the paper. 61,100,840 parameters.

    Example:
        >>> mc.models.alexnet(num_classes=10)(mc.zeros(1, 3, 224, 224)).shape
        Size([1, 10])
    """

    def __init__(self, num_classes: int = 1000, dropout: float = 0.5) -> None:
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(3, 64, kernel_size=11, stride=4, padding=2), nn.ReLU(inplace=True),
            nn.MaxPool2d(kernel_size=3, stride=2),
            nn.Conv2d(64, 192, kernel_size=5, padding=2), nn.ReLU(inplace=True),
            nn.MaxPool2d(kernel_size=3, stride=2),
            nn.Conv2d(192, 384, kernel_size=3, padding=1), nn.ReLU(inplace=True),
            nn.Conv2d(384, 256, kernel_size=3, padding=1), nn.ReLU(inplace=True),
            nn.Conv2d(256, 256, kernel_size=3, padding=1), nn.ReLU(inplace=True),
            nn.MaxPool2d(kernel_size=3, stride=2),
        )  # fmt: skip
        self.avgpool = nn.AdaptiveAvgPool2d((6, 6))
        self.classifier = nn.Sequential(
            nn.Dropout(dropout), nn.Linear(256 * 6 * 6, 4096), nn.ReLU(inplace=True),
            nn.Dropout(dropout), nn.Linear(4096, 4096), nn.ReLU(inplace=True),
            nn.Linear(4096, num_classes),
        )  # fmt: skip

    def forward(self, x: Tensor) -> Tensor:
        """Class scores of images."""
        return self.classifier(self.avgpool(self.features(x)).flatten(1))


@register
def alexnet(**options: Any) -> AlexNet:
    """AlexNet."""
    return AlexNet(**options)
