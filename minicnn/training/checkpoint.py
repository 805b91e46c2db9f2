"""Checkpoint: the best and the last state of a training, in files."""

from __future__ import annotations

import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from minicnn import io
from minicnn.errors import DataError, DtypeError, OptionError
from minicnn.io.files import sync_folder
from minicnn.training.attempts import Attempts
from minicnn.training.callback import Callback
from minicnn.training.interrupt import Interrupt
from minicnn.training.ranks import any_rank, writes
from minicnn.training.run import Run
from minicnn.training.state import State, check, collect, go_on

LAST, PREVIOUS, BEST, NEXT = "last.pt", "previous.pt", "best.pt", ".next.pt"


class Checkpoint(Callback):
    """Keeps ``last.pt``, ``previous.pt`` (the one before it) and ``best.pt`` in a folder, each whole at any time.

    A file is written aside, brought to the disk, and then renamed, so whatever ends the program leaves the last good
    one. It holds all that a training goes on from: "model", "optimizer" and "scheduler" (their state dicts; None
    without a scheduler), "history" (``History.from_records`` reads it), "epoch", "step", "random" (the state of the
    default generator), and what else ``fit(…, resume=True)`` needs to come to the same bits as if never stopped.

    The first Ctrl-C lets the present step end, writes a checkpoint, and ends the training with KeyboardInterrupt; the
    second ends it at once. A write that fails during the training, say on a full disk, is warned of, and tried again.

    Args:
        folder: made where it is not there.
        monitor, mode: what the best is; as of ``History.best``. By default the lowest validation loss.
        every_steps, every_seconds: when ``last.pt`` is also written within an epoch, after a step of the optimiser;
            at the end of each epoch it always is.

    Raises:
        OptionError: for intervals out of range.
        DataError: before the training, where the folder cannot be written to or the state does not fit the format.
        KeyboardInterrupt: after a Ctrl-C, with what to do to go on.

    Example:
        >>> keep = mc.training.Checkpoint("runs/lenet", every_seconds=60)
        >>> mc.training.fit(model, loader, optimizer, epochs=3, checkpoint=keep, resume=True)
        >>> model = mc.models.get_model("lenet", weights="runs/lenet/best.pt")
    """

    def __init__(
        self, folder: str | Path, monitor: str | None = None, mode: str | None = None, *,
        every_steps: int | None = None, every_seconds: float | None = None,
    ) -> None:  # fmt: skip
        for name, value in (("every_steps", every_steps), ("every_seconds", every_seconds)):
            if value is not None and not value > 0:
                raise OptionError(f"Checkpoint: {name}={value}", got=value, rule="positive",
                                  hint="None, for the ends of epochs only")
        self.folder, self.monitor, self.mode = Path(folder).expanduser(), monitor, mode
        self.every_steps, self.every_seconds = every_steps, every_seconds
        self._interrupt, self._attempts = Interrupt(), Attempts(self.folder)
        self._resumed: tuple[str, State] | None = None
        self._kept: str | None = None
        self._step, self._time = -1, 0.0

    def resume(self, run: Run) -> None:
        """Let ``run`` go on from the last whole checkpoint, if there is one, and say so.

        Errors: DataError where what is there is damaged, StateError where it is of another training.
        """
        found = latest(self.folder)
        if found is None:
            _say(f"{self.folder} holds no checkpoint: the training begins")
            return
        name, state = found
        check(run, state, self.folder / name)
        self._resumed = found
        go_on(run, state)
        place = f"after batch {run.batch} of epoch {run.epoch}" if run.within_epoch else f"after epoch {run.epoch}"
        _say(f"goes on from {self.folder / name}: {place} of {run.epochs}, step {run.step}")

    def on_fit_begin(self, run: Run) -> None:
        state = collect(run)
        if writes():
            self._prepare(state)
        self._kept, self._step = None, -1
        run.resumable = True
        if self._resumed is not None:
            self._kept, state = self._resumed
            self._resumed = None
            go_on(run, state)  # once more: a callback may have drawn numbers when the training began
        self._time = time.monotonic()
        self._interrupt.begin()

    def _prepare(self, state: State) -> None:
        """Try to write, and tidy up after trainings that were killed."""
        with _before_training(self.folder):
            io.save(state, self.folder / NEXT)
        for name in (BEST, NEXT):
            for path in self.folder.glob(f".{name}.*.part"):
                path.unlink(missing_ok=True)
        (self.folder / NEXT).unlink(missing_ok=True)

    def on_step_end(self, run: Run) -> None:
        due = self.every_steps is not None and run.step % self.every_steps == 0
        late = self.every_seconds is not None and time.monotonic() - self._time >= self.every_seconds
        asked = any_rank(self._interrupt.asked)
        if any_rank(due or late or asked):
            self._write(run)
        self._end_if(asked, run)

    def on_epoch_end(self, run: Run) -> None:
        self._write(run, best=run.history.best(self.monitor, self.mode) is run.history[-1])
        self._end_if(any_rank(self._interrupt.asked), run)

    def on_fit_end(self, run: Run) -> None:  # noqa: ARG002 (a hook's form)
        self._interrupt.end()

    def _write(self, run: Run, *, best: bool = False) -> None:
        def write() -> None:
            state = collect(run)
            if not writes():
                return
            if best:  # before the last: whoever goes on from there will not come by here again
                io.save(state, self.folder / BEST)
            io.save(state, self.folder / NEXT)
            self._rename()

        if self._attempts.make(write, f"after step {run.step}, in epoch {run.epoch}"):
            self._step = run.step
        self._time = time.monotonic()

    def _rename(self) -> None:
        """The next file becomes the last, and the last the previous, if this training wrote or read it."""
        last, previous = self.folder / LAST, self.folder / PREVIOUS
        if self._kept == LAST and last.exists():
            last.replace(previous)
        (self.folder / NEXT).replace(last)
        if self._kept is None:
            previous.unlink(missing_ok=True)
        self._kept = LAST
        sync_folder(self.folder)

    def _end_if(self, asked: bool, run: Run) -> None:
        if not asked:
            return
        self._interrupt.end()
        held = "all of it" if self._step == run.step else f"it up to step {self._step}"
        kept = f"{self.folder / LAST} holds {held}\n  try   fit(…, checkpoint={str(self.folder)!r}, resume=True)"
        raise KeyboardInterrupt(f"stopped after step {run.step}, in epoch {run.epoch} of {run.epochs}; "
                                f"{kept if self._step >= 0 else 'nothing could be saved'}")


