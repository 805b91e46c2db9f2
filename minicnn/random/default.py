"""The generator of draws that name none. Threads share it; one that must repeat its draws gets a stream of its own."""

from __future__ import annotations

import threading
from typing import Any

from minicnn.random.engine import Engine
from minicnn.random.generator import Generator


class DefaultGenerator(Generator):
    """A Generator whose stream a thread can have to itself: draws of other threads then come from elsewhere."""

    def __init__(self) -> None:
        self._own = threading.local()
        super().__init__()

    @property
    def _engine(self) -> Engine:
        return getattr(self._own, "engine", self._shared)

    @_engine.setter
    def _engine(self, engine: Engine) -> None:
        self._shared = engine

    @property
    def is_split_off(self) -> bool:
        """Whether this thread has a stream of its own."""
        return hasattr(self._own, "engine")

    def split_off(self, seed: int) -> None:
        """Let this thread draw from a stream of its own from now on, which starts at ``seed``."""
        self._own.engine = Engine()
        self.manual_seed(seed)

    def rejoin(self) -> None:
        """Let this thread draw from the shared stream again."""
        del self._own.engine

    def after_fork(self) -> None:
        """Free the lock, which a thread may have held that the new process does not have."""
        self._lock = threading.RLock()

    def __reduce__(self) -> tuple[Any, ...]:
        return Generator, (), self.__getstate__()  # there is one default: a copy is a plain generator
