"""What a training came to: a record for each epoch."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from minicnn.errors import MissingPackageError, OptionError
from minicnn.io.files import written_aside


@dataclass(frozen=True)
class Epoch:
    """What one pass over the training data came to.

    Attributes:
        epoch: its number, from 1.
        loss, accuracy: means over the pass, while the weights changed; no accuracy where targets are no classes.
        validation_loss, validation_accuracy: of the weights at its end; None without validation.
        lr: the rate of its last step, of the first parameter group.
        seconds: of the training, without the validation.
        images_per_second: likewise.
    """

    epoch: int
    loss: float
    accuracy: float | None
    validation_loss: float | None
    validation_accuracy: float | None
    lr: float
    seconds: float
    images_per_second: float


FIELDS = tuple(field.name for field in fields(Epoch))


class History(list[Epoch]):
    """The epochs of a training, first to last.

    Example:
        >>> history = mc.training.fit(model, loader, optimizer, epochs=3, validation=test_loader)
        >>> history[-1].validation_accuracy
        0.9785
        >>> history.column("loss")
        [0.8313, 0.1592, 0.0971]
    """

    def column(self, name: str) -> list[Any]:
        """One figure of all epochs; the names are those of ``Epoch``'s attributes."""
        if name not in FIELDS:
            raise OptionError(f"History: there is no figure '{name}'", rule=f"one of {', '.join(FIELDS)}")
        return [getattr(record, name) for record in self]

    def best(self, monitor: str | None = None, mode: str | None = None, min_delta: float = 0.0) -> Epoch | None:
        """The best epoch, the first of equals; None where no epoch has a number.

        Args:
            monitor: the figure; "validation_loss" unless given, "loss" without validation.
            mode: "min" or "max"; for an accuracy "max", else "min", unless given.
            min_delta: a later epoch is better only by more than this.
        """
        monitor = monitor or ("loss" if not self or self[-1].validation_loss is None else "validation_loss")
        sign = _sign(monitor, mode)
        best, target = None, -math.inf
        for record, value in zip(self, self.column(monitor), strict=True):
            if value is None:
                raise OptionError(f"History: epoch {record.epoch} has no {monitor}", rule="a figure that is measured",
                                  hint="fit(…, validation=loader), or monitor another")
            if sign * value > target:  # never true of a NaN
                best, target = record, sign * value + min_delta
        return best

    def to_dict(self) -> dict[str, list[Any]]:
        """A list for each figure."""
        return {name: self.column(name) for name in FIELDS}

    def to_records(self) -> list[dict[str, Any]]:
        """A dict for each epoch; ``History.from_records`` undoes it."""
        return [asdict(record) for record in self]

    @classmethod
    def from_records(cls, records: Iterable[dict[str, Any]]) -> History:
        """The history of such dicts."""
        return cls(Epoch(**record) for record in records)

    def to_csv(self, path: str | Path) -> None:
        """Write a table with a line for each epoch; a figure that was not measured is empty. Errors: OSError."""
        text = io.StringIO(newline="")
        table = csv.writer(text)
        table.writerow(FIELDS)
        table.writerows([getattr(record, name) for name in FIELDS] for record in self)
        with written_aside(Path(path)) as file:
            file.write(text.getvalue().encode())

    def plot(self) -> Any:
        """Loss and accuracy against the epochs, as a figure of matplotlib (the extra "plot").

        Example:
            >>> history.plot().savefig("history.png")
        """
        try:
            from matplotlib.figure import Figure
        except ImportError:
            raise MissingPackageError("History.plot: matplotlib is not installed", rule="it draws the figure",
                                      hint='pip install "minicnn[plot]"') from None
        figure = Figure(figsize=(9, 3.5), layout="constrained")
        for name, axes in zip(("loss", "accuracy"), figure.subplots(1, 2), strict=True):
            for column, label in ((name, "training"), (f"validation_{name}", "validation")):
                if any(value is not None for value in self.column(column)):
                    axes.plot(self.column("epoch"), self.column(column), marker="o", label=label)
                    axes.legend()
            axes.set(xlabel="epoch", ylabel=name)
        return figure


def _sign(monitor: str, mode: str | None) -> int:
    """1 where more is better, -1 where less is."""
    signs = {"min": -1, "max": 1, None: 1 if monitor.endswith("accuracy") else -1}
    if mode not in signs:
        raise OptionError("an unknown mode", got=repr(mode), rule="min or max",
                          hint='"min" for a loss, "max" for an accuracy')
    return signs[mode]
