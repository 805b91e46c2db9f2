"""Noise for images, to try a program before its data are there."""

from __future__ import annotations

from typing import Any

from minicnn.datasets.base import Transform, VisionDataset
from minicnn.errors import OutOfRangeError
from minicnn.ops.sampling import randint, randn
from minicnn.random import Generator
from minicnn.tensor import Tensor
from minicnn.transforms import ToPILImage


class FakeData(VisionDataset):
    """PIL images of noise and random labels; the same index gives the same item, and torchvision's.

    Args:
        size: images.
        image_size: channels, height and width of each.
        num_classes: labels are below it.
        transform: called with each image.
        target_transform: called with each label, a tensor without dimensions.
        random_offset: added to an index, for other items.

    Raises:
        MissingPackageError: Pillow is not installed, when an item is asked for.

    Example:
        >>> data = mc.datasets.FakeData(100, (3, 32, 32), transform=mc.transforms.ToTensor())
        >>> image, label = data[7]
    """

    def __init__(
        self, size: int = 1000, image_size: tuple[int, ...] = (3, 224, 224), num_classes: int = 10,
        transform: Transform = None, target_transform: Transform = None, random_offset: int = 0,
    ) -> None:  # fmt: skip
        super().__init__(None, transform, target_transform)
        self.size, self.image_size = size, image_size
        self.num_classes, self.random_offset = num_classes, random_offset

    def __getitem__(self, index: int) -> tuple[Any, Any]:
        if index >= len(self):
            raise OutOfRangeError("FakeData: there is no such image", got=str(index), rule=f"below {len(self)}")
        stream = Generator().manual_seed(index + self.random_offset)
        noise = randn(*self.image_size, generator=stream)
        label = randint(0, self.num_classes, (1,), generator=stream)[0]
        image, target = self.transformed(ToPILImage()(noise), label)
        return image, target.item() if isinstance(target, Tensor) else target

    def __len__(self) -> int:
        return self.size
