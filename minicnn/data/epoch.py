"""An epoch by workers: who gets which task, and in which order the batches come back."""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from minicnn.data.worker import End, Failure, Streams, Task
from minicnn.errors import StateError

if TYPE_CHECKING:
    from minicnn.data.pinning import Crew


class Epoch:
    """An iterator over the batches of ``items``, computed ahead.

    The workers take turns, as PyTorch's do: it is decided beforehand which of them, and so which stream of random
    numbers, makes a batch. An exception of a worker is raised where its batch would come, and the next batch follows.

    Args:
        crew: the workers.
        items: what each task is about; read here, as tasks are given out.
        workers: how many there are.
        ahead: how many tasks each may have.
        timeout: seconds to wait for a batch; 0 is for ever.
        in_order: batches come in the order of ``items``; otherwise as they are ready.
        keep: leave the workers for another epoch.
    """

    def __init__(
        self, crew: Crew, items: Iterable[Any], workers: int, ahead: int, timeout: float,
        in_order: bool, keep: bool,
    ) -> None:  # fmt: skip
        self._crew, self._items, self._ahead = crew, iter(items), ahead
        crew.busy = True
        self._timeout, self._in_order, self._keep = timeout, in_order, keep
        self.number = crew.epoch = crew.epoch + 1
        self._tasks = [0] * workers
        self._active = [True] * workers
        self._turns = itertools.cycle(range(workers))
        self._asked: deque[int] = deque()
        for _ in range(ahead * workers):
            self._ask()

    def _ask(self) -> None:
        """Give out the next task, if there is one, and someone to do it."""
        for item in itertools.islice(self._items, 1):
            for worker in itertools.islice(self._turns, len(self._active)):
                if self._active[worker] and (self._in_order or self._tasks[worker] < self._most()):
                    self._crew.send(worker, Task(self.number, item))
                    self._asked.append(worker)
                    self._tasks[worker] += 1
                    return

    def _most(self) -> int:
        return self._ahead * len(self._active) // sum(self._active)

    def __iter__(self) -> Iterator[Any]:
        return self

    def __next__(self) -> Any:
        if self._crew.epoch != self.number:
            raise StateError("DataLoader: another epoch has begun", got=f"epoch {self.number} of {self._crew.epoch}",
                             rule="persistent workers do one epoch at a time",
                             hint="persistent_workers=False, or another DataLoader")
        while self._asked and self._crew.close.alive:
            worker, answer = self._answer()
            self._tasks[worker] -= 1
            self._asked.remove(worker)  # its first task
            if isinstance(answer, End):
                self._active[worker] = False
                self._asked = deque(other for other in self._asked if other != worker)
            self._ask()
            if isinstance(answer, Failure):
                raise answer.error()
            if not isinstance(answer, End):
                return answer
        self._crew.busy = False
        if not self._keep:
            self._crew.close()
        raise StopIteration

    def _answer(self) -> tuple[int, Any]:
        """The next worker's answer; those to earlier epochs are passed over."""
        wanted = [self._asked[0]] if self._in_order else sorted(set(self._asked))
        while True:
            try:
                worker, (epoch, answer) = self._crew.receive(wanted, self._timeout)
            except TimeoutError:
                raise StateError("DataLoader: a batch took too long", got=f"{self._timeout} s", rule="within timeout",
                                 hint="a longer timeout, or look at what the dataset waits for") from None
            if epoch == self.number:
                return worker, answer


def ask_streams(crew: Crew, states: list[dict[str, Any]] | None, workers: int) -> list[Any]:
    """Where the random numbers of each idle worker are, after putting them to ``states``. Errors: WorkerError."""
    crew.epoch += 1
    for worker in range(workers):
        crew.send(worker, Task(crew.epoch, Streams(None if states is None else states[worker])))
    answers: dict[int, Any] = {}
    while len(answers) < workers:
        worker, (epoch, answer) = crew.receive([w for w in range(workers) if w not in answers], 0)
        if isinstance(answer, Failure):
            raise answer.error()
        if epoch == crew.epoch:
            answers[worker] = answer
    return [answers[worker] for worker in range(workers)]
