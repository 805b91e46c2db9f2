"""Relatives of Adam: Adadelta without a rate, Adamax by the largest gradient, NAdam with Nesterov, RAdam warmed up."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from minicnn.backend import backend_of
from minicnn.optim.optimizer import Optimizer
from minicnn.optim.rules import Array, State, average_into, average_square_into, count, counter, descent, zeros


class Adadelta(Optimizer):
    """A step as long as the steps of late, in the proportion of the gradient to those of late.

    Args:
        params: tensors, (name, tensor) pairs, or dicts of parameter groups.
        lr: scales the step.
        rho: how slowly both averages forget.
        eps: added inside of both roots.
        weight_decay: adds weight_decay·x to the gradient.
        foreach, capturable: accepted for PyTorch's sake; they choose an implementation, not a result.
        maximize: climb instead of descend.
        differentiable: must be False.

    Source: Zeiler, "ADADELTA: an adaptive learning rate method", 2012.
    """

    def __init__(
        self, params: Iterable[Any], lr: Any = 1.0, rho: float = 0.9, eps: float = 1e-6, weight_decay: float = 0,
        foreach: bool | None = None, *, capturable: bool = False, maximize: bool = False, differentiable: bool = False,
    ) -> None:
        super().__init__(params, {
            "lr": lr, "rho": rho, "eps": eps, "weight_decay": weight_decay, "maximize": maximize,
            "capturable": capturable, "foreach": foreach, "differentiable": differentiable,
        })

    def update(self, x: Array, g: Array, state: State, options: dict[str, Any]) -> None:
        """s = ρ·s + (1-ρ)·g²;  d = √(a + eps)/√(s + eps) · g;  a = ρ·a + (1-ρ)·d²;  x -= lr·d."""
        rho, eps = options["rho"], options["eps"]
        if not state:
            state.update(step=counter(), square_avg=zeros(x), acc_delta=zeros(x))
        count(state)
        g = descent(x, g, options)
        xp = backend_of(x).xp
        s, a, work = state["square_avg"].array, state["acc_delta"].array, xp.empty_like(x)
        average_square_into(s, g, rho, work)
        d = xp.sqrt(a + eps) / xp.sqrt(s + eps) * g
        average_square_into(a, d, rho, work)
        x -= options["lr"] * d


class Adamax(Optimizer):
    """Adam with the largest |g|, fading by β2, in place of the root of the average g².

    Args:
        params, lr, betas, eps, weight_decay, maximize: as Adam's.
        foreach, capturable: accepted for PyTorch's sake; they choose an implementation, not a result.
        differentiable: must be False.

    Source: Kingma and Ba, "Adam: a method for stochastic optimization", ICLR 2015, section 7.
    """

    def __init__(
        self, params: Iterable[Any], lr: Any = 2e-3, betas: tuple[float, float] = (0.9, 0.999), eps: float = 1e-8,
        weight_decay: float = 0, foreach: bool | None = None, *, maximize: bool = False, differentiable: bool = False,
        capturable: bool = False,
    ) -> None:
        super().__init__(params, {
            "lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay, "foreach": foreach,
            "maximize": maximize, "differentiable": differentiable, "capturable": capturable,
        })

    def update(self, x: Array, g: Array, state: State, options: dict[str, Any]) -> None:
        """m = β1·m + (1-β1)·g;  u = max(β2·u, |g| + eps);  x -= lr/(1-β1ᵗ) · m/u."""
        beta1, beta2 = options["betas"]
        if not state:
            state.update(step=counter(), exp_avg=zeros(x), exp_inf=zeros(x))
        t, m, u = count(state), state["exp_avg"].array, state["exp_inf"].array
        g = descent(x, g, options)
        xp = backend_of(x).xp
        average_into(m, g, beta1, xp.empty_like(x))
        u *= beta2
        xp.maximum(u, xp.abs(g) + options["eps"], out=u)
        x -= options["lr"] / (1 - beta1**t) * m / u


class NAdam(Optimizer):
    """Adam with Nesterov's look ahead, and a momentum that grows towards β1.

    Args:
        params, lr, betas, eps, weight_decay, maximize: as Adam's.
        momentum_decay: how fast the momentum grows.
        decoupled_weight_decay: AdamW's weight decay.
        foreach, capturable: accepted for PyTorch's sake; they choose an implementation, not a result.
        differentiable: must be False.

    Source: Dozat, "Incorporating Nesterov momentum into Adam", ICLR workshop 2016.
    """

    def __init__(
        self, params: Iterable[Any], lr: Any = 2e-3, betas: tuple[float, float] = (0.9, 0.999), eps: float = 1e-8,
        weight_decay: float = 0, momentum_decay: float = 4e-3, decoupled_weight_decay: bool = False, *,
        foreach: bool | None = None, maximize: bool = False, capturable: bool = False, differentiable: bool = False,
    ) -> None:
        super().__init__(params, {
            "lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay, "momentum_decay": momentum_decay,
            "decoupled_weight_decay": decoupled_weight_decay, "maximize": maximize, "foreach": foreach,
            "capturable": capturable, "differentiable": differentiable,
        })

    def update(self, x: Array, g: Array, state: State, options: dict[str, Any]) -> None:
        """μ_t = β1·(1 - .96^(t·decay)/2), M = Πμ;  x -= lr·((1-μ_t)/(1-M_t)·g + μ_{t+1}/(1-M_{t+1})·m) / (√v̂ + eps)."""
        lr, (beta1, beta2) = options["lr"], options["betas"]
        if not state:
            state.update(step=counter(), mu_product=counter(1.0), exp_avg=zeros(x), exp_avg_sq=zeros(x))
        t, m, v = count(state), state["exp_avg"].array, state["exp_avg_sq"].array
        mu, mu_next = (beta1 * (1 - 0.5 * 0.96 ** (s * options["momentum_decay"])) for s in (t, t + 1))
        state["mu_product"].array *= mu
        product = float(state["mu_product"])
        g = descent(x, g, options)
        xp = backend_of(x).xp
        work = xp.empty_like(x)
        average_into(m, g, beta1, work)
        average_square_into(v, g, beta2, work)
        xp.sqrt(v / (1 - beta2**t), out=work)
        work += options["eps"]
        x -= lr * (1 - mu) / (1 - product) * g / work
        x -= lr * mu_next / (1 - product * mu_next) * m / work


class RAdam(Optimizer):
    """Adam that steps along the plain average until the average of g² can be trusted.

    Args:
        params, lr, betas, eps, weight_decay, maximize: as Adam's.
        decoupled_weight_decay: AdamW's weight decay.
        foreach, capturable: accepted for PyTorch's sake; they choose an implementation, not a result.
        differentiable: must be False.

    Source: Liu et al., "On the variance of the adaptive learning rate and beyond", ICLR 2020.
    """

    def __init__(
        self, params: Iterable[Any], lr: Any = 1e-3, betas: tuple[float, float] = (0.9, 0.999), eps: float = 1e-8,
        weight_decay: float = 0, decoupled_weight_decay: bool = False, *, foreach: bool | None = None,
        maximize: bool = False, capturable: bool = False, differentiable: bool = False,
    ) -> None:
        super().__init__(params, {
            "lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay, "maximize": maximize,
            "foreach": foreach, "capturable": capturable, "decoupled_weight_decay": decoupled_weight_decay,
            "differentiable": differentiable,
        })

    def update(self, x: Array, g: Array, state: State, options: dict[str, Any]) -> None:
        """ρ = ρ∞ - 2t·β2ᵗ/(1-β2ᵗ);  x -= lr·m̂, and where ρ > 5 times r·√(1-β2ᵗ)/(√v + eps).

        ρ∞ = 2/(1-β2) - 1;  r² = (ρ-4)(ρ-2)ρ∞ / ((ρ∞-4)(ρ∞-2)ρ).
        """
        beta1, beta2 = options["betas"]
        if not state:
            state.update(step=counter(), exp_avg=zeros(x), exp_avg_sq=zeros(x))
        t, m, v = count(state), state["exp_avg"].array, state["exp_avg_sq"].array
        g = descent(x, g, options)
        xp = backend_of(x).xp
        work = xp.empty_like(x)
        average_into(m, g, beta1, work)
        average_square_into(v, g, beta2, work)
        xp.multiply(m, options["lr"] / (1 - beta1**t), out=work)
        longest, correction = 2 / (1 - beta2) - 1, 1 - beta2**t
        length = longest - 2 * t * beta2**t / correction
        if length > 5:
            trust = (length - 4) * (length - 2) * longest / ((longest - 4) * (longest - 2) * length)
            work *= (trust * correction) ** 0.5
            work /= xp.sqrt(v) + options["eps"]
        x -= work
