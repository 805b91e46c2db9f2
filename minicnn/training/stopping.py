"""EarlyStopping: no more epochs when they bring nothing."""

from __future__ import annotations

from minicnn.errors import OptionError
from minicnn.training.callback import Callback
from minicnn.training.run import Run


class EarlyStopping(Callback):
    """Stops when ``patience`` epochs in a row were no better than the best before them.

    Args:
        patience: at least 1.
        monitor, mode, min_delta: what better means; as of ``History.best``. By default a lower validation loss.

    Example:
        >>> stopping = mc.training.EarlyStopping(patience=3, monitor="validation_accuracy")
        >>> mc.training.fit(model, loader, optimizer, epochs=100, validation=test_loader, early_stopping=stopping)
    """

    def __init__(
        self, patience: int = 3, monitor: str | None = None, mode: str | None = None, min_delta: float = 0.0,
    ) -> None:  # fmt: skip
        if patience < 1:
            raise OptionError("EarlyStopping: no patience", got=patience, rule="patience >= 1")
        self.patience, self.monitor, self.mode, self.min_delta = patience, monitor, mode, min_delta

    def on_epoch_end(self, run: Run) -> None:
        best = run.history.best(self.monitor, self.mode, self.min_delta)
        if run.epoch - (best.epoch if best is not None else 0) >= self.patience:
            run.stop = True
