"""GradScaler: losses made larger before backward, gradients smaller after it, so that float16 does not lose them."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from minicnn.backend import backend_of
from minicnn.errors import DtypeError, OptionError, StateError
from minicnn.optim.optimizer import Optimizer
from minicnn.tensor import Tensor

READY, UNSCALED, STEPPED = "ready", "unscaled", "stepped"

Array = Any


@dataclass
class Round:
    """What became of an optimiser's gradients since the last ``update``.

    Attributes:
        stage: how far it is.
        overflow: whether a gradient is not finite: a bool on the gradients' device; None where there are none.
        read: tells it. A device is waited for no longer than until it has found that out.
        take_back: undoes what a step that was none counted on the host.
    """

    optimizer: Optimizer
    stage: str
    overflow: Array
    read: Callable[[], Any]
    take_back: Callable[[], None] | None = None

    def step(self, **options: Any) -> Any:
        """The optimiser's step, or what leaves no trace of one."""
        self.stage, optimizer = STEPPED, self.optimizer
        late = self.overflow is not None and backend_of(self.overflow).asynchronous
        if not late or type(optimizer).step is not Optimizer.step:
            return None if self.read() else optimizer.step(**options)
        self.take_back = optimizer.step_unless(self.overflow, **options)
        optimizer._settle = self.settle
        return None

    def settle(self) -> None:
        """Let the optimiser know whether it has stepped."""
        take_back, self.take_back = self.take_back, None
        if take_back is not None:
            self.optimizer._settle = None
            if self.read():
                take_back()



