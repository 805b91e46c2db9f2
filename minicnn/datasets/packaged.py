"""The handwritten digits that ship inside the package, so that a first training needs no network."""

from __future__ import annotations

from collections.abc import Callable
from importlib.resources import as_file, files
from typing import Any

from minicnn.backend import Device, default_device
from minicnn.data import Dataset, TensorDataset
from minicnn.datasets.idx import read_idx
from minicnn.ops.creation import from_numpy
from minicnn.tensor import Tensor

MEAN, STD = 0.1307, 0.3081
"""Of the pixels of MNIST's training images, scaled to [0, 1]."""


class Digits(Dataset[tuple[Any, Any]]):
    """The first 10,000 training images of MNIST, or all 10,000 test images, 28 × 28 in grey, in 10 classes.

    Args:
        train: the training images, or the test images.
        transform: called with each image, a float32 tensor (1, 28, 28) in [0, 1].
        target_transform: called with each label, an int.

    Attributes:
        data: uint8 (10000, 28, 28).
        targets: int64 (10000,).

    Source: MNIST, Yann LeCun and Corinna Cortes, CC BY-SA 3.0 (see ``datasets/digits/ATTRIBUTION.md``).

    Example:
        >>> image, label = mc.datasets.Digits(train=True)[0]
        >>> image.shape, label
        (Size([1, 28, 28]), 5)
    """

    classes = tuple("0123456789")

    def __init__(
        self,
        train: bool = True,
        transform: Callable[[Tensor], Any] | None = None,
        target_transform: Callable[[int], Any] | None = None,
    ) -> None:
        split = "train" if train else "t10k"
        self.data = from_numpy(_read(f"{split}-images-idx3-ubyte.gz"))
        self.targets = from_numpy(_read(f"{split}-labels-idx1-ubyte.gz").astype("int64"))
        self.transform, self.target_transform = transform, target_transform

    def __len__(self) -> int:
        return len(self.data)

    def __getitem__(self, index: int) -> tuple[Any, Any]:
        image, label = self.data[index].unsqueeze(0).float() / 255, int(self.targets[index])
        return (
            image if self.transform is None else self.transform(image),
            label if self.target_transform is None else self.target_transform(label),
        )

    def tensors(self, device: Device | str | None = None) -> TensorDataset:
        """All images at once, float32 (10000, 1, 28, 28), of mean 0 and deviation 1, with their labels, on a device.

        A loader over this slices whole batches; it is what ``minicnn train`` uses.
        """
        images = (self.data.unsqueeze(1).float() / 255 - MEAN) / STD
        place = default_device() if device is None else device
        return TensorDataset(images.to(device=place), self.targets.to(device=place))


def _read(name: str) -> Any:
    with as_file(files("minicnn.datasets.digits").joinpath(name)) as path:
        return read_idx(path)
