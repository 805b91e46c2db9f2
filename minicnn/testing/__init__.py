"""Tools for test suites: gradient checks, strategies, a zoo of bugs, checks of students' code, a stand-in device."""

import functools as _functools
from typing import TYPE_CHECKING
from typing import Any as _Any

from minicnn.absent import hints as _hints
from minicnn.testing.comparison import GradcheckError
from minicnn.testing.conformance import check
from minicnn.testing.divergence import find_divergence
from minicnn.testing.gradcheck import gradcheck, gradgradcheck, gradient_report
from minicnn.testing.graders import save_nbgrader, save_otter
from minicnn.testing.grading import case, conforms, grade
from minicnn.testing.recording import record
from minicnn.testing.replacement import OracleError, use
from minicnn.testing.results import save_table
from minicnn.testing.sandbox import LimitError, Sandbox, StudentError
from minicnn.testing.zoo import score_suite

__all__ = ["GradcheckError", "LimitError", "OracleError", "Sandbox", "StudentError", "case", "check", "conforms",
           "find_divergence", "gradcheck", "gradgradcheck", "gradient_report", "grade", "record", "save_nbgrader",
           "save_otter", "save_table", "score_suite", "use"]  # fmt: skip

if TYPE_CHECKING:

    def __getattr__(name: str) -> _Any: ...

else:

    def __getattr__(name):
        """``check_conv2d`` is ``check`` of ``"conv2d"``, and so for every operation."""
        from minicnn.nn import functional

        if name.removeprefix("check_") in functional.__all__ and name.startswith("check_"):
            return _functools.partial(check, name.removeprefix("check_"))
        return _hints(globals())(name)