class GradScaler:
    """Scales losses so that gradients do not vanish in float16, and skips the steps whose gradients overflowed.

    After a skipped step the scale is multiplied by ``backoff_factor``; after ``growth_interval`` steps without one, by
    ``growth_factor``.

    On a GPU no step waits to learn whether it is skipped. The optimiser's kernels look themselves, and leave everything
    as it was; the program is told where it needs the scale next, when the next forward pass has been asked for. Hooks
    and schedules do see such a step. (An optimiser with a ``step`` of its own waits.)

    Args:
        device: accepted for PyTorch's sake; the gradients say where they are.
        init_scale: the first scale.
        growth_factor, backoff_factor: above 1, and below 1.
        growth_interval: steps in a row without overflow until the scale grows.
        enabled: False makes ``scale`` and ``unscale_`` do nothing and ``step`` a plain step.

    Errors: OptionError for factors out of range.
    Source: Micikevicius et al., "Mixed Precision Training", ICLR 2018, https://arxiv.org/abs/1710.03740

    Example:
        >>> scaler = mc.amp.GradScaler()
        >>> scaler.scale(loss).backward()
        >>> scaler.step(optimizer)
        >>> scaler.update()
    """

    def __init__(
        self, device: str = "cuda", init_scale: float = 2.0**16, growth_factor: float = 2.0,
        backoff_factor: float = 0.5, growth_interval: int = 2000, enabled: bool = True,
    ) -> None:  # fmt: skip
        if growth_factor <= 1 or not 0 < backoff_factor < 1 or growth_interval < 1:
            raise OptionError("GradScaler: a factor is out of range",
                              got=f"growth {growth_factor}, backoff {backoff_factor}, interval {growth_interval}",
                              rule="growth_factor > 1, 0 < backoff_factor < 1, growth_interval >= 1")
        self.device, self.enabled = device, enabled
        self._scale = float(init_scale)
        self._growth, self._backoff, self._interval = growth_factor, backoff_factor, growth_interval
        self._good_steps = 0
        self._rounds: dict[int, Round] = {}
        self._last: list[Round] = []
        """Those of the last update, by which the scale is still to change."""

    def scale(self, outputs: Any) -> Any:
        """``outputs``, a tensor or tensors in lists and tuples, times the scale.

        A float16 loss becomes float32 on the way, since the scale would not fit.
        """
        if not self.enabled:
            return outputs
        self._learn()
        if isinstance(outputs, Tensor):
            return (outputs.float() if outputs.dtype == "float16" else outputs) * self._scale
        if isinstance(outputs, Iterable):
            kind = type(outputs) if isinstance(outputs, list | tuple) else list
            return kind(self.scale(output) for output in outputs)
        raise DtypeError("GradScaler.scale: there is no tensor here", got=type(outputs).__name__,
                         rule="a tensor, or several in a list or tuple", hint="scaler.scale(loss)")

    def unscale_(self, optimizer: Optimizer) -> None:
        """Divide the gradients of the optimiser's parameters by the scale, e.g. to clip them before ``step``.

        Errors: StateError after another ``unscale_`` or ``step`` since the last ``update``; DtypeError for float16
        gradients (keep parameters in float32: ``autocast`` casts them).
        """
        if not self.enabled:
            return
        self._learn()
        stage = self._stage(optimizer)
        if stage != READY:
            raise StateError("GradScaler: the gradients of this optimiser are unscaled already", got=f"it is {stage}",
                             rule="unscale_ once, before step, for each update", hint="scaler.update() ends a round")
        gradients = [p.grad.array for group in optimizer.param_groups for p in group["params"] if p.grad is not None]
        found, read = None, _never
        for g in gradients:
            if g.dtype == "float16":
                raise DtypeError("GradScaler: a gradient is float16", got=f"shape {tuple(g.shape)}",
                                 rule="parameters stay float32; autocast casts them where it helps",
                                 hint="model.float(), and with mc.amp.autocast(…): around the forward pass")
            backend = backend_of(g)
            with backend.quiet():
                backend.xp.multiply(g, 1 / self._scale, out=g)
            overflow = ~backend.xp.isfinite(g).all()
            found = overflow if found is None else found | overflow
        if found is not None:
            found = backend.xp.asarray(found)
            read = backend.begin_read(found)
        self._rounds[id(optimizer)] = Round(optimizer, UNSCALED, found, read)

    def step(self, optimizer: Optimizer, *args: Any, **kwargs: Any) -> Any:
        """``optimizer.step()`` with unscaled gradients; nothing where they are not finite.

        Errors: StateError after another ``step`` since the last ``update``; OptionError for a closure.
        """
        if not self.enabled:
            return optimizer.step(*args, **kwargs)
        if "closure" in kwargs or args:
            raise OptionError("GradScaler.step: closures cannot be scaled", got="a closure",
                              rule="gradients are computed before the step", hint="scaler.step(optimizer)")
        stage = self._stage(optimizer)
        if stage == STEPPED:
            raise StateError("GradScaler: this optimiser has stepped already", got="a second step",
                             rule="one step for each update", hint="scaler.update() after the steps")
        if stage == READY:
            self.unscale_(optimizer)
        return self._rounds[id(optimizer)].step(**kwargs)

    def update(self, new_scale: float | Tensor | None = None) -> None:
        """End a round: shrink the scale after an overflow, grow it after many steps without; or set it.

        Errors: StateError where no optimiser has stepped or unscaled since the last update.
        """
        if not self.enabled:
            return
        self._learn()
        rounds, self._rounds = list(self._rounds.values()), {}
        if new_scale is not None:
            self._scale = float(new_scale)
        elif not rounds:
            raise StateError("GradScaler.update: no gradients were looked at", got="no step since the last update",
                             rule="scale, backward, step, then update", hint="scaler.step(optimizer)")
        else:
            self._last = rounds

    def _learn(self) -> None:
        """Change the scale by what came of the last update, which the device may only know by now."""
        rounds, self._last = self._last, []
        if not rounds:
            return
        for each in rounds:
            each.settle()
        if any(each.read() for each in rounds):
            self._scale, self._good_steps = self._scale * self._backoff, 0
        else:
            self._good_steps += 1
            if self._good_steps == self._interval:
                grown = self._scale * self._growth
                self._scale, self._good_steps = (grown if math.isfinite(grown) else self._scale), 0

    def _stage(self, optimizer: Optimizer) -> str:
        found = self._rounds.get(id(optimizer))
        return READY if found is None else found.stage

    def get_scale(self) -> float:
        """The present scale; 1 where disabled."""
        self._learn()
        return self._scale if self.enabled else 1.0

    def get_growth_factor(self) -> float:
        """By how much the scale grows."""
        return self._growth

    def set_growth_factor(self, new_factor: float) -> None:
        """Change by how much the scale grows."""
        self._learn()
        self._growth = new_factor

    def get_backoff_factor(self) -> float:
        """By how much the scale shrinks."""
        return self._backoff

    def set_backoff_factor(self, new_factor: float) -> None:
        """Change by how much the scale shrinks."""
        self._learn()
        self._backoff = new_factor

    def get_growth_interval(self) -> int:
        """After how many good steps the scale grows."""
        return self._interval

    def set_growth_interval(self, new_interval: int) -> None:
        """Change after how many good steps the scale grows."""
        self._learn()
        self._interval = new_interval

    def is_enabled(self) -> bool:
        """Whether it scales at all."""
        return self.enabled

    def state_dict(self) -> dict[str, Any]:
        """What a checkpoint keeps, in PyTorch's format; empty where disabled."""
        if not self.enabled:
            return {}
        self._learn()
        return {"scale": self._scale, "growth_factor": self._growth, "backoff_factor": self._backoff,
                "growth_interval": self._interval, "_growth_tracker": self._good_steps}  # fmt: skip

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on from a ``state_dict``, also one of PyTorch's. Errors: StateError for an empty one."""
        if not self.enabled:
            return
        if not state_dict:
            raise StateError("GradScaler: the state is empty", got="{}", rule="the state of an enabled scaler",
                             hint="enabled=False, as when it was saved")
        self._learn()
        self._scale, self._good_steps = float(state_dict["scale"]), int(state_dict["_growth_tracker"])
        self._growth, self._backoff = state_dict["growth_factor"], state_dict["backoff_factor"]
        self._interval = state_dict["growth_interval"]


def _never() -> bool:
    """What there is to read where there are no gradients."""
    return False
