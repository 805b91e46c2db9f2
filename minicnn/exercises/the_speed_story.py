"""Chapter 17, the speed story."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from minicnn.exercises.exercise import Draw, Exercise, agree

Array = Any


class Counted:
    """A number that counts the multiplications it takes part in; halving and doubling are free."""

    multiplications = 0

    def __init__(self, value: float) -> None:
        self.value = value

    def __add__(self, other: Any) -> Counted:
        return Counted(self.value + _value(other))

    __radd__ = __add__

    def __sub__(self, other: Any) -> Counted:
        return Counted(self.value - _value(other))

    def __rsub__(self, other: Any) -> Counted:
        return Counted(_value(other) - self.value)

    def __mul__(self, other: Any) -> Counted:
        Counted.multiplications += _value(other) not in (0.5, 2, -1, 1)
        return Counted(self.value * _value(other))

    __rmul__ = __mul__

    def __truediv__(self, other: Any) -> Counted:
        return self * (1 / _value(other))

    def __neg__(self) -> Counted:
        return Counted(-self.value)


def _value(number: Any) -> float:
    return float(number.value if isinstance(number, Counted) else number)


def two_outputs(d: Any, g: Any) -> tuple[Any, Any]:
    """(4,), (3,) → two sliding sums of products."""
    found = np.correlate(d, g, "valid")
    return found[0], found[1]


def _few_multiplications(answer: Any, draw: Draw) -> str:
    d, g = draw.integers(2, 9, 4).tolist(), (draw.integers(1, 9, 3) + 0.25).tolist()
    Counted.multiplications = 0
    first, second = answer([Counted(value) for value in d], g)
    if not np.allclose([_value(first), _value(second)], two_outputs(d, g)):
        return f"called with  d = {d}, g = {g}\nexpected     {two_outputs(d, g)}\ngot          {first}, {second}"
    count = Counted.multiplications
    return "" if count <= 4 else f"{count} multiplications of inputs with weights; halving is free"


def window_runs(order: str, channels: int, kernel: int) -> tuple[int, int]:
    """How many runs, and their length."""
    return (channels * kernel, kernel) if order == "NCHW" else (kernel, kernel * channels)


def block_size(cache: int, images: int, channels: int, height: int, width: int, kernel: int) -> int:
    """Images in a block."""
    return min(images, max(1, cache // (4 * channels * height * width * kernel**2)))


def speed_up(p: float, n: int) -> float:
    """Amdahl's law."""
    return 1 / (1 - p + p / n)


def fair_ratio(a: Array, b: Array) -> float:
    """(samples,), (samples,) → the median of the pairs' ratios."""
    return float(np.median(np.asarray(a) / np.asarray(b)))


def _windows(draw: Draw, order: str) -> Iterator[tuple[str, int, int]]:
    yield order, 1, 1
    yield order, 3, 2
    yield (order, *draw.integers(4, 99, 2).tolist())


def _paces(draw: Draw, disturbed: bool) -> Iterator[tuple[Array, Array]]:
    pace = np.repeat([1.0, 4.0, 1.0], 7)
    a, b = pace * draw.uniform(1.4, 1.6, 21), pace * draw.uniform(0.9, 1.1, 21)
    if disturbed:
        a[draw.integers(0, 21, 3)] *= 30
    yield a, b


def _lines(draw: Draw) -> Iterator[tuple[Array, Array]]:
    yield np.array([1.0, 2.0, 4.0, 8.0]), np.array([1.0, 0.0, 0.0])
    yield draw.integers(-5, 6, 4).astype(float), draw.integers(-5, 6, 3).astype(float)


EXERCISES = [
    Exercise("17.1", "two_outputs", "two outputs of a 3-tap convolution with four multiplications", (
        ("the right numbers", agree(two_outputs, _lines)),
        ("four multiplications", _few_multiplications),
    )),
    Exercise("17.2", "window_runs", "the runs of neighbouring numbers in a window", (
        ("planes", agree(window_runs, lambda d: _windows(d, "NCHW"), "within a plane, the window's rows are apart")),
        ("channels last", agree(window_runs, lambda d: _windows(d, "NHWC"), "the pixels of a row are neighbours")),
    )),
    Exercise("17.3", "block_size", "how many images' columns fit into the cache", (
        ("some fit", agree(block_size, [(400, 9, 1, 5, 5, 1), (2 << 20, 64, 16, 32, 32, 3)])),
        ("not even one fits", agree(block_size, [(100, 9, 1, 8, 8, 1)], "a block has at least one image")),
        ("all fit", agree(block_size, [(1 << 30, 2, 1, 8, 8, 3)], "there are no more images than there are")),
    )),
    Exercise("17.4", "speed_up", "Amdahl's law", (
        ("nothing and everything", agree(speed_up, [(0.0, 4), (1.0, 4)])),
        ("a part", agree(speed_up, lambda d: [(0.5, 2), (0.9, 1000), (d.uniform(0.1, 0.9), 8)])),
    )),
    Exercise("17.5", "fair_ratio", "a ratio of times that a few disturbed samples do not change", (
        ("a steady pace", agree(fair_ratio, [(np.full(5, 3.0), np.full(5, 2.0))])),
        ("a pace that changes", agree(fair_ratio, lambda d: _paces(d, False), "each A has its own B", rtol=0.03)),
        ("disturbances", agree(fair_ratio, lambda d: _paces(d, True), "a mean is moved by one sample", rtol=0.03)),
    )),
]  # fmt: skip
