"""Losses of classes: cross-entropy, of logits or of log-probabilities."""

from __future__ import annotations

import math

from minicnn.backend import backend_of
from minicnn.dtypes import int64, uint8
from minicnn.errors import DtypeError, OptionError, OutOfRangeError, ShapeError
from minicnn.nn.functional.reduction import check_float, check_one_device, reduced, reduction_of
from minicnn.ops.loss import SoftmaxNLL
from minicnn.tensor import Tensor, wrap

__all__ = ["cross_entropy", "nll_loss"]


def cross_entropy(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    size_average: bool | None = None,
    ignore_index: int = -100,
    reduce: bool | None = None,
    reduction: str = "mean",
    label_smoothing: float = 0.0,
) -> Tensor:
    """−weight[t] · log softmax(x)[t] for each target class t; −Σ weight · p · log softmax(x) for probabilities p.

    Args:
        input: logits, (N, C, *) or (C,).
        target: classes (N, *) or (), int64; or probabilities in the input's shape.
        weight: (C,), or None for 1.
        ignore_index: targets of this class count for nothing.
        reduction: ``"mean"`` (over Σ weight[target] of the targets not ignored, NaN where all are; of probabilities
            over the batch), ``"sum"`` or ``"none"``.
        label_smoothing: ε of the target's probability is spread over all C classes: (1 − ε) · loss + ε/C · the loss of
            each class as target.
        size_average, reduce: deprecated forms of ``reduction``.

    Shapes: () or, unreduced, (N, *). Errors: ShapeError, DtypeError for classes that are not int64, OutOfRangeError for
    a class that does not exist, OptionError.
    Source: label smoothing: Szegedy et al. 2016, https://arxiv.org/abs/1512.00567

    Example:
        >>> F.cross_entropy(mc.tensor([[0.0, 0.0]]), mc.tensor([1]))
        tensor(0.6931)
    """
    name = "cross_entropy"
    reduction = reduction_of(name, reduction, size_average, reduce)
    check_float(name, input=input)
    if not 0 <= label_smoothing <= 1:
        raise OptionError("cross_entropy: label_smoothing is no probability", got=f"label_smoothing={label_smoothing}",
                          rule="0 <= label_smoothing <= 1")
    _check_weight(name, input, weight)
    if target.array.shape == input.array.shape and input.ndim:
        return _soft_cross_entropy(input, target, weight, ignore_index, reduction, label_smoothing)
    logits, labels, weights, kept = _classes(name, input, target, weight, ignore_index)
    losses = SoftmaxNLL.apply(logits, labels, weights, kept)
    if label_smoothing:
        logp = logits.log_softmax(1)
        uniform = -(logp if weight is None else logp * _beside(weight, logp)).sum(1)
        uniform = uniform if kept is None else uniform.masked_fill(~kept, 0.0)
        losses = losses * (1 - label_smoothing) + uniform * (label_smoothing / logits.array.shape[1])
    return _reduced_classes(losses, weights, kept, reduction, target.array.shape)


