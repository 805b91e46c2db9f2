"""Losses of likelihoods: binary cross-entropy, divergence, Poisson and Gaussian."""

from __future__ import annotations

import math

from minicnn.backend import backend_of
from minicnn.errors import DtypeError, OptionError, ShapeError
from minicnn.nn.functional.images import check_no_bools
from minicnn.nn.functional.reduction import check_float, reduced, reduction_of
from minicnn.ops.loss import BinaryCrossEntropy
from minicnn.ops.operands import check_broadcast
from minicnn.ops.smooth import LogSigmoid
from minicnn.tensor import Tensor, wrap

__all__ = ["binary_cross_entropy", "binary_cross_entropy_with_logits", "gaussian_nll_loss", "kl_div",
           "poisson_nll_loss"]  # fmt: skip


def binary_cross_entropy(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """−weight · (y · log x + (1 − y) · log(1 − x)), with logarithms of at least −100, so that the loss is finite.

    Args:
        input: probabilities.
        target: probabilities in the same shape.
        weight: broadcasts to them; None for 1.
        reduction, size_average, reduce: as of ``mse_loss``.

    Shapes: any. Errors: ShapeError where they differ, DtypeError, OptionError for values outside [0, 1].

    Example:
        >>> F.binary_cross_entropy(mc.tensor([0.5]), mc.tensor([1.0]))
        tensor(0.6931)
    """
    name = "binary_cross_entropy"
    reduction = reduction_of(name, reduction, size_average, reduce)
    _check_same_shape(name, input, target)
    check_float(name, input=input, target=target)
    if input.array.dtype != target.array.dtype:
        raise DtypeError(f"{name}: the dtypes differ", got=f"input {input.array.dtype}, target {target.array.dtype}",
                         rule="input and target have one dtype", hint="target.to(input.dtype)")
    for which, x in (("input", input), ("target", target)):
        outside = ~((x.array >= 0) & (x.array <= 1))
        backend_of(outside).refuse(outside, OptionError, f"{name}: some of the {which} are no probabilities",
                                   rule=f"0 <= {which} <= 1", hint="sigmoid first, or binary_cross_entropy_with_logits")
    losses = BinaryCrossEntropy.apply(input, target)
    return reduced(_weighted(name, losses, weight), reduction)


def binary_cross_entropy_with_logits(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    pos_weight: Tensor | None = None,
) -> Tensor:
    """−weight · (pos_weight · y · log σ(x) + (1 − y) · log(1 − σ(x))), without overflow.

    Args:
        input: logits.
        target: probabilities in the same shape.
        weight: broadcasts to them; None for 1.
        pos_weight: weight of the positive part; broadcasts; None for 1.
        reduction, size_average, reduce: as of ``mse_loss``.

    Shapes: any; the dtype is the target's. Errors: ShapeError where they differ; DtypeError.

    Example:
        >>> F.binary_cross_entropy_with_logits(mc.tensor([0.0]), mc.tensor([1.0]))
        tensor(0.6931)
    """
    name = "binary_cross_entropy_with_logits"
    reduction = reduction_of(name, reduction, size_average, reduce)
    _check_same_shape(name, input, target)
    check_float(name, input=input, target=target)
    log_sigmoid = LogSigmoid.apply(input)
    if pos_weight is not None:
        if check_broadcast(name, pos_weight.shape, input.shape) != input.array.shape:
            raise ShapeError(f"{name}: pos_weight is larger than the input",
                             got=f"pos_weight {tuple(pos_weight.shape)}",
                             rule=f"pos_weight broadcasts to {tuple(input.shape)}")
        log_sigmoid = log_sigmoid * ((pos_weight - 1) * target + 1)
    losses = _weighted(name, (1 - target) * input - log_sigmoid, weight)
    return reduced(losses.to(target.dtype), reduction)


def kl_div(
    input: Tensor,
    target: Tensor,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    log_target: bool = False,
) -> Tensor:
    """y · (log y − x), where x are log-probabilities: how far the distribution y is from exp(x).

    Args:
        input: log-probabilities.
        target: probabilities, or their logarithms if ``log_target``.
        reduction: ``"batchmean"`` (the divergence: the sum over N), ``"mean"``, ``"sum"`` or ``"none"``.
        size_average, reduce: deprecated forms of ``reduction``.

    Shapes: broadcast. Errors: ShapeError, DtypeError, OptionError.

    Example:
        >>> F.kl_div(mc.tensor([[0.5, 0.5]]).log(), mc.tensor([[1.0, 0.0]]), reduction="batchmean")
        tensor(0.6931)
    """
    reduction = reduction_of("kl_div", reduction, size_average, reduce, also=("batchmean",))
    check_float("kl_div", input=input, target=target)
    check_broadcast("kl_div", input.shape, target.shape)
    losses = target.exp() * (target - input) if log_target else target.xlogy(target) - target * input
    if reduction == "batchmean":
        return losses.sum() / input.shape[0] if input.ndim else losses.sum()
    return reduced(losses, reduction)


def poisson_nll_loss(
    input: Tensor,
    target: Tensor,
    log_input: bool = True,
    full: bool = False,
    size_average: bool | None = None,
    eps: float = 1e-8,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """exp(x) − y · x for a logarithm x of the expected count, else x − y · log(x + eps).

    ``full`` adds Stirling's y · log y − y + log(2π y) / 2 for y > 1. Shapes: broadcast. Errors: OptionError.

    Example:
        >>> F.poisson_nll_loss(mc.tensor([0.0]), mc.tensor([2.0]))
        tensor(1.)
    """
    reduction = reduction_of("poisson_nll_loss", reduction, size_average, reduce)
    losses = input.exp() - target * input if log_input else input - target * (input + eps).log()
    if full:
        check_no_bools("poisson_nll_loss", target)
        large = target.clamp(min=1)  # where target is 1 or less the term is left out, and its logarithm not taken
        stirling = large * large.log() - large + 0.5 * (2 * math.pi * large).log()
        losses = losses + stirling.masked_fill(target <= 1, 0.0)
    return reduced(losses, reduction)


def gaussian_nll_loss(
    input: Tensor, target: Tensor, var: Tensor | float, full: bool = False, eps: float = 1e-6, reduction: str = "mean"
) -> Tensor:
    """(log v + (x − y)² / v) / 2, with v = max(var, eps), through which no gradient is cut; ``full`` adds log(2π) / 2.

    Shapes: input and target broadcast; var has the input's shape but for one dimension of 1, or no
    last dimension, or is a number.
    Errors: OptionError where var is negative; ShapeError.
    Source: Nix and Weigend 1994, https://doi.org/10.1109/ICNN.1994.374138

    Example:
        >>> F.gaussian_nll_loss(mc.tensor([1.0]), mc.tensor([3.0]), mc.tensor([1.0]))
        tensor(2.)
    """
    reduction = reduction_of("gaussian_nll_loss", reduction, None, None)
    if not isinstance(var, Tensor):
        backend = backend_of(input.array)
        with backend.quiet():  # the number may be too large for the dtype
            var = wrap(backend.xp.full(input.array.shape, var, input.array.dtype))
    shape = tuple(var.shape)
    backend_of(var.array).refuse(~(var.array >= 0), OptionError, "gaussian_nll_loss: a variance is negative",
                                 got=lambda: f"var {shape}", rule="var >= 0")
    if var.shape != input.shape:
        if var.shape == input.shape[:-1]:
            var = var.unsqueeze(-1)
        elif var.ndim != input.ndim or [v for x, v in zip(input.shape, var.shape, strict=True) if x != v] != [1]:
            raise ShapeError("gaussian_nll_loss: var does not fit",
                             got=f"var {tuple(var.shape)}, input {tuple(input.shape)}",
                             rule="var.shape is input.shape, but for one dimension of 1 or no last one")
    # max(v, eps) for the value, the slope of v for the gradient
    var = var + (eps - var.detach()).masked_fill(var.detach() >= eps, 0)
    difference = input - target
    losses = 0.5 * (var.log() + difference * difference / var)
    return reduced(losses + 0.5 * math.log(2 * math.pi) if full else losses, reduction)


def _check_same_shape(name: str, input: Tensor, target: Tensor) -> None:
    if input.array.shape != target.array.shape:
        raise ShapeError(f"{name}: the sizes differ", got=f"input {tuple(input.shape)}, target {tuple(target.shape)}",
                         rule="input and target have one shape", hint="target.unsqueeze(1), or input.squeeze(1)")


def _weighted(name: str, losses: Tensor, weight: Tensor | None) -> Tensor:
    if weight is None:
        return losses
    if check_broadcast(name, weight.shape, losses.shape) != losses.array.shape:
        raise ShapeError(f"{name}: the weight has more elements than the loss", got=f"weight {tuple(weight.shape)}",
                         rule=f"weight broadcasts to {tuple(losses.shape)}")
    return losses * weight
