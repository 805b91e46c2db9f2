"""Linear layers: every output sees every input."""

from __future__ import annotations

import math
from typing import Any

from minicnn.backend import Device
from minicnn.errors import OptionError
from minicnn.nn import functional as F
from minicnn.nn import init
from minicnn.nn.module import Module
from minicnn.nn.parameter import parameter
from minicnn.tensor import Tensor

__all__ = ["Bilinear", "Identity", "Linear"]


class Linear(Module):
    """y = x @ weightᵀ + bias: (*, in_features) → (*, out_features). See ``F.linear``.

    Args:
        in_features, out_features: the sizes of the last dimension.
        bias: whether there is a bias.
        device, dtype: of the parameters.

    Attributes:
        weight: (out_features, in_features).
        bias: (out_features,), or None.

    Example:
        >>> nn.Linear(20, 30)(mc.zeros(128, 20)).shape
        Size([128, 30])
    """

    def __init__(
        self, in_features: int, out_features: int, bias: bool = True, device: Device | str | None = None,
        dtype: Any = None,
    ) -> None:  # fmt: skip
        super().__init__()
        self.in_features, self.out_features = in_features, out_features
        self.weight = parameter(out_features, in_features, device=device, dtype=dtype)
        self.register_parameter("bias", parameter(out_features, device=device, dtype=dtype) if bias else None)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Weight and bias from U(-1/√in_features, 1/√in_features)."""
        init.kaiming_uniform_(self.weight, a=math.sqrt(5))
        if self.bias is not None:
            bound = 1 / math.sqrt(self.in_features) if self.in_features else 0
            init.uniform_(self.bias, -bound, bound)

    def forward(self, input: Tensor) -> Tensor:
        """``input`` through the layer."""
        return F.linear(input, self.weight, self.bias)

    def extra_repr(self) -> str:
        """The sizes, and whether there is a bias."""
        return f"in_features={self.in_features}, out_features={self.out_features}, bias={self.bias is not None}"


class Bilinear(Module):
    """y_k = x1ᵀ @ weight_k @ x2 + bias_k: (*, in1), (*, in2) → (*, out). See ``F.bilinear``.

    Args:
        in1_features, in2_features, out_features: the sizes of the last dimensions.
        bias: whether there is a bias.
        device, dtype: of the parameters.

    Attributes:
        weight: (out_features, in1_features, in2_features).
        bias: (out_features,), or None.
    """

    def __init__(
        self, in1_features: int, in2_features: int, out_features: int, bias: bool = True,
        device: Device | str | None = None, dtype: Any = None,
    ) -> None:  # fmt: skip
        super().__init__()
        if in1_features <= 0:
            raise OptionError("Bilinear: in1_features is not positive", got=in1_features, rule="in1_features > 0")
        self.in1_features, self.in2_features, self.out_features = in1_features, in2_features, out_features
        self.weight = parameter(out_features, in1_features, in2_features, device=device, dtype=dtype)
        self.register_parameter("bias", parameter(out_features, device=device, dtype=dtype) if bias else None)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Weight and bias from U(-1/√in1_features, 1/√in1_features)."""
        bound = 1 / math.sqrt(self.in1_features)
        init.uniform_(self.weight, -bound, bound)
        if self.bias is not None:
            init.uniform_(self.bias, -bound, bound)

    def forward(self, input1: Tensor, input2: Tensor) -> Tensor:
        """The pair through the layer."""
        return F.bilinear(input1, input2, self.weight, self.bias)

    def extra_repr(self) -> str:
        """The sizes, and whether there is a bias."""
        return (f"in1_features={self.in1_features}, in2_features={self.in2_features}, "
                f"out_features={self.out_features}, bias={self.bias is not None}")  # fmt: skip


class Identity(Module):
    """Returns its input; a placeholder. All arguments are ignored."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # noqa: ARG002 (it stands in for any layer)
        super().__init__()

    def forward(self, x: Any) -> Any:
        """``x`` itself."""
        return x
