"""``fit``: the loop of every course. What is not the loop is a callback."""

from __future__ import annotations

import itertools
import warnings
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from minicnn.errors import OptionError
from minicnn.keywords import spelled
from minicnn.nn import functional as F
from minicnn.nn.module import Module
from minicnn.optim.clip import clip_grad_norm_, clip_grad_value_
from minicnn.optim.lr_scheduler import LRScheduler
from minicnn.optim.optimizer import Optimizer
from minicnn.training.callback import Callback
from minicnn.training.checkpoint import Checkpoint
from minicnn.training.evaluation import evaluate
from minicnn.training.history import Epoch, History
from minicnn.training.logs import CSVLog, TensorBoardLog
from minicnn.training.outputs import Accuracy, Loss, Meter, class_accuracy, loss_of
from minicnn.training.progress import Progress
from minicnn.training.run import Run, batches_of
from minicnn.training.schedule import Schedule
from minicnn.training.stopping import EarlyStopping


@spelled
def fit(
    model: Module, loader: Iterable[Any], optimizer: Optimizer, *, epochs: int, validation: Iterable[Any] | None = None,
    loss_function: Loss = F.cross_entropy, accuracy: Accuracy | None = class_accuracy,
    scheduler: LRScheduler | None = None, step_scheduler: str | None = None, callbacks: Sequence[Callback] = (),
    early_stopping: int | EarlyStopping | None = None, checkpoint: str | Path | Checkpoint | None = None,
    accumulate: int = 1, clip_norm: float | None = None, clip_value: float | None = None,
    log_csv: str | Path | None = None, log_tensorboard: str | Path | None = None, progress: bool = True,
) -> History:  # fmt: skip
    """Train ``model`` on the (inputs, targets) batches of ``loader``, which are moved to its device.

    Args:
        model: left in training mode.
        loader: batches of inputs and targets; a DataLoader, or anything that can be iterated over anew each epoch.
        optimizer: over the model's parameters.
        epochs: passes over the data; positive.
        validation: batches to evaluate the model on after each epoch.
        loss_function: of (outputs, targets), a mean over the batch; cross-entropy unless given. For auxiliary heads see
            ``auxiliary_loss``.
        accuracy: of (outputs, targets), the part of a batch that is right; None for no accuracy. By default that of
            classes, and none where the targets are no classes.
        scheduler: of ``mc.optim.lr_scheduler``.
        step_scheduler: when it is stepped: after each "batch" or "epoch". By default a batch for OneCycleLR and
            CyclicLR, an epoch for all others; ReduceLROnPlateau watches the validation loss. See ``Schedule``.
        callbacks: further ones, called in their order, after the schedule and before those below.
        early_stopping: how many epochs without a better validation loss are the end; or an ``EarlyStopping``.
        checkpoint: a folder for ``best.pt`` and ``last.pt``; or a ``Checkpoint``.
        accumulate: batches whose gradients make one step of the optimiser, as if they were one batch.
        clip_norm, clip_value: the largest norm of all gradients together, or the largest element; one of them.
        log_csv: a file for ``History.to_csv``, kept up to date.
        log_tensorboard: a folder for TensorBoard (the extra "tensorboard").
        progress: show a bar (in a terminal) or a line an epoch (elsewhere).

    Returns:
        The ``History``: a record for each epoch.

    Raises:
        OptionError, DataError: for options and batches that cannot work, and places that cannot be written to.

    Example:
        >>> optimizer = mc.optim.SGD(model.parameters(), lr=0.02, momentum=0.9)
        >>> history = mc.training.fit(model, loader, optimizer, epochs=3, validation=test_loader)
    """
    recipe = _Recipe(loss_function, accuracy, validation, accumulate, clip_norm, clip_value)
    recipe.check(epochs)
    _check_parameters(model, optimizer)
    run = Run(model, optimizer, loader, epochs, scheduler=scheduler)
    if scheduler is not None:
        run.callbacks.append(Schedule(scheduler, step_scheduler))
    run.callbacks += callbacks
    if early_stopping is not None:
        run.callbacks.append(EarlyStopping(early_stopping) if isinstance(early_stopping, int) else early_stopping)
    if checkpoint is not None:
        run.callbacks.append(checkpoint if isinstance(checkpoint, Checkpoint) else Checkpoint(checkpoint))
    run.callbacks += [CSVLog(log_csv)] if log_csv is not None else []
    run.callbacks += [TensorBoardLog(log_tensorboard)] if log_tensorboard is not None else []
    run.callbacks += [Progress()] if progress else []
    with ExitStack() as ends:
        for callback in run.callbacks:
            callback.on_fit_begin(run)
            ends.callback(callback.on_fit_end, run)
        while run.epoch < epochs and not run.stop:
            _train_epoch(run, recipe)
    return run.history


