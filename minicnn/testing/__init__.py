"""Tools for test suites: gradient checks, strategies, a zoo of bugs, checks of students' code, a stand-in device."""

import functools as _functools
from typing import TYPE_CHECKING
from typing import Any as _Any

from minicnn.absent import hints as _hints
from minicnn.testing.comparison import GradcheckError
from minicnn.testing.conformance import check
from minicnn.testing.gradcheck import gradcheck, gradgradcheck, gradient_report
from minicnn.testing.replacement import OracleError, use
from minicnn.testing.zoo import score_suite

__all__ = ["GradcheckError", "OracleError", "check", "gradcheck", "gradgradcheck", "gradient_report", "score_suite",
           "use"]

if TYPE_CHECKING:

    def __getattr__(name: str) -> _Any: ...

else:

    def __getattr__(name):
        """``check_conv2d`` is ``check`` of ``"conv2d"``, and so for every operation."""
        from minicnn.nn import functional

        if name.removeprefix("check_") in functional.__all__ and name.startswith("check_"):
            return _functools.partial(check, name.removeprefix("check_"))
        return _hints(globals())(name)
