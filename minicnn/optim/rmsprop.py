"""RMSprop."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from minicnn.backend import backend_of
from minicnn.optim.optimizer import Optimizer
from minicnn.optim.rules import Array, State, average_into, average_square_into, count, counter, descent, zeros


class RMSprop(Optimizer):
    """The gradient over the root of its average square; eps stands outside of the root.

    Args:
        params: tensors, (name, tensor) pairs, or dicts of parameter groups.
        lr: the step size.
        alpha: how slowly the average of g² forgets.
        eps: added to the root.
        weight_decay: adds weight_decay·x to the gradient.
        momentum: how much of the last step's direction stays.
        centered: divide by the root of the gradient's variance instead.
        maximize: climb instead of descend.
        capturable, foreach: accepted for PyTorch's sake; they choose an implementation, not a result.
        differentiable: must be False.

    Source: Hinton, "Neural networks for machine learning", lecture 6e, 2012; centered: Graves, "Generating sequences
    with recurrent neural networks", 2013.

    Example:
        >>> optimizer = mc.optim.RMSprop(model.parameters(), lr=0.01, momentum=0.9)
    """

    def __init__(
        self, params: Iterable[Any], lr: Any = 1e-2, alpha: float = 0.99, eps: float = 1e-8, weight_decay: float = 0,
        momentum: float = 0, centered: bool = False, capturable: bool = False, foreach: bool | None = None,
        maximize: bool = False, differentiable: bool = False,
    ) -> None:
        super().__init__(params, {
            "lr": lr, "momentum": momentum, "alpha": alpha, "eps": eps, "centered": centered,
            "weight_decay": weight_decay, "capturable": capturable, "foreach": foreach, "maximize": maximize,
            "differentiable": differentiable,
        })

    def update(self, x: Array, g: Array, state: State, options: dict[str, Any]) -> None:
        """s = α·s + (1-α)·g²;  b = momentum·b + g / (√(s - mean²) + eps);  x -= lr·b; mean is 0 unless centered."""
        alpha, momentum, centered = options["alpha"], options["momentum"], options["centered"]
        if not state:
            state.update(step=counter(), square_avg=zeros(x))
            if momentum > 0:
                state["momentum_buffer"] = zeros(x)
            if centered:
                state["grad_avg"] = zeros(x)
        count(state)
        g = descent(x, g, options)
        xp = backend_of(x).xp
        s, work = state["square_avg"].array, xp.empty_like(x)
        average_square_into(s, g, alpha, work)
        if centered:
            mean = state["grad_avg"].array
            average_into(mean, g, alpha, work)
            s = s - mean * mean
        xp.sqrt(s, out=work)
        work += options["eps"]
        xp.divide(g, work, out=work)
        if momentum > 0:
            b = state["momentum_buffer"].array
            b *= momentum
            b += work
            work = b
        x -= options["lr"] * work
