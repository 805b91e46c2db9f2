"""A progress bar in a terminal, a line an epoch elsewhere; rich draws it."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from minicnn.training.loop import Epoch

ROOM_FOR_FIGURES = 64
"""Columns of a terminal below which the bar would give way to the figures beside it: it stays, they go."""


class Progress:
    """Progress over ``epochs`` passes of ``batches`` batches each (unknown where None)."""

    def __init__(self, batches: int | None, epochs: int, shown: bool = True) -> None:
        self.batches, self.epochs, self.shown = batches, epochs, shown
        self.bar: Any = None
        self.task: Any = None

    def __enter__(self) -> Progress:
        if self.shown and sys.stdout.isatty():
            from rich import get_console
            from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
            from rich.progress import Progress as RichProgress

            columns = [TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn()]
            if get_console().width >= ROOM_FOR_FIGURES:
                columns += [TimeRemainingColumn(), TextColumn("{task.fields[figures]}")]
            self.bar = RichProgress(*columns)
            self.bar.start()
        return self

    def __exit__(self, *error: object) -> None:
        if self.bar is not None:
            self.bar.stop()

    def start(self, epoch: int) -> None:
        """Begin a pass."""
        if self.bar is not None:
            self.task = self.bar.add_task(f"epoch {epoch}/{self.epochs}", total=self.batches, figures="")

    def advance(self, loss: float, accuracy: float) -> None:
        """One batch is done; show the pass's means so far."""
        if self.bar is not None:
            self.bar.update(self.task, advance=1, figures=f"loss {loss:.4f}  accuracy {accuracy:.2%}")

    def finish(self, epoch: int, result: Epoch) -> None:
        """A pass is done."""
        if self.shown and self.bar is None:
            print(f"epoch {epoch}/{self.epochs}  loss {result.loss:.4f}  accuracy {result.accuracy:.2%}"
                  f"  {result.seconds:.1f} s", flush=True)
