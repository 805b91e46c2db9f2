"""Smooth activations."""

from __future__ import annotations

from minicnn.errors import OptionError, ShapeError
from minicnn.nn.functional.activation import applied
from minicnn.ops import smooth as ops
from minicnn.ops.activation import floating
from minicnn.ops.operands import choice
from minicnn.shapes.dims import one_dim
from minicnn.tensor import Tensor

__all__ = ["celu", "celu_", "elu", "elu_", "gelu", "glu", "logsigmoid", "mish", "selu", "selu_", "sigmoid", "silu",
           "softplus", "softsign", "tanh", "tanhshrink"]  # fmt: skip

# Klambauer et al. 2017: the two numbers for which mean 0 and variance 1 are a fixed point.
_SELU_ALPHA, _SELU_SCALE = 1.6732632423543772848170429916717, 1.0507009873554804934193349852946


def sigmoid(input: Tensor) -> Tensor:
    """1 / (1 + exp(−x)). Shapes: any; the result has the input's.

    Example:
        >>> F.sigmoid(mc.tensor([0.0]))
        tensor([0.5000])
    """
    return input.sigmoid()


def tanh(input: Tensor) -> Tensor:
    """The hyperbolic tangent. Shapes: any; the result has the input's.

    Example:
        >>> F.tanh(mc.tensor([0.0]))
        tensor([0.])
    """
    return input.tanh()


def logsigmoid(input: Tensor) -> Tensor:
    """log(1 / (1 + exp(−x))), without overflow. Shapes: any; the result has the input's.

    Errors: DtypeError for integers.

    Example:
        >>> F.logsigmoid(mc.tensor([-1000.0]))
        tensor([-1000.])
    """
    return ops.LogSigmoid.apply(floating("logsigmoid", input))


def softplus(input: Tensor, beta: float = 1.0, threshold: float = 20.0) -> Tensor:
    """log(1 + exp(beta · x)) / beta, and x itself where beta · x > threshold, where float32 knows no difference.

    Shapes: any; the result has the input's. Errors: DtypeError for integers.
    Source: Dugas et al. 2001, https://papers.nips.cc/paper/1920

    Example:
        >>> F.softplus(mc.tensor([0.0, 30.0]))
        tensor([ 0.6931, 30.0000])
    """
    return ops.Softplus.apply(floating("softplus", input), beta=beta, threshold=threshold)


def elu(input: Tensor, alpha: float = 1.0, inplace: bool = False) -> Tensor:
    """x where x > 0, else alpha · (exp(x) − 1).

    Args:
        input: any floating point tensor.
        alpha: minus the limit at −∞.
        inplace: compute in the memory of ``input``.

    Shapes: any; the result has the input's. Errors: DtypeError for integers.
    Source: Clevert et al. 2016, https://arxiv.org/abs/1511.07289

    Example:
        >>> F.elu(mc.tensor([-1.0, 2.0]))
        tensor([-0.6321,  2.0000])
    """
    return applied("elu_", ops.ELU, floating("elu", input), inplace, alpha=alpha)


def selu(input: Tensor, inplace: bool = False) -> Tensor:
    """1.0507 · elu(x, 1.6733): the one ``elu`` that keeps mean 0 and variance 1. Args, shapes, errors: as ``elu``.

    Source: Klambauer et al. 2017, https://arxiv.org/abs/1706.02515

    Example:
        >>> F.selu(mc.tensor([-1.0, 2.0]))
        tensor([-1.1113,  2.1014])
    """
    return applied("selu_", ops.ELU, floating("selu", input), inplace, alpha=_SELU_ALPHA, scale=_SELU_SCALE)


