"""Where minicnn's time goes: its functions, sorted into families, with a stopwatch that is always on for one of them.

Each kernel of ``minicnn.backend`` and each operation's ``forward`` is wrapped while a ``measured`` block runs. Calls
nest; a family's time is its own, without that of the families it calls. What is not wrapped (the engine, modules,
Python itself) belongs to whoever called it, in the end to "engine". One thread only.
"""

from __future__ import annotations

import functools
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FunctionType
from typing import Any

import numpy as np

import minicnn
from benchmarks.profiles import ENGINE
from benchmarks.replaced import replaced
from minicnn.autograd.function import Function
from minicnn.optim.optimizer import Optimizer

PRODUCTS = "convolution: products"

HELPERS = {"threads", "bell", "blas", "scratch", "products", "narrow", "elementwise", "rows", "runs", "arrays",
           "transforms"}  # fmt: skip
"""Modules of the backend that work for the family that called them."""

FAMILIES = {"norm": "norm", "pool": "pooling", "activation": "pointwise", "special": "pointwise", "resize": "pointwise",
            "conv": "convolution: the rest"}  # fmt: skip
"""The family of a module of the backend, by a word of its name; others are forms of convolution, or parts of one."""

KERNELS = {"linear": "linear", "piecewise": None}
"""Kernels that belong to another family than their module, or to whoever called them."""

OPERATIONS = {"conv": "convolution: the rest", "norm": "norm", "pool": "pooling", "linear": "linear",
              "linalg": "linear"}  # fmt: skip
"""The family of a module of operations; others are pointwise."""


class Stopwatch:
    """Seconds by family; ``enter`` stops the family that runs until ``leave``."""

    def __init__(self, clock: Callable[[], float] = time.perf_counter) -> None:
        self.clock = clock
        self.start()

    def start(self) -> None:
        """Begin at nothing, in the engine."""
        self.stack = [ENGINE]
        self.seconds: dict[str, float] = defaultdict(float)
        self.last = self.clock()

    def stop(self) -> dict[str, float]:
        """Seconds by family since the start."""
        self._note()
        return dict(self.seconds)

    def enter(self, family: str) -> None:
        """``family`` runs from now on."""
        self._note()
        self.stack.append(family)

    def leave(self) -> None:
        """The family before runs again."""
        self._note()
        self.stack.pop()

    def inside(self, family: str | None, function: Callable[..., Any]) -> Callable[..., Any]:
        """``function``, its time counted for ``family``; for its caller's where that is None, as products are."""

        @functools.wraps(function)
        def counted(*args: Any, **options: Any) -> Any:
            self.enter(family or self._products())
            try:
                return function(*args, **options)
            finally:
                self.leave()

        return counted

    def _note(self) -> None:
        now = self.clock()
        self.seconds[self.stack[-1]] += now - self.last
        self.last = now

    def _products(self) -> str:
        """Whose products: those of convolutions are told apart from the rest of them."""
        return PRODUCTS if self.stack[-1].startswith("convolution") else self.stack[-1]


@contextmanager
def measured(clock: Callable[[], float] = time.perf_counter) -> Iterator[Stopwatch]:
    """All of minicnn's functions on the stopwatch, until the block ends."""
    watch = Stopwatch(clock)
    with replaced((owner, name, watch.inside(family, vars(owner)[name])) for owner, name, family in _places()):
        yield watch


def _places() -> list[tuple[Any, str, str | None]]:
    """Where the functions to wrap are kept: an owner (module or class), a name in it, and the family."""
    places: list[tuple[Any, str, str | None]] = [(np, "matmul", None), (np, "dot", None)]
    families: dict[Any, str] = {}
    for module in _backend_modules():
        family = _family(module.__name__)
        if family is not None:
            families.update((f, family) for f in vars(module).values() if _made_in(f, module))
            places += [(cls, name, KERNELS.get(name, family)) for cls in vars(module).values() if isinstance(cls, type)
                       and cls.__module__ == module.__name__ for name, f in vars(cls).items()
                       if isinstance(f, FunctionType) and KERNELS.get(name, family)]  # fmt: skip
    for module in [m for name, m in sys.modules.items() if name.startswith("minicnn.backend.")]:
        places += [(module, name, families[f]) for name, f in vars(module).items()
                   if isinstance(f, FunctionType) and f in families]  # fmt: skip
    for cls in _subclasses(Function):
        if isinstance(vars(cls).get("forward"), FunctionType):
            places.append((cls, "forward", OPERATIONS.get(cls.__module__.rsplit(".", 1)[-1], "pointwise")))
    return [*places, (Optimizer, "step", "optimiser"), (Optimizer, "zero_grad", "optimiser")]


def _backend_modules() -> list[Any]:
    """Those that are loaded: what a step has not used yet, it does not need."""
    return [module for name, module in list(sys.modules.items())
            if name.startswith(("minicnn.backend.cpu.", "minicnn.backend.portable."))]  # fmt: skip


def _family(module: str) -> str | None:
    name = module.rsplit(".", 1)[-1]
    if name in HELPERS:
        return None
    return next((family for word, family in FAMILIES.items() if word in name.split("_")), f"convolution: {name}")


def _made_in(function: Any, module: Any) -> bool:
    return isinstance(function, FunctionType) and function.__module__ == module.__name__


def _subclasses(cls: type) -> Iterator[type]:
    for sub in cls.__subclasses__():
        if sub.__module__.startswith(minicnn.__name__):
            yield sub
        yield from _subclasses(sub)
