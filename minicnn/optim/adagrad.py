"""Adagrad."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from minicnn.backend import backend_of
from minicnn.optim.optimizer import Optimizer
from minicnn.optim.rules import Array, State, count, counter, descent
from minicnn.tensor import wrap


class Adagrad(Optimizer):
    """The gradient over the root of the sum of its squares so far: often-moved coordinates slow down.

    Args:
        params: tensors, (name, tensor) pairs, or dicts of parameter groups.
        lr: the step size, of the first step where it decays.
        lr_decay: divides lr by 1 + (t - 1)·lr_decay.
        weight_decay: adds weight_decay·x to the gradient.
        initial_accumulator_value: what the sum starts from.
        eps: added to the root.
        maximize: climb instead of descend.
        foreach, fused: accepted for PyTorch's sake; they choose an implementation, not a result.
        differentiable: must be False.

    Source: Duchi, Hazan and Singer, "Adaptive subgradient methods for online learning and stochastic optimization",
    JMLR 2011.

    Example:
        >>> optimizer = mc.optim.Adagrad(model.parameters(), lr=0.01)
    """

    def __init__(
        self, params: Iterable[Any], lr: Any = 1e-2, lr_decay: float = 0, weight_decay: float = 0,
        initial_accumulator_value: float = 0, eps: float = 1e-10, foreach: bool | None = None, *,
        maximize: bool = False, differentiable: bool = False, fused: bool | None = None,
    ) -> None:
        super().__init__(params, {
            "lr": lr, "lr_decay": lr_decay, "eps": eps, "weight_decay": weight_decay,
            "initial_accumulator_value": initial_accumulator_value, "foreach": foreach, "maximize": maximize,
            "differentiable": differentiable, "fused": fused,
        })
        for group in self.param_groups:
            for p in group["params"]:
                self.state[p] = _first_state(p.array, group["initial_accumulator_value"])

    def update(self, x: Array, g: Array, state: State, options: dict[str, Any]) -> None:
        """s = s + g²;  x -= lr / (1 + (t-1)·lr_decay) · g / (√s + eps)."""
        if not state:  # a parameter of a group that was added later
            state.update(_first_state(x, options["initial_accumulator_value"]))
        t, s = count(state), state["sum"].array
        g = descent(x, g, options)
        s += g * g
        work = backend_of(x).xp.sqrt(s)
        work += options["eps"]
        x -= options["lr"] / (1 + (t - 1) * options["lr_decay"]) * g / work


def _first_state(x: Array, value: float) -> State:
    backend = backend_of(x)
    with backend.quiet():  # the value may be too large for the dtype
        return {"step": counter(), "sum": wrap(backend.xp.full_like(x, value))}
