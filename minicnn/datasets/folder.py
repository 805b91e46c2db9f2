"""Datasets of files: a folder for each class."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from minicnn.datasets.base import Transform, VisionDataset
from minicnn.errors import DataError, OptionError
from minicnn.transforms.pillow import pillow


class DatasetFolder(VisionDataset):
    """Files in a folder for each class: ROOT/cat/1.ext, ROOT/dog/at/home/2.ext.

    Args:
        root: the folder of the classes' folders.
        loader: reads a file, given its path.
        extensions: endings of the files that count.
        transform: called with what the loader gives.
        target_transform: called with each label, an int.
        is_valid_file: whether a path counts, instead of ``extensions``.
        allow_empty: whether a class may have no file.

    Attributes:
        classes: the folders' names, sorted.
        class_to_idx: the label of each class.
        samples: (path, label) of each file, sorted.
        targets: the labels.

    Raises:
        DataError: no folder, no classes, or a class without files; OptionError.
    """

    def __init__(
        self,
        root: str | Path,
        loader: Callable[[str], Any],
        extensions: Sequence[str] | str | None = None,
        transform: Transform = None,
        target_transform: Transform = None,
        is_valid_file: Callable[[str], bool] | None = None,
        allow_empty: bool = False,
    ) -> None:
        super().__init__(root, transform, target_transform)
        if (extensions is None) == (is_valid_file is None):
            raise OptionError(f"{type(self).__name__}: which files count?", got="both or neither",
                              rule="either extensions or is_valid_file", hint='extensions=(".npy",)')
        endings = (extensions,) if isinstance(extensions, str) else tuple(extensions or ())
        counts = is_valid_file or (lambda path: path.lower().endswith(endings))
        self.loader, self.extensions = loader, extensions
        self.classes, self._class_to_idx = self.find_classes(Path(root).expanduser())
        self.samples = [(path, label) for name, label in self.class_to_idx.items()
                        for path in _files(Path(root).expanduser() / name) if counts(path)]  # fmt: skip
        self.targets = [label for _, label in self.samples]
        empty = sorted(set(self.classes) - {self.classes[label] for label in self.targets})
        if empty and not allow_empty:
            raise DataError(f"{type(self).__name__}: no files for {', '.join(empty)}", got=str(root),
                            rule=f"files with {', '.join(endings)}" if endings else "files that is_valid_file accepts",
                            hint="allow_empty=True")

    @property
    def class_to_idx(self) -> dict[str, int]:
        return self._class_to_idx

    def find_classes(self, directory: str | Path) -> tuple[list[str], dict[str, int]]:
        """The classes' names and their labels; a subclass may find others. Errors: DataError."""
        try:
            classes = sorted(entry.name for entry in os.scandir(directory) if entry.is_dir())
        except OSError as error:
            raise DataError(f"{directory} cannot be read", got=error.strerror, rule="a folder of folders") from None
        if not classes:
            raise DataError(f"{directory} has no folders", rule="a folder for each class",
                            hint=f"{directory}/cat/1.jpg, {directory}/dog/1.jpg")
        return classes, {name: label for label, name in enumerate(classes)}

    def __len__(self) -> int:
        return len(self.samples)

    def __getitem__(self, index: Any) -> tuple[Any, Any]:
        path, label = self.samples[index]
        return self.transformed(self.loader(path), label)


class ImageFolder(DatasetFolder):
    """Images in a folder for each class, of any format that Pillow reads, as RGB.

    Args:
        root, transform, target_transform, is_valid_file, allow_empty: as of ``DatasetFolder``.
        loader: reads an image, given its path.

    Attributes:
        imgs: the same as ``samples``.

    Raises:
        MissingPackageError: without Pillow; DataError as of ``DatasetFolder``, and for a damaged image, when read.

    Example:
        >>> photographs = mc.datasets.ImageFolder("photographs", transform=mc.transforms.ToTensor())
    """

    def __init__(
        self,
        root: str | Path,
        transform: Transform = None,
        target_transform: Transform = None,
        loader: Callable[[str], Any] | None = None,
        is_valid_file: Callable[[str], bool] | None = None,
        allow_empty: bool = False,
    ) -> None:
        endings = None if is_valid_file is not None else image_extensions()
        super().__init__(root, loader or load_image, endings, transform, target_transform, is_valid_file, allow_empty)
        self.imgs = self.samples


def image_extensions() -> tuple[str, ...]:
    """The endings of the formats that the installed Pillow reads."""
    image = pillow("ImageFolder")
    return tuple(sorted(ending for ending, name in image.registered_extensions().items() if name in image.OPEN))


def load_image(path: str) -> Any:
    """An image file as a PIL image in RGB. Errors: DataError for a missing or damaged one."""
    image = pillow("load_image")
    try:
        with open(path, "rb") as file, image.open(file) as found:
            return found.convert("RGB")
    except Exception as error:  # the readers of the many formats raise many things
        raise DataError(f"{path} is no whole image", got=str(error) or type(error).__name__,
                        rule="a format that Pillow reads", hint="delete it, or get it again") from None


def _files(folder: Path) -> list[str]:
    """All files below a folder, links followed, in order."""
    walk = sorted(os.walk(folder, followlinks=True))
    return [os.path.join(place, name) for place, _, names in walk for name in sorted(names)]
