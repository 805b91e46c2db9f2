"""Schedules that rise and fall, and move the momentum against the rate."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from minicnn.errors import OptionError
from minicnn.optim.lr_scheduler.base import (
    LRScheduler,
    Rates,
    check_optimizer,
    function_state,
    numbers_per_group,
    positive_int,
)
from minicnn.optim.optimizer import Optimizer
from minicnn.optim.options import assign, current, number

Values = float | list[float]


class _MomentumCycle(LRScheduler):
    """A schedule that may also cycle momentum (of SGD, RMSprop) or β1 (of Adam)."""

    cycle_momentum: bool
    use_beta1: bool

    def _start_momentum(self, base: Values, largest: Values, start: bool) -> None:
        defaults = self.optimizer.defaults
        if "momentum" not in defaults and "betas" not in defaults:
            raise OptionError(f"{type(self).__name__}: {type(self.optimizer).__name__} has no momentum to cycle",
                              got="cycle_momentum=True", rule="the optimiser has momentum, or betas",
                              hint="cycle_momentum=False")
        self.use_beta1 = "betas" in defaults
        self.base_momentums = numbers_per_group(self, "base_momentum", base)
        self.max_momentums = numbers_per_group(self, "max_momentum", largest)
        if start:
            for group, low, high in zip(
                self.optimizer.param_groups, self.base_momentums, self.max_momentums, strict=True
            ):
                self._set_momentum(group, high)
                group["max_momentum"], group["base_momentum"] = high, low

    def _set_momentum(self, group: dict[str, Any], value: float) -> None:
        if self.use_beta1:
            group["betas"] = (value, *group["betas"][1:])
        else:
            group["momentum"] = value


class CyclicLR(_MomentumCycle):
    """A triangle wave between base_lr and max_lr; its height is scaled by the cycle or by the step.

    Args:
        optimizer, last_epoch: as in LRScheduler.
        base_lr, max_lr: the lowest and the highest rate, once or one a group.
        step_size_up, step_size_down: steps of the rise, and of the fall (as the rise where None).
        mode: "triangular" keeps the height, "triangular2" halves it every cycle, "exp_range" multiplies it by gammaᵗ.
        gamma: for "exp_range".
        scale_fn, scale_mode: a height of one's own, of the "cycle" (from 1) or of the "iterations" (from 0).
        cycle_momentum, base_momentum, max_momentum: the momentum falls as the rate rises.

    Source: Smith, "Cyclical learning rates for training neural networks", WACV 2017.
    """

    def __init__(
        self, optimizer: Optimizer, base_lr: Values, max_lr: Values, step_size_up: float = 2000,
        step_size_down: float | None = None, mode: str = "triangular", gamma: float = 1.0,
        scale_fn: Callable[[float], float] | None = None, scale_mode: str = "cycle", cycle_momentum: bool = True,
        base_momentum: Values = 0.8, max_momentum: Values = 0.9, last_epoch: int = -1,
    ) -> None:
        self.optimizer = check_optimizer(self, optimizer)
        if scale_fn is None and mode not in ("triangular", "triangular2", "exp_range"):
            raise OptionError("CyclicLR: an unknown mode", got=repr(mode),
                              rule="triangular, triangular2 or exp_range", hint="or a scale_fn of your own")
        lowest = numbers_per_group(self, "base_lr", base_lr)
        if last_epoch == -1:
            for group, lr in zip(optimizer.param_groups, lowest, strict=True):
                assign(group, "lr", lr)
        self.max_lrs = numbers_per_group(self, "max_lr", max_lr)
        up = float(step_size_up)
        down = up if step_size_down is None else float(step_size_down)
        if not (0 < up < math.inf and 0 <= down < math.inf):
            raise OptionError("CyclicLR: the cycle has no length", got=f"{up} steps up, {down} down",
                              rule="step_size_up > 0, step_size_down >= 0", hint="2 to 10 epochs' steps")
        self.total_size = up + down
        self.step_ratio = up / self.total_size
        self.mode, self.gamma, self._scale_fn_custom = mode, gamma, scale_fn
        self.scale_mode = scale_mode if scale_fn else "iterations" if mode == "exp_range" else "cycle"
        self.cycle_momentum = cycle_momentum
        if cycle_momentum:
            self._start_momentum(base_momentum, max_momentum, last_epoch == -1)
        super().__init__(optimizer, last_epoch)
        self.base_lrs = lowest

    def scale_fn(self, x: float) -> float:
        """The height of the triangle in cycle (or at step) ``x``, as a factor."""
        if self._scale_fn_custom is not None:
            return self._scale_fn_custom(x)
        if self.mode == "exp_range":
            return float(self.gamma**x)
        return 1 / 2.0 ** (x - 1) if self.mode == "triangular2" else 1.0

    def get_lr(self) -> Rates:
        """The present rates; sets the momentum too."""
        cycle = math.floor(1 + self.last_epoch / self.total_size)
        x = 1.0 + self.last_epoch / self.total_size - cycle
        rise = x / self.step_ratio if x <= self.step_ratio else (x - 1) / (self.step_ratio - 1)
        scale = self.scale_fn(cycle if self.scale_mode == "cycle" else self.last_epoch)
        if self.cycle_momentum:
            for group, low, high in zip(
                self.optimizer.param_groups, self.base_momentums, self.max_momentums, strict=True
            ):
                self._set_momentum(group, high - (high - low) * rise * scale)
        return [low + (high - low) * rise * scale for low, high in zip(self.base_lrs, self.max_lrs, strict=True)]

    def state_dict(self) -> dict[str, Any]:
        """As every schedule's; of a scale_fn only the attributes of a callable object are kept."""
        return {**super().state_dict(), "_scale_fn_custom": function_state(self._scale_fn_custom)}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Continue from a ``state_dict``; a scale_fn stays this schedule's own."""
        super().load_state_dict({name: value for name, value in state_dict.items() if name != "_scale_fn_custom"})
        if state_dict["_scale_fn_custom"] is not None and self._scale_fn_custom is not None:
            self._scale_fn_custom.__dict__.update(state_dict["_scale_fn_custom"])


