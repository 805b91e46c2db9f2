"""DCGAN's generator of Radford, Metz and Chintala, "Unsupervised representation learning with deep convolutional
generative adversarial networks" (2015).
"""

from __future__ import annotations

from typing import Any

from minicnn import nn
from minicnn.models.registry import register
from minicnn.tensor import Tensor


class Generator(nn.Module):
    """Noise to images: transposed convolutions double the size four times, from 4 × 4 (figure 1).

    Args:
        latent: numbers a noise vector (100 in the paper).
        features: channels of the last hidden layer; each layer before has twice as many.
        channels: of the images.

    Shapes: (N, latent, 1, 1) → (N, channels, 64, 64), values in (-1, 1).

    Example:
        >>> mc.models.dcgan_generator()(mc.randn(2, 100, 1, 1)).shape
        Size([2, 3, 64, 64])
    """

    def __init__(self, latent: int = 100, features: int = 64, channels: int = 3) -> None:
        super().__init__()
        wide = 8 * features
        self.main = nn.Sequential(*self._up(latent, wide, stride=1, padding=0))
        for _ in range(3):
            self.main.extend(self._up(wide, wide // 2))
            wide //= 2
        self.main.extend([nn.ConvTranspose2d(wide, channels, 4, 2, 1, bias=False), nn.Tanh()])
        self.apply(self._initialise)

    @staticmethod
    def _up(in_channels: int, out_channels: int, stride: int = 2, padding: int = 1) -> list[nn.Module]:
        conv = nn.ConvTranspose2d(in_channels, out_channels, 4, stride, padding, bias=False)
        return [conv, nn.BatchNorm2d(out_channels), nn.ReLU(True)]

    @staticmethod
    def _initialise(module: nn.Module) -> None:
        if isinstance(module, nn.ConvTranspose2d):
            nn.init.normal_(module.weight, 0.0, 0.02)
        elif isinstance(module, nn.BatchNorm2d):
            nn.init.normal_(module.weight, 1.0, 0.02)

    def forward(self, z: Tensor) -> Tensor:
        """Images from noise."""
        return self.main(z)


@register
def dcgan_generator(**options: Any) -> Generator:
    """DCGAN's generator of 64 × 64 images."""
    return Generator(**options)
