"""Cases of ``minicnn.ops.conv``."""

from __future__ import annotations

import warnings
from typing import Any

from tests.cases.case import Case, Maker, normal


def _case(
    op: str, x: tuple[int, ...], w: tuple[int, ...], variant: str = "", *, bias: int | None = None, **options: Any
) -> Case:
    def call(t: Any, *tensors: Any) -> Any:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # PyTorch's, of the copy that it makes for "same" with an even kernel
            return getattr(t.nn.functional, op)(*tensors, **options)

    inputs: tuple[Maker, ...] = (normal(*x), normal(*w), *(() if bias is None else (normal(bias),)))
    return Case(f"nn.functional.{op}", call, inputs, variant)


CASES = [
    _case("conv1d", (2, 2, 6), (3, 2, 3), bias=3),
    _case("conv1d", (2, 2, 6), (4, 1, 3), "options", bias=4, stride=2, padding=1, groups=2),
    _case("conv1d", (2, 5), (2, 2, 2), "unbatched same", padding="same", dilation=2),
    _case("conv2d", (2, 2, 5, 4), (3, 2, 3, 2), bias=3),
    _case("conv2d", (2, 2, 5, 4), (3, 2, 3, 2), "no bias"),
    _case("conv2d", (2, 2, 5, 4), (2, 2, 3, 3), "stride padding", stride=(2, 1), padding=(1, 2)),
    _case("conv2d", (1, 2, 5, 4), (2, 2, 2, 2), "dilation", dilation=(2, 1), bias=2),
    _case("conv2d", (1, 4, 3, 3), (4, 2, 2, 2), "groups", groups=2, bias=4),
    _case("conv2d", (1, 3, 4, 3), (6, 1, 2, 2), "depthwise", groups=3, padding=1),
    _case("conv2d", (1, 2, 5, 4), (2, 2, 4, 3), "same", padding="same"),
    _case("conv2d", (1, 2, 5, 4), (2, 2, 2, 3), "valid", padding="valid"),
    _case("conv2d", (2, 5, 4), (3, 2, 3, 2), "unbatched", bias=3),
    _case("conv2d", (0, 2, 5, 4), (3, 2, 3, 2), "empty batch", bias=3),
    _case("conv2d", (2, 4, 2, 2), (3, 4, 1, 1), "one tap", bias=3),
    _case("conv_transpose1d", (2, 2, 4), (2, 3, 3), bias=3),
    _case("conv_transpose1d", (2, 4), (2, 1, 3), "options", stride=2, padding=1, output_padding=1, groups=2, bias=2),
    _case("conv_transpose2d", (2, 2, 3, 3), (2, 3, 2, 2), bias=3),
    _case("conv_transpose2d", (1, 2, 3, 3), (2, 2, 3, 2), "options", stride=2, padding=1, output_padding=(1, 0)),
    _case("conv_transpose2d", (1, 4, 3, 2), (4, 1, 2, 2), "groups dilation", groups=2, dilation=2, bias=2),
    _case("conv_transpose2d", (1, 2, 2, 3), (2, 2, 2, 2), "output padding beyond the stride", dilation=3,
          output_padding=2, padding=1),
    _case("conv_transpose2d", (2, 3, 3), (2, 3, 2, 2), "unbatched", bias=3),
]  # fmt: skip
