"""A small training with every source of chance: dropout, augmentation, shuffles, batch norm's running means."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

import minicnn as mc
from minicnn import nn, transforms
from minicnn.training import Callback, Checkpoint, History, Run, fit

F = nn.functional
L = mc.optim.lr_scheduler

IMAGES = 22
rng = np.random.default_rng(5)


class Noisy(mc.data.Dataset[Any]):
    """Images that are shifted and mirrored anew each time, with noise of four streams."""

    def __init__(self) -> None:
        generator = mc.Generator().manual_seed(1)
        self.images = mc.randn(IMAGES, 1, 6, 6, generator=generator)
        self.labels = mc.randint(0, 3, (IMAGES,), generator=generator)
        self.augment = transforms.Compose([transforms.RandomCrop(6, padding=1), transforms.RandomHorizontalFlip()])
        self.own = random.Random(3)

    def __len__(self) -> int:
        return IMAGES

    def __getitem__(self, index: int) -> Any:
        noise = random.random() + np.random.rand() + self.own.random() + rng.random()
        return self.augment(self.images[index]) + noise / 20, self.labels[index]


class Stream(mc.data.IterableDataset[Any]):
    """The same, one after the other."""

    def __iter__(self) -> Iterator[Any]:
        dataset, info = Noisy(), mc.data.get_worker_info()
        first, step = (0, 1) if info is None else (info.id, info.num_workers)
        return (dataset[i] for i in range(first, IMAGES, step))


class Batches:
    """A loader of one's own, whose order is Python's."""

    def __iter__(self) -> Iterator[Any]:
        order = random.sample(range(IMAGES), IMAGES)
        dataset = Noisy()
        for start in range(0, IMAGES, 5):
            yield mc.data.default_collate([dataset[i] for i in order[start : start + 5]])


def loader(dataset: type[Noisy] = Noisy, **options: Any) -> mc.data.DataLoader[Any]:
    return mc.data.DataLoader(dataset(), **{"batch_size": 4, "shuffle": True, **options})


def weighted(**options: Any) -> mc.data.WeightedRandomSampler:
    return mc.data.WeightedRandomSampler([1.0 + i for i in range(IMAGES)], IMAGES, **options)


LOADERS: dict[str, Callable[[], Any]] = {
    "shuffled": loader,
    "its own generator": lambda: loader(generator=mc.Generator().manual_seed(4)),
    "in order, the last left out": lambda: loader(shuffle=False, drop_last=True),
    "with replacement": lambda: loader(shuffle=None, sampler=mc.data.RandomSampler(
        Noisy(), replacement=True, num_samples=40, generator=mc.Generator().manual_seed(4))),
    "weighted": lambda: loader(shuffle=None, sampler=weighted()),
    "iterable": lambda: mc.data.DataLoader(Stream(), batch_size=4),
    "one's own": Batches,
    "a list": lambda: [mc.data.default_collate([Noisy()[i] for i in range(start, start + 5)]) for start in (0, 5, 10)],
}  # fmt: skip
WORKERS: dict[str, Callable[[], Any]] = {
    "threads": lambda: loader(num_workers=2, worker_method="thread", dataset=Plain),
    "processes": lambda: loader(num_workers=2, multiprocessing_context="fork"),
    "threads that stay": lambda: loader(num_workers=2, worker_method="thread", dataset=Plain, persistent_workers=True),
    "processes that stay": lambda: loader(num_workers=2, multiprocessing_context="fork", persistent_workers=True),
    "iterable, in a process": lambda: mc.data.DataLoader(Stream(), batch_size=4, num_workers=2,
                                                         multiprocessing_context="fork"),
}  # fmt: skip


class Plain(Noisy):
    """Noise of the stream only that each worker has to itself: threads share Python's and NumPy's."""

    def __getitem__(self, index: int) -> Any:
        return self.augment(self.images[index]), self.labels[index]


def build() -> nn.Module:
    mc.manual_seed(0)
    random.seed(0)
    np.random.seed(0)
    rng.bit_generator.state = np.random.default_rng(5).bit_generator.state
    return nn.Sequential(nn.Conv2d(1, 3, 3, bias=False), nn.BatchNorm2d(3), nn.ReLU(), nn.Dropout2d(0.2), nn.Flatten(),
                         nn.Dropout(0.3), nn.Linear(48, 3))  # fmt: skip


def train(make: Callable[[], Any], callbacks: Any = (), epochs: int = 3, adam: bool = False, plateau: bool = False,
          **options: Any) -> tuple[dict[str, Any], History]:  # fmt: skip
    """Train the network; the result is all that decides what would follow, and the history."""
    model, batches = build(), make()
    optimizer = (mc.optim.Adam(model.parameters(), 0.01) if adam
                 else mc.optim.SGD(model.parameters(), 0.05, momentum=0.9, nesterov=True))  # fmt: skip
    schedule = (L.ReduceLROnPlateau(optimizer, patience=0) if plateau
                else L.OneCycleLR(optimizer, 0.1, total_steps=60))  # fmt: skip
    seen: list[Any] = []
    history = fit(model, batches, optimizer, epochs=epochs, scheduler=schedule, validation=make(), progress=False,
                  callbacks=[*callbacks, Last(seen)], **options)  # fmt: skip
    return seen[-1], history


class Last(Callback):
    """Keeps what a training has come to at its end."""

    def __init__(self, seen: list[Any]) -> None:
        self.seen = seen

    def on_fit_end(self, run: Run) -> None:
        self.seen.append(outcome(run))


class Stop(Callback):
    """Ends a training by an error, after so many steps."""

    def __init__(self, steps: int) -> None:
        self.steps = steps

    def on_batch_end(self, run: Run) -> None:
        if run.step == self.steps:
            raise Stopped


class Stopped(Exception):
    """What ``Stop`` raises."""


def outcome(run: Run) -> dict[str, Any]:
    """Weights, buffers, the optimiser's and the schedule's state, and the next number of each stream, as bytes."""
    drawn = {"minicnn": mc.get_rng_state().tobytes(), "python": random.getstate(), "rng": rng.bit_generator.state,
             "numpy": np.random.get_state(legacy=False)["state"]["key"].tobytes()}  # fmt: skip
    return {"model": plain(run.model.state_dict()), "optimizer": plain(run.optimizer.state_dict()),
            "scheduler": plain(run.scheduler.state_dict()), "step": run.step, **drawn}  # fmt: skip


def plain(value: Any) -> Any:
    """Tensors as bytes, in whatever holds them."""
    if isinstance(value, dict):
        return {name: plain(part) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [plain(part) for part in value]
    return value.cpu().numpy().tobytes() if isinstance(value, mc.Tensor) else value


def without_times(history: History) -> list[dict[str, Any]]:
    return [{name: value for name, value in record.items() if name not in ("seconds", "images_per_second")}
            for record in history.to_records()]  # fmt: skip


class Snapshots(Checkpoint):
    """Copies the last checkpoint after each write into a folder of its own."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder / "live", every_steps=1)
        self.copies: list[Path] = []

    def _write(self, run: Run, *, best: bool = False) -> None:
        super()._write(run, best=best)
        copy = self.folder.with_name(f"copy{len(self.copies)}")
        copy.mkdir()
        (copy / "last.pt").write_bytes((self.folder / "last.pt").read_bytes())
        self.copies.append(copy)
