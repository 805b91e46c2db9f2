"""The slip of every first week: ``nn.ReLU(x)`` makes a layer of x; ``nn.ReLU()(x)`` was meant."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from minicnn.errors import DtypeError
from minicnn.nn.module import Module
from minicnn.tensor import Tensor


def refuse_tensors(layer: type[Module]) -> None:
    """Have the constructor of ``layer`` refuse tensors where it takes none, and say how a layer is called.

    A tensor without dimensions is a number, which options may be.
    """
    make: Callable[..., None] = layer.__init__

    @functools.wraps(make)
    def construct(self: Module, *args: Any, **options: Any) -> None:
        if any(isinstance(value, Tensor) and value.ndim for value in (*args, *options.values())):
            _check(layer.__name__, make, args, options)
        make(self, *args, **options)

    layer.__init__ = construct  # type: ignore[method-assign, assignment]  # that is what it is for


def _check(name: str, make: Callable[..., None], args: tuple[Any, ...], options: dict[str, Any]) -> None:
    import inspect

    parameters = list(inspect.signature(make).parameters.values())[1:]
    if any(p.kind is p.VAR_POSITIONAL for p in parameters):
        return
    given = {p.name: value for p, value in zip(parameters, args, strict=False)} | options
    given |= {f"argument {place}": value for place, value in enumerate(args[len(parameters):], len(parameters) + 1)}
    tensors = {p.name for p in parameters if "Tensor" in str(p.annotation)}
    for what, value in given.items():
        if isinstance(value, Tensor) and value.ndim and what not in tensors:
            needed = ", ".join(p.name for p in parameters if p.default is p.empty)
            called = "output, target" if name.endswith("Loss") else "x"
            raise DtypeError(f"{name}: a tensor is given where the layer is made",
                             got=f"{what}, a tensor of shape {tuple(value.shape)}",
                             rule="a layer is made first, of its options, and then called with tensors",
                             hint=f"layer = nn.{name}({needed}), then layer({called})")
