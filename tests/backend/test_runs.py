"""Copies by runs: the same numbers as by assignment, for any run, dtype and memory order."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from minicnn.backend.cpu.runs import LONG, as_runs, contiguous, copy_pixels, copy_runs

Array = Any


def numbers(*shape: int, dtype: str = "float32") -> Array:
    return np.arange(1, np.prod(shape, dtype=int) + 1).reshape(shape).astype(dtype)


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64", "uint8", "int64"])
@pytest.mark.parametrize("run", [1, 2, 3, 4, 6, 16, 33, 64, 127, 128, 129, 300])
def test_every_second_run_is_copied_and_nothing_else(run: int, dtype: str) -> None:
    source, target = numbers(4, 6, run, dtype=dtype), np.zeros((4, 6, run), dtype)
    copy_runs(target[:, ::2], source[:, 1::2])
    wanted = np.zeros((4, 6, run), dtype)
    wanted[:, ::2] = source[:, 1::2]
    np.testing.assert_array_equal(target, wanted)


@pytest.mark.parametrize("shape", [(0, 3, 2), (2, 0, 2), (2, 3, 0)])
def test_nothing_to_copy(shape: tuple[int, ...]) -> None:
    copy_runs(np.zeros(shape), np.zeros(shape))
    assert contiguous(np.zeros(shape).swapaxes(0, 2)).shape == shape[::-1]


def test_a_last_axis_with_gaps_is_copied_by_numbers() -> None:
    source, target = numbers(3, 4, 10), np.zeros((3, 4, 5), "float32")
    copy_runs(target, source[..., ::2])
    np.testing.assert_array_equal(target, source[..., ::2])
    turned = np.zeros((3, 5, 4), "float32").swapaxes(1, 2)
    copy_runs(turned, source[..., ::2])
    np.testing.assert_array_equal(turned, source[..., ::2])


def test_the_same_run_may_be_read_again_and_again() -> None:
    target = np.zeros((5, 3), "float32")
    np.copyto(as_runs(target), as_runs(numbers(1, 3)))
    np.testing.assert_array_equal(target, np.broadcast_to([1, 2, 3], (5, 3)))


def test_long_runs_stay_numbers() -> None:
    assert as_runs(numbers(2, LONG // 4)).shape == (2, LONG // 4)
    assert as_runs(numbers(2, LONG // 4 - 1)).shape == (2,)


@pytest.mark.parametrize("axes", [(0, 1, 2, 3), (0, 2, 3, 1), (3, 0, 2, 1)])
def test_contiguous_is_a_copy_only_where_it_must_be(axes: tuple[int, ...]) -> None:
    x = numbers(2, 3, 4, 5)
    copy = contiguous(x.transpose(axes))
    assert (copy.base is x) == (axes == (0, 1, 2, 3))
    assert copy.flags.c_contiguous
    np.testing.assert_array_equal(copy, x.transpose(axes))
    np.testing.assert_array_equal(contiguous(x[:, :, 1:3, 2:]), x[:, :, 1:3, 2:])


@pytest.mark.parametrize("last", [True, False])
def test_pixels_are_copied_in_either_memory_order(last: bool) -> None:
    def images(h: int, w: int) -> Array:
        return numbers(2, h, w, 6).transpose(0, 3, 1, 2) if last else numbers(2, 6, h, w)

    target, source = np.zeros_like(images(4, 4)), images(8, 8)
    copy_pixels(target, source[:, :, ::2, 1::2])
    np.testing.assert_array_equal(target, source[:, :, ::2, 1::2])
