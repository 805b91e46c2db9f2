"""``fit`` and ``evaluate``: the loop of every course, with a progress bar."""

from __future__ import annotations

import time
from collections.abc import Callable, Sized
from dataclasses import dataclass
from typing import Any

from minicnn.autograd.mode import no_grad
from minicnn.data import DataLoader
from minicnn.errors import OptionError
from minicnn.nn import functional as F
from minicnn.nn.module import Module
from minicnn.optim.optimizer import Optimizer
from minicnn.tensor import Tensor
from minicnn.training.progress import Progress

Loss = Callable[[Tensor, Tensor], Tensor]


@dataclass(frozen=True)
class Epoch:
    """What one pass over the data came to: mean loss, accuracy in [0, 1], seconds."""

    loss: float
    accuracy: float
    seconds: float


def fit(
    model: Module,
    loader: DataLoader[Any],
    optimizer: Optimizer,
    *,
    epochs: int,
    loss_function: Loss = F.cross_entropy,
    scheduler: Any = None,
    progress: bool = True,
) -> list[Epoch]:
    """Train ``model`` on the (input, class) batches of ``loader``.

    Args:
        model: left in training mode.
        loader: batches of inputs and int64 classes.
        optimizer: over the model's parameters.
        epochs: passes over the data; positive.
        loss_function: of (scores, classes); cross-entropy unless given.
        scheduler: stepped after every batch, where given.
        progress: show a bar (in a terminal) or a line an epoch (elsewhere).

    Returns:
        One ``Epoch`` for each pass.

    Example:
        >>> optimizer = mc.optim.SGD(model.parameters(), lr=0.02, momentum=0.9)
        >>> history = mc.training.fit(model, loader, optimizer, epochs=3)
    """
    if epochs < 1:
        raise OptionError(f"fit: epochs={epochs}", got=epochs, rule="at least one epoch")
    history = []
    with Progress(len(loader) if isinstance(loader, Sized) else None, epochs, progress) as bar:
        for number in range(1, epochs + 1):
            bar.start(number)
            history.append(_train_epoch(model, loader, optimizer, loss_function, scheduler, bar))
            bar.finish(number, history[-1])
    return history


def _train_epoch(
    model: Module, loader: DataLoader[Any], optimizer: Optimizer, loss_function: Loss, scheduler: Any, bar: Progress
) -> Epoch:
    started = time.perf_counter()
    seen, right, total = 0, 0, 0.0
    model.train()
    for inputs, classes in loader:
        optimizer.zero_grad()
        scores = model(inputs)
        loss = loss_function(scores, classes)
        loss.backward()
        optimizer.step()
        if scheduler is not None:
            scheduler.step()
        seen += len(classes)
        right += _correct(scores, classes)
        total += loss.item() * len(classes)
        bar.advance(total / seen, right / seen)
    return Epoch(total / max(seen, 1), right / max(seen, 1), time.perf_counter() - started)


def evaluate(model: Module, loader: DataLoader[Any], *, loss_function: Loss = F.cross_entropy) -> Epoch:
    """Mean loss and accuracy of ``model`` in evaluation mode; its mode is restored afterwards.

    Example:
        >>> mc.training.evaluate(model, test_loader).accuracy
        0.9785
    """
    started = time.perf_counter()
    training = model.training
    model.eval()
    seen, right, total = 0, 0, 0.0
    try:
        with no_grad():
            for inputs, classes in loader:
                scores = model(inputs)
                seen += len(classes)
                right += _correct(scores, classes)
                total += loss_function(scores, classes).item() * len(classes)
    finally:
        model.train(training)
    return Epoch(total / max(seen, 1), right / max(seen, 1), time.perf_counter() - started)


def _correct(scores: Tensor, classes: Tensor) -> int:
    return int((scores.detach().argmax(1) == classes).sum())
