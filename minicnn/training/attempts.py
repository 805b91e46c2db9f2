"""Attempts: a training does not end because something beside it cannot be written."""

from __future__ import annotations

import warnings
from collections.abc import Callable

from minicnn.errors import DataError


class Attempts:
    """Writes to one place. Where that fails the training goes on; a warning says so once, until it works again.

    Args:
        place: its name in messages.
    """

    def __init__(self, place: object) -> None:
        self.place = place
        self._failing = False

    def make(self, write: Callable[[], None], when: str) -> bool:
        """Whether ``write()`` did it; ``when`` it was tried is for the message."""
        try:
            write()
        except (OSError, DataError) as error:
            if not self._failing:
                reason = error.got if isinstance(error, DataError) else error.strerror
                warnings.warn(f"fit: {self.place} cannot be written {when}: {reason}. The training goes on, and tries "
                              "again; this is said once", stacklevel=2)  # fmt: skip
            self._failing = True
            return False
        if self._failing:
            warnings.warn(f"fit: {self.place} can be written again, {when}", stacklevel=2)
        self._failing = False
        return True
