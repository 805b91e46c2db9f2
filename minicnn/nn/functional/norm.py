"""Normalisation: batch, layer, group, instance, RMS and local response."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from minicnn.autograd.inplace import check_writable, edited
from minicnn.autograd.mode import mode, no_grad
from minicnn.backend import backend_of
from minicnn.errors import OptionError, ShapeError
from minicnn.nn.functional.norm_checks import check_channels, check_eps, last_axes
from minicnn.nn.functional.pad import pad
from minicnn.nn.functional.pool import avg_pool2d
from minicnn.nn.functional.reduction import check_one_device
from minicnn.ops.norm import Normalise, ScaleShift
from minicnn.ops.operands import alongside
from minicnn.ops.shape import reshaped
from minicnn.tensor import Tensor, wrap

__all__ = ["batch_norm", "group_norm", "instance_norm", "layer_norm", "local_response_norm", "rms_norm"]

Array = Any


def batch_norm(
    input: Tensor,
    running_mean: Tensor | None,
    running_var: Tensor | None,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    training: bool = False,
    momentum: float | Tensor = 0.1,
    eps: float = 1e-5,
) -> Tensor:
    """(x − mean) / √(var + eps) · weight + bias for each channel.

    In training, mean and var (biased) are those of the batch, and the running ones move towards them, to the unbiased
    variance: running ← (1 − momentum) · running + momentum · batch, also under ``no_grad``. Otherwise they are the
    running ones.

    Args:
        input: (N, C, *).
        running_mean, running_var: (C,), updated in place in training; both or neither.
        weight, bias: (C,), or None for 1 and 0.
        training: normalise by the batch.
        momentum: how far the running statistics move; a number, or a 0-d tensor, which is not read on the host.
        eps: keeps the root from 0.

    Shapes: (N, C, *); the result has the input's.
    Errors: ShapeError for one value per channel in training, and for sizes that do not fit; OptionError where running
    statistics are missing; DtypeError for integers.
    Source: Ioffe and Szegedy 2015, https://arxiv.org/abs/1502.03167

    Example:
        >>> F.batch_norm(mc.tensor([[1.0], [3.0]]), None, None, training=True)
        tensor([[-1.0000],
                [ 1.0000]])
    """
    check_channels("batch_norm", input, running_mean=running_mean, running_var=running_var, weight=weight, bias=bias)
    if (running_mean is None) != (running_var is None):
        raise OptionError("batch_norm: one of the running statistics is missing",
                          got=f"running_{'var' if running_var is None else 'mean'}=None", rule="both or neither")
    if not training:
        if running_mean is None or running_var is None:
            raise OptionError("batch_norm: nothing to normalise by", got="training=False, running_mean=None",
                              rule="without the batch's statistics, the running ones", hint="training=True")
        return _by_running(input, running_mean, running_var, weight, bias, eps)
    count = input.array.size // max(input.array.shape[1], 1)
    if count == 1:
        raise ShapeError("batch_norm: one value per channel has no variance to train by",
                         got=f"input {tuple(input.shape)}", rule="more than 1 value per channel when training",
                         hint="a larger batch (drop_last=True drops a last batch of one), or model.eval()")
    if eps <= 0:
        raise OptionError("batch_norm: eps is not positive", got=f"eps={eps}", rule="eps > 0 in training")
    observe = _mover("batch_norm", running_mean, running_var, momentum, count)
    axes = (0, *range(2, input.array.ndim))
    return Normalise.apply(input, weight, bias, axes=axes, eps=eps, by_channel=True, observe=observe)


def layer_norm(
    input: Tensor,
    normalized_shape: Sequence[int],
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    eps: float = 1e-5,
) -> Tensor:
    """(x − mean) / √(var + eps) · weight + bias, with mean and var (biased) over the last dimensions of each sample.

    Args:
        input: (*, normalized_shape).
        normalized_shape: the sizes of the dimensions to normalise over.
        weight, bias: of shape ``normalized_shape``, or None for 1 and 0.
        eps: keeps the root from 0.

    Shapes: the result has the input's. Errors: ShapeError where the last sizes are not ``normalized_shape``.
    Source: Ba et al. 2016, https://arxiv.org/abs/1607.06450

    Example:
        >>> F.layer_norm(mc.tensor([[1.0, 3.0], [5.0, 5.0]]), (2,))
        tensor([[-1.0000,  1.0000],
                [ 0.0000,  0.0000]])
    """
    check_eps("layer_norm", eps)
    axes = last_axes("layer_norm", input, normalized_shape, weight=weight, bias=bias)
    return Normalise.apply(input, weight, bias, axes=axes, eps=eps)


def rms_norm(
    input: Tensor, normalized_shape: Sequence[int], weight: Tensor | None = None, eps: float | None = None
) -> Tensor:
    """x / √(mean(x²) + eps) · weight, over the last dimensions of each sample.

    Args, shapes, errors: as ``layer_norm``; ``eps`` is the dtype's own by default (the gap after 1).
    Source: Zhang and Sennrich 2019, https://arxiv.org/abs/1910.07467

    Example:
        >>> F.rms_norm(mc.tensor([3.0, -3.0]), (2,))
        tensor([ 1., -1.])
    """
    check_eps("rms_norm", eps or 0)
    axes = last_axes("rms_norm", input, normalized_shape, weight=weight)
    tiny = float(backend_of(input.array).xp.finfo(input.array.dtype).eps) if eps is None else eps
    y = input * ((input * input).mean(axes, keepdim=True) + tiny) ** -0.5
    return y if weight is None else (y * weight).to(input.dtype)


def group_norm(
    input: Tensor, num_groups: int, weight: Tensor | None = None, bias: Tensor | None = None, eps: float = 1e-5
) -> Tensor:
    """(x − mean) / √(var + eps) · weight + bias, with mean and var (biased) over groups of channels of each sample.

    Args:
        input: (N, C, *).
        num_groups: how many groups C is divided into.
        weight, bias: (C,), or None for 1 and 0.
        eps: keeps the root from 0.

    Shapes: the result has the input's. Errors: ShapeError where C does not divide, weight or bias is not (C,), or a
    group has one value in all; OptionError where num_groups is not positive.
    Source: Wu and He 2018, https://arxiv.org/abs/1803.08494

    Example:
        >>> F.group_norm(mc.tensor([[1.0, 3.0, 2.0, 2.0]]), 2)
        tensor([[-1.0000,  1.0000,  0.0000,  0.0000]])
    """
    check_eps("group_norm", eps)
    check_channels("group_norm", input, weight=weight, bias=bias)
    if num_groups < 1:
        raise OptionError("group_norm: there is no group", got=f"num_groups={num_groups}", rule="num_groups >= 1")
    N, C = input.array.shape[:2]
    if C % num_groups:
        raise ShapeError(f"group_norm: {C} channels do not divide into {num_groups} groups",
                         got=f"input {tuple(input.shape)}, num_groups {num_groups}", rule="C % num_groups == 0",
                         hint=f"one of {[d for d in range(1, C + 1) if C % d == 0]}")
    if input.array.size == num_groups and N == 1:
        raise ShapeError("group_norm: a group of one value has no variance", got=f"input {tuple(input.shape)}",
                         rule="more than 1 value in a group", hint="fewer groups")
    axes = tuple(range(2, input.array.ndim))
    return Normalise.apply(input, weight, bias, axes=axes, eps=eps, groups=num_groups, by_channel=True)


def instance_norm(
    input: Tensor,
    running_mean: Tensor | None = None,
    running_var: Tensor | None = None,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    use_input_stats: bool = True,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Tensor:
    """(x − mean) / √(var + eps) · weight + bias for each channel of each sample.

    Args:
        input: (N, C, *).
        running_mean, running_var: (C,), moved towards the samples' average statistics where those are used.
        weight, bias: (C,), or None for 1 and 0.
        use_input_stats: normalise each sample by itself; otherwise by the running statistics.
        momentum, eps: as of ``batch_norm``.

    Shapes: the result has the input's. Errors: ShapeError for one pixel a channel; OptionError where the running
    statistics are needed and missing.
    Source: Ulyanov et al. 2016, https://arxiv.org/abs/1607.08022

    Example:
        >>> F.instance_norm(mc.tensor([[[1.0, 3.0]]]))
        tensor([[[-1.0000,  1.0000]]])
    """
    name = "instance_norm"
    check_channels(name, input, running_mean=running_mean, running_var=running_var, weight=weight, bias=bias)
    if not use_input_stats:
        if running_mean is None or running_var is None:
            raise OptionError(f"{name}: nothing to normalise by", got="use_input_stats=False, no running statistics",
                              rule="without the input's statistics, the running ones", hint="use_input_stats=True")
        return _by_running(input, running_mean, running_var, weight, bias, eps)
    check_eps(name, eps)
    pixels = math.prod(input.array.shape[2:])
    if pixels == 1:
        raise ShapeError(f"{name}: one pixel has no variance", got=f"input {tuple(input.shape)}",
                         rule="more than 1 value per channel and sample")
    observe = _mover(name, running_mean, running_var, momentum, pixels)
    axes = tuple(range(2, input.array.ndim))
    return Normalise.apply(input, weight, bias, axes=axes, eps=eps, by_channel=True, observe=observe)


def local_response_norm(input: Tensor, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0) -> Tensor:
    """x / (k + alpha · mean(x² over ``size`` neighbouring channels)) ** beta; channels that are not there count as 0.

    Args:
        input: (N, C, *).
        size: how many channels are neighbours: size // 2 below, (size − 1) // 2 above.
        alpha, beta, k: the constants of the formula.

    Shapes: (N, C, *), at least 3 dimensions; the result has the input's.
    Errors: ShapeError for fewer; OptionError where size is not positive.
    Source: Krizhevsky et al. 2012, section 3.3, https://papers.nips.cc/paper/4824

    Example:
        >>> F.local_response_norm(mc.tensor([[[1.0], [2.0]]]), size=1, alpha=1.0, beta=1.0)
        tensor([[[0.5000],
                 [0.4000]]])
    """
    if input.ndim < 3:
        raise ShapeError(f"local_response_norm: the input has {input.ndim} dimensions",
                         got=f"input {tuple(input.shape)}", rule="(N, C, *): at least 3 dimensions",
                         hint="x.unsqueeze(0)")
    if size < 1:
        raise OptionError("local_response_norm: the size is not positive", got=f"size={size}", rule="size >= 1")
    if not input.array.size:
        return input
    N, C = input.array.shape[:2]
    # Channels as the rows of one image are averaged by pooling, which keeps a NaN to the windows that see it.
    squares = pad((input * input).reshape(N, 1, C, -1), (0, 0, size // 2, (size - 1) // 2))
    means = avg_pool2d(squares, (size, 1), stride=1).reshape(input.shape)
    return input / (means * alpha + k) ** beta


def _by_running(
    input: Tensor, mean: Tensor, var: Tensor, weight: Tensor | None, bias: Tensor | None, eps: float
) -> Tensor:
    """x · scale + shift, with scale = weight / √(var + eps) and shift = bias − mean · scale.

    Where nobody looks at the steps they are arithmetic of arrays, not of tensors: ``inference`` has many small layers.
    """
    given = [mean, var, weight, bias]
    if mode.watch is None and not (mode.grad and any(t is not None and t.tracked for t in given)):
        with backend_of(input.array).quiet():
            scale, shift = (wrap(a) for a in _scale_and_shift([t if t is None else t.array for t in given], eps))
    else:
        scale, shift = _scale_and_shift(given, eps)
    return ScaleShift.apply(input, *(_beside_channels(t, input.array.ndim) for t in (scale, shift)))


def _scale_and_shift(given: Sequence[Any], eps: float) -> tuple[Any, Any]:
    """Scale and shift of the mean, var, weight and bias that are ``given``, all tensors or all arrays."""
    mean, var, weight, bias = given
    scale = (var + eps) ** -0.5
    scale = scale if weight is None else scale * weight
    return scale, -mean * scale if bias is None else bias - mean * scale


def _mover(
    name: str, running_mean: Tensor | None, running_var: Tensor | None, momentum: float | Tensor, count: int
) -> Callable[[Array, Array], None] | None:
    """What moves the running statistics towards those of a batch, of ``count`` values each; None where there are none.

    Statistics of each sample are averaged over the samples.
    """
    if running_mean is None or running_var is None:
        return None
    with no_grad():
        check_writable(name, running_mean)
        check_writable(name, running_var)
    factor = _factor(name, momentum, running_mean)

    def move(mean: Array, var: Array) -> None:
        if not mean.size:  # no samples, or no channels
            return
        unbias = count / (count - 1) if count > 1 else math.nan
        with no_grad():
            for running, batch, share in ((running_mean, mean, factor), (running_var, var, factor * unbias)):
                array = running.array
                samples = batch.reshape(-1, array.size)
                array *= _like(1 - factor, array)
                array += _like(share, batch) * (samples[0] if len(samples) == 1 else samples.mean(0))
                edited(running)

    return move


def _factor(name: str, momentum: float | Tensor, running: Tensor) -> Any:
    """The momentum as a number, or as an array on the device of the ``running`` statistics."""
    if not isinstance(momentum, Tensor):
        return momentum
    if momentum.ndim:
        raise ShapeError(f"{name}: the momentum has dimensions", got=f"shape {tuple(momentum.shape)}",
                         rule="one momentum for all channels", hint="a number, or a tensor of shape ()")
    factor, _ = alongside(momentum, running)
    check_one_device(name, factor, running)
    return factor.array


def _like(factor: Any, array: Array) -> Any:
    """A factor that leaves the dtype of ``array`` as it is: Python's numbers do, arrays do not."""
    return factor.astype(array.dtype) if hasattr(factor, "dtype") else factor


def _beside_channels(values: Tensor, ndim: int) -> Tensor:
    """(C,) → (1, C, 1, …)."""
    return reshaped(values, (1, values.array.size, *[1] * (ndim - 2)))
