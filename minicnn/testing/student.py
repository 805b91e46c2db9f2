"""A student's implementation of an operation, whatever its form, as a function of tensors."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import cached_property
from typing import Any

import numpy as np

import minicnn as mc
import minicnn.nn.functional as F
from minicnn.autograd.function import Function
from minicnn.errors import ArgumentError, UnknownNameError
from minicnn.tensor import Tensor


class Student:
    """``forward`` and perhaps ``backward`` of ``operation``, called as the engine's own function is.

    Three forms: NumPy functions ``forward(x, …) -> (out, cache)`` and ``backward(dout, cache) -> (dx, …)``; a subclass
    of Function, minicnn's or PyTorch's kind; a function of tensors. Tensors come positional in the order of
    ``mc.nn.functional``'s signature, options by name, with one number for a pair of equal ones; options that the code
    does not take have to have their default.
    """

    def __init__(self, operation: str, forward: Any, backward: Callable[..., Any] | None = None) -> None:
        if operation not in F.__all__:
            raise UnknownNameError("minicnn.nn.functional", operation, lambda: F.__all__)
        self.operation, self.right = operation, getattr(F, operation)
        self.signature = inspect.signature(self.right)
        self.tensors = [n for n, p in self.signature.parameters.items() if str(p.annotation).startswith("Tensor")]
        self.forward, self.backward = forward, backward

    @cached_property
    def _given(self) -> list[inspect.Parameter]:
        return _parameters(self.forward)

    def arguments(self, *args: Any, **options: Any) -> tuple[list[Any], dict[str, Any]]:
        """A call of ``mc.nn.functional``'s function as (tensors, options), all of them."""
        bound = self.signature.bind(*args, **options)
        bound.apply_defaults()
        given = dict(bound.arguments)
        return [given.pop(name) for name in self.tensors], given

    def run(self, tensors: list[Any], options: dict[str, Any]) -> Tensor:
        """The student's result. Errors: ArgumentError where the code does not take what the call needs."""
        given, options = self._fitting(tensors, options)
        if self.backward is not None:
            return _numpy_form(self.operation, self.forward, self.backward, options).apply(*given)
        if isinstance(self.forward, type) and issubclass(self.forward, Function):
            return self.forward.apply(*given, **options)
        return self.forward(*given, **options)

    def engine(self, tensors: list[Any], options: dict[str, Any]) -> Tensor:
        """The engine's result."""
        return self.right(**dict(zip(self.tensors, tensors, strict=True)), **options)

    def _fitting(self, tensors: list[Any], options: dict[str, Any]) -> tuple[list[Any], dict[str, Any]]:
        options = {name: plain(name, value) for name, value in options.items()}
        kinds = {p.kind for p in self._given}
        names = {p.name for p in self._given}
        if inspect.Parameter.VAR_KEYWORD not in kinds:
            for name, value in options.items():
                if name not in names and value != self.signature.parameters[name].default:
                    raise ArgumentError(f"{self.operation}: your code does not take {name}", got=f"{name}={value!r}")
            options = {name: value for name, value in options.items() if name in names}
        room = sum(p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD) and p.name not in options
                   for p in self._given)
        if inspect.Parameter.VAR_POSITIONAL not in kinds and len(tensors) > room:
            if any(t is not None for t in tensors[room:]):
                raise ArgumentError(f"{self.operation}: your code takes {room} tensors",
                                    got=", ".join(self.tensors[: len(tensors)]))
            tensors = tensors[:room]
        return tensors, options


def plain(name: str, value: Any) -> Any:
    """A pair of equal numbers as one number, where either will do: layers have pairs, and simple code wants numbers."""
    pairs = ("kernel_size", "stride", "padding", "dilation", "output_padding")
    return value[0] if name in pairs and isinstance(value, tuple) and len(set(value)) == 1 else value


def _parameters(forward: Any) -> list[inspect.Parameter]:
    """What the code takes, but for ``self`` or ``ctx``."""
    if isinstance(forward, type):
        return list(inspect.signature(forward.forward).parameters.values())[1:]  # type: ignore[attr-defined]  # subclasses of Function have it
    return list(inspect.signature(forward).parameters.values())


def _numpy_form(
    operation: str, run: Callable[..., Any], run_back: Callable[..., Any], options: dict[str, Any]
) -> type[Function]:
    class Numpy(Function):
        name = f"your {operation}"

        @staticmethod
        def forward(ctx: Any, *tensors: Any) -> Tensor:
            ctx.like, ctx.place = [t if t is None else t.dtype for t in tensors], tensors[0].device
            out, ctx.cache = run(*(t if t is None else t.detach().cpu().numpy() for t in tensors), **options)
            return mc.from_numpy(np.asarray(out, dtype=ctx.like[0])).to(ctx.place)

        @staticmethod
        def backward(ctx: Any, g: Tensor) -> tuple[Tensor | None, ...]:
            found = run_back(g.cpu().numpy(), ctx.cache)
            grads = list(found) if isinstance(found, tuple | list) else [found]
            grads += [None] * (len(ctx.like) - len(grads))
            return tuple(None if d is None or not need else mc.from_numpy(np.asarray(d, dtype=like)).to(ctx.place)
                         for d, like, need in zip(grads, ctx.like, ctx.needs_input_grad, strict=True))

    return Numpy
