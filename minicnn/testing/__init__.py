"""Tools for test suites: gradient checks, and a strict stand-in device."""

from typing import TYPE_CHECKING

from minicnn.absent import hints
from minicnn.testing.gradcheck import GradcheckError, gradcheck, gradgradcheck

__all__ = ["GradcheckError", "gradcheck", "gradgradcheck"]

if not TYPE_CHECKING:
    __getattr__ = hints(globals())
