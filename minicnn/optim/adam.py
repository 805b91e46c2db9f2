"""Adam, and AdamW, whose weight decay stays out of the averages."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from minicnn.backend import backend_of
from minicnn.optim.optimizer import Optimizer
from minicnn.optim.rules import (
    Array,
    State,
    average_into,
    average_square_into,
    count,
    counter,
    descent,
    one_piece,
    zeros,
)


class Adam(Optimizer):
    """Steps of about lr along each coordinate: the average gradient over the root of the average squared gradient.

    Args:
        params: tensors, (name, tensor) pairs, or dicts of parameter groups.
        lr: the step size.
        betas: β1 and β2, how slowly the averages of g and of g² forget.
        eps: added to the root.
        weight_decay: adds weight_decay·x to the gradient; AdamW shrinks x instead.
        amsgrad: use the largest average of g² so far.
        maximize: climb instead of descend.
        foreach, fused, capturable: accepted for PyTorch's sake; they choose an implementation, not a result.
        differentiable: must be False.
        decoupled_weight_decay: AdamW's weight decay.

    Source: Kingma and Ba, "Adam: a method for stochastic optimization", ICLR 2015; amsgrad: Reddi et al., "On the
    convergence of Adam and beyond", ICLR 2018, with the maximum taken before the correction, as in PyTorch.

    Example:
        >>> optimizer = mc.optim.Adam(model.parameters(), lr=1e-3)
    """

    def __init__(
        self, params: Iterable[Any], lr: Any = 1e-3, betas: tuple[Any, Any] = (0.9, 0.999), eps: float = 1e-8,
        weight_decay: float = 0, amsgrad: bool = False, *, foreach: bool | None = None, maximize: bool = False,
        capturable: bool = False, differentiable: bool = False, fused: bool | None = None,
        decoupled_weight_decay: bool = False,
    ) -> None:
        super().__init__(params, {
            "lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay, "amsgrad": amsgrad,
            "maximize": maximize, "foreach": foreach, "capturable": capturable, "differentiable": differentiable,
            "fused": fused, "decoupled_weight_decay": decoupled_weight_decay,
        })

    @one_piece
    def update(self, x: Array, g: Array, state: State, options: dict[str, Any]) -> None:
        """m = β1·m + (1-β1)·g;  v = β2·v + (1-β2)·g²;  x -= lr/(1-β1ᵗ) · m / (√v/√(1-β2ᵗ) + eps)."""
        lr, (beta1, beta2) = options["lr"], options["betas"]
        if not state:
            state.update(step=counter(), exp_avg=zeros(x), exp_avg_sq=zeros(x))
            if options["amsgrad"]:
                state["max_exp_avg_sq"] = zeros(x)
        t = count(state)

        def rule(x: Array, g: Array, m: Array, v: Array, largest: Array | None = None) -> None:
            xp = backend_of(x).xp
            g, work = descent(x, g, options), xp.empty_like(x)
            average_into(m, g, beta1, work)
            average_square_into(v, g, beta2, work)
            if largest is not None:
                v = xp.maximum(largest, v, out=largest)
            xp.sqrt(v, out=work)
            work /= (1 - beta2**t) ** 0.5
            work += options["eps"]
            xp.divide(m * (lr / (1 - beta1**t)), work, out=work)
            x -= work

        buffers = ("exp_avg", "exp_avg_sq", "max_exp_avg_sq") if options["amsgrad"] else ("exp_avg", "exp_avg_sq")
        self.piecewise(rule, x, g, *(state[name].array for name in buffers))


class AdamW(Adam):
    """Adam whose weight decay is a shrinking of x by 1 - lr·weight_decay before the step.

    The arguments are Adam's, but weight_decay is .01.

    Source: Loshchilov and Hutter, "Decoupled weight decay regularization", ICLR 2019.

    Example:
        >>> optimizer = mc.optim.AdamW(model.parameters(), lr=1e-3, weight_decay=0.05)
    """

    def __init__(
        self, params: Iterable[Any], lr: Any = 1e-3, betas: tuple[Any, Any] = (0.9, 0.999), eps: float = 1e-8,
        weight_decay: float = 1e-2, amsgrad: bool = False, *, maximize: bool = False, foreach: bool | None = None,
        capturable: bool = False, differentiable: bool = False, fused: bool | None = None,
    ) -> None:
        super().__init__(params, lr, betas, eps, weight_decay, amsgrad, foreach=foreach, maximize=maximize,
                         capturable=capturable, differentiable=differentiable, fused=fused, decoupled_weight_decay=True)
