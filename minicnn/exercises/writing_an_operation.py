"""Chapter 16, writing an operation."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from minicnn.exercises.exercise import Draw, Exercise, agree

Array = Any


def squareplus_grad(g: Array, out: Array) -> Array:
    """Arrays of one shape → g times the slope."""
    return g * out**2 / (out**2 + 1)


def softplus(x: Array) -> Array:
    """log(1 + eˣ)."""
    return np.logaddexp(x, 0)


def tanh_grad(g: Array, out: Array) -> Array:
    """Arrays of one shape → g times the slope."""
    return g * (1 - out**2)


def sum_to_shape(g: Array, shape: tuple[int, ...]) -> Array:
    """A gradient → of the shape that was broadcast to its own."""
    g = g.sum(axis=tuple(range(g.ndim - len(shape))))
    return g.sum(axis=tuple(i for i, size in enumerate(shape) if size == 1), keepdims=True)


def normalise_grad(g: Array, x: Array) -> Array:
    """(L,), (L,) → (L,)."""
    length = np.sqrt(x @ x)
    y = x / length
    return (g - y * (g @ y)) / length


def _slopes(draw: Draw, low: float, high: float) -> Iterator[tuple[Array, Array]]:
    for shape in ((1,), (3,), (2, 4)):
        yield draw.normal(size=shape), draw.uniform(low, high, shape)


def _broadcast(draw: Draw, shapes: list[tuple[tuple[int, ...], tuple[int, ...]]]) -> Iterator[tuple[Array, Any]]:
    for full, own in shapes:
        yield draw.integers(-5, 6, full).astype(float), own


def _vectors(draw: Draw, sizes: list[int]) -> Iterator[tuple[Array, Array]]:
    for size in sizes:
        yield draw.normal(size=size), draw.normal(size=size) * 3


EXERCISES = [
    Exercise("16.1", "squareplus_grad", "the gradient of squareplus from its result", (
        ("where g is 1", agree(squareplus_grad, [(np.ones(1), np.array([2.0])), (np.ones(3), np.array([0.5, 1, 3]))],
                               "y² / (y² + 1)")),
        ("any g", agree(squareplus_grad, lambda d: _slopes(d, 0.1, 5), "a rule is asked for g times the slope")),
    )),
    Exercise("16.2", "softplus", "log(1 + exp(x)) for any x", (
        ("near 0", agree(softplus, lambda d: [(np.array([0.0]),), (d.normal(size=5),)])),
        ("large", agree(softplus, [(np.array([50.0, 800.0]),)], "exp(800) is infinite, but exp(−800) is not")),
        ("small", agree(softplus, [(np.array([-50.0]),), (np.array([-700.0, -40.0]),)],
                        "1 + 1e-22 is 1; log1p takes what is added to it", atol=0)),
    )),
    Exercise("16.3", "tanh_grad", "the gradient of tanh from its result", (
        ("where g is 1", agree(tanh_grad, [(np.array([1.0]), np.array([0.5])), (np.ones(2), np.array([0.0, -0.9]))])),
        ("any g", agree(tanh_grad, lambda d: _slopes(d, -1, 1))),
    )),
    Exercise("16.4", "sum_to_shape", "a gradient summed down to the shape of its input", (
        ("the same shape", agree(sum_to_shape, lambda d: _broadcast(d, [((2,), (2,)), ((2, 3), (2, 3))]))),
        ("dimensions in front", agree(sum_to_shape,
                                      lambda d: _broadcast(d, [((3,), ()), ((2, 3), (3,)), ((2, 3, 2), (2,))]),
                                      "broadcasting adds dimensions at the front")),
        ("dimensions of size 1", agree(sum_to_shape, lambda d: _broadcast(d, [((2, 3), (2, 1)), ((2, 3), (1, 3))]),
                                       "they stay, with size 1")),
        ("both", agree(sum_to_shape, lambda d: _broadcast(d, [((4, 2, 3), (2, 1)), ((2, 2, 2, 2), (1, 2, 1))]))),
    )),
    Exercise("16.5", "normalise_grad", "the gradient of x / ‖x‖", (
        ("one number", agree(normalise_grad, [(np.array([2.0]), np.array([3.0])), (np.array([1.0]), np.array([-2.0]))],
                             "its sign is all that is left of a single number")),
        ("g across x", agree(normalise_grad, [(np.array([0.0, 1.0]), np.array([2.0, 0.0]))])),
        ("any g", agree(normalise_grad, lambda d: _vectors(d, [2, 3, 7]), "take what lies along y off g")),
    )),
]  # fmt: skip
