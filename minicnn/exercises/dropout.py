"""Chapter 7, dropout."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from minicnn import nn
from minicnn.autograd import no_grad
from minicnn.exercises.exercise import Draw, Exercise, agree, differs
from minicnn.nn import functional as F
from minicnn.ops.creation import tensor
from minicnn.ops.join import stack
from minicnn.random import fork_rng, manual_seed
from minicnn.tensor import Tensor

Array = Any


def dropout_layer(x: Array, u: Array, p: float, training: bool) -> Array:
    """(*), (*) → (*)."""
    if not training:
        return x
    return np.where(u < 1 - p, x / (1 - p), 0.0) if p < 1 else np.zeros(x.shape)


def dropout_layer_backward(g: Array, u: Array, p: float, training: bool) -> Array:
    """(*), (*) → (*)."""
    return dropout_layer(g, u, p, training)  # a product with a constant is its own gradient's rule


def drop_channels(x: Array, u: Array, p: float) -> Array:
    """(N, C, H, W), (N, C) → (N, C, H, W)."""
    return x * dropout_layer(np.ones(u.shape), u, p, True)[:, :, None, None]


def mean_and_variance(x: Array, w: Array, p: float) -> tuple[float, float]:
    """(D,), (D,) → mean and variance of the dropped x times w."""
    return float(x @ w), float((w * w * x * x).sum() * p / (1 - p))


def ask_the_crowd(model: nn.Module, x: Tensor, times: int) -> Tensor:
    """(N, …) → (N, classes): mean softmax over thinned networks."""
    modes = [(module, module.training) for module in model.modules()]
    for module, _ in modes:
        module.training = isinstance(module, nn.Dropout)
    with no_grad():
        answers = [F.softmax(model(x), 1) for _ in range(times)]
    for module, mode in modes:
        module.training = mode
    return stack(answers).mean(0)


def _elements(draw: Draw, *shapes: tuple[int, ...], p: float, training: bool = True) -> Iterator[tuple[Any, ...]]:
    for shape in shapes:
        yield 1.0 + draw.integers(1, 9, shape), np.round(draw.random(shape), 3), p, training


def _maps(draw: Draw, *sizes: tuple[int, int, int, int], p: float) -> Iterator[tuple[Array, Array, float]]:
    for size in sizes:
        yield 1.0 + draw.integers(1, 9, size), np.round(draw.random(size[:2]), 3), p


def _lines(draw: Draw, *lengths: int, p: float) -> Iterator[tuple[Array, Array, float]]:
    for length in lengths:
        yield draw.integers(1, 5, length).astype(float), 1.0 + draw.integers(1, 5, length), p


def _model(*layers: nn.Module) -> nn.Module:
    """A network whose parts are in both modes, and whose batch norms have seen something."""
    model = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), *layers, nn.Linear(8, 3)).double()
    for module in model.modules():
        if isinstance(module, nn.BatchNorm1d):
            module.running_mean.add_(1.0)
            module.running_var.mul_(4.0)
    model[0].eval()
    return model


def _crowd(answer: Any, draw: Draw, times: int, *layers: nn.Module) -> str:
    """What is wrong with an answer that asks a network of these layers."""
    seed = int(draw.integers(1 << 30))
    with fork_rng():
        manual_seed(seed)
        model, x = _model(*layers), tensor(draw.normal(size=(5, 4)))
        modes = [module.training for module in model.modules()]
        state = {name: value.clone() for name, value in model.state_dict().items()}
        manual_seed(seed)
        expected = ask_the_crowd(model, x, times)
        manual_seed(seed)
        found = answer(model, x, times)
    asked = f"asked {times} times: {model}\n"
    problem = differs(found, expected)
    if problem:
        return asked + problem
    if [module.training for module in model.modules()] != modes:
        return asked + "some layer is in another mode afterwards"
    if any(differs(value, state[name]) for name, value in model.state_dict().items()):
        return asked + "the model's state is another one afterwards: batch norm was in training mode"
    if found.requires_grad:
        return asked + "the answer drags its graph along: no_grad()"
    return ""


EXERCISES = [
    Exercise("7.1", "dropout_layer", "drop elements, and scale the rest", (
        ("p is one half", agree(dropout_layer, lambda d: _elements(d, (1,), (4,), (2, 3), p=0.5))),
        ("any p", agree(dropout_layer, lambda d: [*_elements(d, (2,), (8,), p=0.2), *_elements(d, (9,), p=0.75)],
                        "p is the share that is dropped; what is kept is divided by the share that is kept")),
        ("evaluation", agree(dropout_layer, lambda d: _elements(d, (1,), (2, 3), p=0.5, training=False))),
        ("p is 0, or 1", agree(dropout_layer, lambda d: [*_elements(d, (3,), p=0.0), *_elements(d, (3,), p=1.0)],
                               "nothing is kept where p is 1, and nothing is divided by 0")),
    )),
    Exercise("7.2", "dropout_layer_backward", "send the gradient through the elements that were kept", (
        ("p is one half", agree(dropout_layer_backward, lambda d: _elements(d, (1,), (4,), (2, 3), p=0.5),
                                "the same mask, and the same factor")),
        ("any p", agree(dropout_layer_backward, lambda d: [*_elements(d, (8,), p=0.2), *_elements(d, (9,), p=0.75)])),
        ("evaluation", agree(dropout_layer_backward, lambda d: _elements(d, (1,), (2, 3), p=0.5, training=False))),
        ("p is 1", agree(dropout_layer_backward, lambda d: _elements(d, (3,), p=1.0))),
    )),
    Exercise("7.3", "drop_channels", "drop whole channels of images", (
        ("one pixel", agree(drop_channels, lambda d: _maps(d, (1, 4, 1, 1), (3, 3, 1, 1), p=0.5))),
        ("all pixels of a channel together", agree(drop_channels, lambda d: _maps(d, (1, 3, 1, 2), (2, 5, 2, 3), p=0.3),
                                                   "one number of u for each channel of each image")),
        ("as many channels as rows", agree(drop_channels, lambda d: _maps(d, (1, 3, 3, 3), (4, 4, 4, 4), p=0.4),
                                           "where sizes are equal, broadcasting along the wrong axis fails silently")),
    )),
    Exercise("7.4", "mean_and_variance", "what dropout does to a sum of products", (
        ("one number", agree(mean_and_variance, lambda d: [*_lines(d, 1, p=0.5), *_lines(d, 1, p=0.2)])),
        ("several", agree(mean_and_variance, lambda d: [*_lines(d, 2, p=0.5), *_lines(d, 3, 8, p=0.25)],
                          "the masks are independent of each other, so variances add up")),
        ("many", agree(mean_and_variance, lambda d: _lines(d, 30, p=0.1), "2 to the 30 masks are too many to count")),
    )),
    Exercise("7.5", "ask_the_crowd", "the mean answer of thinned networks", (
        ("without dropout", lambda a, d: _crowd(a, d, 2)),
        ("one run", lambda a, d: _crowd(a, d, 1, nn.Dropout(0.5))),
        ("several runs", lambda a, d: _crowd(a, d, 4, nn.Dropout(0.5), nn.Dropout(0.2))),
        ("beside batch norm", lambda a, d: _crowd(a, d, 3, nn.BatchNorm1d(8), nn.Dropout(0.5))),
    )),
]  # fmt: skip
