"""Tools for test suites: gradient checks, and a strict stand-in device."""

from minicnn.testing.gradcheck import GradcheckError, gradcheck, gradgradcheck

__all__ = ["GradcheckError", "gradcheck", "gradgradcheck"]
