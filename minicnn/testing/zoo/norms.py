"""Bugs of normalisation and dropout."""

from __future__ import annotations

from typing import Any

import minicnn as mc
from minicnn.tensor import Tensor
from minicnn.testing.zoo.bug import bug, with_gradient_of

Right = Any


def _axes(x: Tensor) -> list[int]:
    return [0, *range(2, x.ndim)]


def _beside(values: Tensor | None, x: Tensor) -> Tensor | float:
    return 1.0 if values is None else values.reshape(-1, *(1,) * (x.ndim - 2))


def _normalised(x: Tensor, mean: Tensor, scale: Tensor, weight: Tensor | None, bias: Tensor | None) -> Tensor:
    y = (x - mean) / scale
    y = y if weight is None else y * _beside(weight, x)
    return y if bias is None else y + _beside(bias, x)


@bug("batch_norm")
def biased_running_variance(right: Right, input: Tensor, running_var: Tensor | None, training: bool, momentum: float,
                            **options: Any) -> Tensor:  # fmt: skip
    """The batch's variance goes into the running one as it is; PyTorch's is multiplied by m / (m − 1) there."""
    before = None if running_var is None else running_var.detach().clone()
    y = right(input=input, running_var=running_var, training=training, momentum=momentum, **options)
    if training and running_var is not None and before is not None:
        with mc.no_grad():
            batch = input.detach().var(_axes(input), unbiased=False)
            running_var.copy_((1 - momentum) * before + momentum * batch)
    return y


@bug("batch_norm")
def unbiased_variance(right: Right, input: Tensor, weight: Tensor | None, bias: Tensor | None, training: bool,
                      eps: float, **options: Any) -> Tensor:  # fmt: skip
    """Divides by m − 1 to normalise, too."""
    y = right(input=input, weight=weight, bias=bias, training=training, eps=eps, **options)
    if not training:
        return y
    mean, var = (f(_axes(input), keepdim=True) for f in (input.mean, input.var))
    return _normalised(input, mean, (var + eps).sqrt(), weight, bias)


@bug("batch_norm")
def momentum_of_the_old(right: Right, momentum: float, **options: Any) -> Tensor:
    """running = momentum · running + (1 − momentum) · batch: TensorFlow's meaning of the word."""
    return right(momentum=1 - momentum, **options)


@bug("batch_norm")
def eps_outside_of_the_root(right: Right, input: Tensor, weight: Tensor | None, bias: Tensor | None, training: bool,
                            eps: float, **options: Any) -> Tensor:  # fmt: skip
    """x̂ = (x − mean) / (√var + eps)."""
    y = right(input=input, weight=weight, bias=bias, training=training, eps=eps, **options)
    if not training:
        return y
    axes = _axes(input)
    scale = input.var(axes, unbiased=False, keepdim=True).sqrt() + eps
    return _normalised(input, input.mean(axes, keepdim=True), scale, weight, bias)


@bug("batch_norm")
def batch_statistics_in_evaluation(right: Right, input: Tensor, training: bool, running_mean: Tensor | None,
                                   running_var: Tensor | None, **options: Any) -> Tensor:  # fmt: skip
    """A prediction depends on the other images of its batch."""
    kept = (running_mean, running_var) if training else (None, None)
    return right(input=input, training=True, running_mean=kept[0], running_var=kept[1], **options)


@bug("batch_norm")
def running_statistics_stay(right: Right, running_mean: Tensor | None, running_var: Tensor | None, training: bool,
                            **options: Any) -> Tensor:  # fmt: skip
    """Training never moves them, so evaluation normalises by 0 and 1."""
    kept = (None, None) if training else (running_mean, running_var)
    return right(running_mean=kept[0], running_var=kept[1], training=training, **options)


@bug("batch_norm")
def constant_statistics(right: Right, input: Tensor, weight: Tensor | None, bias: Tensor | None, training: bool,
                        eps: float, **options: Any) -> Tensor:  # fmt: skip
    """dx = g · weight / σ: mean and variance are taken for constants."""
    y = right(input=input, weight=weight, bias=bias, training=training, eps=eps, **options)
    if not training:
        return y
    mean, var = input.detach().mean(_axes(input), keepdim=True), None
    var = input.detach().var(_axes(input), unbiased=False, keepdim=True)
    return with_gradient_of(y, _normalised(input, mean, (var + eps).sqrt(), weight, bias))


@bug("layer_norm")
def unbiased_layer_variance(right: Right, input: Tensor, normalized_shape: Any, eps: float, **options: Any) -> Tensor:
    """Divides by m − 1."""
    dims = [normalized_shape] if isinstance(normalized_shape, int) else list(normalized_shape)
    count = 1
    for n in dims:
        count *= n
    shrink = ((count - 1) / count) ** 0.5 if count > 1 else 1.0
    weight, bias = options["weight"], options["bias"]
    y = right(input, normalized_shape, None, None, eps) * shrink
    y = y if weight is None else y * weight
    return y if bias is None else y + bias


@bug("group_norm")
def one_group(right: Right, num_groups: int, **options: Any) -> Tensor:
    """All channels are one group."""
    return right(num_groups=1, **options)


@bug("dropout")
def no_scaling(right: Right, input: Tensor, p: float, training: bool, inplace: bool) -> Tensor:
    """What is kept is not divided by 1 − p, so that evaluation sees larger activations than training did."""
    y = right(input, p, training, inplace)
    return y * (1 - p) if training else y


@bug("dropout")
def active_in_evaluation(right: Right, training: bool, **options: Any) -> Tensor:
    """``training`` is ignored."""
    return right(training=True, **options)


@bug("dropout")
def scaled_by_p(right: Right, input: Tensor, p: float, training: bool, inplace: bool) -> Tensor:
    """Divided by p, the share that is dropped; p = 0.5 hides it."""
    y = right(input, p, training, inplace)
    return y * ((1 - p) / p) if training and 0 < p < 1 else y


@bug("dropout")
def gradient_without_the_mask(right: Right, input: Tensor, p: float, training: bool, inplace: bool) -> Tensor:
    """The gradient flows through dropped elements, too."""
    plain = input * 1.0
    return with_gradient_of(right(input, p, training, inplace), plain)


@bug("dropout2d")
def elements_not_channels(right: Right, input: Tensor, p: float, training: bool, inplace: bool) -> Tensor:
    """Single pixels are dropped."""
    return mc.dropout(input, p, training)
