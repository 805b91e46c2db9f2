"""Sizes that are free: which axes of which inputs, and inputs of two different sizes to find what depends on them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from minicnn.backend import backend_of
from minicnn.errors import OptionError
from minicnn.tensor import Tensor, wrap

Array = Any

Axes = Mapping[str, Mapping[int, str]]
"""For inputs and outputs by name, the free axes and what their sizes are called."""


def named_axes(
    given: str | Mapping[str, Mapping[int, str] | Sequence[int]] | None, inputs: Mapping[str, Tensor],
    outputs: Sequence[str] | None,
) -> dict[str, dict[int, str]]:  # fmt: skip
    """``dynamic_axes`` as it is given to ``export``, with every axis counted from the front and named."""
    if given is None:
        return {}
    if isinstance(given, str):
        return {name: {0: given} for name in inputs}
    if not isinstance(given, Mapping):
        raise _misfit(given, "a name for the first axis of all inputs, or a dictionary")
    found: dict[str, dict[int, str]] = {}
    for name, axes in given.items():
        if name not in inputs and outputs is not None and name not in outputs:
            raise _misfit(name, f"names of inputs ({', '.join(inputs)}) or outputs")
        if isinstance(axes, Mapping):
            named = dict(axes)
        else:
            named = {axis: f"{name}_dynamic_axes_{i + 1}" for i, axis in enumerate(axes)}
        ndim = inputs[name].ndim if name in inputs else None
        if ndim is not None and any(not -ndim <= axis < ndim for axis in named):
            raise _misfit(dict(named), f"axes of {name}, which has {ndim}")
        found[name] = {axis % ndim if ndim else axis: symbol for axis, symbol in named.items()}
    return found


def stretched(tensor: Tensor, name: str, axes: Axes, second: bool) -> Tensor:
    """The input ``name`` for the first trace or the second: repeated to other free sizes; then with other values, too.

    A free size is at least 2 in both, since 1 broadcasts. Sizes of different names that start alike grow by different
    amounts, so that each is known by its two values.
    """
    symbols = list(dict.fromkeys(symbol for named in axes.values() for symbol in named.values()))
    array = tensor.array
    xp = backend_of(array).xp
    for axis, symbol in axes.get(name, {}).items():
        size = max(array.shape[axis], 1)
        wanted = max(size, 2) + (size * (symbols.index(symbol) + 1) if second else 0)
        array = xp.take(array, xp.arange(wanted) % size, axis=axis)
    if second:
        array = _shuffled(xp, array)
        if array.dtype.kind == "f":
            array = (0.75 - 0.5 * array).astype(array.dtype)  # keeps to [0, 1], where images are
    return wrap(xp.array(array, copy=True))


def _shuffled(xp: Any, array: Array) -> Array:
    """The elements in another order, which is always the same and has no symmetry: strides of the golden section."""
    size = array.size
    step = next(k for k in range(int(size * 0.618) | 1, 2 * size + 4) if math.gcd(k, size) == 1)
    return array.reshape(-1)[(xp.arange(size) * step + size // 2) % max(size, 1)].reshape(array.shape)


def _misfit(got: Any, rule: str) -> OptionError:
    return OptionError("onnx.export: dynamic_axes does not fit the model", got=repr(got), rule=rule,
                       hint='dynamic_axes={"input": {0: "batch"}}, or dynamic_axes="batch"')