def nll_loss(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    size_average: bool | None = None,
    ignore_index: int = -100,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """−weight[t] · x[t] for each target class t, x being log-probabilities: ``cross_entropy`` after ``log_softmax``.

    Args, shapes, errors: as ``cross_entropy`` of classes.

    Example:
        >>> F.nll_loss(mc.tensor([[-0.5, -2.0]]), mc.tensor([1]))
        tensor(2.)
    """
    name = "nll_loss"
    reduction = reduction_of(name, reduction, size_average, reduce)
    check_float(name, input=input)
    _check_weight(name, input, weight)
    logp, labels, weights, kept = _classes(name, input, target, weight, ignore_index)
    losses = -logp.gather(1, labels.unsqueeze(1)).squeeze(1)
    losses = losses if weights is None else losses * weights
    losses = losses if kept is None else losses.masked_fill(~kept, 0.0)
    return _reduced_classes(losses, weights, kept, reduction, target.array.shape)


def _soft_cross_entropy(
    input: Tensor, target: Tensor, weight: Tensor | None, ignore_index: int, reduction: str, smoothing: float
) -> Tensor:
    """−Σ over classes of weight · p · log softmax(x); the mean is over the batch, weighted or not."""
    name = "cross_entropy"
    if target.array.dtype.kind != "f":
        raise DtypeError(f"{name}: a target in the input's shape holds probabilities",
                         got=f"target of {target.array.dtype}",
                         rule="classes are (N, *), probabilities (N, C, *) and floating point",
                         hint="target.argmax(1) for classes")
    if ignore_index >= 0:
        raise OptionError(f"{name}: probabilities have no class to ignore", got=f"ignore_index={ignore_index}",
                          rule="ignore_index is for targets that are classes")
    dim = min(1, input.ndim - 1)
    C = input.array.shape[dim]
    target = target * (1 - smoothing) + smoothing / C if smoothing else target
    products = input.log_softmax(dim) * target
    losses = -(products if weight is None else products * _beside(weight, input)).sum(dim)
    if reduction != "mean":
        return reduced(losses, reduction)
    count = input.array.size // C if C else 0
    return losses.sum() / (count if count else math.nan)


def _classes(
    name: str, input: Tensor, target: Tensor, weight: Tensor | None, ignore_index: int
) -> tuple[Tensor, Tensor, Tensor | None, Tensor | None]:
    """Logits (N, C, *), classes (N, *) with 0 for those ignored, the weight of each, and which are kept (None: all)."""
    check_one_device(name, input, target, weight)
    _check_classes(name, input, target)
    logits = input.unsqueeze(0) if input.ndim == 1 else input
    labels = target.array.reshape((1,) if input.ndim == 1 else target.array.shape).astype(int64, copy=False)
    C = logits.array.shape[1]
    if not C and labels.size:
        raise ShapeError(f"{name}: there are no classes", got=f"input {tuple(input.shape)}", rule="C >= 1")
    kept, backend = None, backend_of(labels)
    looks = labels.size and not backend.asynchronous and not 0 <= ignore_index < C
    usual = looks and labels.min() >= 0 and labels.max() < C  # takes half the time of a look at each label
    if not usual:
        ignored = labels == ignore_index
        outside = ((labels < 0) | (labels >= C)) & ~ignored
        backend.refuse(outside, OutOfRangeError, f"{name}: a target class does not exist",
                       got=lambda: f"{labels[outside][0]} of {C} classes",
                       rule=f"0 <= target < {C}, or target == ignore_index, here {ignore_index}",
                       hint="classes are counted from 0")
        if backend.asynchronous or bool(ignored.any()):
            kept = wrap(~ignored)
            labels = labels * ~(ignored | outside)  # so that nobody reads beside the classes
    weights = None if weight is None else wrap(weight.array[labels])
    return logits, wrap(labels), weights, kept


def _check_classes(name: str, input: Tensor, target: Tensor) -> None:
    if target.array.dtype not in (int64, uint8):
        raise DtypeError(f"{name}: target classes are {target.array.dtype}", got=f"target of {target.array.dtype}",
                         rule="classes are int64 (or uint8)", hint="target.long()")
    shape = input.array.shape
    fits = target.array.shape in ((), (1,)) if len(shape) == 1 else target.array.shape == shape[:1] + shape[2:]
    if not shape or not fits:
        raise ShapeError(f"{name}: the target does not fit the input",
                         got=f"input {tuple(shape)}, target {tuple(target.shape)}",
                         rule="input (N, C, *) has target (N, *), or input (C,) a target ()",
                         hint="one class for each sample: target.squeeze(1)" if target.ndim == len(shape) else None)


def _check_weight(name: str, input: Tensor, weight: Tensor | None) -> None:
    if weight is None:
        return
    C = input.array.shape[min(1, input.ndim - 1)] if input.ndim else 0
    if weight.array.shape != (C,):
        raise ShapeError(f"{name}: the weight is not for {C} classes", got=f"weight {tuple(weight.shape)}",
                         rule=f"weight is (C,), here ({C},)")
    if weight.array.dtype != input.array.dtype:
        raise DtypeError(f"{name}: the dtypes differ", got=f"input {input.array.dtype}, weight {weight.array.dtype}",
                         rule="input and weight have one dtype", hint="weight.to(input.dtype)")


def _reduced_classes(
    losses: Tensor, weights: Tensor | None, kept: Tensor | None, reduction: str, shape: tuple[int, ...]
) -> Tensor:
    """The mean over Σ weights of what is kept, the sum, or the losses in the target's shape."""
    if reduction == "none":
        return losses if losses.array.shape == shape else losses.reshape(shape)
    if reduction == "sum":
        return losses.sum()
    if weights is None:
        return losses.mean() if kept is None else losses.sum() / kept.sum()
    return losses.sum() / (weights if kept is None else weights.masked_fill(~kept, 0.0)).sum()


def _beside(weight: Tensor, like: Tensor) -> Tensor:
    """(C,) → (C, 1, …), to broadcast along the classes of ``like``."""
    return weight.reshape(-1, *[1] * (like.ndim - 2))
