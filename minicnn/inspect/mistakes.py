"""The images that a network is most surely wrong about."""

from __future__ import annotations

import heapq
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from minicnn.autograd import no_grad
from minicnn.errors import DataError, OptionError
from minicnn.inspect.survey import check_model, evaluating
from minicnn.nn.functional import cross_entropy
from minicnn.nn.module import Module
from minicnn.tensor import Tensor
from minicnn.training.outputs import classes_of, first_output
from minicnn.training.run import batches_of


@dataclass(frozen=True, eq=False)
class Mistake:
    """A wrong prediction.

    Attributes:
        index: of the image in the order of the loader.
        image: as the model saw it.
        target, predicted: classes.
        probability: of the predicted class.
        loss: −log of the probability of the true class.
    """

    index: int
    image: Tensor
    target: int
    predicted: int
    probability: float
    loss: float


def worst_mistakes(model: Module, loader: Iterable[Any], count: int = 16) -> list[Mistake]:
    """The wrong predictions of greatest loss, the worst first.

    Args:
        model: gives scores (N, classes).
        loader: batches of images and classes, in a fixed order if ``index`` is to mean anything.
        count: how many at most.

    Example:
        >>> worst = mc.inspect.worst_mistakes(model, test_loader)
        >>> mc.inspect.draw_mistakes(worst).savefig("mistakes.png")
    """
    check_model("worst_mistakes", model)
    if not isinstance(count, int) or count < 1:
        raise OptionError("worst_mistakes: this is no count", got=count, rule="an integer, at least 1")
    kept: list[tuple[float, int, Mistake]] = []
    start = 0
    with no_grad(), evaluating(model):
        for images, targets in batches_of(loader, model, "worst_mistakes"):
            for mistake in _mistakes(first_output(model(images)), images, targets, start):
                heapq.heappush(kept, (mistake.loss, -mistake.index, mistake))
                if len(kept) > count:
                    heapq.heappop(kept)
            start += len(targets)
    return [mistake for _, _, mistake in sorted(kept, key=lambda entry: entry[:2], reverse=True)]


def _mistakes(outputs: Any, images: Tensor, targets: Tensor, start: int) -> list[Mistake]:
    found = classes_of(outputs, targets)
    if found is None or found[0].ndim != 2:
        raise DataError("worst_mistakes: these are no scores of classes", got=outputs,
                        rule="scores (N, classes) for targets (N,)")
    scores, targets = found
    losses, predicted = cross_entropy(scores, targets, reduction="none").tolist(), scores.argmax(1)
    sure = scores.softmax(1).amax(1).tolist()
    wrong = (predicted != targets).nonzero().flatten().tolist()
    classes, true = predicted.tolist(), targets.tolist()
    return [Mistake(start + i, images[i].detach().clone(), true[i], classes[i], sure[i], losses[i]) for i in wrong]
