"""The loss around a model's weights, along random directions whose filters are as long as the model's."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from minicnn.autograd import no_grad
from minicnn.errors import OptionError
from minicnn.inspect.survey import check_model, evaluating
from minicnn.nn.module import Module
from minicnn.ops.creation import zeros_like
from minicnn.ops.sampling import randn_like
from minicnn.random import Generator
from minicnn.tensor import Tensor


@dataclass(frozen=True)
class Landscape:
    """What ``loss_landscape`` found.

    Attributes:
        steps: how far along each direction; the middle one is 0, the model itself.
        losses: the loss at each step; of two directions, rows along the first.
    """

    steps: tuple[float, ...]
    losses: tuple[Any, ...]

    def plot(self) -> Any:
        """A curve, or contour lines, as a figure of matplotlib."""
        from minicnn.inspect.plots import new_figure

        figure = new_figure("Landscape.plot", (4.5, 4))
        axes = figure.subplots()
        if isinstance(self.losses[0], tuple):
            axes.clabel(axes.contour(self.steps, self.steps, self.losses, levels=12), fontsize=7)
            axes.set(xlabel="second direction", ylabel="first direction")
        else:
            axes.plot(self.steps, self.losses)
            axes.set(xlabel="step", ylabel="loss")
        return figure


def loss_landscape(
    model: Module, loss: Callable[[Module], Any], *, span: float = 1.0, points: int = 11, dimensions: int = 2,
    seed: int = 0,
) -> Landscape:  # fmt: skip
    """The loss at ``points`` steps from −span to span along one or two random directions.

    A direction is normal noise; each of its filters (the slices along the first dimension) is given the length of the
    model's filter, so that a step means the same for small and for large weights. Biases, and the weights of
    normalisation, which have one dimension, stay as they are. So does the model afterwards.

    Args:
        model: in evaluation mode for the while.
        loss: makes a number (or a tensor of one) of the model.
        span: the farthest step: at 1 the noise is as large as the weights.
        points: odd, so that the model itself is one.
        dimensions: 1 or 2.
        seed: of the directions.

    Source: H. Li et al., "Visualizing the loss landscape of neural nets", NeurIPS 2018.

    Example:
        >>> found = mc.inspect.loss_landscape(model, lambda m: F.cross_entropy(m(images), labels))
        >>> found.plot().savefig("landscape.png")
    """
    check_model("loss_landscape", model)
    if not (span > 0 and points >= 3 and points % 2 and dimensions in (1, 2)):
        raise OptionError("loss_landscape: there is no such landscape",
                          got=f"span {span}, points {points}, dimensions {dimensions}",
                          rule="span > 0, odd points >= 3, 1 or 2 dimensions")
    generator = Generator().manual_seed(seed)
    parameters = list(model.parameters())
    before = [p.detach().clone() for p in parameters]
    directions = [[_direction(p, generator) for p in before] for _ in range(dimensions)]
    steps = tuple(span * (2 * k / (points - 1) - 1) for k in range(points))

    def at(*amounts: float) -> float:
        for i, (parameter, start) in enumerate(zip(parameters, before, strict=True)):
            moved = start
            for amount, direction in zip(amounts, directions, strict=True):
                moved = moved + direction[i] * amount
            parameter.copy_(moved)
        return float(loss(model))

    with no_grad(), evaluating(model):
        try:
            found = tuple(at(a) if dimensions == 1 else tuple(at(a, b) for b in steps) for a in steps)
        finally:
            for parameter, start in zip(parameters, before, strict=True):
                parameter.copy_(start)
    return Landscape(steps, found)


def _direction(weight: Tensor, generator: Generator) -> Tensor:
    """Noise whose slices along the first dimension are as long as those of ``weight``."""
    if weight.ndim < 2:
        return zeros_like(weight)
    noise = randn_like(weight, generator=generator, device="cpu").to(weight.device)
    dims = tuple(range(1, weight.ndim))
    length = (noise**2).sum(dims, keepdim=True).sqrt()
    return noise * ((weight**2).sum(dims, keepdim=True).sqrt() / (length + 1e-12))
