"""LeNet-5 of LeCun, Bottou, Bengio and Haffner, "Gradient-based learning applied to document recognition" (1998).

Two variants that courses type first: ``LeNet`` without activations, ``lenet_sigmoid`` as the paper had it.
"""

from __future__ import annotations

from typing import Any

from minicnn import nn
from minicnn.models.registry import register
from minicnn.tensor import Tensor


@register
class LeNet(nn.Module):
    """Two convolutions with max pooling, then three fully connected layers; 28 × 28 grey images.

    The variant of Liao Xingyu's "PyTorch for beginners" (its course notes are what many readers type first): no
    activations, so that the pooling is its only non-linearity. 61,610 parameters.

    Shapes: (N, 1, 28, 28) → (N, num_classes).

    Example:
        >>> mc.models.LeNet()(mc.zeros(1, 1, 28, 28)).shape
        Size([1, 10])
    """

    def __init__(self, num_classes: int = 10) -> None:
        super().__init__()
        self.layer1 = nn.Sequential()
        self.layer1.add_module("conv1", nn.Conv2d(1, 6, 3, padding=1))
        self.layer1.add_module("pool1", nn.MaxPool2d(2, 2))
        self.layer2 = nn.Sequential()
        self.layer2.add_module("conv2", nn.Conv2d(6, 16, 5))
        self.layer2.add_module("pool2", nn.MaxPool2d(2, 2))
        self.layer3 = nn.Sequential()
        self.layer3.add_module("fc1", nn.Linear(400, 120))
        self.layer3.add_module("fc2", nn.Linear(120, 84))
        self.layer3.add_module("fc3", nn.Linear(84, num_classes))

    def forward(self, x: Tensor) -> Tensor:
        """Class scores of images."""
        x = self.layer1(x)
        x = self.layer2(x)
        x = x.view(x.size(0), -1)
        return self.layer3(x)


class LeNetSigmoid(nn.Sequential):
    """Two convolutions with sigmoids and average pooling, then three fully connected layers; 28 × 28 grey images.

    The variant of "Dive into deep learning", close to the paper's. 61,706 parameters.

    Shapes: (N, 1, 28, 28) → (N, num_classes).
    """

    def __init__(self, num_classes: int = 10) -> None:
        super().__init__(
            nn.Conv2d(1, 6, kernel_size=5, padding=2), nn.Sigmoid(), nn.AvgPool2d(kernel_size=2, stride=2),
            nn.Conv2d(6, 16, kernel_size=5), nn.Sigmoid(), nn.AvgPool2d(kernel_size=2, stride=2),
            nn.Flatten(),
            nn.Linear(16 * 5 * 5, 120), nn.Sigmoid(),
            nn.Linear(120, 84), nn.Sigmoid(),
            nn.Linear(84, num_classes),
        )  # fmt: skip


@register
def lenet_sigmoid(**options: Any) -> LeNetSigmoid:
    """LeNet-5 with sigmoids and average pooling."""
    return LeNetSigmoid(**options)
