"""``evaluate``: what a model is worth, on the whole and class by class."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from minicnn.autograd.mode import no_grad
from minicnn.backend import backend_of
from minicnn.keywords import spelled
from minicnn.nn import functional as F
from minicnn.nn.module import Module
from minicnn.ops.creation import zeros
from minicnn.ops.join import stack
from minicnn.tensor import Tensor
from minicnn.training import tables
from minicnn.training.meter import Meter
from minicnn.training.outputs import Accuracy, Loss, class_accuracy, classes_of, judged, loss_of, value_of
from minicnn.training.run import batches_of

HEADERS = ("class", "precision", "recall", "F1", "images")


@dataclass(frozen=True)
class ClassScore:
    """How a class fared. What cannot be said, such as the precision of a class never predicted, is None.

    Attributes:
        name: of the class, or its number.
        precision: the part of the images predicted as this class that are of it.
        recall: the part of the images of this class that were predicted as it.
        f1: 2 · precision · recall / (precision + recall).
        support: how many images of the class there were.
    """

    name: str
    precision: float | None
    recall: float | None
    f1: float | None
    support: int


@dataclass(frozen=True)
class Evaluation:
    """What ``evaluate`` found. Printed, it is a line of figures and the per-class report.

    Attributes:
        loss: the mean over all images.
        accuracy: the part that is right; None where the targets are no classes.
        top5: the part of images whose class is among the five highest scores; None for fewer than six classes.
        confusion: int64 (C, C): how many images of class i (row) were predicted as class j (column); or None.
        classes: the names of the classes, where they are known.
        images: how many there were.
        seconds: that it took.
    """

    loss: float
    accuracy: float | None
    top5: float | None
    confusion: Tensor | None
    classes: tuple[str, ...]
    images: int
    seconds: float

    @property
    def per_class(self) -> list[ClassScore]:
        """Precision, recall, F1 and support of each class."""
        if self.confusion is None:
            return []
        right, true, predicted = (x.tolist() for x in (self.confusion.diagonal(), self.confusion.sum(1),
                                                       self.confusion.sum(0)))  # fmt: skip
        names = self.classes if len(self.classes) == len(right) else map(str, range(len(right)))
        return [ClassScore(name, _part(r, p), _part(r, t), _part(2 * r, t + p), t)
                for name, r, t, p in zip(names, right, true, predicted, strict=True)]  # fmt: skip

    def rows(self) -> list[tuple[str, ...]]:
        """The report's cells, the means over the classes last."""
        scores = self.per_class
        if not scores:
            return []
        precision, recall, f1 = (_mean([getattr(s, name) for s in scores]) for name in ("precision", "recall", "f1"))
        whole = ClassScore("mean", precision, recall, f1, sum(s.support for s in scores))
        return [(s.name, *map(_percent, (s.precision, s.recall, s.f1)), f"{s.support:,}") for s in (*scores, whole)]

    def report(self) -> str:
        """Precision, recall, F1 and number of images of each class as a table of text; empty where there are none."""
        return tables.text(HEADERS, self.rows()) if self.confusion is not None else ""

    def summary(self) -> str:
        """The figures in a line."""
        parts = [f"loss {self.loss:.4f}"]
        parts += [f"{name} {value:.2%}" for name, value in (("accuracy", self.accuracy), ("top-5", self.top5))
                  if value is not None]  # fmt: skip
        return "  ".join([*parts, f"{self.images:,} images", f"{self.seconds:.1f} s"])

    def __str__(self) -> str:
        return "\n\n".join(filter(None, [self.summary(), self.report()]))


@spelled
def evaluate(
    model: Module, loader: Iterable[Any], *, loss_function: Loss = F.cross_entropy,
    accuracy: Accuracy | None = class_accuracy, classes: Sequence[str] | None = None,
) -> Evaluation:  # fmt: skip
    """Test ``model`` in evaluation mode on batches of inputs and targets; its mode is restored afterwards.

    Args:
        model: gets the batches on its own device.
        loader: batches of inputs and targets.
        loss_function, accuracy: as of ``fit``.
        classes: names for the report; by default those of the loader's dataset.

    Errors: DataError for a loader without batches, or of other things than pairs.

    Example:
        >>> result = mc.training.evaluate(model, test_loader)
        >>> result.accuracy
        0.9785
        >>> print(result.report())
    """
    training = model.training
    model.eval()
    meter, tally = Meter(), _Tally()
    by_class = accuracy is class_accuracy
    try:
        with no_grad():
            for inputs, targets in batches_of(loader, model, "evaluate"):
                outputs = model(inputs)
                loss = value_of(loss_of(loss_function, outputs, targets))
                right = None if accuracy is None or by_class else judged(accuracy, outputs, targets)
                meter.add(loss, right, len(targets))
                tally.add(outputs, targets)
    finally:
        model.train(training)
    names = tuple(map(str, classes if classes is not None else class_names(loader)))
    right, top5 = tally.parts()
    return Evaluation(meter.loss, right if by_class else meter.accuracy, top5, tally.confusion, names, meter.images,
                      meter.seconds)


def class_names(data: Any) -> Sequence[str]:
    """The classes of a dataset, or of the one inside a loader or a subset; none where they have no names."""
    while data is not None:
        if isinstance(names := getattr(data, "classes", None), Sequence):
            return names
        data = getattr(data, "dataset", None)
    return ()


class _Tally:
    """Counts of right and wrong, where outputs are scores of classes. They stay on their device until the end."""

    def __init__(self) -> None:
        self._cells: Tensor | None = None
        """How often each pair of classes came, the predicted one faster, and last, targets that are no classes."""
        self._five: Tensor | None = None
        self._classes = 0

    def add(self, outputs: Any, targets: Any) -> None:
        pair = classes_of(outputs, targets)
        if pair is None:
            return
        scores, targets = pair
        targets, classes = targets.long(), scores.shape[1]
        if self._cells is None:
            self._classes, self._cells = classes, zeros(classes * classes + 1, dtype="int64", device=scores.device)
        known = (targets >= 0) & (targets < classes)
        cells = (targets * classes + scores.argmax(1)).masked_fill(~known, classes * classes).reshape(-1).array
        backend = backend_of(cells)
        backend.scatter_add(self._cells.array, cells, backend.xp.ones_like(cells))
        if classes > 5:
            near = ((scores.topk(5, 1).indices == targets.unsqueeze(1)) & known.unsqueeze(1)).sum()
            self._five = near if self._five is None else self._five + near

    @property
    def confusion(self) -> Tensor | None:
        return None if self._cells is None else self._cells[:-1].reshape(self._classes, self._classes)

    def parts(self) -> tuple[float | None, float | None]:
        """Of the targets that are classes, the part that is right, and that is among the five highest scores."""
        if self.confusion is None:
            return None, None
        counts = [self.confusion.diagonal().sum(), self.confusion.sum(), *([] if self._five is None else [self._five])]
        right, counted, *five = stack(counts).tolist()
        return _part(right, counted), _part(five[0], counted) if five else None


def _part(some: int, of: int) -> float | None:
    return some / of if of else None


def _mean(values: list[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None


def _percent(value: float | None) -> str:
    return "-" if value is None else f"{value:.2%}"
