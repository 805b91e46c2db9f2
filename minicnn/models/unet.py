"""U-Net of Ronneberger, Fischer and Brox, "U-Net: convolutional networks for biomedical image segmentation" (2015).

Padded, so that the output has the input's size, and with batch norm, as in Buda's networks on PyTorch Hub.
"""

from __future__ import annotations

from collections import OrderedDict

from minicnn import nn
from minicnn.models.registry import register
from minicnn.ops.join import cat
from minicnn.tensor import Tensor


def double_conv(name: str, in_channels: int, out_channels: int) -> nn.Sequential:
    """Two 3 × 3 convolutions, each with batch norm and ReLU."""
    layers: OrderedDict[str, nn.Module] = OrderedDict()
    for i, wide in enumerate((in_channels, out_channels), 1):
        layers[f"{name}conv{i}"] = nn.Conv2d(wide, out_channels, kernel_size=3, padding=1, bias=False)
        layers[f"{name}norm{i}"] = nn.BatchNorm2d(out_channels)
        layers[f"{name}relu{i}"] = nn.ReLU(inplace=True)
    return nn.Sequential(layers)


@register
class UNet(nn.Module):
    """Down by pooling, up by transposed convolution; each level up also sees the level down of its size.

    Shapes: (N, in_channels, H, W) → (N, out_channels, H, W), probabilities; H and W divisible by 16.

    Example:
        >>> mc.models.UNet()(mc.zeros(1, 3, 64, 64)).shape
        Size([1, 1, 64, 64])
    """

    def __init__(self, in_channels: int = 3, out_channels: int = 1, init_features: int = 32) -> None:
        super().__init__()
        wide = in_channels
        for i in range(1, 5):
            features = init_features * 2 ** (i - 1)
            self.add_module(f"encoder{i}", double_conv(f"enc{i}", wide, features))
            self.add_module(f"pool{i}", nn.MaxPool2d(kernel_size=2, stride=2))
            wide = features
        self.bottleneck = double_conv("bottleneck", wide, 2 * wide)
        for i in range(4, 0, -1):
            features = init_features * 2 ** (i - 1)
            self.add_module(f"upconv{i}", nn.ConvTranspose2d(2 * features, features, kernel_size=2, stride=2))
            self.add_module(f"decoder{i}", double_conv(f"dec{i}", 2 * features, features))
        self.conv = nn.Conv2d(init_features, out_channels, kernel_size=1)

    def forward(self, x: Tensor) -> Tensor:
        """The probability of each output channel at each pixel."""
        skips = []
        for i in range(1, 5):
            x = getattr(self, f"encoder{i}")(x)
            skips.append(x)
            x = getattr(self, f"pool{i}")(x)
        x = self.bottleneck(x)
        for i in range(4, 0, -1):
            x = cat([getattr(self, f"upconv{i}")(x), skips.pop()], 1)
            x = getattr(self, f"decoder{i}")(x)
        return self.conv(x).sigmoid()
