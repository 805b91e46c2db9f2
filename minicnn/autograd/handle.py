"""RemovableHandle: what registering a hook returns, be it a tensor's, a module's or an optimiser's."""

from __future__ import annotations

from itertools import count
from types import TracebackType
from typing import Any, Self

_numbers = count(1)


class RemovableHandle:
    """A hook's registration; ``remove()``, or the end of a ``with`` block, takes the hook off again."""

    def __init__(self, hooks: dict[int, Any]) -> None:
        self.hooks, self.id = hooks, next(_numbers)

    def remove(self) -> None:
        """Take the hook off; once more is harmless."""
        self.hooks.pop(self.id, None)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.remove()


def register(hooks: dict[int, Any], entry: Any) -> RemovableHandle:
    """Add ``entry`` to ``hooks``, after those that are there."""
    handle = RemovableHandle(hooks)
    hooks[handle.id] = entry
    return handle