def _say(text: str) -> None:
    if writes():
        print(text, flush=True)


def latest(folder: Path) -> tuple[str, State] | None:
    """The last checkpoint of ``folder`` that is whole, with its name; None where there is none at all.

    A damaged one is warned of, by name. Errors: DataError where there are only damaged ones.
    """
    damaged: list[str] = []
    for name in (LAST, PREVIOUS):
        if not (folder / name).exists():
            continue
        try:
            state = io.load(folder / name)
        except DataError as error:
            damaged.append(f"{error.what} ({error.got})")
            continue
        if damaged:
            warnings.warn(f"fit: {damaged[0]}; the one before it, {name}, is used", stacklevel=4)
        return name, state
    if damaged:
        raise DataError(f"fit: no checkpoint in {folder} is whole", got="; ".join(damaged),
                        rule=f"a whole {LAST} or {PREVIOUS}",
                        hint=f"resume=False, which begins anew and replaces them; {BEST} may still be there")
    return None


@contextmanager
def _before_training(folder: Path) -> Iterator[None]:
    """Errors before the training rather than in it: DataError."""
    try:
        yield
    except OSError as error:
        raise DataError(f"{folder} cannot be written to", got=error.strerror, rule="a folder where you may make files",
                        hint="another checkpoint=…") from None
    except DtypeError as error:
        raise DataError("fit: the training's state cannot be saved", got=error.what,
                        rule="state dicts of tensors, numbers, strings, lists and dicts",
                        hint="a schedule whose functions are no objects with values of their own") from error
