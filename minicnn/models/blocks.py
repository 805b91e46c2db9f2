"""What several families share: convolution with norm and activation, squeeze-and-excitation, initial weights."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from minicnn import nn
from minicnn.nn import functional as F
from minicnn.ops.creation import empty
from minicnn.tensor import Tensor

Layer = Callable[..., nn.Module]


class Conv2dNormActivation(nn.Sequential):
    """Convolution without bias ("same" padding for odd kernels), batch norm, activation (None for a linear block).

    Shapes: (N, in_channels, H, W) → (N, out_channels, ⌈H / stride⌉, ⌈W / stride⌉).
    """

    def __init__(
        self, in_channels: int, out_channels: int, kernel_size: int = 3, stride: int = 1, groups: int = 1,
        norm: Layer = nn.BatchNorm2d, activation: Layer | None = nn.ReLU,
    ) -> None:  # fmt: skip
        padding = (kernel_size - 1) // 2
        conv = nn.Conv2d(in_channels, out_channels, kernel_size, stride, padding, groups=groups, bias=False)
        super().__init__(conv, norm(out_channels))
        if activation is not None:
            self.append(activation(inplace=True))


class BasicConv2d(nn.Module):
    """The Inception family's convolution: no bias, batch norm with eps = 0.001, ReLU."""

    def __init__(self, in_channels: int, out_channels: int, kernel_size: Any, **options: Any) -> None:
        super().__init__()
        self.conv = nn.Conv2d(in_channels, out_channels, kernel_size, bias=False, **options)
        self.bn = nn.BatchNorm2d(out_channels, eps=0.001)

    def forward(self, x: Tensor) -> Tensor:
        """Convolve, normalise, rectify."""
        return F.relu(self.bn(self.conv(x)), inplace=True)


class SqueezeExcitation(nn.Module):
    """Scale each channel by a number in (0, 1) computed from the means of all channels.

    Source: Hu, Shen and Sun, "Squeeze-and-excitation networks" (2018).
    """

    def __init__(self, channels: int, squeezed: int, activation: Layer = nn.ReLU, scale: Layer = nn.Sigmoid) -> None:
        super().__init__()
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.fc1 = nn.Conv2d(channels, squeezed, 1)
        self.fc2 = nn.Conv2d(squeezed, channels, 1)
        self.activation = activation()
        self.scale_activation = scale()

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) times the scales (N, C, 1, 1)."""
        squeezed = self.activation(self.fc1(self.avgpool(x)))
        return self.scale_activation(self.fc2(squeezed)) * x


class StochasticDepth(nn.Module):
    """In training, leave out whole images' residual branches with probability p; the kept ones grow by 1 / (1 - p).

    Source: Huang et al., "Deep networks with stochastic depth" (2016).
    """

    def __init__(self, p: float) -> None:
        super().__init__()
        self.p = p

    def forward(self, x: Tensor) -> Tensor:
        """(N, …) → (N, …): some images become 0."""
        if not self.training or self.p == 0:
            return x
        kept = 1 - self.p
        mask = empty(x.shape[0], *[1] * (x.ndim - 1), dtype=x.dtype, device=x.device).bernoulli_(kept)
        return x * (mask / kept)

    def extra_repr(self) -> str:
        """The probability."""
        return f"p={self.p}"


def make_divisible(channels: float, divisor: int = 8) -> int:
    """``channels`` rounded to a multiple of ``divisor``, and up where rounding down would lose more than a tenth."""
    rounded = max(divisor, int(channels + divisor / 2) // divisor * divisor)
    return rounded if rounded >= 0.9 * channels else rounded + divisor


def initialise(
    network: nn.Module, *, conv: Callable[[Tensor], Any] | None = None, linear: Callable[[Tensor], Any] | None = None,
) -> None:  # fmt: skip
    """Fill the weights of convolutions and linear layers by the given functions, and their biases with 0."""
    for module in network.modules():
        fill = conv if isinstance(module, nn.Conv2d) else linear if isinstance(module, nn.Linear) else None
        if fill is not None:
            fill(module.weight)
            if module.bias is not None:
                nn.init.zeros_(module.bias)


def kaiming_fan_out(weight: Tensor) -> None:
    """N(0, 2 / fan_out): keeps the size of the gradients going back through ReLUs."""
    nn.init.kaiming_normal_(weight, mode="fan_out", nonlinearity="relu")


def small_normal(weight: Tensor) -> None:
    """N(0, 0.01²), as AlexNet's paper started its weights."""
    nn.init.normal_(weight, 0.0, 0.01)
