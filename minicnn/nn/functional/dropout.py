"""Dropout. Masks are drawn from the default generator, as PyTorch draws them."""

from __future__ import annotations

from minicnn.errors import ShapeError, warn
from minicnn.ops import dropout as ops
from minicnn.tensor import Tensor

__all__ = ["alpha_dropout", "dropout", "dropout1d", "dropout2d", "dropout3d", "feature_alpha_dropout"]


def dropout(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    """Each element 0 with probability ``p``, else divided by 1 − p, so that its expectation stays.

    Args:
        input: any floating point tensor.
        p: the probability of being dropped.
        training: False makes it the identity.
        inplace: compute in the memory of ``input``.

    Shapes: any; the result has the input's. Errors: OptionError where p is no probability.
    Source: Srivastava et al. 2014, https://jmlr.org/papers/v15/srivastava14a.html

    Example:
        >>> F.dropout(mc.ones(3), p=0.5, training=False)
        tensor([1., 1., 1.])
    """
    ops.check_probability("dropout", p)
    return ops.dropout_(input, p, training) if inplace else ops.dropout(input, p, training)


def dropout1d(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    """``dropout`` of whole channels. Shapes: (N, C, L) or (C, L). Args, errors: as ``dropout2d``."""
    ops.check_probability("dropout1d", p)
    if input.ndim not in (2, 3):
        raise ShapeError(f"dropout1d: the input has {input.ndim} dimensions", got=f"input {tuple(input.shape)}",
                         rule="(N, C, L) or (C, L)", hint="dropout2d for images, dropout for features")
    return _by_channel(input, p, training, inplace, unbatched=input.ndim == 2)


def dropout2d(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    """``dropout`` of whole channels: neighbouring pixels are so alike that dropping some of them hides nothing.

    Args: as ``dropout``.

    Shapes: (N, C, H, W); of (N, C, L), with a warning, channels are dropped too, as PyTorch does.
    Errors: OptionError where p is no probability; ShapeError where there are no channels.
    Source: Tompson et al. 2014, https://arxiv.org/abs/1411.4280

    Example:
        >>> F.dropout2d(mc.ones(1, 1, 2, 2), p=1.0)
        tensor([[[[0., 0.],
                  [0., 0.]]]])
    """
    ops.check_probability("dropout2d", p)
    if input.ndim == 3:
        warn("dropout2d: a 3-D input is taken as (N, C, L), not as an unbatched (C, H, W); for the latter "
             "add a batch dimension with unsqueeze(0)")
    elif input.ndim != 4:
        _warn_dims("dropout2d", input, "(N, C, H, W)")
    return _by_channel(input, p, training, inplace, unbatched=False)


def dropout3d(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    """``dropout`` of whole channels. Shapes: (N, C, D, H, W) or (C, D, H, W). Args, errors: as ``dropout2d``."""
    ops.check_probability("dropout3d", p)
    if input.ndim not in (4, 5):
        _warn_dims("dropout3d", input, "(N, C, D, H, W) or (C, D, H, W)")
    return _by_channel(input, p, training, inplace, unbatched=input.ndim != 5)


def alpha_dropout(input: Tensor, p: float = 0.5, training: bool = False, inplace: bool = False) -> Tensor:
    """Dropout for SELU networks: drops to SELU's floor and rescales, so that mean 0 and variance 1 stay.

    Args, shapes, errors: as ``dropout``, but ``training`` is False by default.
    Source: Klambauer et al. 2017, https://arxiv.org/abs/1706.02515

    Example:
        >>> F.alpha_dropout(mc.ones(2))
        tensor([1., 1.])
    """
    ops.check_probability("alpha_dropout", p)
    return ops.alpha_dropout_(input, p, training) if inplace else ops.alpha_dropout(input, p, training)


def feature_alpha_dropout(input: Tensor, p: float = 0.5, training: bool = False, inplace: bool = False) -> Tensor:
    """``alpha_dropout`` of whole channels. Shapes: (N, C, *). Args, errors: as ``alpha_dropout``."""
    ops.check_probability("feature_alpha_dropout", p)
    run = ops.feature_alpha_dropout_ if inplace else ops.feature_alpha_dropout
    return run(input, p, training)


def _by_channel(input: Tensor, p: float, training: bool, inplace: bool, unbatched: bool) -> Tensor:
    run = ops.feature_dropout_ if inplace else ops.feature_dropout
    if not unbatched:
        return run(input, p, training)
    result = run(input.unsqueeze(0), p, training)
    return input if inplace else result.squeeze(0)


def _warn_dims(name: str, input: Tensor, shapes: str) -> None:
    warn(f"{name}: a {input.ndim}-D input is deprecated, as in PyTorch; the shapes are {shapes}")