class OneCycleLR(_MomentumCycle):
    """One rise from max_lr/div_factor to max_lr, then a fall to far below the start; step it after every batch.

    Args:
        optimizer, last_epoch: as in LRScheduler.
        max_lr: the highest rate, once or one a group.
        total_steps: the length of the cycle; or give epochs and steps_per_epoch.
        epochs, steps_per_epoch: their product is the length.
        pct_start: the part of the cycle that rises.
        anneal_strategy: "cos" or "linear".
        cycle_momentum, base_momentum, max_momentum: the momentum falls as the rate rises.
        div_factor: the first rate is max_lr / div_factor.
        final_div_factor: the last rate is the first / final_div_factor.
        three_phase: fall back to the first rate as fast as it rose, and then to the last.

    Source: Smith and Topin, "Super-convergence: very fast training of neural networks using large learning rates",
    2019.

    Example:
        >>> scheduler = mc.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=0.1, epochs=10, steps_per_epoch=len(loader))
    """

    def __init__(
        self, optimizer: Optimizer, max_lr: Values, total_steps: int | None = None, epochs: int | None = None,
        steps_per_epoch: int | None = None, pct_start: float = 0.3, anneal_strategy: str = "cos",
        cycle_momentum: bool = True, base_momentum: Values = 0.85, max_momentum: Values = 0.95,
        div_factor: float = 25.0, final_div_factor: float = 1e4, three_phase: bool = False, last_epoch: int = -1,
    ) -> None:
        self.optimizer = check_optimizer(self, optimizer)
        if total_steps is None and (epochs is None or steps_per_epoch is None):
            raise OptionError("OneCycleLR: the length of the cycle is not given",
                              got=f"epochs {epochs}, steps_per_epoch {steps_per_epoch}",
                              rule="total_steps, or epochs and steps_per_epoch",
                              hint="epochs=10, steps_per_epoch=len(loader)")
        if total_steps is not None:
            self.total_steps = positive_int(self, "total_steps", total_steps)
        else:
            per_epoch = positive_int(self, "steps_per_epoch", steps_per_epoch)
            self.total_steps = positive_int(self, "epochs", epochs) * per_epoch
        if not (isinstance(pct_start, float) and 0 <= pct_start <= 1):
            raise OptionError("OneCycleLR: pct_start is not a fraction", got=repr(pct_start),
                              rule="a float, 0 <= pct_start <= 1", hint="pct_start=0.3")
        if anneal_strategy not in ("cos", "linear"):
            raise OptionError("OneCycleLR: an unknown anneal_strategy", got=repr(anneal_strategy), rule="cos or linear")
        first = number("OneCycleLR", "div_factor", div_factor)
        last = number("OneCycleLR", "final_div_factor", final_div_factor)
        if first == 0 or last == 0:
            raise OptionError("OneCycleLR: a rate would be divided by 0",
                              got=f"div_factor {div_factor}, final_div_factor {final_div_factor}",
                              rule="numbers other than 0", hint="div_factor=25, final_div_factor=1e4")
        self._anneal_func_type = anneal_strategy
        self._schedule_phases = _phases(self.total_steps, pct_start, three_phase)
        highest = numbers_per_group(self, "max_lr", max_lr)
        if last_epoch == -1:
            for group, high in zip(optimizer.param_groups, highest, strict=True):
                group["initial_lr"], group["max_lr"] = high / first, high
                group["min_lr"] = group["initial_lr"] / last
        self.cycle_momentum = cycle_momentum
        if cycle_momentum:
            self._start_momentum(base_momentum, max_momentum, last_epoch == -1)
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> Rates:
        """The present rates; sets the momentum too."""
        step = self.last_epoch
        if step > self.total_steps:
            raise OptionError("OneCycleLR: the cycle is over", got=f"step {step}",
                              rule=f"at most total_steps = {self.total_steps} steps",
                              hint="a longer total_steps, or epochs=…, steps_per_epoch=len(loader)")
        start = 0.0
        for phase in self._schedule_phases:
            last = phase is self._schedule_phases[-1]
            if step <= phase["end_step"] or last:
                break
            start = phase["end_step"]
        if phase["end_step"] == start:
            raise OptionError("OneCycleLR: a phase has no steps", got=f"its start and its end are at step {start}",
                              rule="each phase, of the share pct_start of total_steps, has a length",
                              hint="a larger total_steps, or another pct_start")
        done = (step - start) / (phase["end_step"] - start)
        rates = []
        for group in self.optimizer.param_groups:
            rates.append(self._between(group, phase["start_lr"], phase["end_lr"], done))
            if self.cycle_momentum:
                self._set_momentum(group, self._between(group, phase["start_momentum"], phase["end_momentum"], done))
        return rates

    def _between(self, group: dict[str, Any], start: str, end: str, done: float) -> float:
        a, b = current(group, start), current(group, end)
        if self._anneal_func_type == "cos":
            return float(b + (a - b) / 2.0 * (math.cos(math.pi * done) + 1))
        return float((b - a) * done + a)


def _phases(total: int, rising: float, three: bool) -> list[dict[str, Any]]:
    """Where each phase ends, and between which of a group's options it leads."""
    names = ("end_step", "start_lr", "end_lr", "start_momentum", "end_momentum")
    rise = (float(rising * total) - 1, "initial_lr", "max_lr", "max_momentum", "base_momentum")
    if three:
        fall = (float(2 * rising * total) - 2, "max_lr", "initial_lr", "base_momentum", "max_momentum")
        rest = (total - 1, "initial_lr", "min_lr", "max_momentum", "max_momentum")
        phases: tuple[tuple[Any, ...], ...] = (rise, fall, rest)
    else:
        phases = (rise, (total - 1, "max_lr", "min_lr", "base_momentum", "max_momentum"))
    return [dict(zip(names, phase, strict=True)) for phase in phases]
