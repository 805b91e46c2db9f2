"""What the searched networks NASNet and PNASNet share: their search space's operations, and cells made from a table.

Strided operations pad as TensorFlow's "same" does: as little as needed, the odd row or column at the bottom and right.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from typing import NamedTuple

from minicnn import nn
from minicnn.nn import functional as F
from minicnn.ops.join import cat
from minicnn.tensor import Tensor


def pad_same(x: Tensor, kernel_size: int, stride: int, value: float = 0.0) -> Tensor:
    """(N, C, H, W), padded so that such windows give ⌈H / stride⌉ rows and ⌈W / stride⌉ columns."""
    height, width = (max((-(-n // stride) - 1) * stride + kernel_size - n, 0) for n in x.shape[2:])
    return F.pad(x, (width // 2, width - width // 2, height // 2, height - height // 2), value=value)


class StridedConv2d(nn.Conv2d):
    """A convolution with stride that pads its input by ``pad_same``."""

    def forward(self, x: Tensor) -> Tensor:
        """(N, in, H, W) → (N, out, ⌈H / stride⌉, ⌈W / stride⌉)."""
        return super().forward(pad_same(x, self.kernel_size[0], self.stride[0]))


class StridedMaxPool2d(nn.Module):
    """3 × 3 max pooling with stride 2; the padding never wins."""

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) → (N, C, ⌈H / 2⌉, ⌈W / 2⌉)."""
        return F.max_pool2d(pad_same(x, 3, 2, value=float("-inf")), 3, 2)


class StridedAvgPool2d(nn.Module):
    """3 × 3 average pooling with stride 2; the padding counts as zeros."""

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) → (N, C, ⌈H / 2⌉, ⌈W / 2⌉)."""
        return F.avg_pool2d(pad_same(x, 3, 2), 3, 2)


def conv_same(in_channels: int, out_channels: int, kernel_size: int, stride: int = 1, groups: int = 1) -> nn.Conv2d:
    """A convolution without bias whose output has ⌈H / stride⌉ rows and ⌈W / stride⌉ columns."""
    if stride > 1:
        return StridedConv2d(in_channels, out_channels, kernel_size, stride, groups=groups, bias=False)
    return nn.Conv2d(in_channels, out_channels, kernel_size, padding=kernel_size // 2, groups=groups, bias=False)


def max_pool(stride: int) -> nn.Module:
    """3 × 3 max pooling."""
    return StridedMaxPool2d() if stride > 1 else nn.MaxPool2d(3, 1, padding=1)


def avg_pool(stride: int) -> nn.Module:
    """3 × 3 average pooling."""
    return StridedAvgPool2d() if stride > 1 else nn.AvgPool2d(3, 1, padding=1, count_include_pad=False)


def batch_norm(channels: int) -> nn.BatchNorm2d:
    """Batch norm with TensorFlow's eps."""
    return nn.BatchNorm2d(channels, eps=0.001)


class ActConvBn(nn.Sequential):
    """ReLU, a 1 × 1 convolution, batch norm."""

    def __init__(self, in_channels: int, out_channels: int, stride: int = 1) -> None:
        super().__init__(OrderedDict[str, nn.Module](
            act=nn.ReLU(), conv=conv_same(in_channels, out_channels, 1, stride), bn=batch_norm(out_channels),
        ))  # fmt: skip


class SeparableConv2d(nn.Sequential):
    """A filter for each channel by itself, then a 1 × 1 convolution across channels."""

    def __init__(self, in_channels: int, out_channels: int, kernel_size: int, stride: int = 1) -> None:
        super().__init__(OrderedDict[str, nn.Module](
            depthwise_conv2d=conv_same(in_channels, in_channels, kernel_size, stride, groups=in_channels),
            pointwise_conv2d=conv_same(in_channels, out_channels, 1),
        ))  # fmt: skip


class BranchSeparables(nn.Sequential):
    """ReLU, separable convolution and batch norm, twice; the stride is the first one's."""

    def __init__(self, in_channels: int, out_channels: int, kernel_size: int, stride: int = 1) -> None:
        super().__init__(OrderedDict[str, nn.Module](
            act_1=nn.ReLU(),
            separable_1=SeparableConv2d(in_channels, out_channels, kernel_size, stride),
            bn_sep_1=batch_norm(out_channels),
            act_2=nn.ReLU(),
            separable_2=SeparableConv2d(out_channels, out_channels, kernel_size),
            bn_sep_2=batch_norm(out_channels),
        ))  # fmt: skip


def add_factorized_reduction(module: nn.Module, in_channels: int, out_channels: int) -> None:
    """Give a module the layers of ``factorized_reduction``."""
    for name, shift in (("path_1", []), ("path_2", [("pad", nn.ZeroPad2d((-1, 1, -1, 1)))])):
        avgpool = nn.AvgPool2d(1, stride=2, count_include_pad=False)
        conv = conv_same(in_channels, out_channels // 2, 1)
        module.add_module(name, nn.Sequential(OrderedDict([*shift, ("avgpool", avgpool), ("conv", conv)])))
    module.final_path_bn = batch_norm(out_channels)


def factorized_reduction(module: nn.Module, x: Tensor) -> Tensor:
    """(N, in, H, W) → (N, out, ⌈H / 2⌉, ⌈W / 2⌉): half of the channels from the even pixels, half from the odd ones."""
    x = F.relu(x)
    return module.final_path_bn(cat([module.path_1(x), module.path_2(x)], 1))


class Step(NamedTuple):
    """A row of a cell's table: the sum of two operations, each on the state with the given number.

    State 0 is the cell before the last, 1 the last cell, 2 the first row's sum, and so on.
    """

    left: str
    left_state: int
    right: str
    right_state: int


class Cell(nn.Module):
    """Five sums of two operations each, as a table says; some states side by side are the output.

    Subclasses make the operations' modules, named comb_iter_0_left and so on; an identity has none.
    """

    steps: Sequence[Step]
    outputs: Sequence[int]

    def operate(self, i: int, side: str, x: Tensor) -> Tensor:
        """The operation of row i on one side."""
        module = self._modules.get(f"comb_iter_{i}_{side}")
        return x if module is None else module(x)

    def combine(self, before: Tensor, last: Tensor) -> Tensor:
        """The output from the states 0 and 1."""
        states = [before, last]
        for i, step in enumerate(self.steps):
            left = self.operate(i, "left", states[step.left_state])
            states.append(left + self.operate(i, "right", states[step.right_state]))
        return cat([states[i] for i in self.outputs], 1)
