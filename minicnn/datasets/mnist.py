"""MNIST and its relatives, in IDX files: 28 × 28 grey images."""

# ruff: noqa: RUF012 (the class attributes are tables, which nobody changes)
from __future__ import annotations

import string
from pathlib import Path
from typing import Any

from minicnn.datasets.archive import extract
from minicnn.datasets.base import ArrayDataset, Transform, absent, check_labels, find
from minicnn.datasets.idx import read_idx
from minicnn.download import download as fetch
from minicnn.errors import DataError, OptionError
from minicnn.ops.creation import from_numpy


class MNIST(ArrayDataset):
    """60,000 handwritten digits to train with and 10,000 to test, 28 × 28 in grey.

    Args:
        root: the folder in which ``MNIST/raw`` with the four files is, or will be; they may also lie in it themselves.
            Gzipped or not.
        train: the training images, or the test images.
        transform: called with each image, a PIL image; where Pillow is not installed, an array (28, 28) of bytes,
            which ``transforms.ToTensor`` takes as well.
        target_transform: called with each label, an int.
        download: get the files where they are not there.

    Attributes:
        data: uint8 tensor (N, 28, 28).
        targets: int64 tensor (N,).

    Raises:
        DataError: files that are missing, damaged, or not what they say; nothing of them is used.

    Source: Y. LeCun, C. Cortes, C. Burges, http://yann.lecun.com/exdb/mnist/.

    Example:
        >>> train = mc.datasets.MNIST("data", download=True, transform=mc.transforms.ToTensor())
        >>> image, label = train[0]
    """

    mirrors: tuple[str, ...] = (
        "https://ossci-datasets.s3.amazonaws.com/mnist/", "https://storage.googleapis.com/cvdf-datasets/mnist/",
        "http://yann.lecun.com/exdb/mnist/",
    )  # fmt: skip
    md5: dict[str, str] = {
        "train-images-idx3-ubyte": "f68b3c2dcbeaaa9fbdd348bbdeb94873",
        "train-labels-idx1-ubyte": "d53e105ee54ea40749a09fcbcd1e9432",
        "t10k-images-idx3-ubyte": "9fb629c4189551a2d022fa330f9573f3",
        "t10k-labels-idx1-ubyte": "ec29112dd5afa0611ce80d1b7f02629c",
    }
    classes: Any = ["0 - zero", "1 - one", "2 - two", "3 - three", "4 - four", "5 - five", "6 - six", "7 - seven",
                    "8 - eight", "9 - nine"]  # fmt: skip
    mean, std = (0.1307,), (0.3081,)

    def __init__(
        self, root: str | Path, train: bool = True, transform: Transform = None, target_transform: Transform = None,
        download: bool = False,
    ) -> None:  # fmt: skip
        super().__init__(root, transform, target_transform)
        self.train = train
        names, folders = self.names(), [self.raw_folder, Path(root).expanduser(), self.raw_folder.parent]
        if download and find(folders, names) is None:
            self.download()
        found = find(folders, names)
        if found is None:
            raise absent(self, folders, names)
        self.data, self.targets = self._read(*found)

    @property
    def raw_folder(self) -> Path:
        """Where downloads go: ROOT/MNIST/raw, as torchvision's do."""
        return (self.root or Path()) / type(self).__name__ / "raw"

    def names(self) -> list[str]:
        """The files of the images and of the labels, without ``.gz``."""
        split = "train" if self.train else "t10k"
        return [f"{split}-images-idx3-ubyte", f"{split}-labels-idx1-ubyte"]

    def download(self) -> None:
        """Get this half's files, gzipped, with their hashes checked."""
        for name in self.names():
            path = self.raw_folder / f"{name}.gz"
            fetch([mirror + path.name for mirror in self.mirrors], path, digest=f"md5:{self.md5[name]}")

    def _read(self, images: Path, labels: Path) -> tuple[Any, Any]:
        pixels, targets = read_idx(images), read_idx(labels)
        if pixels.ndim != 3 or pixels.dtype != "uint8":
            raise DataError(f"{images} has no grey images", got=f"{pixels.dtype} {pixels.shape}",
                            rule="uint8 (N, height, width)", hint="are images and labels exchanged?")
        check_labels(labels, targets, len(pixels), len(self.classes))
        return from_numpy(pixels), from_numpy(targets.astype("int64"))

    def pixels(self) -> Any:
        return self.data.array

    def extra_repr(self) -> str:
        return f"Split: {'Train' if self.train else 'Test'}"


