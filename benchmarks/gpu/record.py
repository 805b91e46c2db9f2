"""The kernels of a step: every launch of minicnn's own ones, and every product, written down as it is asked for."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from benchmarks.gpu import costs
from benchmarks.gpu.costs import Cost

Key = tuple[Any, ...]


@dataclass
class Call:
    """A kernel with arguments of some sizes: how often a step calls it, and ``again``, which calls it once more."""

    kernel: str
    shapes: str
    cost: Cost
    again: Callable[[], Any]
    times: int = 0


@contextmanager
def recorded(backend: Any) -> Iterator[dict[Key, Call]]:
    """What ``backend`` is asked for until the block ends; arguments of the first call of each kind are kept alive."""
    found: dict[Key, Call] = {}
    launch, multiply = backend.launch_source, backend.product

    def note(key: Key, call: Callable[[], Call]) -> None:
        if key not in found:
            found[key] = call()
        found[key].times += 1

    def launch_source(
        text: str, name: str, like: Any, count: int, arguments: tuple[Any, ...], block_each: bool = False
    ) -> None:
        key = name, text if name == "formula" else "", *(_size(a) for a in arguments)
        again = functools.partial(launch, text, name, like, count, arguments, block_each)
        note(key, lambda: Call(name, _shapes(arguments), costs.kernel(text, name, count, arguments), again))
        launch(text, name, like, count, arguments, block_each)

    def product(x: Any, y: Any, out: Any = None, *, add: bool = False) -> Any:
        key = "product", x.shape, y.shape, x.strides, y.strides, out is None, add
        again = functools.partial(multiply, x, y, out, add=add)
        note(key, lambda: Call(_product(x, y), _shapes((x, y)), costs.product(x, y, out, add=add), again))
        return multiply(x, y, out, add=add)

    backend.launch_source, backend.product = launch_source, product
    try:
        yield found
    finally:
        del backend.launch_source, backend.product


def _size(argument: Any) -> Any:
    return argument.shape if hasattr(argument, "shape") else argument


def _shapes(arguments: tuple[Any, ...]) -> str:
    return ", ".join("×".join(map(str, a.shape)) for a in arguments if hasattr(a, "shape"))


def _product(x: Any, y: Any) -> str:
    *many, m, k = x.shape
    count = max([*many, *y.shape[:-2]], default=1)
    return f"product {m}×{k}×{y.shape[-1]}" + (f", {count} of them" if count > 1 else "")
