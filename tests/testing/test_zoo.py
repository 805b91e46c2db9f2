"""The table of cases catches every bug of the zoo; and suites are scored."""

from __future__ import annotations

import functools
import warnings
from typing import Any

import numpy as np
import pytest

import minicnn as mc
import minicnn.nn.functional as F
from minicnn.errors import OptionError
from minicnn.testing import score_suite
from minicnn.testing.zoo import ZOO
from tests.cases import reference
from tests.cases.case import Case
from tests.cases.run import run_minicnn
from tests.cases.table import CASES


def agrees(case: Case) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found, expected = run_minicnn(case), reference.load(case)
    assert found.keys() == expected.keys()
    for name, value in expected.items():
        assert found[name].shape == value.shape
        np.testing.assert_allclose(found[name], value, *case.tolerance)


def a_square_weight_is_transposed() -> None:
    assert F.linear(mc.tensor([[1.0, 2.0]]), mc.tensor([[0.0, 1.0], [2.0, 3.0]])).tolist() == [[2.0, 8.0]]


@pytest.mark.parametrize("operation", sorted({bug.operation for bug in ZOO.values()}))
def test_our_own_tests_catch_every_bug(operation: str) -> None:
    tests: list[Any] = [functools.partial(agrees, case) for case in CASES if case.op == f"nn.functional.{operation}"]
    tests.append(a_square_weight_is_transposed)
    score = score_suite(tests, [bug for bug in ZOO.values() if bug.operation == operation])
    assert [bug.name for bug in score.missed] == []


def test_the_zoo_has_some_forty_bugs_each_with_a_story() -> None:
    assert len(ZOO) >= 40
    assert [bug.name for bug in ZOO.values() if not bug.story] == []


def test_a_weak_suite_is_told_what_it_misses() -> None:
    def test_values() -> None:
        assert F.relu(mc.tensor([-1.0, 2.0])).tolist() == [0.0, 2.0]

    def test_gradient_at_zero() -> None:
        x = mc.zeros(1, requires_grad=True)
        F.relu(x).sum().backward()
        assert x.grad.tolist() == [0.0]

    bugs = [bug for bug in ZOO.values() if bug.operation == "relu"]
    weak, strong = score_suite(test_values, bugs), score_suite([test_values, test_gradient_at_zero], bugs)
    assert (weak.share, strong.share) == (0.0, 1.0)
    assert "missed  relu: gradient of one at zero" in str(weak)
    assert strong.caught["relu: gradient of one at zero"] == "test_gradient_at_zero"


def test_layers_have_the_bug_while_it_is_installed() -> None:
    layer = mc.nn.MaxPool2d(2, padding=1)
    x = -mc.ones(1, 1, 2, 2)
    with ZOO["max_pool2d: zero padding"].installed():
        assert float(layer(x).max()) == 0.0
    assert float(layer(x).max()) == -1.0


def test_a_suite_that_fails_by_itself_is_refused() -> None:
    def test_broken() -> None:
        raise AssertionError

    with pytest.raises(OptionError, match="test_broken"):
        score_suite(test_broken)