class FashionMNIST(MNIST):
    """Clothes of ten kinds in MNIST's format: harder than digits. Arguments as of ``MNIST``.

    Source: H. Xiao, K. Rasul, R. Vollgraf, "Fashion-MNIST", 2017.
    """

    mirrors = (
        "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
        "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/",
    )
    md5 = {
        "train-images-idx3-ubyte": "8d4fb7e6c68d591d4c3dfef9ec88bf0d",
        "train-labels-idx1-ubyte": "25c81989df183df01b3e8a0aad5dffbe",
        "t10k-images-idx3-ubyte": "bef4ecab320f06d8554ea6380940ec79",
        "t10k-labels-idx1-ubyte": "bb300cfdad3c16e7a12a480ee83cd310",
    }
    classes = ["T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"]
    mean, std = (0.2860,), (0.3530,)


class KMNIST(MNIST):
    """Ten cursive Japanese characters in MNIST's format. Arguments as of ``MNIST``.

    Source: T. Clanuwat et al., "Deep learning for classical Japanese literature", 2018.
    """

    mirrors = ("http://codh.rois.ac.jp/kmnist/dataset/kmnist/",)
    md5 = {
        "train-images-idx3-ubyte": "bdb82020997e1d708af4cf47b453dcf7",
        "train-labels-idx1-ubyte": "e144d726b3acfaa3e44228e80efcd344",
        "t10k-images-idx3-ubyte": "5c965bf0a639b31b8f53240b1b52f4d7",
        "t10k-labels-idx1-ubyte": "7320c461ea6c1c855c0b718fb2a4b134",
    }
    classes = ["o", "ki", "su", "tsu", "na", "ha", "ma", "ya", "re", "wo"]
    mean, std = (0.1918,), (0.3483,)


_MERGED = set("cijklmopsuvwxyz")
"""Letters whose small and capital forms are one class in the merged splits."""
_CHARACTERS = string.digits + string.ascii_uppercase + string.ascii_lowercase


class EMNIST(MNIST):
    """Handwritten letters and digits in MNIST's format. The images are stored with rows and columns exchanged.

    Args:
        root: as of ``MNIST``, with ``EMNIST/raw``.
        split: "byclass" (62 classes), "bymerge" or "balanced" (47), "letters" (26, labels from 1), "digits", "mnist".
        options: the other arguments of ``MNIST``.

    Source: G. Cohen et al., "EMNIST: an extension of MNIST to handwritten letters", 2017.
    """

    mirrors = ("https://biometrics.nist.gov/cs_links/EMNIST/gzip.zip",)
    md5 = {"gzip.zip": "58c8d27c78d21e728a6bc7b3cc06412e"}
    splits = {
        "byclass": list(_CHARACTERS), "bymerge": [c for c in _CHARACTERS if c not in _MERGED],
        "balanced": [c for c in _CHARACTERS if c not in _MERGED], "letters": ["N/A", *string.ascii_lowercase],
        "digits": list(string.digits), "mnist": list(string.digits),
    }  # fmt: skip
    mean, std = (0.1722,), (0.3309,)

    def __init__(self, root: str | Path, split: str, **options: Any) -> None:
        if split not in self.splits:
            raise OptionError("EMNIST: there is no such split", got=repr(split), rule=", ".join(self.splits))
        self.split, self.classes = split, self.splits[split]
        super().__init__(root, **options)

    def names(self) -> list[str]:
        half = f"emnist-{self.split}-{'train' if self.train else 'test'}"
        return [f"{half}-images-idx3-ubyte", f"{half}-labels-idx1-ubyte"]

    def download(self) -> None:
        """Get the archive of all splits, and this split's files out of it."""
        archive = fetch(self.mirrors, self.raw_folder / "gzip.zip", digest=f"md5:{self.md5['gzip.zip']}")
        extract(archive, [f"{name}.gz" for name in self.names()], self.raw_folder)
