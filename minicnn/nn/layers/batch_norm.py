"""Normalisation with running statistics: batch norm and instance norm."""

from __future__ import annotations

import warnings
from typing import Any, ClassVar

from minicnn.autograd.inplace import edited
from minicnn.backend import Device, backend_of
from minicnn.dtypes import int64
from minicnn.errors import ShapeError
from minicnn.nn import functional as F
from minicnn.nn import init
from minicnn.nn.functional.images import check_tensor
from minicnn.nn.module import Module
from minicnn.nn.parameter import parameter
from minicnn.ops.creation import ones, zeros
from minicnn.tensor import Tensor, wrap

__all__ = ["BatchNorm1d", "BatchNorm2d", "InstanceNorm1d", "InstanceNorm2d"]


class _NormBase(Module):
    """Weight and bias of each channel, and the running statistics.

    Attributes:
        weight, bias: (C,), or None without ``affine`` (or without ``bias``).
        running_mean, running_var: (C,) buffers, or None without ``track_running_stats``.
        num_batches_tracked: how many batches the statistics have seen, int64.
    """

    _version = 2  # since 2, the state has num_batches_tracked
    ndims: ClassVar[tuple[int, ...]]
    shapes: ClassVar[str]

    def __init__(
        self, num_features: int, eps: float, momentum: float | None, affine: bool, track_running_stats: bool,
        device: Device | str | None, dtype: Any, bias: bool,
    ) -> None:  # fmt: skip
        super().__init__()
        self.num_features, self.eps, self.momentum = num_features, eps, momentum
        self.affine, self.track_running_stats = affine, track_running_stats
        kind: dict[str, Any] = {"device": device, "dtype": dtype}
        self.register_parameter("weight", parameter(num_features, **kind) if affine else None)
        self.register_parameter("bias", parameter(num_features, **kind) if affine and bias else None)
        tracked = track_running_stats
        self.register_buffer("running_mean", zeros(num_features, **kind) if tracked else None)
        self.register_buffer("running_var", ones(num_features, **kind) if tracked else None)
        self.register_buffer("num_batches_tracked", zeros((), device=device, dtype=int64) if tracked else None)
        self.reset_parameters()

    def reset_running_stats(self) -> None:
        """Forget all batches: mean 0, variance 1."""
        if self.track_running_stats:
            init.zeros_(self.running_mean)
            init.ones_(self.running_var)
            self.num_batches_tracked.zero_()

    def reset_parameters(self) -> None:
        """Weight 1, bias 0, no batch seen."""
        self.reset_running_stats()
        if self.weight is not None:
            init.ones_(self.weight)
        if self.bias is not None:
            init.zeros_(self.bias)

    def _check_input_dim(self, input: Tensor) -> None:
        check_tensor(type(self).__name__, "input", input)
        if input.ndim not in self.ndims:
            raise ShapeError(f"{type(self).__name__}: the input has {input.ndim} dimensions",
                             got=f"input {tuple(input.shape)}", rule=self.shapes)

    def extra_repr(self) -> str:
        """The number of channels and the options."""
        return (f"{self.num_features}, eps={self.eps}, momentum={self.momentum}, affine={self.affine}, "
                f"bias={self.bias is not None}, track_running_stats={self.track_running_stats}")  # fmt: skip

    def _load_from_state_dict(
        self, state_dict: dict[str, Any], prefix: str, local_metadata: dict[str, Any], *rest: Any
    ) -> None:
        key = f"{prefix}num_batches_tracked"
        if local_metadata.get("version", 1) < 2 and self.track_running_stats:
            state_dict.setdefault(key, self.num_batches_tracked)
        super()._load_from_state_dict(state_dict, prefix, local_metadata, *rest)


