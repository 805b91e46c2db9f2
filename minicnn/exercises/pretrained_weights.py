"""Chapter 12, pretrained weights and transfer."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from minicnn.exercises.exercise import Draw, Exercise, agree

Array = Any
State = dict[str, Array]


def prepared(images: Array, mean: list[float], std: list[float]) -> Array:
    """(N, H, W, C), bytes → (N, C, H, W): (x / 255 − mean) / std, channel by channel."""
    channels = images.astype(float).transpose(0, 3, 1, 2) / 255
    return (channels - np.reshape(mean, (-1, 1, 1))) / np.reshape(std, (-1, 1, 1))


def without_prefix(state: State, prefix: str) -> State:
    """The same tensors, where names that begin with the prefix are without it."""
    return {name.removeprefix(prefix): value for name, value in state.items()}


def differing_names(model: State, file: State) -> tuple[list[str], list[str], list[str]]:
    """Names that the file lacks, names that the model lacks, and names whose shapes differ, each in order."""
    shapes = [n for n in model if n in file and model[n].shape != file[n].shape]
    return [n for n in model if n not in file], [n for n in file if n not in model], shapes


def body_of(state: State, head: str) -> State:
    """The state without the tensors of the layer ``head`` and of what is inside of it."""
    return {name: value for name, value in state.items() if not name.startswith(f"{head}.")}


def step_by_rates(state: State, gradients: State, head: str, rate: float) -> State:
    """One step of gradient descent: the layer ``head`` at the rate, all others at a tenth of it."""
    return {name: value - (rate if name.startswith(f"{head}.") else rate / 10) * gradients[name]
            for name, value in state.items()}  # fmt: skip


def _pictures(draw: Draw, *shapes: tuple[int, int, int, int]) -> Iterator[tuple[Array, list[float], list[float]]]:
    for shape in shapes:
        channels = shape[-1]
        yield (draw.integers(0, 256, shape).astype(np.uint8), (draw.integers(1, 9, channels) / 10).tolist(),
               (draw.integers(1, 5, channels) / 10).tolist())  # fmt: skip


def _state(draw: Draw, *names: str) -> State:
    return {name: draw.integers(0, 10, 2).astype(float) for name in names}


def _prefixed(draw: Draw) -> Iterator[tuple[State, str]]:
    yield _state(draw, "module.fc.bias"), "module."
    yield _state(draw, "net.conv1.weight", "net.fc.bias"), "net."


def _partly_prefixed(draw: Draw) -> Iterator[tuple[State, str]]:
    yield _state(draw, "fc.bias"), "net."
    yield _state(draw, "net.fc.bias", "head.net.weight"), "net."
    yield _state(draw, "net.net.weight"), "net."


def _pairs(draw: Draw) -> Iterator[tuple[State, State]]:
    yield _state(draw, "fc.bias"), _state(draw, "fc.bias")
    yield _state(draw, "conv.weight", "fc.weight", "fc.bias"), _state(draw, "conv.weight", "head.weight")


def _shaped(draw: Draw) -> Iterator[tuple[State, State]]:
    yield {"fc.bias": np.zeros(10)}, {"fc.bias": np.zeros(1000)}
    yield {"a": np.zeros((2, 3)), "b": np.zeros(3)} | _state(draw, "c"), {"b": np.zeros(4), "a": np.zeros((3, 2))}


_HEADS = (("fc.bias",), ("conv.weight", "fc.weight", "fc.bias"), ("body.fc.weight", "fc.0.weight", "fc.0.bias"))
_LIKE_HEADS = (("fc.bias", "fc2.bias"), ("fc1.weight", "fcn.weight", "fc.weight"))


def _graded(draw: Draw, groups: tuple[tuple[str, ...], ...]) -> Iterator[tuple[State, State, str, float]]:
    for names in groups:
        yield _state(draw, *names), {n: 10.0 + v for n, v in _state(draw, *names).items()}, "fc", 0.5


EXERCISES = [
    Exercise("12.1", "prepared", "bytes of a picture as the numbers that a trained network expects", (
        ("grey", agree(prepared, lambda d: _pictures(d, (1, 1, 1, 1), (1, 2, 3, 1)))),
        ("colour", agree(prepared, lambda d: _pictures(d, (1, 1, 1, 3), (2, 3, 4, 3)),
                         "the channels come last, and must come second; each has a mean and a deviation of its own")),
    )),
    Exercise("12.2", "without_prefix", "weights saved from inside of another module, by their own names", (
        ("all names have it", agree(without_prefix, _prefixed)),
        ("some have it, elsewhere, or twice", agree(without_prefix, _partly_prefixed,
                                                    "only the beginning of a name counts, and only once")),
    )),
    Exercise("12.3", "differing_names", "what a file lacks, what it has too much, and what does not fit", (
        ("names", agree(differing_names, _pairs)),
        ("shapes", agree(differing_names, _shaped, "a tensor of another shape is neither missing nor too much")),
    )),
    Exercise("12.4", "body_of", "a network's weights without its head", (
        ("a head with tensors or layers", agree(body_of, lambda d: ((_state(d, *n), "fc") for n in _HEADS))),
        ("names that look like the head's", agree(body_of, lambda d: ((_state(d, *n), "fc") for n in _LIKE_HEADS),
                                                  "fc2 begins with fc, and is another layer")),
    )),
    Exercise("12.5", "step_by_rates", "one step: the new head at full rate, the rest at a tenth of it", (
        ("one layer", agree(step_by_rates, lambda d: _graded(d, (("fc.bias",), ("conv.weight",))))),
        ("both", agree(step_by_rates, lambda d: _graded(d, _HEADS[1:]))),
        ("names that look like the head's", agree(step_by_rates, lambda d: _graded(d, _LIKE_HEADS))),
    )),
]  # fmt: skip
