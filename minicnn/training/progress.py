"""Progress: a bar in a terminal, a line an epoch elsewhere; rich draws it."""

from __future__ import annotations

import sys
import time
from typing import Any

from minicnn.training.callback import Callback
from minicnn.training.history import Epoch
from minicnn.training.run import Run

ROOM_FOR_FIGURES = 84
"""Columns of a terminal below which the bar would give way to the figures beside it: it stays, they go."""


BETWEEN_READS = 0.5
"""Seconds between two looks at a GPU's figures, each of which waits for it."""


class Progress(Callback):
    """Shows loss, accuracy, speed and the time that is left: of the epoch in the bar, of the training in the lines."""

    def __init__(self) -> None:
        self.bar: Any = None
        self.task: Any = None
        self._looked = 0.0

    def on_fit_begin(self, run: Run) -> None:
        if sys.stdout.isatty():
            from rich import get_console
            from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
            from rich.progress import Progress as RichProgress

            columns = [TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn()]
            if get_console().width >= ROOM_FOR_FIGURES:
                columns += [TimeRemainingColumn(), TextColumn("{task.fields[figures]}")]
            self.bar = RichProgress(*columns, transient=True)
            self.task = self.bar.add_task("", total=run.batches, figures="")
            self.bar.start()

    def on_epoch_begin(self, run: Run) -> None:
        if self.bar is not None:
            self.bar.reset(self.task, total=run.batches, completed=run.batch, figures="",
                           description=f"epoch {run.epoch}/{run.epochs}")

    def on_batch_end(self, run: Run) -> None:
        if self.bar is not None and run.meter.behind and time.monotonic() - self._looked < BETWEEN_READS:
            self.bar.update(self.task, advance=1)
        elif self.bar is not None:
            self._looked = time.monotonic()
            speed = f"  {run.meter.images_per_second:,.0f} images/s"
            self.bar.update(self.task, advance=1, figures=figures(run.meter.loss, run.meter.accuracy) + speed)

    def on_epoch_end(self, run: Run) -> None:
        line = f"epoch {run.epoch}/{run.epochs}  {_line(run.history[-1])}{_left(run)}"
        if self.bar is not None:
            self.bar.console.print(line, highlight=False)
        else:
            print(line, flush=True)

    def on_fit_end(self, run: Run) -> None:  # noqa: ARG002 (a hook's form)
        if self.bar is not None:
            self.bar.stop()


def figures(loss: float, accuracy: float | None) -> str:
    """A loss and, where there is one, an accuracy."""
    return f"loss {loss:.4f}" + ("" if accuracy is None else f"  accuracy {accuracy:.2%}")


def _line(record: Epoch) -> str:
    line = figures(record.loss, record.accuracy)
    if record.validation_loss is not None:
        line += f"  validation {figures(record.validation_loss, record.validation_accuracy)}"
    return f"{line}  {record.seconds:.1f} s  {record.images_per_second:,.0f} images/s"


def _left(run: Run) -> str:
    """How long the epochs to come will take, as long as the mean of those that were; nothing at the end."""
    epochs = 0 if run.stop else run.epochs - run.epoch
    if not epochs:
        return ""
    seconds = round(epochs * sum(run.history.column("seconds")) / len(run.history))
    minutes, hours = seconds // 60, seconds // 3600
    return f"  left {hours}:{minutes % 60:02}:{seconds % 60:02}"
