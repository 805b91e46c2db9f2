"""Stochastic gradient descent."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from minicnn.errors import OptionError
from minicnn.optim.optimizer import Optimizer
from minicnn.optim.options import number
from minicnn.optim.rules import Array, State, descent, one_piece, zeros


class SGD(Optimizer):
    """x -= lr·g, with momentum: b = momentum·b + (1 - dampening)·g, x -= lr·b.

    The first b is g itself, undamped. Nesterov's form steps along g + momentum·b.

    Args:
        params: tensors, (name, tensor) pairs, or dicts of parameter groups.
        lr: the step size.
        momentum: how much of the last step's direction stays.
        dampening: how much of the new gradient is left out of the buffer.
        weight_decay: adds weight_decay·x to the gradient.
        nesterov: look ahead along the buffer; needs a momentum, and no dampening.
        maximize: climb instead of descend.
        foreach, fused: accepted for PyTorch's sake; they choose an implementation, not a result.
        differentiable: must be False.

    Source: Sutskever et al., "On the importance of initialization and momentum in deep learning", ICML 2013, whose
    velocity holds lr; here as in PyTorch lr multiplies the buffer.

    Example:
        >>> optimizer = mc.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
        >>> loss.backward()
        >>> optimizer.step()
        >>> optimizer.zero_grad()
    """

    def __init__(
        self, params: Iterable[Any], lr: Any = 1e-3, momentum: float = 0, dampening: float = 0, weight_decay: float = 0,
        nesterov: bool = False, *, maximize: bool = False, foreach: bool | None = None, differentiable: bool = False,
        fused: bool | None = None,
    ) -> None:
        if nesterov and (number("SGD", "momentum", momentum) <= 0 or number("SGD", "dampening", dampening) != 0):
            raise OptionError("SGD: Nesterov momentum needs a momentum and zero dampening",
                              got=f"momentum {momentum}, dampening {dampening}", rule="momentum > 0, dampening == 0",
                              hint="momentum=0.9")
        super().__init__(params, {
            "lr": lr, "momentum": momentum, "dampening": dampening, "weight_decay": weight_decay, "nesterov": nesterov,
            "maximize": maximize, "foreach": foreach, "differentiable": differentiable, "fused": fused,
        })

    @one_piece
    def update(self, x: Array, g: Array, state: State, options: dict[str, Any]) -> None:
        """b = momentum·b + (1 - dampening)·g;  x -= lr·b, or lr·(g + momentum·b) with Nesterov."""
        lr, momentum, dampening = options["lr"], options["momentum"], options["dampening"]
        first = state.get("momentum_buffer") is None

        def plain(x: Array, g: Array) -> None:
            x -= lr * descent(x, g, options)

        def rolling(x: Array, g: Array, b: Array) -> None:
            g = descent(x, g, options)
            if first:
                b[...] = g
            else:
                b *= momentum
                b += (1 - dampening) * g if dampening else g
            x -= lr * (g + momentum * b if options["nesterov"] else b)

        if momentum == 0:
            self.piecewise(plain, x, g)
            return
        if first:
            state["momentum_buffer"] = zeros(x)
        self.piecewise(rolling, x, g, state["momentum_buffer"].array)
