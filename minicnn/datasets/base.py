"""What the image datasets share: an item is an image and a label, each through its transform."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any

from minicnn.data import Dataset, TensorDataset
from minicnn.errors import DataError
from minicnn.ops.creation import as_tensor
from minicnn.tensor import Tensor, place

Array = Any
Transform = Callable[[Any], Any] | None


class VisionDataset(Dataset[tuple[Any, Any]]):
    """Base of image datasets: where they lie, and what is done to images and labels."""

    classes: Any = ()

    def __init__(self, root: str | Path | None, transform: Transform, target_transform: Transform) -> None:
        self.root = None if root is None else Path(root).expanduser()
        self.transform, self.target_transform = transform, target_transform

    @property
    def class_to_idx(self) -> dict[str, int]:
        """The label of each class's name."""
        return {name: label for label, name in enumerate(self.classes)}

    def transformed(self, image: Any, target: Any) -> tuple[Any, Any]:
        """An item from an image and a label."""
        return (
            image if self.transform is None else self.transform(image),
            target if self.target_transform is None else self.target_transform(target),
        )

    def extra_repr(self) -> str:
        """More lines for the repr."""
        return ""

    def __len__(self) -> int:
        raise NotImplementedError(f"{type(self).__name__} must write __len__(self)")

    def __repr__(self) -> str:
        lines = [f"Number of datapoints: {len(self)}"]
        if self.root is not None:
            lines.append(f"Root location: {self.root}")
        lines += self.extra_repr().splitlines()
        if self.transform is not None or self.target_transform is not None:
            lines.append("StandardTransform")
        text = "\n    ".join([f"Dataset {type(self).__name__}", *lines])
        for head, transform in (("Transform: ", self.transform), ("Target transform: ", self.target_transform)):
            if transform is not None:
                text += "\n" + head + repr(transform).replace("\n", "\n" + " " * len(head))
        return text


class ArrayDataset(VisionDataset):
    """Base of datasets that are whole in memory.

    Attributes:
        data: the images, bytes.
        targets: the labels.
        mean, std: of the training pixels in [0, 1], a number for each channel.
    """

    data: Any
    targets: Any
    mean: tuple[float, ...] = (0.5,)
    std: tuple[float, ...] = (0.5,)

    def pixels(self) -> Array:
        """All images as an array of bytes (N, H, W) or (N, H, W, C)."""
        return self.data

    def __len__(self) -> int:
        return len(self.data)

    def __getitem__(self, index: Any) -> tuple[Any, Any]:
        return self.transformed(as_image(self.pixels()[index]), int(self.targets[index]))

    def tensors(self, device: Any = None) -> TensorDataset:
        """All images at once, float32 (N, C, H, W), less ``mean`` and over ``std``, with their labels, on a device.

        No transform is applied. A loader over this slices whole batches, which is many times faster than one image
        after the other.
        """
        pixels = self.pixels()
        images = place(pixels[:, None] if pixels.ndim == 3 else pixels.transpose(0, 3, 1, 2), device).contiguous()
        mean, std = (as_tensor(v, device=images.device).reshape(-1, 1, 1) for v in (self.mean, self.std))
        labels = self.targets if isinstance(self.targets, Tensor) else as_tensor(list(map(int, self.targets)))
        return TensorDataset((images.float() / 255 - mean) / std, labels.to(device=images.device))


def as_image(pixels: Array) -> Any:
    """Bytes (H, W) or (H, W, 3) as a PIL image; as they are where there is no Pillow (ToTensor takes both alike)."""
    return _image_maker()(pixels)


@functools.cache
def _image_maker() -> Callable[[Array], Any]:
    try:
        from PIL import Image
    except ImportError:
        return lambda pixels: pixels
    return Image.fromarray


def find(folders: list[Path], names: list[str]) -> list[Path] | None:
    """The files of these names, from the first of the folders that has them all, gzipped or not; None if none has."""
    for folder in folders:
        found = [next((p for p in (folder / name, folder / f"{name}.gz") if p.is_file()), None) for name in names]
        if all(found):
            return [path for path in found if path is not None]
    return None


def absent(dataset: VisionDataset, folders: list[Path], names: list[str]) -> DataError:
    """The error for data that are not there."""
    return DataError(f"{type(dataset).__name__}: the data are not there",
                     got="none of " + ", ".join(str(folder) for folder in dict.fromkeys(folders)) + " has them all",
                     rule=", ".join(names), hint="download=True")


def check_labels(path: Path, labels: Array, images: int, classes: int) -> None:
    """DataError unless there is a label below ``classes`` for each image."""
    if labels.shape != (images,):
        raise DataError(f"{path} does not fit its images", got=f"labels {labels.shape} for {images} images",
                        rule="one label an image", hint="download both again")
    if images and not 0 <= int(labels.min()) <= int(labels.max()) < classes:
        raise DataError(f"{path} has labels out of range", got=f"{labels.min()} to {labels.max()}",
                        rule=f"0 to {classes - 1}", hint="download it again")
