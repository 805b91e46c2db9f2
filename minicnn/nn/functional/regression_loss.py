"""Losses of differences: squared, absolute and between."""

from __future__ import annotations

from minicnn.errors import OptionError, ShapeError
from minicnn.nn.functional.reduction import check_float, check_one_device, reduced, reduction_of, warn_if_broadcast
from minicnn.ops.operands import check_broadcast
from minicnn.tensor import Tensor

__all__ = ["huber_loss", "l1_loss", "mse_loss", "smooth_l1_loss"]


def mse_loss(
    input: Tensor,
    target: Tensor,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    weight: Tensor | None = None,
) -> Tensor:
    """weight · (x − y)².

    Args:
        input, target: tensors of one shape; others broadcast, with a warning.
        reduction: ``"mean"`` (with weights, over their sum), ``"sum"`` or ``"none"``.
        weight: in the same shape; None for 1.
        size_average, reduce: deprecated forms of ``reduction``.

    Shapes: () or, unreduced, the input's. Errors: ShapeError, DtypeError for integers, OptionError.

    Example:
        >>> F.mse_loss(mc.tensor([1.0, 2.0]), mc.tensor([1.0, 4.0]))
        tensor(2.)
    """
    reduction = reduction_of("mse_loss", reduction, size_average, reduce)
    difference = _difference("mse_loss", input, target)
    return _weighted_reduced("mse_loss", difference * difference, weight, reduction)


def l1_loss(
    input: Tensor,
    target: Tensor,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    weight: Tensor | None = None,
) -> Tensor:
    """weight · |x − y|; the slope at 0 is 0. Args, shapes, errors: as ``mse_loss``.

    Example:
        >>> F.l1_loss(mc.tensor([1.0, 2.0]), mc.tensor([1.0, 4.0]))
        tensor(1.)
    """
    reduction = reduction_of("l1_loss", reduction, size_average, reduce)
    return _weighted_reduced("l1_loss", _difference("l1_loss", input, target).abs(), weight, reduction)


def smooth_l1_loss(
    input: Tensor,
    target: Tensor,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    beta: float = 1.0,
) -> Tensor:
    """(x − y)² / (2 beta) where |x − y| < beta, else |x − y| − beta / 2; ``l1_loss`` for beta 0.

    Args: as ``mse_loss``, and beta, where the parabola ends. Shapes: as ``mse_loss``.
    Errors: as ``mse_loss``; OptionError where beta is negative. Source: Girshick 2015, https://arxiv.org/abs/1504.08083

    Example:
        >>> F.smooth_l1_loss(mc.tensor([1.0, 2.0]), mc.tensor([2.0, 5.0]), reduction="none")
        tensor([0.5000, 2.5000])
    """
    reduction = reduction_of("smooth_l1_loss", reduction, size_average, reduce)
    if not beta >= 0:
        raise OptionError("smooth_l1_loss: beta is negative", got=f"beta={beta}", rule="beta >= 0")
    if beta == 0:
        return reduced(_difference("smooth_l1_loss", input, target).abs(), reduction)
    return reduced(_huber(_difference("smooth_l1_loss", input, target), beta) / beta, reduction)


def huber_loss(
    input: Tensor, target: Tensor, reduction: str = "mean", delta: float = 1.0, weight: Tensor | None = None
) -> Tensor:
    """(x − y)² / 2 where |x − y| <= delta, else delta · (|x − y| − delta / 2): delta times ``smooth_l1_loss``.

    Args: as ``mse_loss``, and delta, where the parabola ends. Shapes: as ``mse_loss``.
    Errors: as ``mse_loss``; OptionError where delta is not positive. Source: Huber 1964, https://doi.org/10.1214/aoms/1177703732

    Example:
        >>> F.huber_loss(mc.tensor([1.0, 2.0]), mc.tensor([2.0, 5.0]), reduction="none")
        tensor([0.5000, 2.5000])
    """
    reduction = reduction_of("huber_loss", reduction, None, None)
    if not delta > 0:
        raise OptionError("huber_loss: delta is not positive", got=f"delta={delta}", rule="delta > 0")
    check_float("huber_loss", input=input)
    losses = _huber(_difference("huber_loss", input, target), delta).to(input.dtype)  # the target's is not
    return reduced(_weighted("huber_loss", losses, weight), reduction)  # unlike the others, the mean is not over weight


def _huber(difference: Tensor, delta: float) -> Tensor:
    """c · (|d| − c / 2) with c = min(|d|, delta): both pieces in one, without a branch."""
    size = difference.abs()
    capped = size.clamp(max=delta)
    return capped * (size - 0.5 * capped)


def _difference(name: str, input: Tensor, target: Tensor) -> Tensor:
    check_one_device(name, input, target)
    warn_if_broadcast(name, input, target)
    check_broadcast(name, input.shape, target.shape)
    difference = input - target
    check_float(name, input=difference)
    return difference


def _weighted_reduced(name: str, losses: Tensor, weight: Tensor | None, reduction: str) -> Tensor:
    """``reduced``; with weights the mean is over their sum."""
    losses = _weighted(name, losses, weight)
    return losses.sum() / weight.sum() if weight is not None and reduction == "mean" else reduced(losses, reduction)


def _weighted(name: str, losses: Tensor, weight: Tensor | None) -> Tensor:
    if weight is None:
        return losses
    if weight.shape != losses.shape:
        raise ShapeError(f"{name}: the weight does not fit", got=f"weight {tuple(weight.shape)}",
                         rule=f"weight has the shape of the losses, here {tuple(losses.shape)}")
    return losses * weight
