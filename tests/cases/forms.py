"""Short ways to write cases: a function or method called with its tensors, then fixed arguments."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from typing import Any

from tests.cases.case import Case, Maker

Makers = tuple[Maker, ...]


def call(op: str, inputs: Makers, *args: Any, variant: str = "", grad: bool = True, kinks: bool = False,
         **options: Any) -> Case:  # fmt: skip
    """The function ``op``, or the first input's method of that name, of ``inputs``, ``args`` and ``options``.

    An in-place method edits a copy, since no leaf that requires a gradient can be edited; the copy is the result.
    """
    path = op.split(".")

    def run(t: Any, *tensors: Any) -> Any:
        if path[0] != "Tensor":
            return functools.reduce(getattr, path, t)(*tensors, *args, **options)
        x, *others = tensors
        found = getattr(x.clone() if edits(path[-1]) else x, path[-1])
        return found(*others, *args, **options)

    return Case(op, run, inputs, variant, grad=grad, kinks=kinks)


def edits(method: str) -> bool:
    """Whether a method of this name changes its tensor."""
    return (method.endswith("_") and not method.endswith("__")) or method in IN_PLACE_OPERATORS


IN_PLACE_OPERATORS = {
    f"__i{name}__" for name in ("add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "and", "or", "xor")
}


def forms(name: str, inputs: Makers, *args: Any, in_place: bool = True, **options: Any) -> Iterator[Case]:
    """The function ``name``, and its in-place form."""
    yield call(name, inputs, *args, **options)
    if in_place:
        yield call(f"Tensor.{name}_", inputs, *args, **options)


def attribute(name: str, *inputs: Maker) -> Case:
    """A property of a tensor, such as ``x.mT``."""
    return Case(f"Tensor.{name}", lambda t, x: getattr(x, name), inputs)
