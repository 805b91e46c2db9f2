"""What ``checked`` remembers of calls that were right must not let a wrong one pass."""

from __future__ import annotations

import pytest

import minicnn as mc
import minicnn.nn.functional as F
from minicnn.arguments import checked
from minicnn.errors import ArgumentError, DtypeError


@checked
def scaled(x: mc.Tensor, factor: float = 1.0, times: int = 1, *, flag: bool = False) -> tuple[object, ...]:
    return x, factor, times, flag


X = mc.ones(2)


@pytest.mark.parametrize("call", [
    lambda: scaled(X, "2"), lambda: scaled(X, 2.0, 1.0), lambda: scaled(X, 2.0, True), lambda: scaled(X, 2.0, flag=1),
    lambda: scaled(2.0, X), lambda: scaled(X, times=2.0), lambda: scaled(X, factor=None),
])  # fmt: skip
def test_a_wrong_call_is_refused_after_right_ones_and_again(call) -> None:
    for _ in range(2):
        scaled(X, 2.0, 1, flag=True)
        scaled(X, times=2, factor=1)
        with pytest.raises(DtypeError, match="scaled"):
            call()


def test_numbers_in_arrays_are_taken_out_each_time() -> None:
    for _ in range(2):
        assert scaled(X, mc.tensor(2.0), mc.tensor(3))[1:3] == (2.0, 3)
        assert type(scaled(X, mc.tensor(2.0))[1]) is float
        assert type(scaled(X, True)[1]) is int
        with pytest.raises(DtypeError):
            scaled(X, mc.ones(2))


def test_other_spellings_are_spelled_each_time() -> None:
    for _ in range(2):
        assert mc.sum(input=X, axis=0).item() == 2.0
        assert mc.sum(X, dim=0).item() == 2.0
        with pytest.raises(ArgumentError, match="unexpected"):
            mc.sum(X, axes=0)


def test_a_parameter_is_a_tensor() -> None:
    for _ in range(2):
        assert F.relu(mc.nn.Parameter(X)).tolist() == [1.0, 1.0]
