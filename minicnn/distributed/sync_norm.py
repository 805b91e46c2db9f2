"""Batch norm over the batch of all ranks."""

from __future__ import annotations

import math
from typing import Any

from minicnn.autograd.function import Function
from minicnn.autograd.inplace import edited
from minicnn.autograd.mode import no_grad
from minicnn.backend import backend_of
from minicnn.distributed.group import get_world_size, group
from minicnn.nn.layers.batch_norm import BatchNorm1d, BatchNorm2d, _BatchNorm
from minicnn.nn.module import Module
from minicnn.tensor import Tensor, wrap

Array = Any


class SumOverRanks(Function):
    """x → Σ x over the ranks, which all get. Every rank's loss depends on every x, so the gradient is that sum, too."""

    def forward(self, x: Array) -> Array:
        total = backend_of(x).xp.ascontiguousarray(x).copy()
        group().start_sum(total)()
        return total

    def grad_x(self, g: Tensor) -> Tensor:
        return SumOverRanks.apply(g)


class SyncBatchNorm(_BatchNorm):
    """``BatchNorm2d`` (or ``1d``) whose mean and variance are those of the batch of all ranks together.

    In Tensor operations around one sum over the ranks, so that autograd knows how this rank's loss depends on the other
    ranks' images. In evaluation mode, and without other ranks, it is batch norm itself.

    Arguments, parameters and buffers are those of ``BatchNorm2d``. Shapes: (N, C, *), N may differ between ranks.
    Source: Ioffe and Szegedy 2015; PyTorch's class of that name.

    Example:
        >>> model = mc.distributed.SyncBatchNorm.convert_sync_batchnorm(mc.models.resnet20())
    """

    ndims = (2, 3, 4)
    shapes = "(N, C), (N, C, L) or (N, C, H, W)"

    def forward(self, input: Tensor) -> Tensor:
        """``input`` normalised; the running statistics are updated in training mode."""
        use_batch = self.training or self.running_mean is None
        if not use_batch or get_world_size() == 1:
            return super().forward(input)
        self._check_input_dim(input)
        axes = (0, *range(2, input.ndim))
        shape = (1, -1, *(1,) * (input.ndim - 2))
        own = math.prod(input.shape[axis] for axis in axes)
        count = SumOverRanks.apply(wrap(backend_of(input.array).xp.full(1, own, input.dtype)))
        mean = SumOverRanks.apply(input.sum(axes)) / count
        centred = input - mean.reshape(shape)
        var = SumOverRanks.apply((centred * centred).sum(axes)) / count
        if self.training and self.running_mean is not None:
            self._track(mean.detach(), var.detach(), count)
        y = centred * ((var + self.eps) ** -0.5).reshape(shape)
        if self.weight is not None:
            y = y * self.weight.reshape(shape)
        return y if self.bias is None else y + self.bias.reshape(shape)

    def _track(self, mean: Tensor, var: Tensor, count: Tensor) -> None:
        """running = (1 − momentum)·running + momentum·batch, with the unbiased variance."""
        with no_grad():
            self.num_batches_tracked.add_(1)
            share = self._share()
            unbiased = var * (count / (count - 1))
            for running, batch in ((self.running_mean, mean), (self.running_var, unbiased)):
                running.array[...] = ((1 - share) * running + share * batch).array
                edited(running)

    @classmethod
    def convert_sync_batchnorm(cls, module: Module) -> Module:
        """``module`` with a SyncBatchNorm in the place of every BatchNorm1d and 2d, and all that those hold."""
        if isinstance(module, BatchNorm1d | BatchNorm2d) and not isinstance(module, cls):
            made = cls.__new__(cls)
            made.__dict__.update(module.__dict__)
            return made
        for name, child in module.named_children():
            setattr(module, name, cls.convert_sync_batchnorm(child))
        return module
