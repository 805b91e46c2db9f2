"""SVHN: house numbers from street views, in MATLAB files."""

# ruff: noqa: RUF012 (the class attributes are tables, which nobody changes)
from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from minicnn.datasets.base import ArrayDataset, Transform, absent, check_labels, find
from minicnn.datasets.mat import read_mat
from minicnn.download import download as fetch
from minicnn.errors import DataError, OptionError


class SVHN(ArrayDataset):
    """73,257 digits of house numbers to train with, 26,032 to test, 531,131 easier ones extra, 32 × 32 in colour.

    Args:
        root: the folder in which ``train_32x32.mat`` is, or will be.
        split: "train", "test" or "extra".
        transform: called with each image, a PIL image; where Pillow is not installed, an array (32, 32, 3) of bytes.
        target_transform: called with each label, an int.
        download: get the file where it is not there.

    Attributes:
        data: uint8 array (N, 3, 32, 32).
        labels, targets: int64 array (N,); the file's 10 is 0.

    Raises:
        DataError: a file that is missing, damaged, or not what it says; OptionError for another split.

    Source: Y. Netzer et al., "Reading digits in natural images with unsupervised feature learning", 2011.
    """

    mirrors: tuple[str, ...] = ("http://ufldl.stanford.edu/housenumbers/",)
    md5: dict[str, str] = {
        "train": "e26dedcc434d2e4c54c9b2d4a06d8373", "test": "eb5a983be6a315427106f1b164d9cef3",
        "extra": "a93ce644f1a588dc4d68dda5feec44a7",
    }  # fmt: skip
    classes: Any = list("0123456789")
    mean, std = (0.4377, 0.4438, 0.4728), (0.1980, 0.2010, 0.1970)

    def __init__(
        self, root: str | Path, split: str = "train", transform: Transform = None, target_transform: Transform = None,
        download: bool = False,
    ) -> None:  # fmt: skip
        if split not in self.md5:
            raise OptionError("SVHN: there is no such split", got=repr(split), rule=", ".join(self.md5))
        super().__init__(root, transform, target_transform)
        self.split, name, folder = split, f"{split}_32x32.mat", Path(root).expanduser()
        if download:
            fetch([mirror + name for mirror in self.mirrors], folder / name, digest=f"md5:{self.md5[split]}")
        found = find([folder], [name])
        if found is None:
            raise absent(self, [folder], [name])
        self.data, self.labels = self._read(found[0])
        self.targets = self.labels

    def _read(self, path: Path) -> tuple[Any, Any]:
        held = read_mat(path)
        images, labels = held.get("X"), held.get("y")
        if images is None or labels is None or images.ndim != 4 or images.shape[2] != 3 or images.dtype != np.uint8:
            raise DataError(f"{path} has no colour images", got=", ".join(held) or "no array",
                            rule="X, uint8 (height, width, 3, N), and y, (N, 1)")
        targets = labels.reshape(-1).astype(np.int64) % 10
        check_labels(path, targets, images.shape[3], len(self.classes))
        return np.ascontiguousarray(images.transpose(3, 2, 0, 1)), targets

    def pixels(self) -> Any:
        return self.data.transpose(0, 2, 3, 1)

    def extra_repr(self) -> str:
        return f"Split: {self.split.capitalize()}"
