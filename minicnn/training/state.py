"""The state of a training: what a checkpoint holds, and how a training goes on from it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sized
from itertools import islice
from typing import Any

from minicnn.data import DataLoader
from minicnn.data.streams import read_streams, write_streams
from minicnn.distributed import get_rank, get_world_size
from minicnn.errors import DataError, StateError
from minicnn.ops.creation import from_numpy
from minicnn.random import default_generator, get_rng_state
from minicnn.tensor import Tensor
from minicnn.training.history import History
from minicnn.training.meter import Meter
from minicnn.training.run import Run

State = dict[str, Any]

_PLAIN = (str, int, float, bool, type(None), tuple)
_SHOWN = 5
_EMPTY: Any = object()


def collect(run: Run) -> State:
    """All that the training goes on from, between two steps of the optimiser."""
    owned = {id(p) for group in run.optimizer.param_groups for p in group["params"]}
    parameters = dict(run.model.named_parameters())
    return {
        "model": run.model.state_dict(),
        "optimizer": run.optimizer.state_dict(),
        "scheduler": None if run.scheduler is None else run.scheduler.state_dict(),
        "history": run.history.to_records(),
        "epoch": run.epoch,
        "step": run.step,
        "random": from_numpy(get_rng_state()),
        "training": identity(run),
        "position": {"batch": run.batch, "within": run.within_epoch, "stop": run.stop, "rate": run.rate,
                     "meter": run.meter.of_all_ranks().state_dict()},
        "streams": {"began": run.began if run.within_epoch else {}, "now": read_streams(run.streams)},
        "callbacks": {name: state for name, callback in _named(run) if (state := callback.state_dict())},
        "frozen": [name for name, p in parameters.items() if not p.requires_grad],
        # The optimiser forgets its own at the next step; others go on to count in the norm that clip_norm bounds.
        "gradients": {name: p.grad for name, p in parameters.items() if p.grad is not None and id(p) not in owned},
    }  # fmt: skip


def apply(run: Run, state: State) -> None:
    """Bring the training to ``state``, but for the random numbers."""
    run.model.load_state_dict(state["model"])
    run.optimizer.load_state_dict(state["optimizer"])
    if run.scheduler is not None:
        run.scheduler.load_state_dict(state["scheduler"])
    for name, p in run.model.named_parameters():
        p.requires_grad_(name not in state["frozen"])
        grad = state["gradients"].get(name)
        p.grad = None if grad is None else grad.to(p.device)
    for name, callback in _named(run):
        if name in state["callbacks"]:
            callback.load_state_dict(state["callbacks"][name])
    position = state["position"]
    run.history[:] = History.from_records(state["history"])
    run.epoch, run.step, run.batch = state["epoch"], state["step"], position["batch"]
    run.stop, run.rate, run.began = position["stop"], position["rate"], state["streams"]["began"]
    run.meter.load_state_dict(position["meter"] if get_rank() == 0 else Meter().state_dict())


def go_on(run: Run, state: State) -> None:
    """``apply``, and let every stream of random numbers, and the loader, go on where they were.

    The numbers of the epoch so far are drawn once more, so that the loader comes to the same order, and then the
    streams are put to where they were after its last step.
    """

    def rest() -> Iterator[Any]:
        apply(run, state)  # once more: a callback may have done something when the epoch began
        write_streams(run.streams, state["streams"]["began"])
        batches = _rest(run.loader, run.batch)
        _write_streams(run, state)
        return batches

    apply(run, state)
    run.rest = rest if run.within_epoch else None
    _write_streams(run, state)


def _write_streams(run: Run, state: State) -> None:
    """Put every stream where it was; those are rank 0's, so the other ranks go on with numbers of their own."""
    write_streams(run.streams, state["streams"]["now"])
    if get_rank() > 0:
        default_generator.manual_seed(default_generator.random_int64() + get_rank())


def _rest(loader: Any, done: int) -> Iterator[Any]:
    """A loader's batches without the first ``done``. Errors: DataError where there are fewer."""
    if isinstance(loader, DataLoader) and type(loader).__iter__ is DataLoader.__iter__:
        return loader.resumed(done)
    batches = iter(loader)
    if next(islice(batches, done - 1, done), _EMPTY) is _EMPTY:
        raise DataError("fit: the loader gives fewer batches than it did", rule=f"{done} were trained on in this epoch",
                        hint="the data of then")
    return batches


def identity(run: Run) -> State:
    """What must be the same where a training goes on, by the names that a message gives it."""
    options = {f"the optimiser's {name}": value for name, value in run.optimizer.defaults.items()
               if isinstance(value, _PLAIN)}  # fmt: skip
    kinds = {name: type(getattr(run, name)).__name__ for name in ("model", "optimizer", "scheduler", "loader")}
    loader: Any = run.loader
    dataset = getattr(loader, "dataset", None)
    data = {name: getattr(loader, name, None) for name in ("batch_size", "num_workers", "worker_method", "drop_last")}
    if isinstance(data["batch_size"], int):  # of all ranks: 4 of 16 may go on as 2 of 32
        data["batch_size"] *= get_world_size()
    order = type(getattr(loader, "sampler", None)).__name__
    return {**kinds, **options, "epochs": run.epochs, **run.recipe.settings(), **data, "the order": order,
            "batches in an epoch": run.batches, "images": len(dataset) if isinstance(dataset, Sized) else None}


def check(run: Run, state: Any, path: object) -> None:
    """Refuse what is no state of a training, or one of another training. Errors: DataError, StateError."""
    if not isinstance(state, Mapping) or not {"training", "position", "streams", "model"} <= state.keys():
        raise DataError(f"fit: {path} is no checkpoint that a training can go on from", got=type(state).__name__,
                        rule="what fit(…, checkpoint=…) wrote",
                        hint="another folder; weights alone are loaded with model.load_state_dict")
    here, there = identity(run), state["training"]
    other = [f"{name}: there {_shown(there.get(name, _EMPTY))}, here {_shown(here.get(name, _EMPTY))}"
             for name in {**there, **here} if there.get(name, _EMPTY) != here.get(name, _EMPTY)]  # fmt: skip
    now, then = _shapes(run.model.state_dict()), _shapes(state["model"])
    other += [f"{name}: there {then.get(name, 'missing')}, here {now.get(name, 'missing')}"
              for name in {**then, **now} if then.get(name) != now.get(name)]  # fmt: skip
    if other:
        more = [f"and {len(other) - _SHOWN} more"] if len(other) > _SHOWN else []
        raise StateError(f"fit: {path} is of another training", got="; ".join([*other[:_SHOWN], *more]),
                         rule="a training goes on as it began: the same model, optimiser, loader and options",
                         hint="what it began with, or another checkpoint=…, or resume=False, which begins anew")


def _shown(value: Any) -> str:
    return "missing" if value is _EMPTY else str(value)


def _shapes(state: Mapping[str, Any]) -> dict[str, tuple[int, ...]]:
    return {name: tuple(value.shape) for name, value in state.items() if isinstance(value, Tensor)}


def _named(run: Run) -> Iterator[tuple[str, Any]]:
    """The callbacks, each with its class's name and its number among those of that class."""
    counts: dict[str, int] = {}
    for callback in run.callbacks:
        kind = type(callback).__name__
        counts[kind] = counts.get(kind, 0) + 1
        yield f"{kind} {counts[kind]}", callback
