"""Cases of ``minicnn.ops.index``: every kind of key, read and written."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.cases.case import Case, Maker, given, normal
from tests.cases.forms import call

PLACES = given(1, 0, 1, dtype="int64")
MASK = given([[True, False, True], [False, True, True]], dtype="bool")


def _read(variant: str, key: Callable[..., Any], *inputs: Maker) -> Case:
    return Case("Tensor.__getitem__", lambda t, x, *rest: x[key(*rest)], inputs, variant)


def _write(variant: str, key: Callable[..., Any], *inputs: Maker, number: float | None = None) -> Case:
    def run(t: Any, x: Any, *rest: Any) -> Any:
        y = x.clone()
        *indices, value = rest if number is None else (*rest, number)
        y[key(*indices)] = value
        return y

    return Case("Tensor.__setitem__", run, inputs, variant)


def _put(op: str, x: Maker, index: Maker, values: Maker, variant: str = "", accumulate: bool = False) -> Case:
    method = op.rpartition(".")[2]

    def run(t: Any, x: Any, index: Any, values: Any) -> Any:
        return getattr(x.clone(), method)((index,), values, accumulate)

    return Case(op, run, (x, index, values), variant)


def _filled(x: Any) -> Any:
    x.narrow(0, 1, 2).zero_()
    return x


CASES: list[Case] = [
    _read("number", lambda: 1, normal(2, 3)),
    _read("numbers", lambda: (0, -1), normal(2, 3)),
    _read("slices", lambda: (slice(None), slice(1, None, 2)), normal(2, 5)),
    _read("ellipsis", lambda: (..., 0), normal(2, 3, 2)),
    _read("new dimension", lambda: (None, 0, ..., None), normal(2, 3)),
    _read("empty", lambda: slice(2, 2), normal(3, 2)),
    _read("tensor", lambda k: k, normal(2, 3), PLACES),
    _read("slice and tensor", lambda k: (slice(None), k), normal(3, 2), PLACES),
    _read("tensors", lambda k, m: (k, m), normal(2, 3), PLACES, given(2, 2, 0, dtype="int64")),
    _read("tensors apart", lambda k, m: (k, slice(None), m), normal(2, 2, 3), PLACES, given(2, 2, 0, dtype="int64")),
    _read("broadcast tensors", lambda k, m: (k, m), normal(2, 3), given([[0], [1]], dtype="int64"), PLACES),
    _read("list", lambda: [1, 1, 0], normal(2, 3)),
    _read("mask", lambda m: m, normal(2, 3), MASK),
    _read("mask of rows", lambda m: (m, 1), normal(2, 3), given(True, False, dtype="bool")),
    _read("0-d mask", lambda m: m, normal(2), given(True, dtype="bool")),
    _write("number", lambda: 1, normal(2, 3), normal(3)),
    _write("slices", lambda: (slice(None), slice(0, 4, 2)), normal(2, 4), normal(2, 1)),
    _write("constant", lambda: (..., 0), normal(2, 3), number=2.5),
    _write("tensor", lambda k: k, normal(3, 2), given(2, 0, dtype="int64"), normal(2, 2)),
    _write("slice and tensor", lambda k: (slice(None), k), normal(2, 3), given(2, 0, dtype="int64"), normal(2)),
    _write("mask", lambda m: m, normal(2, 3), MASK, normal(4)),
    _write("mask, constant", lambda m: m, normal(2, 3), MASK, number=0.5),
    _write("0-d value", lambda: slice(1), normal(2, 3), normal()),
    _put("index_put", normal(3, 2), given(2, 0, dtype="int64"), normal(2, 2)),
    _put("index_put", normal(2, 2), PLACES, normal(3, 2), variant="accumulate", accumulate=True),
    _put("Tensor.index_put_", normal(2, 2), PLACES, normal(3, 2), accumulate=True),
    call("select", (normal(2, 3, 2),), 1, -1),
    call("narrow", (normal(2, 4),), 1, 1, 2),
    call("narrow", (normal(4, 2),), 0, -2, 2, variant="from the end"),
    Case("narrow", lambda t, x: _filled(x.clone()), (normal(4, 2),), "edited"),
    call("Tensor.unfold", (normal(5, 2),), 0, 3, 1),
    call("Tensor.unfold", (normal(2, 6),), -1, 2, 3, variant="gaps"),
]  # fmt: skip
