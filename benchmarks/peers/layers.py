"""A network as the peers get it: a list of layers, and arrays of weights."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

Layers = list[tuple[Any, ...]]
"""("conv", padding), ("relu",), ("pool", size), ("flatten",) and ("linear",), in order."""


def described(model: Any) -> tuple[Layers, list[Any]]:
    """The layers of a Sequential, and its parameters as arrays: the weight, then the bias, of each that has them."""
    layers: Layers = []
    for module in model:
        match type(module).__name__:
            case "Conv2d":
                layers.append(("conv", module.padding[0]))
            case "MaxPool2d":
                layers.append(("pool", 2))
            case name:
                layers.append((name.lower(),))
    return layers, [p.detach().numpy().copy() for p in model.parameters()]


def forward(library: Any, layers: Layers, params: Iterable[Any], x: Any) -> Any:
    """The network's result, by an adapter's functions."""
    rest = iter(params)
    for name, *options in layers:
        weights = (next(rest), next(rest)) if name in ("conv", "linear") else ()
        x = getattr(library, name)(x, *weights, *options)
    return x


def momentum_sgd(params: list[Any], grads: Iterable[Any], buffers: list[Any], lr: float, momentum: float) -> None:
    """The step of a library that has no optimiser, on its arrays: b = momentum·b + g, p -= lr·b."""
    for p, g, b in zip(params, grads, buffers, strict=True):
        b[...] = momentum * b + g
        p[...] = p - lr * b
