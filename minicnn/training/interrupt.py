"""Interrupt: the first Ctrl-C waits for the end of a step, the second for nothing."""

from __future__ import annotations

import os
import signal
import threading
from types import FrameType

NOTE = b"\nfit: ends after this step, with a checkpoint; Ctrl-C again ends at once\n"


class Interrupt:
    """Notes a Ctrl-C between ``begin`` and ``end``.

    It looks on only where Ctrl-C would raise KeyboardInterrupt: in the main thread, and where no one else handles it.

    Attributes:
        asked: whether there was one.
    """

    asked = False
    _active = False

    def begin(self) -> None:
        """Handle Ctrl-C from now on."""
        usual = threading.current_thread() is threading.main_thread()
        if usual and signal.getsignal(signal.SIGINT) is signal.default_int_handler:
            signal.signal(signal.SIGINT, self._note)
            self._active = True
        self.asked = False

    def end(self) -> None:
        """Leave it to Python again."""
        if self._active:
            signal.signal(signal.SIGINT, signal.default_int_handler)
        self._active = False

    def _note(self, number: int, frame: FrameType | None) -> None:
        if self.asked:
            self.end()
            signal.default_int_handler(number, frame)
        self.asked = True
        os.write(2, NOTE)  # print may be at work where the signal came
