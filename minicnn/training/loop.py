"""``fit``: the loop of every course. What is not the loop is a callback."""

from __future__ import annotations

import itertools
import warnings
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from minicnn.errors import OptionError
from minicnn.keywords import spelled
from minicnn.nn import functional as F
from minicnn.nn.module import Module
from minicnn.optim.lr_scheduler import LRScheduler
from minicnn.optim.optimizer import Optimizer
from minicnn.training.callback import Callback
from minicnn.training.checkpoint import Checkpoint
from minicnn.training.evaluation import evaluate
from minicnn.training.finite import Finite, SkipStep
from minicnn.training.history import Epoch, History
from minicnn.training.logs import CSVLog, TensorBoardLog
from minicnn.training.memory import explained
from minicnn.training.meter import Meter
from minicnn.training.outputs import Accuracy, Loss, class_accuracy, judged, loss_of
from minicnn.training.progress import Progress
from minicnn.training.ranks import part_of, share_buffers, writes
from minicnn.training.recipe import Recipe
from minicnn.training.run import Run, batches_of
from minicnn.training.schedule import Schedule
from minicnn.training.stopping import EarlyStopping


@spelled
def fit(
    model: Module, loader: Iterable[Any], optimizer: Optimizer, *, epochs: int, validation: Iterable[Any] | None = None,
    loss_function: Loss = F.cross_entropy, accuracy: Accuracy | None = class_accuracy,
    scheduler: LRScheduler | None = None, step_scheduler: str | None = None, callbacks: Sequence[Callback] = (),
    early_stopping: int | EarlyStopping | None = None, checkpoint: str | Path | Checkpoint | None = None,
    resume: bool = False, accumulate: int = 1, clip_norm: float | None = None, clip_value: float | None = None,
    on_nan: str = "report", log_csv: str | Path | None = None, log_tensorboard: str | Path | None = None,
    progress: bool = True,
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
        callbacks: further ones, called in their order, after the schedule and before the logs and the checkpoint.
        early_stopping: how many epochs without a better validation loss are the end; or an ``EarlyStopping``.
        checkpoint: a folder for ``best.pt``, ``last.pt`` and ``previous.pt``; or a ``Checkpoint``, which can also keep
            the state within an epoch. The first Ctrl-C then ends the training after its step, with a checkpoint.
        resume: go on from the checkpoint that is there, to the same bits as if never stopped; begin if there is none.
        accumulate: batches whose gradients make one step of the optimiser, as if they were one batch.
        clip_norm, clip_value: the largest norm of all gradients together, or the largest element; one of them.
        on_nan: of a loss that is no finite number, "report" warns, "stop" raises before the step is made, and "skip"
            leaves the step out; the message says where it came from. The last two look at the gradients, too. On a GPU
            they wait for it in every step; "report" does not, and warns when the losses are read, without the layer.
        log_csv: a file for ``History.to_csv``, kept up to date.
        log_tensorboard: a folder for TensorBoard (the extra "tensorboard").
        progress: show a bar (in a terminal) or a line an epoch (elsewhere).

    On several ranks (``mc.distributed``) every rank calls it with a ``DataParallel`` and the loader of the whole batch,
    of which it takes its part; rank 0 logs and saves, and the records are those of all ranks' images.

    Returns:
        The ``History``: a record for each epoch.

    Raises:
        OptionError, DataError: for options and batches that cannot work, and places that cannot be written to.
        StateError: for a checkpoint of another training.
        NotFiniteError: with on_nan="stop"; with "skip", where no batch can help.
        OutOfMemoryError: with the layer, the bytes that it asked for, and the batch that would fit.
        KeyboardInterrupt: after Ctrl-C.

    Example:
        >>> optimizer = mc.optim.SGD(model.parameters(), lr=0.02, momentum=0.9)
        >>> history = mc.training.fit(model, loader, optimizer, epochs=3, validation=test_loader)
    """
    recipe = Recipe(loss_function, accuracy, validation, accumulate, clip_norm, clip_value, on_nan)
    recipe.check(epochs)
    _check_parameters(model, optimizer)
    run = Run(model, optimizer, part_of(loader, model), epochs, scheduler=scheduler, recipe=recipe)
    if scheduler is not None:
        run.callbacks.append(Schedule(scheduler, step_scheduler))
    run.callbacks += callbacks
    if early_stopping is not None:
        run.callbacks.append(EarlyStopping(early_stopping) if isinstance(early_stopping, int) else early_stopping)
    if writes():
        run.callbacks += [CSVLog(log_csv)] if log_csv is not None else []
        run.callbacks += [TensorBoardLog(log_tensorboard)] if log_tensorboard is not None else []
        run.callbacks += [Progress()] if progress else []
    if checkpoint is not None:  # the last: what all others did at an epoch's end is done when Ctrl-C ends it
        run.callbacks.append(checkpoint if isinstance(checkpoint, Checkpoint) else Checkpoint(checkpoint))
    if resume:
        _checkpoint(run).resume(run)
    with ExitStack() as ends:
        for callback in run.callbacks:
            callback.on_fit_begin(run)
            ends.callback(callback.on_fit_end, run)
        watch = Finite(run)
        while run.goes_on:
            _train_epoch(run, watch)
    return run.history


def _checkpoint(run: Run) -> Checkpoint:
    """The one that a training goes on from. Errors: OptionError where there is none."""
    found = next((callback for callback in reversed(run.callbacks) if isinstance(callback, Checkpoint)), None)
    if found is None:
        raise OptionError("fit: where is the checkpoint to go on from?", got="resume=True, and no checkpoint",
                          rule="the folder of the training that was stopped", hint='checkpoint="runs/a"')
    return found


def _check_parameters(model: Module, optimizer: Optimizer) -> None:
    """Warn of an optimiser that would change nothing of the model."""
    own = {id(parameter) for parameter in model.parameters()}
    if own and own.isdisjoint(id(parameter) for group in optimizer.param_groups for parameter in group["params"]):
        warnings.warn("fit: the optimiser has none of the model's parameters, which will stay as they are; make it of "
                      "model.parameters()", stacklevel=4)  # fmt: skip


def _train_epoch(run: Run, watch: Finite) -> None:
    if not run.within_epoch:  # as a training may be that was resumed
        run.epoch, run.batch, run.meter, run.rate = run.epoch + 1, 0, Meter(), run.lr
    run.meter.notice = watch.late
    run.tell("on_epoch_begin")
    run.model.train()
    batches = batches_of(run.begin(), run.model, "fit", run.batch)
    while group := list(itertools.islice(batches, run.recipe.accumulate)):
        try:
            with explained(run, group):
                _step(run, watch, group)
        except SkipStep:
            watch.skip()
    watch.end_epoch()
    run.history.append(_record(run))
    run.tell("on_epoch_end")


def _step(run: Run, watch: Finite, group: list[tuple[Any, Any]]) -> None:
    watch.begin(group)
    run.optimizer.zero_grad()
    _backward(run, watch, group)
    watch.gradients(group)
    run.recipe.clip(run.model)
    run.optimizer.step()
    run.step, run.rate = run.step + 1, run.lr
    run.tell("on_step_end")


def _backward(run: Run, watch: Finite, group: list[tuple[Any, Any]]) -> None:
    """Gradients of the mean loss over all images of the group's batches, however many each has."""
    recipe, images = run.recipe, sum(len(targets) for _, targets in group)
    for inputs, targets in group:
        outputs = run.model(inputs)
        loss = loss_of(recipe.loss_function, outputs, targets)
        value = watch.value(loss, (inputs, targets))
        (loss * (len(targets) / images)).backward()
        right = None if recipe.accuracy is None else judged(recipe.accuracy, outputs, targets)
        run.meter.add(value, right, len(targets), watch.place(run.batch + 1))
        run.batch += 1
        run.tell("on_batch_end")


def _record(run: Run) -> Epoch:
    recipe, meter, seconds = run.recipe, run.meter.of_all_ranks(), run.meter.seconds
    speed, validation_loss, validation_accuracy = meter.images / max(seconds, 1e-9), None, None
    if recipe.validation is not None:
        share_buffers(run.model)
        result = evaluate(run.model, recipe.validation, loss_function=recipe.loss_function, accuracy=recipe.accuracy)
        validation_loss, validation_accuracy = result.loss, result.accuracy
    return Epoch(run.epoch, meter.loss, meter.accuracy, validation_loss, validation_accuracy, run.rate,
                 seconds, speed)
