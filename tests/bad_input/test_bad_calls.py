"""Bad input gets an error that teaches or PyTorch's own result: never a wrong answer, never NumPy's own traceback."""

from __future__ import annotations

from collections.abc import Callable

from hypothesis import given, settings

from tests.bad_input import right_calls, right_layers, right_training
from tests.bad_input.judge import judge
from tests.bad_input.strategies import Call, bad_calls

EXAMPLES = 100

STILL_FINDING = {"NORM", "LOSS", "ARITHMETIC"}
"""Families whose spoiled calls still find differences of rule from PyTorch; each joins when what it finds is mended."""


def test_of(family: tuple[Call, ...]) -> Callable[[], None]:
    """A test of ``EXAMPLES`` spoiled calls of one family, the same ones in every run."""

    @settings(max_examples=EXAMPLES, derandomize=True, database=None, deadline=None)
    @given(call=bad_calls(*family))
    def test(call: Call) -> None:
        judge(call)

    return test


for _name, _family in (vars(right_calls) | vars(right_layers) | vars(right_training)).items():
    if isinstance(_family, tuple) and _name not in STILL_FINDING:
        globals()[f"test_{_name.lower()}"] = test_of(_family)
del test_of
