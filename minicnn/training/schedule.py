"""Schedule: steps a learning-rate schedule, each batch or each epoch."""

from __future__ import annotations

from typing import Any

from minicnn.errors import DtypeError, OptionError
from minicnn.optim.lr_scheduler import CyclicLR, LRScheduler, OneCycleLR, ReduceLROnPlateau
from minicnn.training.callback import Callback
from minicnn.training.run import Run


class Schedule(Callback):
    """Steps ``scheduler`` after each batch or epoch.

    Args:
        scheduler: of ``mc.optim.lr_scheduler``.
        every: "batch" (after each step of the optimiser) or "epoch". By default what the schedule is made for:
            "batch" for OneCycleLR and CyclicLR, "epoch" for all others. ReduceLROnPlateau gets the epoch's
            validation loss (or accuracy, with mode="max"); without validation, that of the training.

    Errors: OptionError, DtypeError.
    """

    def __init__(self, scheduler: LRScheduler, every: str | None = None) -> None:
        if not isinstance(scheduler, LRScheduler):
            raise DtypeError("fit: this is not a schedule", got=type(scheduler).__name__,
                             rule="one of mc.optim.lr_scheduler")
        if every not in ("batch", "epoch", None):
            raise OptionError("fit: when is the schedule stepped?", got=repr(every), rule='"batch" or "epoch"')
        if every == "batch" and isinstance(scheduler, ReduceLROnPlateau):
            raise OptionError("fit: ReduceLROnPlateau waits for epochs", got="every batch", rule='"epoch"')
        self.scheduler = scheduler
        self.every = every or ("batch" if isinstance(scheduler, OneCycleLR | CyclicLR) else "epoch")

    def on_step_end(self, run: Run) -> None:  # noqa: ARG002 (a hook's form)
        if self.every == "batch":
            self.scheduler.step()

    def on_epoch_end(self, run: Run) -> None:
        if isinstance(self.scheduler, ReduceLROnPlateau):
            self.scheduler.step(_metric(self.scheduler, run))
        elif self.every == "epoch":
            self.scheduler.step()


def _metric(scheduler: ReduceLROnPlateau, run: Run) -> Any:
    record = run.history[-1]
    wanted = ("validation_accuracy", "accuracy") if scheduler.mode == "max" else ("validation_loss", "loss")
    found = next((value for name in wanted if (value := getattr(record, name)) is not None), None)
    if found is None:
        raise OptionError("fit: ReduceLROnPlateau has no accuracy to watch", got='mode "max"',
                          rule="targets that are classes", hint='mode="min", for the loss')
    return found
