"""Run: where a training is; what callbacks see."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sized
from dataclasses import dataclass, field
from typing import Any

from minicnn.errors import DataError
from minicnn.nn.module import Module
from minicnn.optim.optimizer import Optimizer
from minicnn.optim.options import current
from minicnn.tensor import Tensor
from minicnn.training.callback import Callback
from minicnn.training.history import History
from minicnn.training.outputs import Meter


@dataclass
class Run:
    """A training under way.

    Attributes:
        model, optimizer, loader, epochs: as given to ``fit``.
        callbacks: all of them, ``fit``'s own too, in the order in which their hooks are called.
        scheduler: the learning-rate schedule, or None.
        history: the records of the epochs that are done.
        epoch: the number of the present epoch, from 1; 0 before the first.
        batch: the number of the present batch in the epoch, from 1.
        step: the optimiser's steps so far, of all epochs.
        meter: ``loss``, ``accuracy``, ``images`` and ``images_per_second`` of the epoch so far.
        stop: set it, and this epoch is the last.
    """

    model: Module
    optimizer: Optimizer
    loader: Iterable[Any]
    epochs: int
    callbacks: list[Callback] = field(default_factory=list)
    scheduler: Any = None
    history: History = field(default_factory=History)
    epoch: int = 0
    batch: int = 0
    step: int = 0
    meter: Meter = field(default_factory=Meter)
    stop: bool = False

    @property
    def batches(self) -> int | None:
        """Batches in an epoch; None where the loader does not know."""
        return len(self.loader) if isinstance(self.loader, Sized) else None

    @property
    def lr(self) -> float:
        """The present rate of the first parameter group."""
        return float(current(self.optimizer.param_groups[0], "lr"))

    def tell(self, hook: str) -> None:
        """Call a hook of all callbacks."""
        for callback in self.callbacks:
            getattr(callback, hook)(self)


def batches_of(loader: Iterable[Any], model: Module, name: str) -> Iterator[tuple[Any, Any]]:
    """The loader's pairs of inputs and targets, on the model's device.

    Errors: DataError for batches that are no pairs, where there are none, and for a dataset instead of a loader.
    """
    if not isinstance(loader, Iterable):
        raise DataError(f"{name}: this gives no batches", got=type(loader).__name__, rule="a DataLoader, or another "
                        "iterable of batches", hint="mc.data.DataLoader(dataset, batch_size=64, shuffle=True)")
    parameter = next(iter(model.parameters()), None)
    number = 0
    for number, batch in enumerate(loader, 1):
        if not isinstance(batch, tuple | list) or len(batch) != 2:
            raise DataError(f"{name}: batch {number} is no pair", got=type(batch).__name__,
                            rule="each batch is (inputs, targets)",
                            hint="let the dataset's __getitem__ return image, label")
        inputs, targets = batch
        if parameter is not None:
            inputs, targets = (x.to(parameter.device) if isinstance(x, Tensor) else x for x in (inputs, targets))
        yield inputs, targets
    if not number:
        raise DataError(f"{name}: the loader gave no batches", rule="at least one batch an epoch",
                        hint="is the dataset empty, or a generator used up? A DataLoader starts anew each epoch")
