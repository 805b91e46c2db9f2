"""Activations: functions applied to each element, and those that normalise a dimension."""

from __future__ import annotations

from typing import Any

from minicnn.backend import Device
from minicnn.errors import OptionError, ShapeError
from minicnn.nn import functional as F
from minicnn.nn import init
from minicnn.nn.functional.images import check_tensor
from minicnn.nn.layers.base import Layer
from minicnn.nn.parameter import parameter
from minicnn.tensor import Tensor

__all__ = [
    "CELU", "ELU", "GELU", "GLU", "Hardshrink", "Hardsigmoid", "Hardswish", "Hardtanh", "LeakyReLU", "LogSigmoid",
    "LogSoftmax", "Mish", "PReLU", "RReLU", "ReLU", "ReLU6", "SELU", "SiLU", "Sigmoid", "Softmax", "Softmax2d",
    "Softmin", "Softplus", "Softshrink", "Softsign", "Tanh", "Tanhshrink", "Threshold",
]  # fmt: skip


class _Plain(Layer):
    def __init__(self) -> None:
        super().__init__()


class _InPlace(Layer):
    """An activation whose only option is to compute in the input's own memory."""

    def __init__(self, inplace: bool = False) -> None:
        super().__init__(inplace=inplace)


class ReLU(_InPlace):
    """max(x, 0). See ``F.relu``."""

    def forward(self, input: Tensor) -> Tensor:
        return F.relu(input, inplace=self.inplace)


class SELU(_InPlace):
    """scale · (x where x > 0, else α·(eˣ − 1)), with the constants that keep mean 0 and variance 1. See ``F.selu``."""

    def forward(self, input: Tensor) -> Tensor:
        return F.selu(input, inplace=self.inplace)


class SiLU(_InPlace):
    """x · sigmoid(x). See ``F.silu``."""

    def forward(self, input: Tensor) -> Tensor:
        return F.silu(input, inplace=self.inplace)


class Mish(_InPlace):
    """x · tanh(softplus(x)). See ``F.mish``."""

    def forward(self, input: Tensor) -> Tensor:
        return F.mish(input, inplace=self.inplace)


class Hardsigmoid(_InPlace):
    """clamp(x/6 + 1/2, 0, 1). See ``F.hardsigmoid``."""

    hidden = ("inplace",)

    def forward(self, input: Tensor) -> Tensor:
        return F.hardsigmoid(input, inplace=self.inplace)


class Hardswish(_InPlace):
    """x · clamp(x/6 + 1/2, 0, 1). See ``F.hardswish``."""

    hidden = ("inplace",)

    def forward(self, input: Tensor) -> Tensor:
        return F.hardswish(input, inplace=self.inplace)


class Hardtanh(Layer):
    """clamp(x, min_val, max_val). See ``F.hardtanh``."""

    def __init__(self, min_val: float = -1.0, max_val: float = 1.0, inplace: bool = False) -> None:
        super().__init__(min_val=min_val, max_val=max_val, inplace=inplace)
        if max_val <= min_val:
            raise OptionError(f"{type(self).__name__}: the range is empty", got=f"{min_val} to {max_val}",
                              rule="min_val < max_val")

    def forward(self, input: Tensor) -> Tensor:
        return F.hardtanh(input, self.min_val, self.max_val, self.inplace)


class ReLU6(Hardtanh):
    """clamp(x, 0, 6). See ``F.relu6``."""

    hidden = ("min_val", "max_val")

    def __init__(self, inplace: bool = False) -> None:
        super().__init__(0.0, 6.0, inplace)


class Threshold(Layer):
    """x where x > threshold, else value. See ``F.threshold``."""

    def __init__(self, threshold: float, value: float, inplace: bool = False) -> None:
        super().__init__(threshold=threshold, value=value, inplace=inplace)

    def forward(self, input: Tensor) -> Tensor:
        return F.threshold(input, self.threshold, self.value, self.inplace)


class LeakyReLU(Layer):
    """x where x > 0, else negative_slope · x. See ``F.leaky_relu``."""

    def __init__(self, negative_slope: float = 0.01, inplace: bool = False) -> None:
        super().__init__(negative_slope=negative_slope, inplace=inplace)

    def forward(self, input: Tensor) -> Tensor:
        return F.leaky_relu(input, self.negative_slope, self.inplace)


class RReLU(Layer):
    """LeakyReLU with slopes drawn from U(lower, upper) in training mode, their mean otherwise. See ``F.rrelu``."""

    def __init__(self, lower: float = 1.0 / 8, upper: float = 1.0 / 3, inplace: bool = False) -> None:
        super().__init__(lower=lower, upper=upper, inplace=inplace)

    def forward(self, input: Tensor) -> Tensor:
        return F.rrelu(input, self.lower, self.upper, self.training, self.inplace)


class PReLU(Layer):
    """x where x > 0, else weight · x, with one learnt slope, or one for each channel. See ``F.prelu``.

    Args:
        num_parameters: 1, or the number of channels.
        init: the slopes' first value.
        device, dtype: of the slopes.
    """

    hidden = ("init",)

    def __init__(
        self, num_parameters: int = 1, init: float = 0.25, device: Device | str | None = None, dtype: Any = None
    ) -> None:
        super().__init__(num_parameters=num_parameters, init=init)
        self.weight = parameter(num_parameters, device=device, dtype=dtype)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """All slopes ``init``."""
        init.constant_(self.weight, self.init)

    def forward(self, input: Tensor) -> Tensor:
        return F.prelu(input, self.weight)


