"""Errors that a device finds: noted there, and raised where a value is next read, so that no step waits for them."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from minicnn.backend.portable.arrays import ArrayKernels
from minicnn.errors import MinicnnError

Array = Any

MOST = 64  # different errors that a device can note; the values behind any others are looked at as on the CPU


class LateErrors(ArrayKernels):
    """A backend whose device runs behind the program: ``refuse`` notes, ``settle`` raises what was noted.

    ``asynchronous`` may be set to False, to have every error where it is made, and every loss read when it is there.
    """

    asynchronous = True

    def __init__(self, index: int | None = None) -> None:
        super().__init__(index)
        self._noted: dict[tuple[str, str], Callable[[], MinicnnError]] = {}
        self._flags: Array = None  # one for each; made on first use, and then always the same memory, for CUDA graphs

    def refuse(
        self, wrong: Array, kind: type[MinicnnError], what: str, *, rule: str, hint: str | None = None,
        got: Callable[[], object] | None = None,
    ) -> None:
        key = what, rule
        if not self.asynchronous or (key not in self._noted and len(self._noted) == MOST):
            super().refuse(wrong, kind, what, rule=rule, hint=hint, got=got)
            return
        if self._flags is None:
            self._flags = self.xp.zeros(MOST, "bool")
        if key not in self._noted:
            got_late = f"found on {self.device} in a step before this, when a value was read"
            self._noted[key] = partial(kind, what, got=got_late, rule=rule, hint=hint)
        place = list(self._noted).index(key)
        flag = self._flags[place : place + 1]
        self.xp.logical_or(flag, wrong.any(), out=flag)

    def settle(self, read: Callable[[Array], Any]) -> None:
        """Raise an error that was noted; ``read`` brings an array to the host."""
        if self._flags is None:
            return
        for error, met in zip(self._noted.values(), read(self._flags).tolist(), strict=False):
            if met:
                self._flags[...] = False
                raise error()
