"""Meter: the means of an epoch. What a device computed stays there until somebody asks."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import Any, NamedTuple

from minicnn.backend import Backend, backend_of
from minicnn.ops.join import cat, stack
from minicnn.tensor import Tensor
from minicnn.training.ranks import total

MOST_UNREAD = 256
"""Batches whose values may lie on the device; then they are read, so that they take no more memory."""


class Unread(NamedTuple):
    """A batch whose loss is still on the device, and perhaps its accuracy, too."""

    loss: Tensor
    accuracy: float | Tensor | None
    images: int
    place: str


class Meter:
    """Means over the images so far, each batch with the weight of its size.

    Losses that are tensors are read all at once when a mean or a time is asked for: each such read waits for the
    device. They are added up as if each had been read when it was made, so the means have the same bits.

    Attributes:
        images: how many there were.
        notice: told each loss that was read late, and the place where it was made.
    """

    notice: Callable[[float, str], None] | None = None

    def __init__(self) -> None:
        self.started = time.perf_counter()
        self.images = self._judged = 0
        self._loss = self._right = 0.0
        self._unread: list[Unread] = []
        self._backend: Backend | None = None

    def add(self, loss: float | Tensor, accuracy: float | Tensor | None, images: int, place: str = "") -> None:
        """Count a batch; ``place`` says which it is."""
        self.images += images
        if not isinstance(loss, Tensor):
            self._count(loss, float(accuracy) if isinstance(accuracy, Tensor) else accuracy, images)
            return
        self._backend = backend_of(loss.array)
        self._unread.append(Unread(loss, accuracy, images, place))
        if len(self._unread) == MOST_UNREAD:
            self.settle()

    def _count(self, loss: float, accuracy: float | None, images: int) -> None:
        self._loss += loss * images
        if accuracy is not None and not math.isnan(accuracy):
            self._judged += images
            self._right += accuracy * images

    @property
    def behind(self) -> bool:
        """Whether asking would wait for a device."""
        return bool(self._unread)

    def settle(self) -> None:
        """Read what is on the device."""
        batches, self._unread = self._unread, []
        if not batches:
            return
        lazy = [batch.accuracy for batch in batches if isinstance(batch.accuracy, Tensor)]
        values = iter(_read([batch.loss for batch in batches], lazy))
        losses = [next(values) for _ in batches]
        for loss, batch in zip(losses, batches, strict=True):
            self._count(loss, next(values) if isinstance(batch.accuracy, Tensor) else batch.accuracy, batch.images)
            if self.notice is not None:
                self.notice(loss, batch.place)

    def of_all_ranks(self) -> Meter:
        """The meter of the images of all ranks together."""
        self.settle()
        found = Meter()
        found.started, found._backend = self.started, self._backend
        images, judged, found._loss, found._right = total(self.images, self._judged, self._loss, self._right)
        found.images, found._judged = int(images), int(judged)
        return found

    def state_dict(self) -> dict[str, Any]:
        """All of it, in plain numbers."""
        self.settle()
        return {"images": self.images, "judged": self._judged, "loss": self._loss, "right": self._right,
                "seconds": self.seconds}  # fmt: skip

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from a ``state_dict``; the time in between does not count."""
        self.images, self._judged, self._loss, self._right = (state[n] for n in ("images", "judged", "loss", "right"))
        self.started, self._unread = time.perf_counter() - state["seconds"], []

    @property
    def loss(self) -> float:
        """The mean loss."""
        self.settle()
        return self._loss / self.images

    @property
    def accuracy(self) -> float | None:
        """The mean accuracy; None where there is none."""
        self.settle()
        return self._right / self._judged if self._judged else None

    @property
    def seconds(self) -> float:
        """Since the start, until the device has done all that it was asked for."""
        if self._backend is not None:
            self._backend.synchronize()
        return time.perf_counter() - self.started

    @property
    def images_per_second(self) -> float:
        """Since the start."""
        return self.images / max(self.seconds, 1e-9)


def _read(*lists: list[Tensor]) -> list[float]:
    """The numbers of all tensors of one element, brought to the host in one copy."""
    rows = [stack([x.reshape(()) for x in tensors]).double() for tensors in lists if tensors]
    numbers: list[float] = cat(rows).tolist()
    return numbers
