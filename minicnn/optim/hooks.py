"""What happens around each step of an optimiser: its hooks, and the marks that schedules and watchers look for."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from minicnn.autograd.mode import mode

if TYPE_CHECKING:
    from minicnn.optim.optimizer import Optimizer


def hooked(step: Callable[..., Any]) -> Callable[..., Any]:
    """``step`` between the optimiser's hooks. It also leaves the mark by which schedules know that it was called."""

    @functools.wraps(step)
    def run(self: Optimizer, *args: Any, **kwargs: Any) -> Any:
        self._settled()
        self._opt_called = True  # type: ignore[attr-defined]  # a mark that only schedules read
        if mode.watch is not None:
            mode.watch.stepping(self)
        for hook in list(self._pre_hooks.values()):
            changed = hook(self, args, kwargs)
            if changed is not None:
                args, kwargs = changed
        out = step(self, *args, **kwargs)
        for hook in list(self._post_hooks.values()):
            hook(self, args, kwargs)
        return out

    return run
