"""What ``--data`` may name: the packaged digits, drawn shapes, the well-known sets, or a folder of images."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from minicnn import datasets, transforms
from minicnn.data import Dataset, Subset
from minicnn.datasets.packaged import MEAN, STD
from minicnn.errors import DataError, OptionError

IMAGENET = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
"""Mean and deviation of photographs, as the published weights expect them."""

HALVES = {True: ("train", "training"), False: ("test", "val", "valid", "validation")}


@dataclass(frozen=True)
class Known:
    """A class of ``mc.datasets``, and what its images are; ``mirrored``: whether a mirror image is one of its class."""

    kind: type[Any]
    channels: int
    size: int
    mirrored: bool


@dataclass(frozen=True)
class Data:
    """Images with classes, for training and for tests.

    Attributes:
        name: as after ``--data``.
        classes: their names.
        channels, size: of the images; the size is None where each has its own.
        mean, std: that they are normalised by, of each channel.
    """

    name: str
    classes: Sequence[str]
    channels: int
    size: int | None
    mean: tuple[float, ...]
    std: tuple[float, ...]

    def images(self, train: bool, size: int, augment: bool = False, device: Any = None) -> Dataset[Any]:
        """The training images or those for tests, as normalised tensors with their classes."""
        raise NotImplementedError(f"{type(self).__name__} must say where {self.name} comes from")


def load(options: argparse.Namespace) -> Data:
    """The data that the options name. Errors: OptionError, DataError."""
    if options.data in SETS:
        known = SETS[options.data]
        kind = known.kind
        mean, std = ((MEAN,), (STD,)) if kind is datasets.Digits else (kind.mean, kind.std)
        classes = kind.classes or datasets.ColouredShapes(size=1).classes
        return WellKnown(options.data, tuple(classes), known.channels, known.size, mean, std, known, options.root,
                         options.download)  # fmt: skip
    folder = Path(options.data).expanduser()
    if not folder.is_dir():
        raise OptionError(f"there are no data '{options.data}'", rule=f"one of {', '.join(SETS)}, or a folder with a "
                          "folder of images for each class")
    train, test = (_half(folder, half) for half in (True, False))
    _check_halves(options.data, train, test)
    first = datasets.ImageFolder(train if train and test else folder)
    halves = (train, test) if train and test else None
    if len(first.classes) < 2:
        raise DataError(f"{options.data} has one class only", got=first.classes[0],
                        rule="a folder for each class, in the folder itself or in its folders train and test")
    return Photographs(options.data, tuple(first.classes), 3, None, *IMAGENET, halves)


@dataclass(frozen=True)
class WellKnown(Data):
    """A set whose images are all in memory."""

    known: Known
    root: Path
    download: bool

    def images(self, train: bool, size: int, augment: bool = False, device: Any = None) -> Dataset[Any]:  # noqa: ARG002 (the base's signature)
        if not augment:
            return self._open(train).tensors(device)
        flip = [transforms.RandomHorizontalFlip()] if self.known.mirrored else []
        convert = [] if self.known.kind is datasets.Digits else [transforms.ToTensor()]
        return self._open(train, transform=transforms.Compose([
            *convert, transforms.RandomCrop(self.known.size, padding=self.known.size // 8), *flip,
            transforms.Normalize(self.mean, self.std),
        ]))  # fmt: skip

    def _open(self, train: bool, **options: Any) -> Any:
        kind = self.known.kind
        if kind in (datasets.Digits, datasets.ColouredShapes):
            return kind(train=train, **options)
        half = {"split": "train" if train else "test"} if kind is datasets.SVHN else {"train": train}
        try:
            return kind(self.root, **half, download=self.download, **options)
        except DataError as error:
            if error.hint != "download=True":
                raise
            raise DataError(error.what, got=error.got, rule=error.rule,
                            hint="--download, or --root FOLDER where they are") from None


@dataclass(frozen=True)
class Photographs(Data):
    """A folder of images. Without halves of their own, every fifth image is kept for the tests."""

    halves: tuple[Path, Path] | None

    def images(self, train: bool, size: int, augment: bool = False, device: Any = None) -> Dataset[Any]:  # noqa: ARG002 (the base's signature)
        scale = [transforms.RandomResizedCrop(size), transforms.RandomHorizontalFlip()] if augment else [
            transforms.Resize(size), transforms.CenterCrop(size)]  # fmt: skip
        pipeline = transforms.Compose([*scale, transforms.ToTensor(), transforms.Normalize(self.mean, self.std)])
        if self.halves is not None:
            half = datasets.ImageFolder(self.halves[not train], transform=pipeline)
            if tuple(half.classes) != tuple(self.classes):
                raise DataError(f"{self.name}: the classes of the two halves differ", got=", ".join(half.classes)[:200],
                                rule=", ".join(self.classes)[:200])
            return half
        whole = datasets.ImageFolder(self.name, transform=pipeline)
        if len(whole) < 5:
            raise DataError(f"{self.name} has too few images", got=len(whole), rule="five, one of them for the test")
        return Subset(whole, [i for i in range(len(whole)) if (i % 5 != 4) is train])


def _half(folder: Path, train: bool) -> Path | None:
    """The folder of the training images, or of those for tests, if there is one."""
    return next((folder / name for name in HALVES[train] if (folder / name).is_dir()), None)


def _check_halves(name: str, train: Path | None, test: Path | None) -> None:
    """Refuse one half without the other, which would be taken for a class. A class has images, not folders."""
    if (half := train or test) is None or (train and test) or not any(below.is_dir() for below in half.iterdir()):
        return
    other = HALVES[train is None]
    raise DataError(f"{name} has a folder {half.name}, and none for the {'test' if train else 'training'}",
                    got=", ".join(sorted(below.name for below in half.parent.iterdir() if below.is_dir()))[:200],
                    rule="both of them, or neither: then every fifth image is for the test",
                    hint=f"the name {' or '.join(other)}")


SETS = {
    "digits": Known(datasets.Digits, 1, 28, False), "mnist": Known(datasets.MNIST, 1, 28, False),
    "fashion-mnist": Known(datasets.FashionMNIST, 1, 28, True), "kmnist": Known(datasets.KMNIST, 1, 28, False),
    "cifar10": Known(datasets.CIFAR10, 3, 32, True), "cifar100": Known(datasets.CIFAR100, 3, 32, True),
    "svhn": Known(datasets.SVHN, 3, 32, False), "shapes": Known(datasets.ColouredShapes, 3, 32, True),
}  # fmt: skip
