"""From a model's outputs to a loss and an accuracy, also where the outputs are several."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

from minicnn.errors import DtypeError, OptionError
from minicnn.nn import functional as F
from minicnn.tensor import Tensor
from minicnn.training.ranks import total

Loss = Callable[[Any, Any], Tensor]
Accuracy = Callable[[Any, Any], float | None]


def class_accuracy(outputs: Any, targets: Any) -> float | None:
    """The part of ``targets`` (class numbers) at which ``outputs`` have their highest score; None for other targets.

    Shapes: outputs (N, C, …), or several of which it is the first; targets (N, …). Targets outside 0 … C − 1, which a
    loss ignores, are not counted.
    """
    pair = classes_of(outputs, targets)
    if pair is None:
        return None
    scores, targets = pair
    counted = int(((targets >= 0) & (targets < scores.shape[1])).sum())
    return int((scores.argmax(1) == targets).sum()) / counted if counted else None


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


class Meter:
    """Means over the images so far, each batch with the weight of its size."""

    def __init__(self) -> None:
        self.started = time.perf_counter()
        self.images = self._judged = 0
        self._loss = self._right = 0.0

    def add(self, loss: float, accuracy: float | None, images: int) -> None:
        """Count a batch."""
        self.images += images
        self._loss += loss * images
        if accuracy is not None:
            self._judged += images
            self._right += accuracy * images

    def of_all_ranks(self) -> Meter:
        """The meter of the images of all ranks together."""
        found = Meter()
        found.started = self.started
        images, judged, found._loss, found._right = total(self.images, self._judged, self._loss, self._right)
        found.images, found._judged = int(images), int(judged)
        return found

    def state_dict(self) -> dict[str, Any]:
        """All of it, in plain numbers."""
        return {"images": self.images, "judged": self._judged, "loss": self._loss, "right": self._right,
                "seconds": self.seconds}  # fmt: skip

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from a ``state_dict``; the time in between does not count."""
        self.images, self._judged, self._loss, self._right = (state[n] for n in ("images", "judged", "loss", "right"))
        self.started = time.perf_counter() - state["seconds"]

    @property
    def loss(self) -> float:
        """The mean loss."""
        return self._loss / self.images

    @property
    def accuracy(self) -> float | None:
        """The mean accuracy; None where there is none."""
        return self._right / self._judged if self._judged else None

    @property
    def seconds(self) -> float:
        """Since the start."""
        return time.perf_counter() - self.started

    @property
    def images_per_second(self) -> float:
        """Since the start."""
        return self.images / max(self.seconds, 1e-9)
