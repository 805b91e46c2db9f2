"""Schedules that multiply the rate: by a function, at milestones, every step, or over a first stretch of steps."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any

from minicnn.errors import DtypeError, OptionError
from minicnn.optim.lr_scheduler.base import LRScheduler, Rates, check_optimizer, function_state, per_group
from minicnn.optim.optimizer import Optimizer

Factor = Callable[[int], float]


class LambdaLR(LRScheduler):
    """lr_t = base · lr_lambda(t).

    Args:
        optimizer, last_epoch: as in LRScheduler.
        lr_lambda: a function of the step, or a list of one a group.

    Example:
        >>> scheduler = mc.optim.lr_scheduler.LambdaLR(optimizer, lambda epoch: 0.95**epoch)
    """

    def __init__(self, optimizer: Optimizer, lr_lambda: Factor | list[Factor], last_epoch: int = -1) -> None:
        self.optimizer = check_optimizer(self, optimizer)
        self.lr_lambdas = per_group(self, "lr_lambda", lr_lambda)
        for function in self.lr_lambdas:
            if not callable(function):
                raise DtypeError(f"{type(self).__name__}: lr_lambda is not a function", got=type(function).__name__,
                                 rule="a function of the step", hint="lambda epoch: 0.95**epoch")
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> Rates:
        return [base * f(self.last_epoch) for f, base in zip(self.lr_lambdas, self.base_lrs, strict=True)]

    def state_dict(self) -> dict[str, Any]:
        """As every schedule's; of the functions only the attributes of callable objects are kept."""
        return {**super().state_dict(), "lr_lambdas": [function_state(f) for f in self.lr_lambdas]}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Continue from a ``state_dict``; functions stay this schedule's own."""
        super().load_state_dict({name: value for name, value in state_dict.items() if name != "lr_lambdas"})
        for function, saved in zip(self.lr_lambdas, state_dict["lr_lambdas"], strict=True):
            if saved is not None:
                function.__dict__.update(saved)


class MultiplicativeLR(LambdaLR):
    """lr_t = lr_{t-1} · lr_lambda(t). Arguments as in LambdaLR."""

    def get_lr(self) -> Rates:
        if self._is_initial:
            return self._present_lr()
        return [lr * f(self.last_epoch) for f, lr in zip(self.lr_lambdas, self._present_lr(), strict=True)]


class StepLR(LRScheduler):
    """Multiply the rate by gamma every ``step_size`` steps.

    Example:
        >>> scheduler = mc.optim.lr_scheduler.StepLR(optimizer, step_size=30, gamma=0.1)
        >>> for epoch in range(90):
        ...     train(model, optimizer)
        ...     scheduler.step()
    """

    def __init__(self, optimizer: Optimizer, step_size: int, gamma: float = 0.1, last_epoch: int = -1) -> None:
        if step_size == 0:
            raise OptionError("StepLR: the step size is 0", got="step_size=0", rule="a number of epochs", hint="1")
        self.step_size, self.gamma = step_size, gamma
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> Rates:
        due = self.last_epoch != 0 and self.last_epoch % self.step_size == 0
        return self._scaled(self.gamma if due else 1)

    def _get_closed_form_lr(self) -> Rates:
        return [base * self.gamma ** (self.last_epoch // self.step_size) for base in self.base_lrs]


class MultiStepLR(LRScheduler):
    """Multiply the rate by gamma at each milestone."""

    def __init__(self, optimizer: Optimizer, milestones: Iterable[int], gamma: float = 0.1,
                 last_epoch: int = -1) -> None:
        try:
            self.milestones = Counter(milestones)
        except TypeError:
            raise DtypeError("MultiStepLR: these are no milestones", got=repr(milestones)[:80],
                             rule="a sequence of epochs", hint="milestones=[30, 80]") from None
        self.gamma = gamma
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> Rates:
        return self._scaled(self.gamma ** self.milestones[self.last_epoch])

    def _get_closed_form_lr(self) -> Rates:
        passed = bisect_right(sorted(self.milestones.elements()), self.last_epoch)
        return [base * self.gamma**passed for base in self.base_lrs]


class ConstantLR(LRScheduler):
    """base · factor for the first ``total_iters`` steps, base from then on."""

    def __init__(self, optimizer: Optimizer, factor: float = 1.0 / 3, total_iters: int = 5,
                 last_epoch: int = -1) -> None:
        _check_fraction(self, "factor", factor)
        self.factor, self.total_iters = factor, total_iters
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> Rates:
        if self.last_epoch == 0:
            return self._scaled(self.factor)
        return self._scaled(1.0 / self.factor if self.last_epoch == self.total_iters else 1)

    def _get_closed_form_lr(self) -> Rates:
        over = self.last_epoch >= self.total_iters
        return [base * (self.factor + over * (1 - self.factor)) for base in self.base_lrs]


class LinearLR(LRScheduler):
    """base · a factor that moves in a straight line, over ``total_iters`` steps: a warm-up by default from 1/3 to 1."""

    def __init__(self, optimizer: Optimizer, start_factor: float = 1.0 / 3, end_factor: float = 1.0,
                 total_iters: int = 5, last_epoch: int = -1) -> None:
        _check_fraction(self, "start_factor", start_factor, zero=False)
        _check_fraction(self, "end_factor", end_factor)
        self.start_factor, self.end_factor, self.total_iters = start_factor, end_factor, total_iters
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> Rates:
        if self.last_epoch == 0:
            return self._scaled(self.start_factor)
        if self._is_initial or self.last_epoch > self.total_iters:
            return self._present_lr()
        rise = self.end_factor - self.start_factor
        return self._scaled(1.0 + rise / (self.total_iters * self.start_factor + (self.last_epoch - 1) * rise))

    def _get_closed_form_lr(self) -> Rates:
        rise = self.end_factor - self.start_factor
        factor = self.start_factor + rise * min(self.total_iters, self.last_epoch) / self.total_iters
        return [base * factor for base in self.base_lrs]


class ExponentialLR(LRScheduler):
    """lr_t = base · gammaᵗ."""

    def __init__(self, optimizer: Optimizer, gamma: float, last_epoch: int = -1) -> None:
        self.gamma = gamma
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> Rates:
        return self._scaled(1 if self._is_initial else self.gamma)

    def _get_closed_form_lr(self) -> Rates:
        return [base * self.gamma**self.last_epoch for base in self.base_lrs]


class PolynomialLR(LRScheduler):
    """lr_t = base · (1 - t/total_iters)^power, and 0 from ``total_iters`` on."""

    def __init__(self, optimizer: Optimizer, total_iters: int = 5, power: float = 1.0, last_epoch: int = -1) -> None:
        self.total_iters, self.power = total_iters, power
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> Rates:
        t, total = self.last_epoch, self.total_iters
        if self._is_initial or t > total:
            return self._present_lr()
        return self._scaled(((1.0 - t / total) / (1.0 - (t - 1) / total)) ** self.power)

    def _get_closed_form_lr(self) -> Rates:
        left = 1.0 - min(self.total_iters, self.last_epoch) / self.total_iters
        return [base * left**self.power for base in self.base_lrs]


def _check_fraction(schedule: LRScheduler, name: str, value: float, zero: bool = True) -> None:
    if not (0 < value <= 1 or (zero and value == 0)):
        raise OptionError(f"{type(schedule).__name__}: {name} is out of range", got=value,
                          rule=f"0 {'<=' if zero else '<'} {name} <= 1")