class _BatchNorm(_NormBase):
    """Batch norm of any number of dimensions; see ``BatchNorm2d``."""

    def __init__(
        self, num_features: int, eps: float = 1e-5, momentum: float | None = 0.1, affine: bool = True,
        track_running_stats: bool = True, device: Device | str | None = None, dtype: Any = None, *, bias: bool = True,
    ) -> None:  # fmt: skip
        super().__init__(num_features, eps, momentum, affine, track_running_stats, device, dtype, bias)

    def forward(self, input: Tensor) -> Tensor:
        """``input`` normalised; in training mode the running statistics are updated, too."""
        self._check_input_dim(input)
        update = self.training and self.track_running_stats
        momentum: float | Tensor = 0.0 if self.momentum is None else self.momentum
        if update and (batches := self.num_batches_tracked) is not None:
            batches.array += 1  # as an operation of tensors it took a tenth of a small layer's time
            edited(batches, "add_")
            momentum = self._share()
        use_batch = self.training or (self.running_mean is None and self.running_var is None)
        use_running = self.track_running_stats or not self.training
        mean, var = (self.running_mean, self.running_var) if use_running else (None, None)
        return F.batch_norm(input, mean, var, self.weight, self.bias, use_batch, momentum, self.eps)

    def _share(self) -> float | Tensor:
        """The newest batch's share in the running statistics. For the plain mean of all batches it is worked out where
        their number is kept: a step on a device does not wait for it."""
        if self.momentum is not None:
            return self.momentum
        count = self.num_batches_tracked.array.astype("float64")
        return wrap(backend_of(count).xp.reciprocal(count, out=count))


class BatchNorm1d(_BatchNorm):
    """Batch normalisation of (N, C) or (N, C, L) over all but the channels. See ``BatchNorm2d``."""

    ndims = (2, 3)
    shapes = "(N, C) or (N, C, L)"


class BatchNorm2d(_BatchNorm):
    """Batch normalisation of (N, C, H, W): y = (x − mean) / √(var + eps) · weight + bias, for each channel.

    In training mode, mean and (biased) variance are the batch's, and the running ones, which evaluation mode uses, move
    towards them: running = (1 − momentum)·running + momentum·batch, with the unbiased variance. See ``F.batch_norm``.

    Args:
        num_features: C.
        eps: added to the variance.
        momentum: the share of the new batch; None makes the running statistics the mean of all batches.
        affine: whether there are a learnt weight and bias.
        track_running_stats: False uses the batch's statistics in evaluation mode, too.
        device, dtype: of the parameters and statistics.
        bias: False leaves out the bias alone.

    Source: Ioffe and Szegedy, "Batch normalization", 2015.
    """

    ndims = (4,)
    shapes = "(N, C, H, W)"


class _InstanceNorm(_NormBase):
    def __init__(
        self, num_features: int, eps: float = 1e-5, momentum: float | None = 0.1, affine: bool = False,
        track_running_stats: bool = False, device: Device | str | None = None, dtype: Any = None, *, bias: bool = True,
    ) -> None:  # fmt: skip
        super().__init__(num_features, eps, momentum, affine, track_running_stats, device, dtype, bias)

    def forward(self, input: Tensor) -> Tensor:
        """``input`` normalised; running statistics, where tracked, are updated in training mode."""
        self._check_input_dim(input)
        unbatched = input.ndim == self.ndims[0]
        channels = input.shape[0 if unbatched else 1]
        if channels != self.num_features:
            self._complain(channels)
        use_batch = self.training or not self.track_running_stats
        momentum = 0.0 if self.momentum is None else self.momentum
        y = F.instance_norm(input.unsqueeze(0) if unbatched else input, self.running_mean, self.running_var,
                            self.weight, self.bias, use_batch, momentum, self.eps)
        return y.squeeze(0) if unbatched else y

    def _complain(self, channels: int) -> None:
        if self.affine:
            raise ShapeError(f"{type(self).__name__}: the input has {channels} channels, the layer {self.num_features}",
                             got=f"{channels} channels", rule="input channels == num_features",
                             hint=f"{type(self).__name__}({channels}, …)")
        warnings.warn(f"{type(self).__name__}: the input has {channels} channels, num_features is {self.num_features}; "
                      "without affine that changes nothing", stacklevel=4)


class InstanceNorm1d(_InstanceNorm):
    """Normalisation of each channel of each sample: (N, C, L) or (C, L). See ``InstanceNorm2d``."""

    ndims = (2, 3)
    shapes = "(N, C, L) or (C, L)"


class InstanceNorm2d(_InstanceNorm):
    """Normalisation of each channel of each image: (N, C, H, W) or (C, H, W). See ``F.instance_norm``.

    Arguments as of ``BatchNorm2d``; by default nothing is learnt and nothing tracked.
    """

    ndims = (3, 4)
    shapes = "(N, C, H, W) or (C, H, W)"
