"""Run: where a training is; what callbacks see."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sized
from dataclasses import dataclass, field
from typing import Any

from minicnn.backend import Device, backend_for
from minicnn.data.streams import find_streams, read_streams
from minicnn.errors import DataError
from minicnn.nn.module import Module
from minicnn.optim.optimizer import Optimizer
from minicnn.optim.options import current
from minicnn.tensor import Tensor, wrap
from minicnn.training.callback import Callback
from minicnn.training.history import History
from minicnn.training.meter import Meter
from minicnn.training.ranks import order_of_epoch
from minicnn.training.recipe import Recipe


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
        meter: ``loss``, ``accuracy``, ``images`` and ``images_per_second`` of the epoch so far; on a GPU,
            asking for any but ``images`` waits for it.
        stop: set it, and this epoch is the last.
        recipe: ``fit``'s options that say how a batch becomes a step.
        rate: of the last step, of the first parameter group.
        resumable: whether a checkpoint may have to begin this epoch again.
        began: then, where the streams of random numbers were when the batches of the epoch began.
        rest: gives what is left of the loader, once, where a training goes on within an epoch.
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
    recipe: Recipe = field(default_factory=Recipe)
    rate: float = 0.0
    resumable: bool = False
    began: dict[str, Any] = field(default_factory=dict)
    rest: Callable[[], Iterator[Any]] | None = None

    @property
    def streams(self) -> dict[str, Any]:
        """The streams of random numbers that model, loaders, recipe and callbacks draw from, by name."""
        names = ("model", "loader", "recipe", "callbacks", "optimizer", "scheduler")
        return find_streams(**{name: getattr(self, name) for name in names})

    @property
    def within_epoch(self) -> bool:
        """Whether the present epoch has begun, and is not yet in the history."""
        return self.epoch > len(self.history)

    @property
    def goes_on(self) -> bool:
        """Whether there is more to do."""
        return self.within_epoch or (self.epoch < self.epochs and not self.stop)

    def begin(self) -> Iterable[Any]:
        """The batches of the present epoch that are still to come."""
        order_of_epoch(self.loader, self.epoch)
        if self.rest is not None:
            rest, self.rest = self.rest, None
            return rest()
        if self.resumable:
            self.began = read_streams(self.streams)
        return self.loader

    @property
    def batches(self) -> int | None:
        """Batches in an epoch; None where the loader does not know."""
        try:
            return len(self.loader) if isinstance(self.loader, Sized) else None
        except TypeError:  # a DataLoader of an IterableDataset that does not know
            return None

    @property
    def lr(self) -> float:
        """The present rate of the first parameter group."""
        return float(current(self.optimizer.param_groups[0], "lr"))

    def tell(self, hook: str) -> None:
        """Call a hook of all callbacks."""
        for callback in self.callbacks:
            getattr(callback, hook)(self)


def batches_of(loader: Iterable[Any], model: Module, name: str, done: int = 0) -> Iterator[tuple[Any, Any]]:
    """The loader's pairs of inputs and targets, on the model's device; ``done`` batches were before them.

    Errors: DataError for batches that are no pairs, where there are none, and for a dataset instead of a loader.
    """
    if not isinstance(loader, Iterable):
        raise DataError(f"{name}: this gives no batches", got=type(loader).__name__, rule="a DataLoader, or another "
                        "iterable of batches", hint="mc.data.DataLoader(dataset, batch_size=64, shuffle=True)")
    parameter = next(iter(model.parameters()), None)
    carry = (lambda x: x) if parameter is None else _carrier(parameter.device)
    number = done
    for number, batch in enumerate(loader, done + 1):
        if not isinstance(batch, tuple | list) or len(batch) != 2:
            raise DataError(f"{name}: batch {number} is no pair", got=type(batch).__name__,
                            rule="each batch is (inputs, targets)",
                            hint="let the dataset's __getitem__ return image, label")
        inputs, targets = map(carry, batch)
        yield inputs, targets
    if not number:
        raise DataError(f"{name}: the loader gave no batches", rule="at least one batch an epoch",
                        hint="is the dataset empty, or a generator used up? A DataLoader starts anew each epoch")


def _carrier(device: Device) -> Callable[[Any], Any]:
    """What brings a tensor to ``device``, batch after batch."""
    upload = backend_for(device).uploads()

    def carry(x: Any) -> Any:
        if not isinstance(x, Tensor) or x.device == device:
            return x
        return x.to(device) if x.requires_grad or x.device.type != "cpu" else wrap(upload(x.array))

    return carry
