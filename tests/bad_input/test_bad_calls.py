"""Bad input gets an error that teaches or PyTorch's own result: never a wrong answer, never NumPy's own traceback."""

from __future__ import annotations

from collections.abc import Callable

from hypothesis import given, settings

from tests.bad_input import right_calls, right_layers, right_training
from tests.bad_input.judge import judge
from tests.bad_input.strategies import Call, bad_calls

EXAMPLES = 100


def test_of(family: tuple[Call, ...]) -> Callable[[], None]:
    """A test of ``EXAMPLES`` spoiled calls of one family, the same ones in every run; it counts them."""

    def test() -> None:
        judged: list[Call] = []

        @settings(max_examples=EXAMPLES, derandomize=True, database=None, deadline=None)
        @given(call=bad_calls(*family))
        def each(call: Call) -> None:
            judged.append(call)
            judge(call)

        each()
        assert len(judged) >= EXAMPLES

    return test


FAMILIES = {
    name: family
    for module in (right_calls, right_layers, right_training)
    for name, family in vars(module).items()
    if isinstance(family, tuple)
}
for _name, _family in FAMILIES.items():
    globals()[f"test_{_name.lower()}"] = test_of(_family)
del test_of


def test_a_run_generates_thousands_of_calls() -> None:
    assert len(FAMILIES) * EXAMPLES >= 2_000
