"""Schedules made of schedules: one after another, or all at once."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from typing import Any

from minicnn.errors import DtypeError, OptionError
from minicnn.optim.lr_scheduler.base import LRScheduler
from minicnn.optim.lr_scheduler.plateau import ReduceLROnPlateau
from minicnn.optim.optimizer import Optimizer
from minicnn.optim.options import assign


class _Composed(LRScheduler):
    """What both share: the parts, checked, and their states."""

    _schedulers: Sequence[LRScheduler]

    def _check(self, schedulers: Sequence[LRScheduler], optimizer: Optimizer | None) -> Optimizer:
        name = type(self).__name__
        if not isinstance(schedulers, Sequence):
            raise DtypeError(f"{name}: these are no schedules", got=type(schedulers).__name__,
                             rule="a list of schedules of mc.optim.lr_scheduler")
        if not schedulers:
            raise OptionError(f"{name}: there is no schedule", got="an empty list", rule="at least one schedule")
        common = optimizer
        for i, schedule in enumerate(schedulers):
            if not hasattr(schedule, "optimizer"):
                raise DtypeError(f"{name}: item {i} is not a schedule", got=type(schedule).__name__,
                             rule="schedules are those of mc.optim.lr_scheduler")
            common = common or schedule.optimizer
            if isinstance(schedule, ReduceLROnPlateau):
                raise OptionError(f"{name}: item {i} is a ReduceLROnPlateau", got="ReduceLROnPlateau",
                                  rule="parts are stepped without a metric", hint="step it by itself, with the metric")
            if schedule.optimizer is not common:
                raise OptionError(f"{name}: item {i} belongs to another optimiser", rule="one optimiser for all parts")
        return common  # type: ignore[return-value]  # there is at least one schedule

    def state_dict(self) -> dict[str, Any]:
        """Everything but the optimiser, with the state of each part."""
        return {**super().state_dict(), "_schedulers": [part.state_dict() for part in self._schedulers]}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Continue from a ``state_dict`` of the same parts."""
        super().load_state_dict({name: value for name, value in state_dict.items() if name != "_schedulers"})
        for part, saved in zip(self._schedulers, state_dict["_schedulers"], strict=True):
            part.load_state_dict(saved)


class SequentialLR(_Composed):
    """One schedule after another: at each milestone the next one starts, from its own step 0.

    Example:
        >>> warmup = LinearLR(optimizer, start_factor=0.1, total_iters=5)
        >>> cosine = CosineAnnealingLR(optimizer, T_max=95)
        >>> scheduler = SequentialLR(optimizer, [warmup, cosine], milestones=[5])
    """

    def __init__(self, optimizer: Optimizer, schedulers: list[LRScheduler], milestones: list[int],
                 last_epoch: int = -1) -> None:
        self.optimizer = self._check(schedulers, optimizer)
        if not isinstance(milestones, Sequence):
            raise DtypeError("SequentialLR: these are no milestones", got=type(milestones).__name__,
                             rule="a list of epochs", hint="milestones=[5]")
        if len(milestones) != len(schedulers) - 1:
            raise OptionError("SequentialLR: the milestones do not match the schedules",
                              got=f"{len(milestones)} milestones, {len(schedulers)} schedules",
                              rule="one milestone between each two schedules")
        self._schedulers, self._milestones = schedulers, milestones
        self.last_epoch = last_epoch + 1
        # Every part took its step 0 when it was made, on top of the others: undo them all, take the first one's again.
        for group in optimizer.param_groups:
            assign(group, "lr", group["initial_lr"])
        _undo(self)
        first = schedulers[bisect_right(milestones, 0)]
        first._initial_step()
        self._last_lr = first.get_last_lr()

    def step(self) -> None:  # type: ignore[override]  # takes no epoch, as in PyTorch
        """Move on by one."""
        self.last_epoch += 1
        index = bisect_right(self._milestones, self.last_epoch)
        part = self._schedulers[index]
        if index > 0 and self._milestones[index - 1] == self.last_epoch:
            part._update_lr(0)
        else:
            part.step()
        self._last_lr = part.get_last_lr()


class ChainedScheduler(_Composed):
    """Several schedules at once: each multiplies what the others left.

    Example:
        >>> scheduler = ChainedScheduler([ConstantLR(optimizer, 0.1, 2), ExponentialLR(optimizer, 0.9)])
    """

    def __init__(self, schedulers: Sequence[LRScheduler], optimizer: Optimizer | None = None) -> None:
        self.optimizer = self._check(schedulers, optimizer)
        self._schedulers = schedulers
        self._last_lr = self._present_lr()

    def step(self) -> None:  # type: ignore[override]  # takes no epoch, as in PyTorch
        """Step every part, in order."""
        for part in self._schedulers:
            part.step()
        self._last_lr = self._present_lr()


def _undo(schedule: LRScheduler) -> None:
    if isinstance(schedule, _Composed):
        for part in schedule._schedulers:
            _undo(part)
    else:
        schedule.last_epoch -= 1
