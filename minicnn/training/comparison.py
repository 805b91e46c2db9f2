"""``benchmark``: several models, trained alike."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from minicnn.backend import Device
from minicnn.data import DataLoader, Dataset, Subset, TensorDataset
from minicnn.errors import OptionError
from minicnn.keywords import spelled
from minicnn.models import get_model
from minicnn.nn.module import Module
from minicnn.optim import SGD
from minicnn.optim.lr_scheduler import LRScheduler
from minicnn.optim.optimizer import Optimizer
from minicnn.random import Generator, manual_seed
from minicnn.training import tables
from minicnn.training.evaluation import class_names, evaluate
from minicnn.training.history import History
from minicnn.training.loop import fit
from minicnn.training.outputs import auxiliary_loss

HEADERS = ("model", "accuracy", "loss", "time", "images/s", "parameters")

Model = str | Module | Callable[[], Module]


@dataclass(frozen=True)
class Row:
    """How a model did in a ``benchmark``.

    Attributes:
        name: of the model.
        accuracy, loss: on the test images, after the training.
        seconds: of the training, without the tests.
        images_per_second: in the training.
        parameters: how many numbers it learns.
        history: of the training.
        model: trained.
    """

    name: str
    accuracy: float | None
    loss: float
    seconds: float
    images_per_second: float
    parameters: int
    history: History
    model: Module

    def cells(self) -> tuple[str, ...]:
        """The row as strings."""
        accuracy = "-" if self.accuracy is None else f"{self.accuracy:.2%}"
        return (self.name, accuracy, f"{self.loss:.4f}", f"{self.seconds:.1f} s", f"{self.images_per_second:,.0f}",
                f"{self.parameters:,}")


class Comparison(list[Row]):
    """The rows of a ``benchmark``; printed, they are a table."""

    def markdown(self) -> str:
        """The table in Markdown."""
        return tables.markdown(HEADERS, [row.cells() for row in self])

    def show(self) -> None:
        """Print the table."""
        tables.show(HEADERS, [row.cells() for row in self])

    def __str__(self) -> str:
        return tables.text(HEADERS, [row.cells() for row in self])


@spelled
def benchmark(
    dataset: Any, models: Model | Iterable[Model] | Mapping[str, Model], epochs: int = 3, lr: float = 0.01, *,
    batch_size: int = 100, seed: int = 0, device: Device | str | None = None,
    optimizer: Callable[[Iterable[Any], float], Optimizer] = SGD,
    scheduler: Callable[[Optimizer, int], LRScheduler | None] | None = None, progress: bool = True,
) -> Comparison:  # fmt: skip
    """Train several models alike, and compare their accuracy, time and size.

    Every model is trained with the same rate for the same epochs. The seed is set anew for each, so that a model has
    the same initial weights wherever it stands in the list, and all see the same images in the same order.

    Args:
        dataset: (training set, test set); or one set, of which every fifth item is kept for the test.
        models: names of ``mc.models``, modules, or functions that make one; a list of them, or a dict by their names.
            A module is copied, so that a second benchmark starts where the first did.
        epochs: passes over the training data.
        lr: the rate.
        batch_size: images a step.
        seed: of the weights, and of the order of the images.
        device: where to train; the models' own unless given.
        optimizer: makes one of parameters and rate; plain SGD unless given.
        scheduler: makes a schedule of an optimiser and the number of all steps; a constant rate unless given.
        progress: show the training, and the table at the end.

    Returns:
        A list of ``Row``, in the order of the models; ``.markdown()`` is the table to keep.

    Example:
        >>> train, test = (mc.datasets.Digits(train=t).tensors() for t in (True, False))
        >>> rows = mc.training.benchmark((train, test), ["mlp_relu", "mlp_tanh", "mlp_sigmoid"], epochs=3, lr=0.1)
        >>> print(rows.markdown())
    """
    train, test = dataset if isinstance(dataset, tuple | list) else _split(dataset)
    named = _named(models)
    rows = Comparison()
    for name, model in named.items():
        manual_seed(seed)
        net = _build(model, _class_count(train))
        net = net if device is None else net.to(device)
        if progress:
            print(f"{name}:", flush=True)
        loader = DataLoader(train, batch_size, shuffle=True, generator=Generator().manual_seed(seed))
        descent = optimizer(net.parameters(), lr)
        schedule = None if scheduler is None else scheduler(descent, epochs * len(loader))
        history = fit(net, loader, descent, epochs=epochs, loss_function=auxiliary_loss(), scheduler=schedule,
                      progress=progress)  # fmt: skip
        result = evaluate(net, DataLoader(test, max(batch_size, 500)))
        seconds, images = sum(history.column("seconds")), len(train) * epochs
        rows.append(Row(name, result.accuracy, result.loss, seconds, images / max(seconds, 1e-9),
                        sum(p.numel() for p in net.parameters()), history, net))  # fmt: skip
    if progress:
        rows.show()
    return rows


def _split(dataset: Dataset[Any]) -> tuple[Dataset[Any], Dataset[Any]]:
    """Four fifths to train with, and one to test."""
    numbers = range(len(dataset))  # type: ignore[arg-type]  # a dataset to split has a length
    return tuple(Subset(dataset, [i for i in numbers if (i % 5 == 4) is test]) for test in (False, True))  # type: ignore[return-value]  # two parts


def _named(models: Model | Iterable[Model] | Mapping[str, Model]) -> dict[str, Model]:
    """Each model under a name of its own."""
    if isinstance(models, Mapping):
        named = dict(models)
    else:
        listed = [models] if isinstance(models, str | Module) or not isinstance(models, Iterable) else list(models)
        names = [model if isinstance(model, str) else getattr(model, "__name__", type(model).__name__)
                 for model in listed]  # fmt: skip
        if twice := {name for name in names if names.count(name) > 1}:
            raise OptionError("benchmark: two models have one name", got=", ".join(sorted(twice)),
                              rule="a name each", hint='{"narrow": model, "wide": other}')
        named = dict(zip(names, listed, strict=True))
    if not named:
        raise OptionError("benchmark: there are no models", rule="at least one")
    return named


def _class_count(dataset: Any) -> int:
    """How many classes a dataset has, by their names or by its tensor of labels; 0 where neither says so."""
    if names := class_names(dataset):
        return len(names)
    while isinstance(dataset, Subset):
        dataset = dataset.dataset
    if not isinstance(dataset, TensorDataset):
        return 0
    labels = dataset.tensors[-1]
    return 0 if labels.ndim != 1 or labels.is_floating_point() else int(labels.max()) + 1


def _build(model: Model, classes: int) -> Module:
    """The network that is trained: a new one, or a copy."""
    if isinstance(model, str):
        return get_model(model, num_classes=classes) if classes else get_model(model)
    net = copy.deepcopy(model) if isinstance(model, Module) else model()
    if not isinstance(net, Module):
        raise OptionError("benchmark: this makes no model", got=type(net).__name__,
                          rule="a name, a Module, or a function that makes one")
    return net
