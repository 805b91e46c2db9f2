"""Checkpoint: the best and the last state of a training, in files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from minicnn import io
from minicnn.errors import DataError, DtypeError
from minicnn.ops.creation import as_tensor
from minicnn.random import get_rng_state
from minicnn.training.callback import Callback
from minicnn.training.run import Run


class Checkpoint(Callback):
    """Keeps ``last.pt`` and ``best.pt`` in a folder, each whole at any time: written aside, then renamed.

    A file holds all that a training goes on from: "model", "optimizer" and "scheduler" (their state dicts; None
    without a scheduler), "history" (``History.from_records`` reads it), "epoch", "step", and "random", the state of
    the default generator.

    Args:
        folder: made where it is not there.
        monitor, mode: what the best is; as of ``History.best``. By default the lowest validation loss.

    Raises:
        DataError: before the training, where the folder cannot be written to or the state does not fit the format.

    Example:
        >>> mc.training.fit(model, loader, optimizer, epochs=3, checkpoint="runs/lenet")
        >>> model = mc.models.get_model("lenet", weights="runs/lenet/best.pt")
    """

    def __init__(self, folder: str | Path, monitor: str | None = None, mode: str | None = None) -> None:
        self.folder, self.monitor, self.mode = Path(folder).expanduser(), monitor, mode

    def on_fit_begin(self, run: Run) -> None:
        trial = self.folder / ".trial.pt"
        try:
            io.save(_state(run), trial)
            trial.unlink()
        except OSError as error:
            raise DataError(f"{self.folder} cannot be written to", got=error.strerror,
                            rule="a folder where you may make files", hint="another checkpoint=…") from None
        except DtypeError as error:
            raise DataError("fit: the training's state cannot be saved", got=error.what,
                            rule="state dicts of tensors, numbers, strings, lists and dicts",
                            hint="a schedule whose functions are no objects with values of their own") from error

    def on_epoch_end(self, run: Run) -> None:
        state = _state(run)
        io.save(state, self.folder / "last.pt")
        best = run.history.best(self.monitor, self.mode)
        if best is run.history[-1]:
            io.save(state, self.folder / "best.pt")


def _state(run: Run) -> dict[str, Any]:
    return {
        "model": run.model.state_dict(),
        "optimizer": run.optimizer.state_dict(),
        "scheduler": None if run.scheduler is None else run.scheduler.state_dict(),
        "history": run.history.to_records(),
        "epoch": run.epoch,
        "step": run.step,
        "random": as_tensor(get_rng_state()),
    }
