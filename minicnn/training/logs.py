"""Logs of a training: a CSV table, and TensorBoard's event files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from minicnn.errors import DataError, MissingPackageError
from minicnn.training.attempts import Attempts
from minicnn.training.callback import Callback
from minicnn.training.history import Epoch
from minicnn.training.run import Run


class CSVLog(Callback):
    """Keeps ``History.to_csv``'s table in a file, up to date and whole after each epoch; a full disk is only warned of.

    Errors: DataError, before the training, for a place that cannot be written.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path).expanduser()
        self._attempts = Attempts(self.path)

    def on_fit_begin(self, run: Run) -> None:
        try:
            run.history.to_csv(self.path)
        except OSError as error:
            raise _unwritable(self.path, error, "log_csv") from None

    def on_epoch_end(self, run: Run) -> None:
        self._attempts.make(lambda: run.history.to_csv(self.path), f"after epoch {run.epoch}")


class TensorBoardLog(Callback):
    """Writes loss, accuracy, rate and speed of each epoch for TensorBoard: ``tensorboard --logdir FOLDER``.

    Training and validation share a diagram. Needs tensorboardX (the extra "tensorboard").

    Errors: MissingPackageError; DataError for a folder that cannot be written to.
    """

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder).expanduser()
        self._attempts = Attempts(self.folder)
        self._writer: Any = None

    def on_fit_begin(self, run: Run) -> None:  # noqa: ARG002 (a hook's form)
        try:
            from tensorboardX import SummaryWriter
        except ImportError:
            raise MissingPackageError("fit: tensorboardX is not installed", rule="it writes TensorBoard's files",
                                      hint='pip install "minicnn[tensorboard]"') from None
        try:
            self._writer = SummaryWriter(str(self.folder))
        except OSError as error:
            raise _unwritable(self.folder, error, "log_tensorboard") from None

    def on_epoch_end(self, run: Run) -> None:
        self._attempts.make(lambda: self._write(run.history[-1]), f"after epoch {run.epoch}")

    def _write(self, record: Epoch) -> None:
        figures = {
            "loss/training": record.loss, "loss/validation": record.validation_loss,
            "accuracy/training": record.accuracy, "accuracy/validation": record.validation_accuracy,
            "lr": record.lr, "images_per_second": record.images_per_second,
        }  # fmt: skip
        for name, value in figures.items():
            if value is not None:
                self._writer.add_scalar(name, value, record.epoch)
        self._writer.flush()

    def on_fit_end(self, run: Run) -> None:  # noqa: ARG002 (a hook's form)
        self._writer.close()


def _unwritable(path: Path, error: OSError, option: str) -> DataError:
    return DataError(f"{path} cannot be written", got=error.strerror, rule="a place where you may make files",
                     hint=f"another {option}=…")
