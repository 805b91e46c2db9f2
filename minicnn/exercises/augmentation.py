"""Chapter 11, augmentation."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from minicnn.exercises.exercise import Draw, Exercise, agree
from minicnn.nn import functional as F
from minicnn.ops.creation import tensor

Array = Any


def flip_and_crop(image: Array, flip: bool, padding: int, top: int, left: int, size: int) -> Array:
    """(C, H, W) → (C, size, size)."""
    turned = image[..., ::-1] if flip else image
    padded = np.pad(turned, ((0, 0), (padding, padding), (padding, padding)))
    return padded[:, top : top + size, left : left + size]


def variants(pixels: int, padding: int, size: int, flips: bool) -> int:
    """Places of the crop in both directions, twice with flips."""
    return (pixels + 2 * padding - size + 1) ** 2 * (2 if flips else 1)


def mixup(images: Array, labels: Array, classes: int, share: float) -> tuple[Array, Array]:
    """(N, C, H, W), (N,) → (N, C, H, W), (N, classes); the partner is the one before."""
    rows = np.eye(classes)[labels]
    images, rows = (share * a + (1 - share) * np.roll(a, 1, 0) for a in (images, rows))
    return images, rows


def cutmix(image: Array, other: Array, row: int, column: int, half: int) -> tuple[Array, float]:
    """(C, H, W), (C, H, W) → (C, H, W), and the share of the first."""
    mixed, (height, width) = image.copy(), image.shape[1:]
    rows, columns = slice(max(row - half, 0), row + half), slice(max(column - half, 0), column + half)
    mixed[:, rows, columns] = other[:, rows, columns]
    return mixed, 1 - other[0, rows, columns].size / (height * width)


def soft_cross_entropy(scores: Array, shares: Array) -> float:
    """(N, K), (N, K) → the mean over the batch."""
    return float(F.cross_entropy(tensor(scores), tensor(shares)).item())


def _crops(draw: Draw, *options: tuple[int, int, int, bool, int, int, int, int]) -> Iterator[tuple[Any, ...]]:
    for c, h, w, *rest in options:
        yield draw.integers(1, 10, (c, h, w)).astype(float), *rest


def _batches(draw: Draw, *options: tuple[int, int, int, float]) -> Iterator[tuple[Array, Array, int, float]]:
    for n, pixels, classes, share in options:
        labels = np.arange(n) % classes if n <= classes else draw.integers(0, classes, n)
        images = draw.integers(0, 9, (n, 1, pixels, pixels)) + 10.0 * np.arange(n).reshape(n, 1, 1, 1)
        yield images, labels, classes, share


def _pairs(draw: Draw, *options: tuple[int, int, int, int, int, int]) -> Iterator[tuple[Array, Array, int, int, int]]:
    for c, h, w, row, column, half in options:
        image, other = draw.integers(1, 5, (2, c, h, w)).astype(float)
        yield image, 10 + other, row, column, half


def _scores(draw: Draw, *sizes: tuple[int, int], hard: bool = False, far: float = 0.0) -> Iterator[tuple[Array, Array]]:
    for n, k in sizes:
        shares = np.eye(k)[draw.integers(0, k, n)] if hard else draw.dirichlet(np.ones(k), n)
        yield draw.integers(-2, 3, (n, k)) + far * np.arange(k), shares


EXERCISES = [
    Exercise("11.1", "flip_and_crop", "mirror, pad and crop an image", (
        ("the crop", agree(flip_and_crop, lambda d: _crops(
            d, (1, 1, 1, False, 0, 0, 0, 1), (1, 3, 4, False, 0, 1, 0, 2), (3, 4, 4, False, 0, 0, 1, 3)))),
        ("the flip", agree(flip_and_crop, lambda d: _crops(d, (1, 2, 2, True, 0, 0, 0, 2), (2, 3, 4, True, 0, 1, 0, 2)),
                           "columns change places, rows and channels do not")),
        ("padding", agree(flip_and_crop, lambda d: _crops(d, (1, 1, 1, False, 1, 0, 0, 2), (1, 2, 2, True, 1, 2, 0, 2),
                                                          (2, 4, 4, True, 2, 0, 4, 4)),
                          "top and left count from the padding's corner")),
    )),
    Exercise("11.2", "variants", "count the crops and flips", (
        ("crops", agree(variants, [(1, 0, 1, False), (4, 0, 3, False), (256, 0, 224, False)],
                        "both the first place and the last count")),
        ("padding", agree(variants, [(4, 1, 4, False), (32, 4, 32, False)], "there is padding on both sides")),
        ("flips", agree(variants, [(1, 0, 1, True), (32, 4, 32, True)])),
    )),
    Exercise("11.3", "mixup", "mix images and labels", (
        ("nothing of the other", agree(mixup, lambda d: _batches(d, (1, 1, 2, 1.0), (3, 2, 4, 1.0)),
                                       "a label is a row with a 1 at its class")),
        ("mixed", agree(mixup, lambda d: _batches(d, (2, 1, 2, 0.75), (3, 1, 3, 0.75), (5, 2, 4, 0.25)),
                        "the partner of the first is the last")),
        ("two of one class", agree(mixup, lambda d: ((x, 0 * y, k, s) for x, y, k, s in _batches(d, (2, 1, 2, 0.75))),
                                   "shares of the same class add up")),
    )),
    Exercise("11.4", "cutmix", "put a part of one image into another", (
        ("in the middle", agree(cutmix, lambda d: _pairs(
            d, (1, 2, 2, 1, 1, 1), (1, 4, 4, 2, 2, 1), (3, 6, 5, 3, 2, 2)))),
        ("no rectangle", agree(cutmix, lambda d: _pairs(d, (1, 2, 2, 1, 1, 0)))),
        ("over the edge", agree(cutmix, lambda d: _pairs(d, (1, 3, 3, 0, 0, 1), (1, 4, 5, 3, 4, 2), (2, 4, 6, 0, 5, 3)),
                                "only what lies in the image counts")),
    )),
    Exercise("11.5", "soft_cross_entropy", "the cross-entropy of labels that are shares", (
        ("whole labels", agree(soft_cross_entropy, lambda d: _scores(d, (1, 2), (3, 4), hard=True))),
        ("shares", agree(soft_cross_entropy, lambda d: _scores(d, (1, 2), (4, 3), (8, 10)),
                         "sum over the classes, mean over the images")),
        ("large scores", agree(soft_cross_entropy, lambda d: _scores(d, (1, 2), (3, 4), far=1000.0),
                               "subtract the largest score first; take the log of the sum, not of each share")),
    )),
]  # fmt: skip
