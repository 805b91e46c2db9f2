"""Stand-ins for a process of its own: one that is none, and one that tells what it has loaded."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from typing import Any, ClassVar, NamedTuple, Self

from benchmarks.case import cores
from benchmarks.sides import Apart


class State(NamedTuple):
    """A process: its number, which libraries it has loaded, and what it may use."""

    pid: int
    libraries: tuple[str, ...]
    cores: int
    variable: str | None


class Near:
    """What ``Apart`` is, in this process."""

    def __init__(self, make: Callable[..., Any], *arguments: Any, patience: float | None = None) -> None:
        self.made = make(*arguments)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.made, name)

    def __call__(self, *given: Any) -> Any:
        return self.made(*given)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing is left of it."""

    def state(self) -> State:
        """Of this process."""
        loaded = tuple(name for name in ("minicnn", "torch") if name in sys.modules)
        return State(os.getpid(), loaded, cores(), os.environ.get("OMP_NUM_THREADS"))


class Told(Apart):
    """A process that leaves its state here before it ends."""

    states: ClassVar[list[State]] = []

    def __init__(self, *made: Any, patience: float | None = None) -> None:
        super().__init__(Near, *made, patience=patience)

    def __exit__(self, *error: object) -> None:
        self.states.append(self.state())
        super().__exit__(*error)
