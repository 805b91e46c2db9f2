"""Python's numbers as arrays: the same bits as without, whatever the number."""

import math

import numpy as np
import pytest

from minicnn.backend.numbers import quick

NUMBERS = [0.0, -0.0, 1.0, -1.0, 0.1, 1e300, -math.inf, math.nan, 1e-45, 0, 1, -7, 1 << 24, (1 << 24) + 1, 1 << 40]


@pytest.mark.parametrize("number", NUMBERS, ids=str)
@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_arithmetic_has_the_bits_of_the_number_itself(number: float, dtype: str) -> None:
    x = np.array([-0.0, 0.0, 3.0, -2.5], dtype)
    with np.errstate(all="ignore"):
        for _ in range(2):  # once made, once found
            for operation in (np.add, np.subtract, np.multiply, np.divide):
                assert operation(x, quick(number, x)).tobytes() == operation(x, number).tobytes()


def test_zeros_keep_their_signs() -> None:
    x = np.ones(1, "float32")
    assert [math.copysign(1, (x * quick(zero, x))[0]) for zero in (0.0, -0.0, 0.0)] == [1, -1, 1]


def test_what_is_kept_cannot_be_changed_and_is_bounded() -> None:
    x = np.ones(1, "float32")
    kept = quick(0.3, x)
    assert kept is quick(0.3, x)
    assert not kept.flags.writeable
    for number in range(1, 10_000):
        quick(number / 7, x)
    assert quick(0.3, x) is not kept
