"""LRScheduler: what all schedules share."""

from __future__ import annotations

import types
import warnings
from collections.abc import Mapping
from typing import Any

from minicnn.errors import DtypeError, OptionError, StateError
from minicnn.optim.optimizer import Optimizer
from minicnn.optim.options import assign, current, number

Rates = list[Any]


class LRScheduler:
    """Base of all schedules. A subclass says in ``get_lr`` what the rates of ``self.last_epoch`` are.

    The constructor takes step 0, so it sets the first rates. Call ``step`` after each epoch (or batch) of optimiser
    steps. Schedules whose ``get_lr`` starts from the groups' present rates can be combined: each multiplies what
    the others left.

    Args:
        optimizer: whose parameter groups' ``lr`` to change.
        last_epoch: -1 to start; another number continues a schedule of an optimiser whose state was loaded.

    Attributes:
        base_lrs: the rates the schedule started from, one a group.
        last_epoch: the number of the present step.

    Example:
        >>> class Halving(mc.optim.lr_scheduler.LRScheduler):
        ...     def get_lr(self):
        ...         return [lr / 2**self.last_epoch for lr in self.base_lrs]
    """

    optimizer: Optimizer
    base_lrs: Rates
    _last_lr: Rates
    _step_count = 0
    _is_initial = False

    def __init__(self, optimizer: Optimizer, last_epoch: int = -1) -> None:
        self.optimizer = check_optimizer(self, optimizer)
        for i, group in enumerate(optimizer.param_groups):
            if last_epoch == -1:
                group.setdefault("initial_lr", current(group, "lr"))
            elif "initial_lr" not in group:
                raise MissingRateError(f"{type(self).__name__}: group {i} has no 'initial_lr' to continue from",
                                       got=f"last_epoch {last_epoch}", rule="a schedule that started has set it",
                                       hint="load the optimiser's state_dict first, or last_epoch=-1 to start")
        self.base_lrs = [current(group, "initial_lr") for group in optimizer.param_groups]
        self.last_epoch = last_epoch
        if not hasattr(optimizer, "_scheduled"):  # from here on the optimiser's steps count
            optimizer._scheduled, optimizer._opt_called = True, False  # type: ignore[attr-defined]  # marks that only schedules read
        self._initial_step()

    def _initial_step(self) -> None:
        self._step_count = 0
        self._is_initial = True
        try:
            self.step()
        finally:
            self._is_initial = False

    def get_lr(self) -> Rates:
        """The rates of ``self.last_epoch``, one a group. For the rates in force ask ``get_last_lr``."""
        raise NotImplementedError(f"{type(self).__name__} must say what the rates are")

    def get_last_lr(self) -> Rates:
        """The rates that the last step set, one a group."""
        return self._last_lr

    def step(self, epoch: int | None = None) -> None:
        """Move on by one (or to ``epoch``: deprecated) and set the rates. Call it after the optimiser's step."""
        if self._step_count == 1 and not self.optimizer._opt_called:  # type: ignore[attr-defined]  # as above
            warnings.warn(
                "lr_scheduler.step() was called before optimizer.step(), so the schedule's first rate is skipped; "
                "call optimizer.step() first", UserWarning, stacklevel=2)
        self._step_count += 1
        if epoch is not None:
            number(type(self).__name__, "epoch", epoch)
            warn_epoch()
        self._update_lr(epoch)

    def _update_lr(self, epoch: int | None = None) -> None:
        self.last_epoch = self.last_epoch + 1 if epoch is None else epoch
        closed = None if epoch is None else getattr(self, "_get_closed_form_lr", None)
        self._set_lr(self.get_lr() if closed is None else closed())

    def _set_lr(self, rates: Rates) -> None:
        for group, rate in zip(self.optimizer.param_groups, rates, strict=True):
            assign(group, "lr", rate)
        self._last_lr = self._present_lr()

    def _present_lr(self) -> Rates:
        return [current(group, "lr") for group in self.optimizer.param_groups]

    def _scaled(self, factor: float) -> Rates:
        """The groups' present rates times ``factor``: the chainable form of most schedules."""
        return [lr * factor for lr in self._present_lr()]

    def state_dict(self) -> dict[str, Any]:
        """Everything but the optimiser, as a dict."""
        return {name: value for name, value in self.__dict__.items() if name != "optimizer"}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Continue from a ``state_dict``, also one of PyTorch's. The rates themselves are in the optimiser's."""
        if not isinstance(state_dict, Mapping):
            raise StateError(f"{type(self).__name__}: this is no state of a schedule", got=repr(state_dict)[:80],
                             rule="a dict", hint="what scheduler.state_dict() gave")
        self.__dict__.update(state_dict)


class MissingRateError(StateError, KeyError):
    """A parameter group without the rate that a schedule continues from."""

    __str__ = Exception.__str__  # KeyError's would print the text quoted, on one line


def check_optimizer(schedule: LRScheduler, optimizer: Any) -> Optimizer:
    """``optimizer``, where it is one."""
    if not isinstance(optimizer, Optimizer):
        raise DtypeError(f"{type(schedule).__name__}: this is not an optimiser", got=type(optimizer).__name__,
                         rule="a schedule changes the lr of an mc.optim.Optimizer",
                         hint=f"{type(schedule).__name__}(optimizer, …)")
    return optimizer


def per_group(schedule: LRScheduler, name: str, value: Any) -> list[Any]:
    """An option given once, or once a group, as a list with one value a group."""
    groups = len(schedule.optimizer.param_groups)
    if not isinstance(value, (list, tuple)):
        return [value] * groups
    if len(value) != groups:
        raise OptionError(f"{type(schedule).__name__}: {name} does not match the parameter groups",
                          got=f"{len(value)} values for {groups} groups", rule="one value, or one a group")
    return list(value)


def numbers_per_group(schedule: LRScheduler, name: str, value: Any) -> list[float]:
    """An option that is a number, as a list with one float a group."""
    return [number(type(schedule).__name__, name, item) for item in per_group(schedule, name, value)]


def positive_int(schedule: LRScheduler, name: str, value: Any) -> int:
    """``value``, where it is an int above 0."""
    if not isinstance(value, int) or value <= 0:
        raise OptionError(f"{type(schedule).__name__}: {name} is not a positive integer", got=repr(value),
                          rule=f"an int, {name} >= 1")
    return value


def function_state(function: Any) -> dict[str, Any] | None:
    """What a state_dict keeps of a user's function: the attributes of a callable object, nothing of a function."""
    return None if function is None or isinstance(function, types.FunctionType) else function.__dict__.copy()


def warn_epoch() -> None:
    """The warning for ``step(epoch)``."""
    warnings.warn("the epoch of lr_scheduler.step(epoch) is deprecated; call step() without it", UserWarning,
                  stacklevel=3)