def celu(input: Tensor, alpha: float = 1.0, inplace: bool = False) -> Tensor:
    """x where x > 0, else alpha · (exp(x / alpha) − 1): slope 1 at 0 whatever alpha. Args, shapes: as ``elu``.

    Errors: OptionError where alpha is 0; DtypeError. Source: Barron 2017, https://arxiv.org/abs/1704.07483

    Example:
        >>> F.celu(mc.tensor([-1.0, 2.0]), alpha=2.0)
        tensor([-0.7869,  2.0000])
    """
    if alpha == 0:
        raise OptionError("celu: alpha is 0", got="alpha=0", rule="alpha != 0: x is divided by it")
    return applied("celu_", ops.ELU, floating("celu", input), inplace, alpha=alpha, input_scale=1 / alpha)


def gelu(input: Tensor, approximate: str = "none") -> Tensor:
    """x · Φ(x), Φ being the cumulative normal distribution; with ``"tanh"``, the approximation
    x · (1 + tanh(√(2/π) · (x + 0.044715 x³))) / 2.

    Shapes: any; the result has the input's. Errors: OptionError; DtypeError for integers.
    Source: Hendrycks and Gimpel 2016, https://arxiv.org/abs/1606.08415

    Example:
        >>> F.gelu(mc.tensor([-1.0, 2.0]))
        tensor([-0.1587,  1.9545])
    """
    kind = choice("gelu", "approximate", approximate, ("none", "tanh"))
    cls = ops.TanhGELU if kind == "tanh" else ops.GELU
    return cls.apply(floating("gelu", input))


def silu(input: Tensor, inplace: bool = False) -> Tensor:
    """x · sigmoid(x), also called swish. Args, shapes, errors: as ``elu``.

    Source: Elfwing et al. 2018, https://arxiv.org/abs/1702.03118

    Example:
        >>> F.silu(mc.tensor([0.0, 2.0]))
        tensor([0.0000, 1.7616])
    """
    return applied("silu_", ops.SiLU, floating("silu", input), inplace)


def mish(input: Tensor, inplace: bool = False) -> Tensor:
    """x · tanh(softplus(x)). Args, shapes, errors: as ``elu``. Source: Misra 2019, https://arxiv.org/abs/1908.08681

    Example:
        >>> F.mish(mc.tensor([0.0, 2.0]))
        tensor([0.0000, 1.9440])
    """
    return applied("mish_", ops.Mish, floating("mish", input), inplace)


def softsign(input: Tensor) -> Tensor:
    """x / (1 + |x|). Shapes: any; the result has the input's.

    Example:
        >>> F.softsign(mc.tensor([-1.0, 3.0]))
        tensor([-0.5000,  0.7500])
    """
    return input / (input.abs() + 1)


def tanhshrink(input: Tensor) -> Tensor:
    """x − tanh(x). Shapes: any; the result has the input's.

    Example:
        >>> F.tanhshrink(mc.tensor([1.0]))
        tensor([0.2384])
    """
    return input - input.tanh()


def glu(input: Tensor, dim: int = -1) -> Tensor:
    """a · sigmoid(b), where a and b are the halves of x along ``dim``.

    Shapes: the input's, with ``dim`` halved. Errors: ShapeError where its size is odd; OutOfRangeError.
    Source: Dauphin et al. 2017, https://arxiv.org/abs/1612.08083

    Example:
        >>> F.glu(mc.tensor([4.0, 0.0]))
        tensor([2.])
    """
    if not input.ndim:
        raise ShapeError("glu: the input has no dimension to halve", got="shape ()", rule="at least 1 dimension")
    dim = one_dim("glu", dim, input.ndim)
    size = input.array.shape[dim]
    if size % 2:
        raise ShapeError("glu: the dimension does not halve", got=f"input {tuple(input.shape)}, dim {dim}",
                         rule="input.shape[dim] is even")
    half = size // 2
    return input.narrow(dim, 0, half) * input.narrow(dim, half, half).sigmoid()


def elu_(input: Tensor, alpha: float = 1.0) -> Tensor:
    """``elu`` in place."""
    return elu(input, alpha, inplace=True)


def selu_(input: Tensor) -> Tensor:
    """``selu`` in place."""
    return selu(input, inplace=True)


def celu_(input: Tensor, alpha: float = 1.0) -> Tensor:
    """``celu`` in place."""
    return celu(input, alpha, inplace=True)
