"""Schedules along a cosine.

Source: Loshchilov and Hutter, "SGDR: stochastic gradient descent with warm restarts", ICLR 2017.
"""

from __future__ import annotations

import math

from minicnn.errors import OptionError
from minicnn.optim.lr_scheduler.base import LRScheduler, Rates, positive_int
from minicnn.optim.optimizer import Optimizer
from minicnn.optim.options import number


class CosineAnnealingLR(LRScheduler):
    """lr_t = eta_min + (base - eta_min)·(1 + cos(π·t/T_max))/2. Past T_max it climbs again.

    Example:
        >>> scheduler = mc.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=100)
    """

    def __init__(self, optimizer: Optimizer, T_max: int, eta_min: float = 0.0, last_epoch: int = -1) -> None:
        if T_max == 0:
            raise OptionError("CosineAnnealingLR: T_max is 0", got="T_max=0", rule="the number of steps to eta_min",
                              hint="T_max=epochs")
        self.T_max, self.eta_min = T_max, eta_min
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> Rates:
        t, low = self.last_epoch, self.eta_min
        if self._is_initial:
            return self._present_lr()
        if self._step_count == 1 and t > 0:
            return self._get_closed_form_lr()
        if (t - 1 - self.T_max) % (2 * self.T_max) == 0:
            # The step before was the lowest point, from which no ratio of two heights leads up.
            rise = (1 - math.cos(math.pi / self.T_max)) / 2
            return [lr + (base - low) * rise for lr, base in zip(self._present_lr(), self.base_lrs, strict=True)]
        ratio = self._height(t) / self._height(t - 1)
        return [ratio * (lr - low) + low for lr in self._present_lr()]

    def _get_closed_form_lr(self) -> Rates:
        height = self._height(self.last_epoch)
        return [self.eta_min + (base - self.eta_min) * height / 2 for base in self.base_lrs]

    def _height(self, t: int) -> float:
        return 1 + math.cos(math.pi * t / self.T_max)


class CosineAnnealingWarmRestarts(LRScheduler):
    """Cosines of T_0, T_0·T_mult, T_0·T_mult², … steps, each starting from the base rate again.

    ``step(epoch)`` with a fraction, as ``epoch + batch / batches``, moves within an epoch.
    """

    def __init__(self, optimizer: Optimizer, T_0: int, T_mult: int = 1, eta_min: float = 0.0,
                 last_epoch: int = -1) -> None:
        self.T_0 = self.T_i = positive_int(self, "T_0", T_0)
        self.T_mult = positive_int(self, "T_mult", T_mult)
        self.eta_min = number(type(self).__name__, "eta_min", eta_min)
        self.T_cur: float = last_epoch
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> Rates:
        height = (1 + math.cos(math.pi * self.T_cur / self.T_i)) / 2
        return [self.eta_min + (base - self.eta_min) * height for base in self.base_lrs]

    def step(self, epoch: float | None = None) -> None:
        """Move on by one step, or to ``epoch``, which may be a fraction."""
        if epoch is None and self.last_epoch >= 0:
            epoch = self.last_epoch + 1
            self.T_cur += 1
            if self.T_cur >= self.T_i:
                self.T_cur %= self.T_i
                self.T_i *= self.T_mult
        else:
            epoch = 0 if epoch is None else epoch
            self._jump(epoch)
        self.last_epoch = math.floor(epoch)
        self._set_lr(self.get_lr())

    def _jump(self, epoch: float) -> None:
        if number("CosineAnnealingWarmRestarts", "epoch", epoch) < 0:
            raise OptionError("CosineAnnealingWarmRestarts: the epoch is negative", got=epoch, rule="epoch >= 0")
        self.T_i, self.T_cur = self.T_0, epoch
        if epoch >= self.T_0 and self.T_mult == 1:
            self.T_cur = epoch % self.T_0
        elif epoch >= self.T_0:
            cycle = int(math.log(epoch / self.T_0 * (self.T_mult - 1) + 1, self.T_mult))
            self.T_cur = epoch - self.T_0 * (self.T_mult**cycle - 1) / (self.T_mult - 1)
            self.T_i = self.T_0 * self.T_mult**cycle
