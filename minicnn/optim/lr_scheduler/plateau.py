"""A schedule that waits for the metric."""

from __future__ import annotations

import math
from typing import Any

from minicnn.errors import OptionError, StateError
from minicnn.optim.lr_scheduler.base import LRScheduler, check_optimizer, numbers_per_group, warn_epoch
from minicnn.optim.optimizer import Optimizer
from minicnn.optim.options import assign, current, number


class ReduceLROnPlateau(LRScheduler):
    """Multiply the rate by ``factor`` when the metric has not improved for more than ``patience`` epochs.

    Args:
        optimizer: whose rates to change.
        mode: "min" for a loss, "max" for an accuracy.
        factor: below 1.
        patience: bad epochs that are forgiven; with 2, the third drops the rate.
        threshold, threshold_mode: what counts as better: by a part ("rel") or by an amount ("abs").
        cooldown: epochs after a drop in which bad ones are not counted.
        min_lr: the lowest rate, once or one a group.
        eps: drops smaller than this are left out.

    Example:
        >>> scheduler = mc.optim.lr_scheduler.ReduceLROnPlateau(optimizer, patience=5)
        >>> scheduler.step(validation_loss)
    """

    def __init__(
        self, optimizer: Optimizer, mode: str = "min", factor: float = 0.1, patience: int = 10,
        threshold: float = 1e-4, threshold_mode: str = "rel", cooldown: int = 0, min_lr: list[float] | float = 0,
        eps: float = 1e-8,
    ) -> None:
        if factor >= 1.0:
            raise OptionError("ReduceLROnPlateau: the factor does not reduce", got=factor, rule="factor < 1",
                              hint="factor=0.1")
        if mode not in ("min", "max"):
            raise OptionError("ReduceLROnPlateau: an unknown mode", got=repr(mode), rule="min or max",
                              hint='"min" for a loss, "max" for an accuracy')
        if threshold_mode not in ("rel", "abs"):
            raise OptionError("ReduceLROnPlateau: an unknown threshold_mode", got=repr(threshold_mode),
                              rule="rel or abs")
        self.optimizer = check_optimizer(self, optimizer)
        self.default_min_lr = None if isinstance(min_lr, (list, tuple)) else min_lr
        self.min_lrs = numbers_per_group(self, "min_lr", min_lr)
        self.mode, self.threshold, self.threshold_mode = mode, threshold, threshold_mode
        self.factor, self.patience, self.cooldown, self.eps = factor, patience, cooldown, eps
        self.best = math.inf if mode == "min" else -math.inf
        self.cooldown_counter = self.num_bad_epochs = self.last_epoch = 0
        self._last_lr = self._present_lr()

    @property
    def in_cooldown(self) -> bool:
        """Whether bad epochs are not counted yet."""
        return self.cooldown_counter > 0

    def step(self, metrics: Any, epoch: int | None = None) -> None:  # type: ignore[override]  # takes the metric, as in PyTorch
        """Take note of the epoch's metric (a number or a tensor of one element), and drop the rates if it is time."""
        value = number("ReduceLROnPlateau", "metrics", metrics)
        if epoch is not None:
            warn_epoch()
        self.last_epoch = self.last_epoch + 1 if epoch is None else epoch
        if self._is_better(value, self.best):
            self.best, self.num_bad_epochs = value, 0
        else:
            self.num_bad_epochs += 1
        if self.in_cooldown:
            self.cooldown_counter -= 1
            self.num_bad_epochs = 0
        if self.num_bad_epochs > self.patience:
            self._reduce_lr()
            self.cooldown_counter, self.num_bad_epochs = self.cooldown, 0
        self._last_lr = self._present_lr()

    def _is_better(self, value: float, best: float) -> bool:
        sign = 1 if self.mode == "max" else -1
        target = best * (1 + sign * self.threshold) if self.threshold_mode == "rel" else best + sign * self.threshold
        return value > target if self.mode == "max" else value < target

    def _reduce_lr(self) -> None:
        groups = self.optimizer.param_groups
        if len(groups) != len(self.min_lrs):
            if self.default_min_lr is None:
                raise StateError("ReduceLROnPlateau: the optimiser has other parameter groups than at the start",
                                 got=f"{len(groups)} groups, {len(self.min_lrs)} min_lrs", rule="one min_lr a group",
                                 hint="append to scheduler.min_lrs when a group is added")
            self.min_lrs = [self.default_min_lr] * len(groups)
        for group, lowest in zip(groups, self.min_lrs, strict=True):
            lr = float(current(group, "lr"))
            lower = max(lr * self.factor, lowest)
            if lr - lower > self.eps:
                assign(group, "lr", lower)
