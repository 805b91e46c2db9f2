"""Time to 99 %: one network, one recipe, the same weights and batches, trained by both libraries in turn.

Each trains in a process of its own: a few batches by the one, the same batches by the other, and so on; after each
hundred both are judged on the test images. Only training is timed, the loading of batches and the judging are not.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

import minicnn
from benchmarks import sides
from benchmarks.case import Row, Settings, difference
from benchmarks.learner import Learner

GOAL = 0.99
BATCH, EPOCHS = 64, 2
GROUP = 25
"""Batches that one library trains on before it is the other's turn."""
JUDGED = 100
"""Batches between two looks at the test images."""
SOURCE = 'python -c "import minicnn; minicnn.datasets.MNIST(\'data\', download=True)", then --root data'


class Training:
    """What is known of one library's training, which ``learner`` does elsewhere: its losses, seconds and curves."""

    def __init__(self, learner: Any) -> None:
        self.learner = learner
        self.seconds = 0.0
        self.losses: list[float] = []
        self.curves: dict[str, list[float]] = {"batches": [], "seconds": [], "loss": [], "accuracy": []}

    def train(self, batches: list[tuple[Any, Any]]) -> None:
        """A step on each batch."""
        seconds, losses = self.learner.train(batches)
        self.seconds += seconds
        self.losses += losses

    def judge(self, images: Any, labels: Any) -> None:
        """Add a point to the curves."""
        accuracy = self.learner.judge(images, labels)
        self.curves["batches"].append(len(self.losses))
        self.curves["seconds"].append(self.seconds)
        self.curves["loss"].append(float(np.mean(self.losses[-JUDGED:])))
        self.curves["accuracy"].append(accuracy)

    @property
    def reached(self) -> float | None:
        """Seconds of training after which the goal was seen; None where it was not."""
        points = zip(self.curves["seconds"], self.curves["accuracy"], strict=True)
        return next((seconds for seconds, accuracy in points if accuracy >= GOAL), None)


def mnist(settings: Settings, wanted: Callable[[str, str], bool]) -> Iterator[Row]:
    """One row, with the curves; with ``quick`` a tenth of the way."""
    name = "99 % on MNIST"
    if not wanted("mnist", name):
        return
    threads = max(settings.threads)
    about = {"case": name, "threads": threads, "unit": "s"}
    try:
        train, test = (_arrays(settings, train=train) for train in (True, False))
    except minicnn.errors.DataError:
        yield {**about, "note": f"no MNIST in {settings.root}: {SOURCE}"}
        return
    steps = EPOCHS * (len(train[0]) // BATCH)
    asked = (threads, steps, settings.clock)
    with sides.Apart(Learner, "minicnn", *asked) as ours, sides.Apart(Learner, "torch", *asked) as theirs:
        theirs.load(ours.weights())
        race = Race(ours, theirs, steps)
        try:
            race.run(settings, train, test)
        except KeyboardInterrupt:
            yield {**about, **race.row()}
            raise
        yield {**about, **race.row()}


class Race:
    """Both trainings, in turn, until both have reached the goal or the epochs are over."""

    def __init__(self, ours: Any, theirs: Any, steps: int) -> None:
        self.ours, self.theirs, self.steps = Training(ours), Training(theirs), steps

    def run(self, settings: Settings, train: tuple[Any, Any], test: tuple[Any, Any]) -> None:
        """Train and judge; stops at once where the first losses differ."""
        trainings = (self.ours, self.theirs)
        for batches in _groups(*train):
            for training in trainings:
                training.train(batches)
            done = len(self.ours.losses)
            if done % JUDGED < GROUP or done > self.steps - GROUP:
                for training in trainings:
                    training.judge(*test)
            if self.differ or (settings.quick and done >= self.steps / 10):
                return
            if all(training.reached is not None for training in trainings):
                return

    @property
    def differ(self) -> bool:
        """Whether the first losses do."""
        return difference(self.ours.losses[0], self.theirs.losses[0]) > 1e-5

    def row(self) -> Row:
        """What there is to tell so far."""
        ours, theirs = self.ours, self.theirs
        if not theirs.losses:
            return {"note": "not begun"}
        if self.differ:
            return {"error": f"the first losses differ: {ours.losses[0]} and {theirs.losses[0]}"}
        facts = {"curves": {"ours": ours.curves, "theirs": theirs.curves},
                 "per_batch": [side.seconds / len(side.losses) for side in (ours, theirs)]}  # fmt: skip
        if ours.reached is None or theirs.reached is None:
            return {"note": f"not reached in {len(theirs.losses)} batches", **facts}
        return {"ours": ours.reached, "theirs": theirs.reached, "ratio": ours.reached / theirs.reached, **facts}


def _arrays(settings: Settings, *, train: bool) -> tuple[Any, Any]:
    """Images (N, 1, 28, 28) in [0, 1], normalised, and labels."""
    data = minicnn.datasets.MNIST(settings.root, train=train)
    images = (data.data.numpy()[:, None] / np.float32(255) - data.mean[0]) / data.std[0]
    return images.astype("float32"), data.targets.numpy()


def _groups(images: Any, labels: Any) -> Iterator[list[tuple[Any, Any]]]:
    """All batches of the epochs, in groups, in the order of a shuffling DataLoader."""
    minicnn.manual_seed(0)
    data = minicnn.data.TensorDataset(minicnn.from_numpy(images), minicnn.from_numpy(labels))
    loader = minicnn.data.DataLoader(data, batch_size=BATCH, shuffle=True, drop_last=True)
    group: list[tuple[Any, Any]] = []
    for _ in range(EPOCHS):
        for x, y in loader:
            group.append((x.numpy(), y.numpy()))
            if len(group) == GROUP:
                yield group
                group = []
    if group:
        yield group
