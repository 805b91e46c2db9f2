"""From a model's outputs to a loss and an accuracy, also where the outputs are several."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from minicnn.backend import backend_of
from minicnn.errors import DtypeError, OptionError
from minicnn.nn import functional as F
from minicnn.tensor import Tensor

Loss = Callable[[Any, Any], Tensor]
Accuracy = Callable[[Any, Any], float | None]


def class_accuracy(outputs: Any, targets: Any) -> float | None:
    """The part of ``targets`` (class numbers) at which ``outputs`` have their highest score; None for other targets.

    Shapes: outputs (N, C, …), or several of which it is the first; targets (N, …). Targets outside 0 … C − 1, which a
    loss ignores, are not counted.
    """
    counts = _counts(outputs, targets)
    if counts is None:
        return None
    right, counted = map(int, counts)
    return right / counted if counted else None


def _counts(outputs: Any, targets: Any) -> tuple[Tensor, Tensor] | None:
    """How many targets are right, and how many counted."""
    pair = classes_of(outputs, targets)
    if pair is None:
        return None
    scores, targets = pair
    return (scores.argmax(1) == targets).sum(), ((targets >= 0) & (targets < scores.shape[1])).sum()


def judged(accuracy: Accuracy, outputs: Any, targets: Any) -> float | Tensor | None:
    """What ``accuracy`` says. That of classes is left on a device that runs behind the program, NaN for None."""
    counts = _counts(outputs, targets) if accuracy is class_accuracy else None
    if counts is None or not backend_of(counts[0].array).asynchronous:
        return accuracy(outputs, targets)
    right, counted = counts
    return right.double() / counted.double()


def value_of(loss: Tensor) -> float | Tensor:
    """A loss as a number; on a device that runs behind the program as it is, to be read later."""
    if loss.numel() == 1 and backend_of(loss.array).asynchronous:
        return loss.detach()
    number: float = loss.item()
    return number


def classes_of(outputs: Any, targets: Any) -> tuple[Tensor, Tensor] | None:
    """Scores (N, C, …) and class numbers (N, …), detached; None where that is not what they are."""
    scores = first_output(outputs)
    if not isinstance(scores, Tensor) or not isinstance(targets, Tensor) or targets.is_floating_point():
        return None
    fits = scores.ndim == targets.ndim + 1 and scores.shape[:1] + scores.shape[2:] == targets.shape
    return (scores.detach(), targets) if fits else None


def first_output(outputs: Any) -> Any:
    """The output that counts: the first of several."""
    if isinstance(outputs, Mapping):
        return next(iter(outputs.values()))
    return outputs[0] if isinstance(outputs, tuple | list) else outputs


def auxiliary_loss(weight: float = 0.3, loss_function: Loss = F.cross_entropy) -> Loss:
    """A loss for networks with auxiliary heads: of the first output, and ``weight`` times that of each other.

    GoogLeNet was trained with 0.3; for Inception v3, 0.4 is usual. Of a single output, it is ``loss_function`` itself.

    Example:
        >>> model = mc.models.googlenet(num_classes=10)
        >>> mc.training.fit(model, loader, optimizer, epochs=1, loss_function=mc.training.auxiliary_loss(0.3))
    """

    def loss(outputs: Any, targets: Any) -> Tensor:
        if not isinstance(outputs, tuple | list):
            return loss_function(outputs, targets)
        main, *others = (loss_function(output, targets) for output in outputs if output is not None)
        return main + weight * sum(others) if others else main

    return loss


def loss_of(loss_function: Loss, outputs: Any, targets: Any) -> Tensor:
    """The loss of a batch; an error that says so where a model's several outputs are too much for the function."""
    try:
        return loss_function(outputs, targets)
    except DtypeError:
        if isinstance(outputs, Tensor):
            raise
        raise OptionError("the model's outputs are several, and the loss takes one", got=type(outputs).__name__,
                          rule="a loss_function of (outputs, targets)",
                          hint="loss_function=mc.training.auxiliary_loss() for auxiliary heads, or a function of "
                          "your own") from None
