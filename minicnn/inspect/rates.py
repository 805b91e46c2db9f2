"""The learning-rate finder: a short training whose rate grows until the loss does."""

from __future__ import annotations

import copy
import itertools
import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from minicnn.errors import OptionError
from minicnn.inspect.survey import check_model
from minicnn.nn import functional as F
from minicnn.nn.module import Module
from minicnn.optim.optimizer import Optimizer
from minicnn.training.outputs import Loss, loss_of
from minicnn.training.run import batches_of


@dataclass(frozen=True)
class RateSearch:
    """What ``find_learning_rate`` found.

    Attributes:
        rates, losses: of each step; the losses smoothed.
        suggestion: a tenth of the rate at which the loss was least; None where it never fell.
    """

    rates: tuple[float, ...]
    losses: tuple[float, ...]
    suggestion: float | None

    def plot(self) -> Any:
        """The losses against the rates, as a figure of matplotlib."""
        from minicnn.inspect.plots import new_figure

        figure = new_figure("RateSearch.plot", (5, 3.5))
        axes = figure.subplots()
        axes.plot(self.rates, self.losses)
        if self.suggestion is not None:
            axes.axvline(self.suggestion, linestyle="--", label=f"{self.suggestion:.2g}")
            axes.legend()
        axes.set(xscale="log", xlabel="learning rate", ylabel="loss")
        return figure


def find_learning_rate(
    model: Module, loader: Iterable[Any], optimizer: Optimizer, *, loss_function: Loss = F.cross_entropy,
    start: float = 1e-6, end: float = 10.0, steps: int = 100, smoothing: float = 0.9,
) -> RateSearch:  # fmt: skip
    """Train for ``steps`` batches with a rate that grows from ``start`` to ``end``, then put everything back.

    It ends early where the smoothed loss is four times its least, or not finite. Model, optimiser and rates are
    afterwards what they were; only the random streams have moved on.

    Args:
        model, loader, optimizer, loss_function: as of ``mc.training.fit``; the loader is begun again where it ends.
        start, end: rates, each step by the same factor.
        steps: batches.
        smoothing: the weight of what was, in the mean of the losses; 0 does not smooth.

    Source: L. Smith, "Cyclical learning rates for training neural networks", WACV 2017.

    Example:
        >>> found = mc.inspect.find_learning_rate(model, loader, mc.optim.SGD(model.parameters(), lr=0.1))
        >>> found.suggestion
    """
    check_model("find_learning_rate", model)
    if not (0 < start < end and isinstance(steps, int) and steps >= 2 and 0 <= smoothing < 1):
        raise OptionError("find_learning_rate: there is no such search",
                          got=f"start {start}, end {end}, steps {steps}, smoothing {smoothing}",
                          rule="0 < start < end, steps >= 2, smoothing < 1")
    before = copy.deepcopy((model.state_dict(), optimizer.state_dict()))
    gradients = [(p, p.grad) for p in model.parameters()]
    modes = [(module, module.training) for module in model.modules()]
    try:
        plan = (start, end, steps, smoothing)
        rates, losses = _search(model, _endless(loader, model), optimizer, loss_function, plan)
    finally:
        model.load_state_dict(before[0])
        optimizer.load_state_dict(before[1])
        for module, mode in modes:
            module.training = mode
        for parameter, gradient in gradients:
            parameter.grad = gradient
    least = min(range(len(losses)), key=losses.__getitem__, default=0)
    return RateSearch(tuple(rates), tuple(losses), rates[least] / 10 if least else None)


def _search(
    model: Module, batches: Iterator[tuple[Any, Any]], optimizer: Optimizer, loss_function: Loss,
    plan: tuple[float, float, int, float],
) -> tuple[list[float], list[float]]:  # fmt: skip
    start, end, steps, smoothing = plan
    rates: list[float] = []
    losses: list[float] = []
    mean = 0.0
    model.train()
    for step, (inputs, targets) in enumerate(itertools.islice(batches, steps)):
        rate = start * (end / start) ** (step / (steps - 1))
        for group in optimizer.param_groups:
            group["lr"] = rate
        for parameter in model.parameters():
            parameter.grad = None
        loss = loss_of(loss_function, model(inputs), targets)
        mean = smoothing * mean + (1 - smoothing) * loss.item()
        smooth = mean / (1 - smoothing ** (step + 1))
        if not math.isfinite(smooth) or (losses and smooth > 4 * max(min(losses), 1e-12)):
            break
        rates.append(rate)
        losses.append(smooth)
        loss.backward()
        optimizer.step()
    return rates, losses


def _endless(loader: Iterable[Any], model: Module) -> Iterator[tuple[Any, Any]]:
    while True:
        yield from batches_of(loader, model, "find_learning_rate")
