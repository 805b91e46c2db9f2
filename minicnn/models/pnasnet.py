"""PNASNet-5 of Liu et al., "Progressive neural architecture search" (2017)."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

from minicnn import nn
from minicnn.models.cells import (
    ActConvBn,
    BranchSeparables,
    Cell,
    Step,
    add_factorized_reduction,
    batch_norm,
    conv_same,
    factorized_reduction,
    max_pool,
)
from minicnn.models.registry import register
from minicnn.tensor import Tensor


class FactorizedReduction(nn.Module):
    """Half the size: half of the channels from the even pixels, half from the odd ones."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        add_factorized_reduction(self, in_channels, out_channels)

    def forward(self, x: Tensor) -> Tensor:
        """(N, in_channels, H, W) → (N, out_channels, ⌈H / 2⌉, ⌈W / 2⌉)."""
        return factorized_reduction(self, x)


class PNASNetCell(Cell):
    """The cell of figure 1; with stride 2 it halves the size.

    Args:
        in_before: channels of the cell before the last.
        in_last: channels of the last cell.
        channels: of the operations.
        reduce: halve the size.
        fit: how the cell before is fitted: ``"conv"`` by a 1 × 1 convolution, ``"halve"`` also to half the size,
            ``"none"`` not at all.
    """

    # State 0 is the cell before the last, 1 the last cell, 4 the third row's sum.
    steps = (
        Step("sep5", 0, "max3", 0),
        Step("sep7", 1, "max3", 1),
        Step("sep5", 1, "sep3", 1),
        Step("sep3", 4, "max3", 1),
        Step("sep3", 0, "identity", 1),
    )
    outputs = (2, 3, 4, 5, 6)

    def __init__(self, in_before: int, in_last: int, channels: int, reduce: bool = False, fit: str = "conv") -> None:
        super().__init__()
        self.fit = fit
        if fit != "none":
            self.conv_prev_1x1 = (FactorizedReduction if fit == "halve" else ActConvBn)(in_before, channels)
        self.conv_1x1 = ActConvBn(in_last, channels)
        for i, step in enumerate(self.steps):
            for side, name, state in (("left", *step[:2]), ("right", *step[2:])):
                wide = in_before if fit == "none" and state == 0 else channels
                operation = self._operation(name, wide, channels, 2 if reduce and state < 2 else 1)
                if operation is not None:
                    self.add_module(f"comb_iter_{i}_{side}", operation)

    @staticmethod
    def _operation(name: str, in_channels: int, channels: int, stride: int) -> nn.Module | None:
        if name.startswith("sep"):
            return BranchSeparables(in_channels, channels, int(name[-1]), stride)
        if name == "identity":
            return ActConvBn(channels, channels, stride) if stride > 1 else None
        if in_channels == channels:
            return max_pool(stride)
        return nn.Sequential(OrderedDict[str, nn.Module](
            max_pool=max_pool(stride), conv=conv_same(in_channels, channels, 1), bn=batch_norm(channels),
        ))  # fmt: skip

    def forward(self, before: Tensor, last: Tensor) -> Tensor:
        """The cell's output from those of the two cells before it."""
        return self.combine(before if self.fit == "none" else self.conv_prev_1x1(before), self.conv_1x1(last))


class PNASNet5Large(nn.Module):
    """PNASNet-5: a convolution, two reducing cells, then twelve cells of which two reduce.

    Args:
        num_classes: scores an image.
        num_features: channels of the last cell, twenty times those of the first cell's operations.
        drop_rate: dropout before the linear layer.

    Shapes: (N, 3, H, W) → (N, num_classes); 331 × 331 in the paper. 86,057,668 parameters.

    Example:
        >>> mc.models.pnasnet5large(num_classes=10, num_features=160)(mc.zeros(1, 3, 64, 64)).shape
        Size([1, 10])
    """

    def __init__(self, num_classes: int = 1000, num_features: int = 4320, drop_rate: float = 0.0) -> None:
        super().__init__()
        c = num_features // 20
        self.conv_0 = nn.Sequential(OrderedDict[str, nn.Module](
            conv=nn.Conv2d(3, 96, kernel_size=3, stride=2, bias=False), bn=batch_norm(96),
        ))  # fmt: skip
        self.cell_stem_0 = PNASNetCell(96, 96, c // 4, reduce=True, fit="none")
        self.cell_stem_1 = PNASNetCell(96, c // 4 * 5, c // 2, reduce=True, fit="halve")
        before, last = c // 4 * 5, c // 2 * 5
        for i in range(12):
            channels = c * 2 ** (i // 4)
            # A cell whose two inputs differ in size halves the older one: after each reduction.
            fit = "halve" if i in (0, 5, 9) else "conv"
            self.add_module(f"cell_{i}", PNASNetCell(before, last, channels, reduce=i in (4, 8), fit=fit))
            before, last = last, 5 * channels
        self.act = nn.ReLU()
        self.dropout = nn.Dropout(drop_rate)
        self.last_linear = nn.Linear(num_features, num_classes)

    def forward(self, x: Tensor) -> Tensor:
        """Class scores of images."""
        x = self.conv_0(x)
        before = self.cell_stem_0(x, x)
        last = self.cell_stem_1(x, before)
        for i in range(12):
            before, last = last, getattr(self, f"cell_{i}")(before, last)
        return self.last_linear(self.dropout(self.act(last).mean((2, 3))))


@register
def pnasnet5large(**options: Any) -> PNASNet5Large:
    """PNASNet-5."""
    return PNASNet5Large(**options)