def _check_parameters(model: Module, optimizer: Optimizer) -> None:
    """Warn of an optimiser that would change nothing of the model."""
    own = {id(parameter) for parameter in model.parameters()}
    if own and own.isdisjoint(id(parameter) for group in optimizer.param_groups for parameter in group["params"]):
        warnings.warn("fit: the optimiser has none of the model's parameters, which will stay as they are; make it of "
                      "model.parameters()", stacklevel=4)  # fmt: skip


@dataclass(frozen=True)
class _Recipe:
    """How a batch becomes a step."""

    loss_function: Loss
    accuracy: Accuracy | None
    validation: Iterable[Any] | None
    accumulate: int
    clip_norm: float | None
    clip_value: float | None

    def check(self, epochs: int) -> None:
        for name, value in (("epochs", epochs), ("accumulate", self.accumulate)):
            if not isinstance(value, int) or value < 1:
                raise OptionError(f"fit: {name}={value}", got=value, rule="an integer, at least one")
        for name in ("clip_norm", "clip_value"):
            value = getattr(self, name)
            if value is not None and not value > 0:
                raise OptionError(f"fit: {name}={value}", got=value, rule="positive", hint="None does not clip")
        if self.clip_norm is not None and self.clip_value is not None:
            raise OptionError("fit: clip_norm and clip_value exclude each other", got="both", rule="one of them")

    def clip(self, model: Module) -> None:
        if self.clip_norm is not None:
            clip_grad_norm_(model.parameters(), self.clip_norm)
        if self.clip_value is not None:
            clip_grad_value_(model.parameters(), self.clip_value)


def _train_epoch(run: Run, recipe: _Recipe) -> None:
    run.epoch, run.batch, run.meter = run.epoch + 1, 0, Meter()
    run.tell("on_epoch_begin")
    run.model.train()
    batches = batches_of(run.loader, run.model, "fit")
    lr = run.lr
    while group := list(itertools.islice(batches, recipe.accumulate)):
        run.optimizer.zero_grad()
        _backward(run, recipe, group)
        recipe.clip(run.model)
        run.optimizer.step()
        run.step, lr = run.step + 1, run.lr
        run.tell("on_step_end")
    run.history.append(_record(run, recipe, lr))
    run.tell("on_epoch_end")


def _backward(run: Run, recipe: _Recipe, group: list[tuple[Any, Any]]) -> None:
    """Gradients of the mean loss over all images of the group's batches, however many each has."""
    images = sum(len(targets) for _, targets in group)
    for inputs, targets in group:
        outputs = run.model(inputs)
        loss = loss_of(recipe.loss_function, outputs, targets)
        (loss * (len(targets) / images)).backward()
        right = None if recipe.accuracy is None else recipe.accuracy(outputs, targets)
        run.meter.add(loss.item(), right, len(targets))
        run.batch += 1
        run.tell("on_batch_end")


def _record(run: Run, recipe: _Recipe, lr: float) -> Epoch:
    meter, seconds = run.meter, run.meter.seconds
    speed, validation_loss, validation_accuracy = meter.images / max(seconds, 1e-9), None, None
    if recipe.validation is not None:
        result = evaluate(run.model, recipe.validation, loss_function=recipe.loss_function, accuracy=recipe.accuracy)
        validation_loss, validation_accuracy = result.loss, result.accuracy
    return Epoch(run.epoch, meter.loss, meter.accuracy, validation_loss, validation_accuracy, lr, seconds, speed)
