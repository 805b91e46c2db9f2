"""Bugs of activations, softmax, losses and linear maps."""

from __future__ import annotations

from typing import Any

import minicnn as mc
import minicnn.nn.functional as F
from minicnn.tensor import Tensor
from minicnn.testing.zoo.bug import bug, with_gradient_of

Right = Any


@bug("relu")
def gradient_of_one_at_zero(right: Right, input: Tensor, inplace: bool) -> Tensor:
    """``g * (x >= 0)``; PyTorch's is 0 at 0, and zeros are plentiful after padding."""
    return with_gradient_of(right(input, inplace), input * (input.detach() >= 0))


@bug("relu")
def gradient_lets_all_through(right: Right, input: Tensor, inplace: bool) -> Tensor:
    """The mask is forgotten on the way back."""
    return with_gradient_of(right(input, inplace), input * 1)


@bug("leaky_relu")
def slope_lost_in_the_gradient(right: Right, input: Tensor, negative_slope: float, inplace: bool) -> Tensor:
    """ReLU's gradient under leaky ReLU's values."""
    return with_gradient_of(right(input, negative_slope, inplace), input * (input.detach() > 0))


@bug("sigmoid")
def gradient_of_the_input(right: Right, input: Tensor) -> Tensor:
    """dx = g · x(1 − x), where the s of s(1 − s) is the result."""
    x = input.detach()
    return with_gradient_of(right(input), input * x * (1 - x))


@bug("tanh")
def gradient_with_one_t(right: Right, input: Tensor) -> Tensor:
    """dx = g · (1 − t), without the square."""
    y = right(input)
    return with_gradient_of(y, input * (1 - y.detach()))


@bug("softmax")
def no_shift(right: Right, input: Tensor, dim: int | None, dtype: Any, **_: Any) -> Tensor:
    """exp(x) / Σ exp(x) overflows from 89 on in float32, and is NaN then."""
    x = (input if dtype is None else input.to(dtype)).exp()
    return right(input, dim, dtype=dtype) if dim is None else x / x.sum(dim, keepdim=True)


@bug("softmax")
def over_the_batch(right: Right, input: Tensor, dim: int | None, **options: Any) -> Tensor:
    """Each column sums to one, and not each row."""
    return right(input, 0, **options)


@bug("softmax")
def diagonal_gradient(right: Right, input: Tensor, dim: int | None, **options: Any) -> Tensor:
    """dx = g · s(1 − s): the Jacobian's diagonal alone."""
    y = right(input, dim, **options)
    s = y.detach()
    return with_gradient_of(y, input * s * (1 - s))


@bug("log_softmax")
def log_of_softmax(right: Right, input: Tensor, dim: int | None, dtype: Any, **_: Any) -> Tensor:
    """log(softmax(x)) is −inf where the softmax is rounded to 0."""
    return right(input, dim, dtype=dtype) if dim is None else mc.softmax(input, dim, dtype=dtype).log()


@bug("cross_entropy")
def forgotten_division_by_n(right: Right, reduction: str, **options: Any) -> Tensor:
    """The sum over the batch: the learning rate depends on the batch's size."""
    return right(reduction="sum" if reduction == "mean" else reduction, **options)


@bug("cross_entropy")
def softmax_twice(right: Right, input: Tensor, **options: Any) -> Tensor:
    """Probabilities are given to a loss that takes scores; training is merely slow."""
    return right(input=F.softmax(input, 1 if input.ndim > 1 else 0), **options)


@bug("cross_entropy")
def forgotten_label_smoothing(right: Right, label_smoothing: float, **options: Any) -> Tensor:
    """The option is taken and not used."""
    return right(label_smoothing=0.0, **options)


@bug("cross_entropy")
def mean_over_ignored_labels(right: Right, target: Tensor, reduction: str, **options: Any) -> Tensor:
    """Divides by N although some labels are ignored, or weighted: it is the sum of weights."""
    if reduction != "mean" or target.is_floating_point():
        return right(target=target, reduction=reduction, **options)
    return right(target=target, reduction="sum", **options) / max(target.numel(), 1)


@bug("nll_loss")
def sign_forgotten(right: Right, **options: Any) -> Tensor:
    """The loss falls as the predictions get worse."""
    return -right(**options)


@bug("mse_loss")
def half(right: Right, **options: Any) -> Tensor:
    """½(x − y)², as in textbooks."""
    return right(**options) / 2


@bug("mse_loss")
def mean_over_the_batch_only(right: Right, input: Tensor, reduction: str, **options: Any) -> Tensor:
    """Sums over features, and divides by N."""
    if reduction != "mean" or input.ndim < 2:
        return right(input=input, reduction=reduction, **options)
    return right(input=input, reduction="sum", **options) / max(len(input), 1)


@bug("binary_cross_entropy_with_logits")
def through_the_sigmoid(right: Right, input: Tensor, pos_weight: Tensor | None, **options: Any) -> Tensor:
    """log(sigmoid(x)) is −inf for large negative x."""
    if pos_weight is not None:
        return right(input=input, pos_weight=pos_weight, **options)
    return F.binary_cross_entropy(mc.sigmoid(input), **options)


@bug("linear")
def forgotten_transposition(right: Right, weight: Tensor, **options: Any) -> Tensor:
    """x · W with PyTorch's (O, I) weight; square layers hide it."""
    return right(weight=weight.t() if weight.ndim == 2 and weight.shape[0] == weight.shape[1] else weight, **options)


@bug("linear")
def weight_gradient_is_a_mean(right: Right, input: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    """dW divided by the batch although the loss has divided already."""
    y = right(input, weight, bias)
    if input.ndim < 2 or not len(input):
        return y
    return right(input, weight.detach(), bias) + with_gradient_of(y * 0, right(input.detach(), weight) / len(input))


@bug("embedding")
def repeated_indices_overwrite(right: Right, input: Tensor, weight: Tensor, **options: Any) -> Tensor:
    """``dW[i] = g``: a word that occurs twice keeps one of its gradients."""
    seen: set[int] = set()
    flat = input.reshape(-1).tolist()
    last = [0.0] * len(flat)
    for place in reversed(range(len(flat))):
        last[place] = float(flat[place] not in seen)
        seen.add(flat[place])
    y = right(input, weight, **options)
    return with_gradient_of(y, y * mc.tensor(last, dtype=weight.dtype).reshape(*input.shape, 1))
