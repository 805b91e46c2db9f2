"""The whole CUDA backend, ``minicnn/backend/cupy.py`` included, on a stand-in for CuPy: every case of the table."""

from __future__ import annotations

import pytest

from tests.backend import fakecupy
from tests.backend.hostcuda import COMPILER
from tests.cases.case import Case
from tests.cases.run import run_minicnn
from tests.cases.table import CASES
from tests.test_cases import compare, ids

pytestmark = pytest.mark.skipif(COMPILER is None, reason="no C++ compiler here to build the kernels for the host")


@pytest.fixture(autouse=True, scope="module")
def _device() -> None:
    fakecupy.register()


@pytest.mark.parametrize("case", CASES, ids=ids)
def test_the_kernels_compute_the_same(case: Case) -> None:
    compare(run_minicnn(case, "hostcuda"), run_minicnn(case), 1e-7, 1e-9)
