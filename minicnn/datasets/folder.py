"""Datasets of files: a folder for each class."""

from __future__ import annotations

import functools
import os
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from minicnn.datasets.base import Transform, VisionDataset
from minicnn.errors import DataError, OptionError
from minicnn.transforms.pillow import pillow

_PROGRAMS = {"EPS"}
"""PostScript is a program, and Pillow has Ghostscript run it."""

_VISITS = 100
"""Of one folder, through links: a few that lead to one another make millions of paths."""


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
    """Images in a folder for each class, of any format that Pillow reads by itself (PostScript it does not), as RGB.

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
    formats = _formats()
    return tuple(sorted(ending for ending, name in image.registered_extensions().items() if name in formats))


@functools.cache
def _formats() -> list[str]:
    """Pillow's formats in the order in which it tries them, less those for which it starts another program."""
    image = pillow("load_image")
    image.init()
    return [name for name in image.ID if name in image.OPEN and name not in _PROGRAMS]


def load_image(path: str) -> Any:
    """An image file as a PIL image in RGB. Errors: DataError for a missing or damaged one, or one that is too large."""
    image = pillow("load_image")
    try:
        if not os.path.isfile(path):  # a pipe's name in a folder of pictures would be waited for without end
            raise DataError(f"{path} is no file", rule="a format that Pillow reads")
        with open(path, "rb") as file, image.open(file, formats=_formats()) as found:
            most = image.MAX_IMAGE_PIXELS
            if most is not None and found.width * found.height > most:  # for twice as many Pillow only warns
                raise DataError(f"{path} is too large", got=f"{found.width} × {found.height}",
                                rule=f"at most {most:,} pixels", hint="PIL.Image.MAX_IMAGE_PIXELS = …, if you trust it")
            return found.convert("RGB")
    except DataError:
        raise
    except Exception as error:  # the readers of the many formats raise many things
        raise DataError(f"{path} is no whole image", got=str(error) or type(error).__name__,
                        rule="a format that Pillow reads", hint="delete it, or get it again") from None


def _files(folder: Path) -> list[str]:
    """All files below a folder, in order. Links are followed, but not back into a folder that leads to them."""
    found, visits, todo = [], Counter[str](), [(str(folder), frozenset[str]())]
    while todo:
        place, above = todo.pop()
        inner, names = _listed(place)
        real = os.path.realpath(place)
        visits[real] += 1
        if visits[real] > _VISITS:
            raise DataError(f"{folder} has links without end", got=f"more than {_VISITS} ways to {real}",
                            rule="folders of images, and few links")
        if real not in above:
            found.append((place, names))
            todo += [(os.path.join(place, name), above | {real}) for name in inner]
    return [os.path.join(place, name) for place, names in sorted(found) for name in names]


def _listed(place: str) -> tuple[list[str], list[str]]:
    """The folders and the files in a folder, sorted; none in one that cannot be read."""
    _, inner, names = next(os.walk(place, followlinks=True), (place, [], []))
    return sorted(inner), sorted(names)
