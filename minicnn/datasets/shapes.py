"""ColouredShapes: images drawn on the spot, for courses without a network."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from minicnn.datasets.base import ArrayDataset, Transform
from minicnn.errors import OptionError
from minicnn.random import Generator

Array = Any


def _star(x: Array, y: Array) -> Array:
    """Five points: the distance to the edge from tip (1 from the centre) to notch (0.45), in a tenth of the circle."""
    angle = np.abs((np.arctan2(x, -y) + math.pi / 5) % (2 * math.pi / 5) - math.pi / 5)
    along, across = np.hypot(x, y) * np.cos(angle), np.hypot(x, y) * np.sin(angle)
    notch = (0.45 * math.cos(math.pi / 5), 0.45 * math.sin(math.pi / 5))
    length = math.hypot(1 - notch[0], notch[1])
    return ((along - 1) * notch[1] + across * (1 - notch[0])) / length


SHAPES: dict[str, Callable[[Array, Array], Array]] = {
    "circle": lambda x, y: np.hypot(x, y) - 0.9,
    "ring": lambda x, y: np.abs(np.hypot(x, y) - 0.7) - 0.22,
    "square": lambda x, y: np.maximum(np.abs(x), np.abs(y)) - 0.75,
    "frame": lambda x, y: np.abs(np.maximum(np.abs(x), np.abs(y)) - 0.62) - 0.2,
    "triangle": lambda x, y: np.maximum(np.abs(x) * math.sqrt(0.75) - y / 2, y) - 0.5,
    "diamond": lambda x, y: (np.abs(x) + np.abs(y) - 1) * math.sqrt(0.5),
    "cross": lambda x, y: np.maximum(np.maximum(np.abs(x), np.abs(y)) - 0.95, np.minimum(np.abs(x), np.abs(y)) - 0.28),
    "star": _star,
    "crescent": lambda x, y: np.maximum(np.hypot(x, y) - 0.95, 0.75 - np.hypot(x - 0.45, y)),
    "dome": lambda x, y: np.maximum(np.hypot(x, y - 0.4) - 1, y - 0.4),
}
"""How far a point lies outside of a shape of radius about 1 around (0, 0); negative inside. y points down."""

COLOURS: dict[str, tuple[float, float, float]] = {
    "red": (0.9, 0.1, 0.1), "orange": (0.95, 0.55, 0.05), "yellow": (0.95, 0.9, 0.1), "green": (0.1, 0.7, 0.15),
    "cyan": (0.1, 0.8, 0.85), "blue": (0.1, 0.25, 0.9), "purple": (0.55, 0.15, 0.8), "pink": (0.95, 0.45, 0.7),
}  # fmt: skip
_BLOCK = 256


class ColouredShapes(ArrayDataset):
    """Shapes of ten kinds in eight colours, somewhere in the image, turned a little, on grey and noisy ground.

    Args:
        train: the training images, or others to test with.
        transform: called with each image, a PIL image; where Pillow is not installed, an array of bytes.
        target_transform: called with each label, an int.
        size: how many images, the classes in equal numbers; by default 5,000, or 1,000 to test with.
        image_size: height and width.
        seed: the same seed gives the same images.
        target: what the label says, "shape" (10 classes) or "colour" (8).

    Attributes:
        data: uint8 array (size, image_size, image_size, 3).
        targets: a list of ints.
        shapes, colours: the numbers of each image's shape and colour.

    Errors: OptionError.

    Example:
        >>> image, label = mc.datasets.ColouredShapes(size=10, transform=mc.transforms.ToTensor())[0]
        >>> image.shape
        Size([3, 32, 32])
    """

    def __init__(
        self,
        train: bool = True,
        transform: Transform = None,
        target_transform: Transform = None,
        size: int | None = None,
        image_size: int = 32,
        seed: int = 0,
        target: str = "shape",
    ) -> None:
        super().__init__(None, transform, target_transform)
        if target not in ("shape", "colour"):
            raise OptionError("ColouredShapes: there is no such target", got=repr(target), rule='"shape" or "colour"')
        count = size if size is not None else 5000 if train else 1000
        if count < 1 or image_size < 8:
            raise OptionError("ColouredShapes: too small", got=f"size {count}, image_size {image_size}",
                              rule="size >= 1, image_size >= 8")
        self.train = train
        self.classes = list(SHAPES if target == "shape" else COLOURS)
        generator = Generator().manual_seed(2 * seed + (0 if train else 1))
        order = generator.randperm(count)
        self.shapes, self.colours = order % len(SHAPES), order // len(SHAPES) % len(COLOURS)
        self.targets = (self.shapes if target == "shape" else self.colours).tolist()
        self.data = _draw(generator, self.shapes, self.colours, image_size)

    def extra_repr(self) -> str:
        return f"Split: {'Train' if self.train else 'Test'}"


def _draw(generator: Generator, shapes: Array, colours: Array, size: int) -> Array:
    """(N, size, size, 3) bytes, some images at a time so that the arrays stay in the cache."""
    count = len(shapes)
    numbers = generator.uniform((count, 9), "float64")
    noise = generator.randint(-8, 9, (count, size, size, 1), "int8")
    images = np.empty((count, size, size, 3), np.uint8)
    palette = np.array(list(COLOURS.values()))
    for name, what in zip(SHAPES, range(len(SHAPES)), strict=True):
        chosen = np.flatnonzero(shapes == what)
        for start in range(0, len(chosen), _BLOCK):
            rows = chosen[start : start + _BLOCK]
            cover = _cover(SHAPES[name], numbers[rows, :4], size)[..., None]
            paint = np.clip(palette[colours[rows]] + (numbers[rows, 4:7] - 0.5) * 0.16, 0, 1)[:, None, None]
            ground = (0.15 + 0.7 * numbers[rows, 7])[:, None, None, None]
            mixed = ground * (1 - cover) + paint * cover
            images[rows] = np.clip(np.rint(mixed * 255) + noise[rows], 0, 255)
    return images


def _cover(outside: Callable[[Array, Array], Array], numbers: Array, size: int) -> Array:
    """(n, size, size): how much of each pixel a shape covers, from four numbers in [0, 1) each: place, radius, turn."""
    across, down, large, turn = (column[:, None, None] for column in numbers.T)
    radius = 0.45 + 0.25 * large
    angle = (turn - 0.5) * math.radians(40)
    at = (np.arange(size) + 0.5) * (2 / size) - 1
    x = at - (across - 0.5) * 1.8 * (1 - radius)
    y = at[:, None] - (down - 0.5) * 1.8 * (1 - radius)
    turned_x, turned_y = x * np.cos(angle) + y * np.sin(angle), y * np.cos(angle) - x * np.sin(angle)
    distance = outside(turned_x / radius, turned_y / radius) * radius * (size / 2)
    return np.clip(0.5 - distance, 0, 1)
