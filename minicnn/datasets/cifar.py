"""CIFAR-10 and CIFAR-100: 50,000 colour images to train with and 10,000 to test, 32 × 32."""

# ruff: noqa: RUF012 (the class attributes are tables, which nobody changes)
from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from minicnn.datasets.archive import extract
from minicnn.datasets.base import ArrayDataset, Transform, absent, check_labels, find
from minicnn.datasets.pickled import read_pickled
from minicnn.download import download as fetch
from minicnn.errors import DataError

Array = Any
SIZE = 3 * 32 * 32


class CIFAR10(ArrayDataset):
    """Photographs of ten kinds of things, 6,000 of each.

    Args:
        root: the folder in which ``cifar-10-batches-bin`` is, or will be; torchvision's form,
            ``cifar-10-batches-py``, is read too (its pickles by a reader that executes nothing).
        train: the training images, or the test images.
        transform: called with each image, a PIL image; where Pillow is not installed, an array (32, 32, 3) of bytes.
        target_transform: called with each label, an int.
        download: get the binary form where no form is there.

    Attributes:
        data: uint8 array (N, 32, 32, 3).
        targets: a list of ints.

    Raises:
        DataError: files that are missing, damaged, or not what they say; nothing of them is used.

    Source: A. Krizhevsky, "Learning multiple layers of features from tiny images", 2009.
    """

    urls: tuple[str, ...] = ("https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz",)
    md5 = "c32a1d4ab5d03f1284b67883e8d87530"
    binary_folder, pickled_folder = "cifar-10-batches-bin", "cifar-10-batches-py"
    binary_names: tuple[list[str], list[str]] = (["test_batch.bin"], [f"data_batch_{i}.bin" for i in range(1, 6)])
    pickled_names: tuple[list[str], list[str]] = (["test_batch"], [f"data_batch_{i}" for i in range(1, 6)])
    label_bytes, label_key = 1, "labels"
    """A record's label is the last of so many bytes before its pixels."""
    images_a_file: tuple[int, int] | None = (10_000, 10_000)
    """In the binary form, of the test and of the training: it has no header, and may be cut between two images."""
    classes: Any = ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"]
    mean, std = (0.4914, 0.4822, 0.4465), (0.2470, 0.2435, 0.2616)

    def __init__(
        self, root: str | Path, train: bool = True, transform: Transform = None, target_transform: Transform = None,
        download: bool = False,
    ) -> None:  # fmt: skip
        super().__init__(root, transform, target_transform)
        self.train = train
        place = Path(root).expanduser()
        names = self.binary_names[train]
        folders = [place / self.binary_folder, place]
        pickled = [place / self.pickled_folder, place]
        if download and find(folders, names) is None and find(pickled, self.pickled_names[train]) is None:
            self.download()
        if found := find(folders, names):
            parts = [self._binary(path) for path in found]
        elif found := find(pickled, self.pickled_names[train]):
            parts = [self._pickled(path) for path in found]
        else:
            raise absent(self, folders, names)
        for path, (pixels, labels) in zip(found, parts, strict=True):
            check_labels(path, labels, len(pixels), len(self.classes))
        pixels, labels = (np.concatenate(arrays) for arrays in zip(*parts, strict=True))
        self.data = np.ascontiguousarray(pixels.reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1))
        self.targets = labels.tolist()

    def download(self) -> None:
        """Get the archive of the binary form, and the files out of it."""
        root = self.root or Path()
        archive = fetch(self.urls, root / self.urls[0].rsplit("/", 1)[-1], digest=f"md5:{self.md5}")
        extract(archive, [name for half in self.binary_names for name in half], root / self.binary_folder)

    def _binary(self, path: Path) -> tuple[Array, Array]:
        """(N, 3072) pixels and (N,) labels of a file of records."""
        try:
            content = np.fromfile(path, np.uint8)
        except OSError as error:
            raise DataError(f"{path} cannot be read", got=error.strerror, rule="a file of CIFAR") from None
        record = self.label_bytes + SIZE
        count = max(1, content.size // record) if self.images_a_file is None else self.images_a_file[self.train]
        if content.size != count * record:
            raise DataError(f"{path} is truncated, or no CIFAR file", got=f"{content.size} bytes",
                            rule=f"{count} records of {record} bytes",
                            hint="delete it, and download again; for a part of the set, a subclass with "
                            "images_a_file = None")
        records = content.reshape(-1, record)
        return records[:, self.label_bytes :], records[:, self.label_bytes - 1].astype(np.int64)

    def _pickled(self, path: Path) -> tuple[Array, Array]:
        """The same of a pickled batch."""
        batch = read_pickled(path)
        pixels, labels = (batch.get(key) if isinstance(batch, dict) else None for key in ("data", self.label_key))
        if not isinstance(pixels, np.ndarray) or pixels.shape[1:] != (SIZE,) or not isinstance(labels, list):
            raise DataError(f"{path} is no CIFAR batch", rule="a dict of data (N, 3072) and a list of labels")
        if not all(type(label) is int and 0 <= label < len(self.classes) for label in labels):
            raise DataError(f"{path} has labels out of range", rule=f"numbers from 0 to {len(self.classes) - 1}")
        return pixels, np.array(labels, np.int64)

    def extra_repr(self) -> str:
        return f"Split: {'Train' if self.train else 'Test'}"


class CIFAR100(CIFAR10):
    """Photographs of a hundred kinds of things, 600 of each. Arguments as of ``CIFAR10``.

    Its files hold a coarse label (of 20) and a fine one; ``targets`` are the fine ones.
    """

    urls = ("https://www.cs.toronto.edu/~kriz/cifar-100-binary.tar.gz",)
    md5 = "03b5dce01913d631647c71ecec9e9cb8"
    binary_folder, pickled_folder = "cifar-100-binary", "cifar-100-python"
    binary_names = (["test.bin"], ["train.bin"])
    pickled_names = (["test"], ["train"])
    label_bytes, label_key = 2, "fine_labels"
    images_a_file = (10_000, 50_000)
    classes = [
        "apple", "aquarium_fish", "baby", "bear", "beaver", "bed", "bee", "beetle", "bicycle", "bottle", "bowl", "boy",
        "bridge", "bus", "butterfly", "camel", "can", "castle", "caterpillar", "cattle", "chair", "chimpanzee",
        "clock", "cloud", "cockroach", "couch", "crab", "crocodile", "cup", "dinosaur", "dolphin", "elephant",
        "flatfish", "forest", "fox", "girl", "hamster", "house", "kangaroo", "keyboard", "lamp", "lawn_mower",
        "leopard", "lion", "lizard", "lobster", "man", "maple_tree", "motorcycle", "mountain", "mouse", "mushroom",
        "oak_tree", "orange", "orchid", "otter", "palm_tree", "pear", "pickup_truck", "pine_tree", "plain", "plate",
        "poppy", "porcupine", "possum", "rabbit", "raccoon", "ray", "road", "rocket", "rose", "sea", "seal", "shark",
        "shrew", "skunk", "skyscraper", "snail", "snake", "spider", "squirrel", "streetcar", "sunflower",
        "sweet_pepper", "table", "tank", "telephone", "television", "tiger", "tractor", "train", "trout", "tulip",
        "turtle", "wardrobe", "whale", "willow_tree", "wolf", "woman", "worm",
    ]  # fmt: skip
    mean, std = (0.5071, 0.4865, 0.4409), (0.2673, 0.2564, 0.2762)
