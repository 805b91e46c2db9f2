"""Tools for test suites: gradient checks, strategies, a zoo of bugs, and a strict stand-in device."""

from typing import TYPE_CHECKING

from minicnn.absent import hints
from minicnn.testing.comparison import GradcheckError
from minicnn.testing.gradcheck import gradcheck, gradgradcheck, gradient_report
from minicnn.testing.zoo import score_suite

__all__ = ["GradcheckError", "gradcheck", "gradgradcheck", "gradient_report", "score_suite"]

if not TYPE_CHECKING:
    __getattr__ = hints(globals())