class ELU(Layer):
    """x where x > 0, else alpha · (eˣ − 1). See ``F.elu``."""

    def __init__(self, alpha: float = 1.0, inplace: bool = False) -> None:
        super().__init__(alpha=alpha, inplace=inplace)

    def forward(self, input: Tensor) -> Tensor:
        return F.elu(input, self.alpha, self.inplace)


class CELU(Layer):
    """x where x > 0, else alpha · (e^(x/alpha) − 1). See ``F.celu``."""

    def __init__(self, alpha: float = 1.0, inplace: bool = False) -> None:
        super().__init__(alpha=alpha, inplace=inplace)

    def forward(self, input: Tensor) -> Tensor:
        return F.celu(input, self.alpha, self.inplace)


class GELU(Layer):
    """x · Φ(x), Φ the normal distribution; ``approximate="tanh"`` is the usual approximation. See ``F.gelu``."""

    def __init__(self, approximate: str = "none") -> None:
        super().__init__(approximate=approximate)

    def forward(self, input: Tensor) -> Tensor:
        return F.gelu(input, approximate=self.approximate)


class Softplus(Layer):
    """log(1 + e^(beta·x)) / beta, and x itself where beta·x > threshold. See ``F.softplus``."""

    def __init__(self, beta: float = 1.0, threshold: float = 20.0) -> None:
        super().__init__(beta=beta, threshold=threshold)

    def forward(self, input: Tensor) -> Tensor:
        return F.softplus(input, self.beta, self.threshold)


class _Shrink(Layer):
    def __init__(self, lambd: float = 0.5) -> None:
        super().__init__(lambd=lambd)

    def extra_repr(self) -> str:
        return str(self.lambd)


class Hardshrink(_Shrink):
    """x where |x| > lambd, else 0. See ``F.hardshrink``."""

    def forward(self, input: Tensor) -> Tensor:
        return F.hardshrink(input, self.lambd)


class Softshrink(_Shrink):
    """x moved towards 0 by lambd, and 0 where it would pass it. See ``F.softshrink``."""

    def forward(self, input: Tensor) -> Tensor:
        return F.softshrink(input, self.lambd)


class Sigmoid(_Plain):
    """1 / (1 + e⁻ˣ). See ``F.sigmoid``."""

    def forward(self, input: Tensor) -> Tensor:
        return F.sigmoid(input)


class Tanh(_Plain):
    """(eˣ − e⁻ˣ) / (eˣ + e⁻ˣ). See ``F.tanh``."""

    def forward(self, input: Tensor) -> Tensor:
        return F.tanh(input)


class LogSigmoid(_Plain):
    """log(1 / (1 + e⁻ˣ)). See ``F.logsigmoid``."""

    def forward(self, input: Tensor) -> Tensor:
        return F.logsigmoid(input)


class Softsign(_Plain):
    """x / (1 + |x|). See ``F.softsign``."""

    def forward(self, input: Tensor) -> Tensor:
        return F.softsign(input)


class Tanhshrink(_Plain):
    """x − tanh(x). See ``F.tanhshrink``."""

    def forward(self, input: Tensor) -> Tensor:
        return F.tanhshrink(input)


class GLU(Layer):
    """a · sigmoid(b), where a and b are the halves of x along ``dim``. See ``F.glu``."""

    def __init__(self, dim: int = -1) -> None:
        super().__init__(dim=dim)

    def forward(self, input: Tensor) -> Tensor:
        return F.glu(input, self.dim)


class _AlongDim(Layer):
    def __init__(self, dim: int | None = None) -> None:
        super().__init__(dim=dim)


class Softmax(_AlongDim):
    """eˣ / Σ eˣ along ``dim``: positive, with sum 1. See ``F.softmax``."""

    def forward(self, input: Tensor) -> Tensor:
        return F.softmax(input, dim=self.dim)


class Softmin(_AlongDim):
    """Softmax of −x. See ``F.softmin``."""

    def forward(self, input: Tensor) -> Tensor:
        return F.softmin(input, dim=self.dim)


class LogSoftmax(_AlongDim):
    """x − log Σ eˣ along ``dim``: the logarithm of softmax, safely computed. See ``F.log_softmax``."""

    def forward(self, input: Tensor) -> Tensor:
        return F.log_softmax(input, dim=self.dim)


class Softmax2d(_Plain):
    """Softmax over the channels at each place: (N, C, H, W) or (C, H, W)."""

    def forward(self, input: Tensor) -> Tensor:
        check_tensor("Softmax2d", "input", input)
        if input.ndim not in (3, 4):
            raise ShapeError(f"Softmax2d: the input has {input.ndim} dimensions", got=f"input {tuple(input.shape)}",
                             rule="(N, C, H, W) or (C, H, W)", hint="nn.Softmax(dim=1)")
        return F.softmax(input, dim=-3)
