"""What update rules are made of: counters, buffers, moving averages. All edit arrays in place."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from minicnn import dtypes
from minicnn.backend import backend_for, backend_of
from minicnn.tensor import Tensor, wrap

Array = Any
State = dict[str, Any]
Update = TypeVar("Update", bound=Callable[..., None])

# The names under which states keep numbers rather than buffers.
COUNTERS = ("step", "mu_product")


def one_piece(update: Update) -> Update:
    """Mark an ``update`` that edits arrays by one call of ``Optimizer.piecewise``, and in no other way."""
    update.one_piece = True  # type: ignore[attr-defined]  # a mark on a function
    return update


def counter(start: float = 0.0) -> Tensor:
    """A number in the state, as PyTorch saves it: a tensor without dimensions, on the CPU whatever the device."""
    dtype = dtypes.float64 if dtypes.get_default_dtype() == dtypes.float64 else dtypes.float32
    return wrap(backend_for("cpu").xp.full((), start, dtype))


def count(state: State) -> float:
    """Add one to the state's ``step``; returns the number of this step, from 1."""
    steps = state["step"].array
    steps += 1
    return float(steps)


def zeros(x: Array) -> Tensor:
    """A buffer of the state: zeros in the shape, dtype and memory order of ``x``."""
    return wrap(backend_of(x).xp.zeros_like(x))


def descent(x: Array, g: Array, options: dict[str, Any]) -> Array:
    """The gradient to go down: -g for ``maximize``, plus weight_decay·x (the gradient of weight_decay/2·‖x‖²).

    Decoupled weight decay multiplies x by 1 - lr·weight_decay instead, in place.
    """
    decay = options["weight_decay"]
    if options["maximize"]:
        g = -g
    if decay == 0:
        return g
    if options.get("decoupled_weight_decay"):
        x *= 1 - options["lr"] * decay
        return g
    decayed = decay * x
    decayed += g
    return decayed


def average_into(average: Array, value: Array, decay: float, work: Array) -> None:
    """average = decay·average + (1 - decay)·value, in place; ``work`` is overwritten."""
    backend_of(average).xp.subtract(value, average, out=work)
    work *= 1 - decay
    average += work


def average_square_into(average: Array, value: Array, decay: float, work: Array) -> None:
    """average = decay·average + (1 - decay)·value², in place; ``work`` is overwritten."""
    backend_of(average).xp.multiply(value, 1 - decay, out=work)
    work *= value
    average *= decay
    average += work
