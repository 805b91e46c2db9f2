"""How weights and gradients are spread, epoch by epoch: a callback of ``fit``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from minicnn.errors import OptionError, nearest
from minicnn.ops.sorting import histc
from minicnn.tensor import Tensor
from minicnn.training.callback import Callback
from minicnn.training.run import Run


@dataclass(frozen=True)
class Histogram:
    """How the elements of one tensor are spread.

    Attributes:
        epoch: after which, 0 is before the first.
        low, high: the least and the greatest.
        counts: how many lie in each of as many equal parts from low to high.
        mean, deviation: of the elements; the deviation is the root of the mean square from the mean.
        zeros: how many are 0.
    """

    epoch: int
    low: float
    high: float
    counts: tuple[int, ...]
    mean: float
    deviation: float
    zeros: int


class Histograms(Callback):
    """Keeps, after each epoch, how every parameter and its last gradient are spread.

    Args:
        bins: parts of each histogram.

    Attributes:
        weights, gradients: by the parameter's name, a ``Histogram`` for each epoch, and of weights one from before.

    Example:
        >>> spread = mc.inspect.Histograms()
        >>> history = mc.training.fit(model, loader, optimizer, epochs=3, callbacks=[spread])
        >>> spread.plot("conv1.weight").savefig("conv1.png")
    """

    def __init__(self, bins: int = 40) -> None:
        if not isinstance(bins, int) or bins < 1:
            raise OptionError("Histograms: these are no bins", got=bins, rule="an integer, at least 1")
        self.bins = bins
        self.weights: dict[str, list[Histogram]] = {}
        self.gradients: dict[str, list[Histogram]] = {}

    def on_fit_begin(self, run: Run) -> None:
        """Note the weights before the first epoch."""
        self.weights, self.gradients = {}, {}
        for name, parameter in run.model.named_parameters():
            self.weights[name] = [histogram(parameter, self.bins, 0)]

    def on_epoch_end(self, run: Run) -> None:
        """Note weights and gradients."""
        for name, parameter in run.model.named_parameters():
            self.weights[name].append(histogram(parameter, self.bins, run.epoch))
            if parameter.grad is not None:
                self.gradients.setdefault(name, []).append(histogram(parameter.grad, self.bins, run.epoch))

    def plot(self, name: str) -> Any:
        """The histograms of a parameter, and of its gradients, one curve an epoch, as a figure of matplotlib."""
        from minicnn.inspect.plots import new_figure

        if name not in self.weights:
            raise OptionError(f"Histograms: there is no parameter '{name}'", got=repr(name),
                              rule=f"one of {', '.join(self.weights) or 'those of a training, which has yet to run'}",
                              hint=" or ".join(nearest(name, self.weights)) or None)
        figure = new_figure("Histograms.plot", (9, 3.5))
        for axes, title, kept in zip(figure.subplots(1, 2), (name, f"gradient of {name}"),
                                     (self.weights, self.gradients), strict=True):  # fmt: skip
            for each in kept.get(name, ()):
                width = (each.high - each.low) / len(each.counts)
                middles = [each.low + (k + 0.5) * width for k in range(len(each.counts))]
                axes.plot(middles, each.counts, label=f"epoch {each.epoch}")
            if kept.get(name):
                axes.legend(fontsize=7)
            axes.set(title=title, ylabel="elements")
        return figure


def histogram(x: Tensor, bins: int, epoch: int = 0) -> Histogram:
    """How the elements of ``x`` are spread; those that are not finite are left out."""
    values = x.detach().double().flatten()
    values = values[values.isfinite()]
    if not values.numel():
        return Histogram(epoch, 0.0, 0.0, (0,) * bins, 0.0, 0.0, 0)
    low, high = values.min().item(), values.max().item()
    counts = histc(values, bins, low, high) if low < high else histc(values, bins, low - 0.5, high + 0.5)
    return Histogram(epoch, low, high, tuple(map(int, counts.tolist())), values.mean().item(),
                     values.std(correction=0).item(), int((values == 0).sum()))  # fmt: skip
