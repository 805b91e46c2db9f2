"""NASNet-A of Zoph et al., "Learning transferable architectures for scalable image recognition" (2017)."""

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
    avg_pool,
    batch_norm,
    factorized_reduction,
    max_pool,
)
from minicnn.models.registry import register
from minicnn.tensor import Tensor

# Figure 4. State 0 is the cell before the last, 1 the last cell.
NORMAL = (
    Step("sep5", 1, "sep3", 0),
    Step("sep5", 0, "sep3", 0),
    Step("avg3", 1, "identity", 0),
    Step("avg3", 0, "avg3", 0),
    Step("sep3", 1, "identity", 1),
)
REDUCTION = (
    Step("sep5", 1, "sep7", 0),
    Step("max3", 1, "sep7", 0),
    Step("avg3", 1, "sep5", 0),
    Step("identity", 3, "avg3", 2),
    Step("sep3", 2, "max3", 1),
)


def _operation(name: str, in_channels: int, channels: int, stride: int) -> nn.Module | None:
    if name.startswith("sep"):
        return BranchSeparables(in_channels, channels, int(name[-1]), stride)
    return {"max3": max_pool, "avg3": avg_pool}[name](stride) if name != "identity" else None


class NASNetCell(Cell):
    """A cell of figure 4; the input of the cell before is fitted to the other one's channels and size.

    Args:
        in_before: channels of the cell before the last.
        in_last: channels of the last cell.
        channels: of the operations.
        reduce: the reduction cell, which halves the size.
        fit: how the cell before is fitted: ``"conv"`` by a 1 × 1 convolution, ``"halve"`` also to half the size,
            ``"none"`` not at all.
    """

    def __init__(self, in_before: int, in_last: int, channels: int, reduce: bool = False, fit: str = "conv") -> None:
        super().__init__()
        self.fit = fit
        self.steps, self.outputs = (REDUCTION, (3, 4, 5, 6)) if reduce else (NORMAL, (0, 2, 3, 4, 5, 6))
        if fit == "conv":
            self.conv_prev_1x1 = ActConvBn(in_before, channels)
        self.conv_1x1 = ActConvBn(in_last, channels)
        if fit == "halve":
            add_factorized_reduction(self, in_before, channels)
        for i, step in enumerate(self.steps):
            for side, name, state in (("left", *step[:2]), ("right", *step[2:])):
                stride = 2 if reduce and state < 2 else 1
                wide = in_before if fit == "none" and state == 0 else channels
                operation = _operation(name, wide, channels, stride)
                if operation is not None:
                    self.add_module(f"comb_iter_{i}_{side}", operation)

    def forward(self, last: Tensor, before: Tensor) -> Tensor:
        """The cell's output from those of the two cells before it."""
        if self.fit == "conv":
            before = self.conv_prev_1x1(before)
        elif self.fit == "halve":
            before = factorized_reduction(self, before)
        return self.combine(before, self.conv_1x1(last))


class NASNetALarge(nn.Module):
    """NASNet-A (6 @ 4032): a convolution, two reducing cells, then three times six cells with reductions between.

    Args:
        num_classes: scores an image.
        num_features: channels of the last cell; each operation has a 24th of them.
        drop_rate: dropout before the linear layer.

    Shapes: (N, 3, H, W) → (N, num_classes); 331 × 331 in the paper. 88,753,150 parameters.

    Example:
        >>> mc.models.nasnetalarge(num_classes=10, num_features=96)(mc.zeros(1, 3, 64, 64)).shape
        Size([1, 10])
    """

    def __init__(self, num_classes: int = 1000, num_features: int = 4032, drop_rate: float = 0.0) -> None:
        super().__init__()
        c = num_features // 24
        self.conv0 = nn.Sequential(OrderedDict[str, nn.Module](
            conv=nn.Conv2d(3, 96, kernel_size=3, stride=2, bias=False), bn=batch_norm(96),
        ))  # fmt: skip
        self.cell_stem_0 = NASNetCell(96, 96, c // 4, reduce=True, fit="none")
        self.cell_stem_1 = NASNetCell(96, c // 4 * 4, c // 2, reduce=True, fit="halve")
        before, last = c // 4 * 4, c // 2 * 4
        for i in range(18):
            channels = c * 2 ** (i // 6)
            if i in (6, 12):
                self.add_module(f"reduction_cell_{i // 6 - 1}", NASNetCell(before, last, channels, reduce=True))
                last = 4 * channels
            self.add_module(f"cell_{i}", NASNetCell(before, last, channels, fit="halve" if i % 6 == 0 else "conv"))
            before, last = last, 6 * channels
        self.act = nn.ReLU()
        self.dropout = nn.Dropout(drop_rate)
        self.last_linear = nn.Linear(num_features, num_classes)

    def forward(self, x: Tensor) -> Tensor:
        """Class scores of images."""
        x = self.conv0(x)
        before = self.cell_stem_0(x, x)
        last = self.cell_stem_1(before, x)
        for i in range(18):
            if i in (6, 12):
                # The cell after a reduction still sees the one before it, which it halves itself.
                last = getattr(self, f"reduction_cell_{i // 6 - 1}")(last, before)
            before, last = last, getattr(self, f"cell_{i}")(last, before)
        return self.last_linear(self.dropout(self.act(last).mean((2, 3))))


@register
def nasnetalarge(**options: Any) -> NASNetALarge:
    """NASNet-A (6 @ 4032)."""
    return NASNetALarge(**options)
