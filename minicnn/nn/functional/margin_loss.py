"""Losses that ask for a margin: between classes, ranks and distances."""

from __future__ import annotations

from minicnn.backend import backend_of
from minicnn.errors import DtypeError, OptionError, OutOfRangeError, ShapeError
from minicnn.nn.functional.images import check_no_bools
from minicnn.nn.functional.linear import pairwise_distance
from minicnn.nn.functional.reduction import check_float, check_one_device, reduced, reduction_of
from minicnn.ops.operands import check_broadcast
from minicnn.ops.smooth import LogSigmoid
from minicnn.tensor import Tensor, wrap

__all__ = ["cosine_embedding_loss", "hinge_embedding_loss", "margin_ranking_loss", "multi_margin_loss",
           "multilabel_soft_margin_loss", "soft_margin_loss", "triplet_margin_loss"]  # fmt: skip


def hinge_embedding_loss(
    input: Tensor,
    target: Tensor,
    margin: float = 1.0,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """x where the target is 1, max(0, margin − x) where it is −1.

    Args:
        input: distances.
        target: 1 or −1 for each.
        margin: how far the unlike are to be apart.
        reduction, size_average, reduce: as of ``mse_loss``.

    Shapes: broadcast. Errors: ShapeError, OptionError.

    Example:
        >>> F.hinge_embedding_loss(mc.tensor([0.5, 0.2]), mc.tensor([1, -1]), reduction="none")
        tensor([0.5000, 0.8000])
    """
    reduction = reduction_of("hinge_embedding_loss", reduction, size_average, reduce)
    check_float("hinge_embedding_loss", input=input)
    check_broadcast("hinge_embedding_loss", input.shape, target.shape)
    apart = (margin - input).clamp(min=0).masked_fill(target == 1, 0.0)
    return reduced(apart + input.masked_fill(target == -1, 0.0), reduction)


def margin_ranking_loss(
    input1: Tensor,
    input2: Tensor,
    target: Tensor,
    margin: float = 0.0,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """max(0, margin − y · (x1 − x2)): x1 is to rank above x2 where y is 1, below where it is −1.

    Shapes: broadcast, all of one number of dimensions. Errors: ShapeError, OptionError.

    Example:
        >>> F.margin_ranking_loss(mc.tensor([1.0]), mc.tensor([3.0]), mc.tensor([1.0]))
        tensor(2.)
    """
    reduction = reduction_of("margin_ranking_loss", reduction, size_average, reduce)
    if not input1.ndim == input2.ndim == target.ndim:
        raise ShapeError("margin_ranking_loss: the numbers of dimensions differ",
                         got=f"{tuple(input1.shape)}, {tuple(input2.shape)}, {tuple(target.shape)}",
                         rule="input1, input2 and target have the same number")
    check_broadcast("margin_ranking_loss", input1.shape, input2.shape, target.shape)
    return reduced((-target * (input1 - input2) + margin).clamp(min=0), reduction)


def cosine_embedding_loss(
    input1: Tensor,
    input2: Tensor,
    target: Tensor,
    margin: float = 0.0,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """1 − cos(x1, x2) where the target is 1, max(0, cos(x1, x2) − margin) where it is −1.

    Shapes: inputs (N, D) and target (N,), or (D,) and (). Errors: ShapeError, OptionError.

    Example:
        >>> F.cosine_embedding_loss(mc.tensor([[1.0, 0.0]]), mc.tensor([[0.0, 1.0]]), mc.tensor([1]))
        tensor(1.)
    """
    reduction = reduction_of("cosine_embedding_loss", reduction, size_average, reduce)
    if target.ndim > 1 or not input1.ndim == input2.ndim == target.ndim + 1:
        raise ShapeError("cosine_embedding_loss: the shapes do not fit",
                         got=f"{tuple(input1.shape)}, {tuple(input2.shape)}, target {tuple(target.shape)}",
                         rule="inputs (N, D) and target (N,), or (D,) and ()")
    tiny = 1e-12  # added to squared lengths
    lengths = ((input1 * input1).sum(-1) + tiny) * ((input2 * input2).sum(-1) + tiny)
    cosine = (input1 * input2).sum(-1) / lengths.sqrt()
    alike = (1 - cosine).masked_fill(target != 1, 0.0)
    return reduced(alike + (cosine - margin).clamp(min=0).masked_fill(target != -1, 0.0), reduction)


def soft_margin_loss(
    input: Tensor,
    target: Tensor,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """log(1 + exp(−y · x)), for targets y of 1 and −1, without overflow.

    Shapes: the target broadcasts to the input. Errors: ShapeError, DtypeError for integers as input, OptionError.

    Example:
        >>> F.soft_margin_loss(mc.tensor([0.0]), mc.tensor([1.0]))
        tensor(0.6931)
    """
    reduction = reduction_of("soft_margin_loss", reduction, size_average, reduce)
    check_float("soft_margin_loss", input=input)
    if check_broadcast("soft_margin_loss", input.shape, target.shape) != input.array.shape:
        raise ShapeError("soft_margin_loss: the target is larger than the input",
                         got=f"input {tuple(input.shape)}, target {tuple(target.shape)}",
                         rule="the target broadcasts to the input's shape")
    return reduced(-LogSigmoid.apply(input * target.to(input.dtype)), reduction)


def multilabel_soft_margin_loss(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """The mean over classes of −weight · (y · log σ(x) + (1 − y) · log σ(−x)).

    Shapes: input and target (*, C), weight (C,) or None; unreduced (*). Errors: ShapeError, OptionError.

    Example:
        >>> F.multilabel_soft_margin_loss(mc.tensor([[0.0, 0.0]]), mc.tensor([[1.0, 0.0]]))
        tensor(0.6931)
    """
    reduction = reduction_of("multilabel_soft_margin_loss", reduction, size_average, reduce)
    check_no_bools("multilabel_soft_margin_loss", input)
    if not input.ndim:
        raise ShapeError("multilabel_soft_margin_loss: the input has no classes", got="input ()",
                         rule="input is (*, C)", hint="input.reshape(1)")
    check_broadcast("multilabel_soft_margin_loss", input.shape, target.shape)
    losses = -(target * LogSigmoid.apply(input) + (1 - target) * LogSigmoid.apply(-input))
    losses = losses if weight is None else losses * weight
    dim = input.ndim - 1  # the input's last, also where the target has more
    return reduced(losses.sum(dim) / input.array.shape[dim], reduction)


def multi_margin_loss(
    input: Tensor,
    target: Tensor,
    p: int = 1,
    margin: float = 1.0,
    weight: Tensor | None = None,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """weight[t] · Σ over the other classes k of max(0, margin − x[t] + x[k])ᵖ / C, for each target class t.

    Args:
        input: (N, C) or (C,).
        target: (N,) or (), int64 classes.
        p: 1 or 2.
        margin: how far x[t] is to be above the others.
        weight: (C,), or None for 1.
        reduction, size_average, reduce: as of ``mse_loss``.

    Shapes: unreduced, the target's. Errors: ShapeError, OptionError, OutOfRangeError.

    Example:
        >>> F.multi_margin_loss(mc.tensor([[0.5, 0.0]]), mc.tensor([0]))
        tensor(0.2500)
    """
    reduction = reduction_of("multi_margin_loss", reduction, size_average, reduce)
    if p not in (1, 2):
        raise OptionError("multi_margin_loss: p is neither 1 nor 2", got=f"p={p}", rule="p == 1 or p == 2")
    rows = input.unsqueeze(0) if input.ndim == 1 else input
    targets = ((), (1,)) if input.ndim == 1 else (rows.array.shape[:1],)
    if rows.ndim != 2 or target.array.shape not in targets or (weight is not None and weight.shape != rows.shape[1:]):
        raise ShapeError("multi_margin_loss: the shapes do not fit",
                         got=f"input {tuple(input.shape)}, target {tuple(target.shape)}",
                         rule="(N, C) and (N,), or (C,) and (); weight (C,)")
    check_one_device("multi_margin_loss", input, target, weight)
    if target.array.dtype != "int64" or (weight is not None and weight.array.dtype != input.array.dtype):
        raise DtypeError("multi_margin_loss: the dtypes do not fit",
                         got=f"input {input.dtype}, target {target.dtype}, weight {getattr(weight, 'dtype', None)}",
                         rule="target is int64, weight has the input's dtype", hint="target.long()")
    C, classes = rows.array.shape[1], target.reshape(-1, 1)
    outside = (classes.array < 0) | (classes.array >= C)
    backend_of(outside).refuse(outside, OutOfRangeError, "multi_margin_loss: a target class does not exist",
                               got=lambda: f"{C} classes", rule=f"0 <= target < {C}")
    classes = wrap(classes.array * ~outside)  # where the error comes later, nobody reads beside the classes until then
    excess = margin - rows.gather(1, classes) + rows
    excess = excess.masked_fill(~(excess > 0), 0.0)  # unlike clamp: no slope at 0, and NaN is no excess
    excess = excess if p == 1 else excess * excess
    excess = excess if weight is None else excess * weight[classes]
    own = wrap(backend_of(rows.array).xp.arange(C) == classes.array)
    losses = excess.masked_fill(own, 0.0).sum(1) / C
    return reduced(losses if input.ndim == 2 else losses.reshape(()), reduction)


def triplet_margin_loss(
    anchor: Tensor,
    positive: Tensor,
    negative: Tensor,
    margin: float = 1.0,
    p: float = 2,
    eps: float = 1e-6,
    swap: bool = False,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """max(0, ‖a − p‖ − ‖a − n‖ + margin): the anchor is to be nearer to the positive than to the negative.

    Args:
        anchor, positive, negative: (*, D).
        margin: by how much.
        p, eps: as of ``pairwise_distance``.
        swap: measure the negative's distance from the positive where that is nearer.
        reduction, size_average, reduce: as of ``mse_loss``.

    Shapes: unreduced (*). Errors: ShapeError; OptionError where margin is not positive.
    Source: Balntas et al. 2016, http://www.bmva.org/bmvc/2016/papers/paper119

    Example:
        >>> F.triplet_margin_loss(mc.tensor([[0.0]]), mc.tensor([[3.0]]), mc.tensor([[1.0]]))
        tensor(3.)
    """
    reduction = reduction_of("triplet_margin_loss", reduction, size_average, reduce)
    if margin <= 0:
        raise OptionError("triplet_margin_loss: the margin is not positive", got=f"margin={margin}", rule="margin > 0")
    if not anchor.ndim == positive.ndim == negative.ndim:
        raise ShapeError("triplet_margin_loss: the numbers of dimensions differ",
                         got=f"{tuple(anchor.shape)}, {tuple(positive.shape)}, {tuple(negative.shape)}",
                         rule="anchor, positive and negative have the same number")
    near, far = pairwise_distance(anchor, positive, p, eps), pairwise_distance(anchor, negative, p, eps)
    if swap:
        far = far.minimum(pairwise_distance(positive, negative, p, eps))
    return reduced((near - far + margin).clamp(min=0), reduction)
