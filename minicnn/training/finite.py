"""What is done about a loss that is no number: found out, reported, stopped at, or skipped."""

from __future__ import annotations

import copy
import math
import warnings
from typing import Any

from minicnn.autograd.anomaly import AnomalyError, detect_anomaly
from minicnn.distributed import get_rank
from minicnn.errors import NotFiniteError
from minicnn.ops.join import stack
from minicnn.tensor import Tensor
from minicnn.training.outputs import loss_of, value_of
from minicnn.training.ranks import any_rank, several
from minicnn.training.rehearsal import Buffers, rehearsal
from minicnn.training.run import Run

RULE = "losses and gradients are finite numbers"
HINT = 'a smaller lr, clip_norm=1.0, or on_nan="skip" where single batches are at fault'


class SkipStep(Exception):  # noqa: N818 (no error: it ends a step early)
    """This step is not to be made."""


class Finite:
    """Looks at the losses of a training, and at its gradients where a step is to be refused.

    ``on_nan``: "report" warns; "stop" raises before the step, so that the weights stay as they were; "skip" warns and
    leaves the step out, with whatever the batch did to running means. It is warned of once, until a loss is finite.

    The last two have to know before the step, so at each they wait for a GPU: for the loss, and for one number that
    says whether all gradients are finite. "report" does not: it warns when the losses are read, with the step where it
    was, but without the layer, as batch and weights are no longer those of then.
    """

    def __init__(self, run: Run) -> None:
        self.run, self.mode = run, run.recipe.on_nan
        self._warned = False

    def begin(self, group: list[tuple[Any, Any]]) -> None:
        """A step is to be made of these batches."""
        if self.mode == "skip":
            self._before = Buffers(self.run.model), copy.copy(self.run.meter), self.run.batch + len(group)

    def value(self, loss: Tensor, batch: tuple[Any, Any]) -> float | Tensor:
        """The loss as a number that was looked at; or as it is, to be looked at by ``late``. Errors: as ``loss``."""
        value = value_of(loss) if self.mode == "report" else float(loss.item())
        if not isinstance(value, Tensor):
            self.loss(value, batch)
        return value

    def late(self, value: float, place: str) -> None:
        """Look at a loss that was left on the device, and made at ``place``."""
        if math.isfinite(value):
            self._warned = False
        elif not self._warned:
            self._warned = True
            warnings.warn(f"fit: the loss is {value}, {place}; it was read later, so that no step waits for the GPU: "
                          'on_nan="stop" looks at each, and names the layer', stacklevel=2)  # fmt: skip

    def place(self, number: int) -> str:
        """Where a batch of this epoch is, in words."""
        return f"at step {self.run.step + 1}, batch {number} of epoch {self.run.epoch}"

    def loss(self, value: float, batch: tuple[Any, Any]) -> None:
        """Look at a batch's loss. Errors: NotFiniteError, SkipStep."""
        fine = math.isfinite(value)
        if self.mode == "skip" and any_rank(not fine) and fine:
            raise SkipStep  # another rank leaves the step out, and says why
        if fine:
            self._warned = False
        elif self.mode != "report" or not self._warned:
            self._act(f"the loss is {value}", self.run.batch + 1, batch)

    def gradients(self, group: list[tuple[Any, Any]]) -> None:
        """Look at all gradients, if a step could still be refused. Errors: NotFiniteError, SkipStep."""
        if self.mode == "report" or all_finite([p.grad for p in self.run.model.parameters() if p.grad is not None]):
            return
        for name, p in reversed(list(self.run.model.named_parameters())):  # as the backward pass meets them
            if p.grad is not None and not finite(p.grad):
                self._act(f"the gradient of {name} is not finite", self.run.batch, group[-1])

    def skip(self) -> None:
        """Undo what the batches of this step did."""
        run = self.run
        buffers, run.meter, run.batch = self._before
        buffers.restore()
        for p in run.model.parameters():
            p.grad = None

    def end_epoch(self) -> None:
        """Errors: NotFiniteError where every batch of the epoch was left out."""
        if not self.run.meter.images and self.mode == "skip" and self.run.batch:
            raise NotFiniteError(f"fit: all {self.run.batch} batches of epoch {self.run.epoch} were left out",
                                 got="not one loss with finite gradients", rule=RULE,
                                 hint="a smaller lr, clip_norm=1.0")

    def _act(self, what: str, number: int, batch: tuple[Any, Any]) -> None:
        run = self.run
        place = self.place(number)
        cause, lasting = find_cause(run, *batch)
        if self.mode == "stop" or (self.mode == "skip" and lasting):
            raise NotFiniteError(f"fit: {what}, {place}: {cause}", got=f"lr {run.lr:g}", rule=RULE, hint=HINT)
        if not self._warned:
            end = "; the step is left out, and so are others like it" if self.mode == "skip" else ""
            warnings.warn(f"fit: {what}, {place}: {cause}{end}", stacklevel=4)
        self._warned = True
        if self.mode == "skip":
            raise SkipStep


def find_cause(run: Run, inputs: Any, targets: Any) -> tuple[str, bool]:
    """Where the first value that is not finite comes from, and whether other batches will meet it, too."""
    if several():  # a second run of the batch would wait for the other ranks' gradients
        return f"seen by rank {get_rank()}", False
    for name, p in run.model.named_parameters():
        if not finite(p):
            return f"{name} is not finite any more, since the step before", True
    if any(isinstance(x, Tensor) and x.is_floating_point() and not finite(x) for x in (inputs, targets)):
        return "the batch itself holds an infinity or a NaN", False
    try:
        with rehearsal(run.model), detect_anomaly():
            loss_of(run.recipe.loss_function, run.model(inputs), targets).backward()
    except AnomalyError as error:
        return error.what.replace("in no layer", "outside of all layers"), False
    return "a second run of the batch does not show where", False


def finite(x: Tensor) -> bool:
    """Whether all elements are."""
    return bool(x.detach().isfinite().all())


def all_finite(tensors: list[Tensor]) -> bool:
    """Whether all elements of all of them are, by one number for each device."""
    flags: dict[str, list[Tensor]] = {}
    for x in tensors:
        flags.setdefault(str(x.device), []).append(x.detach().isfinite().all())
    return all(bool(stack(those).all()) for those in flags.values())
