"""Which operations the table of cases leaves out."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from unittest import mock

import minicnn as mc
import minicnn.nn.functional
from minicnn.autograd.function import Function
from minicnn.ops import table
from tests.cases.case import Case
from tests.cases.run import run_minicnn

# Names that are no operation on values: creation, random draws and questions about a tensor have tests of their own.
ELSEWHERE = {"creation": "tests/ops/test_creation.py", "fill": "tests/ops/test_creation.py"}


def public_names() -> Iterator[str]:
    """Every public operation, as cases name them."""
    for family in table.FAMILIES:
        short = family.__name__.rpartition(".")[2]
        if short not in ELSEWHERE:
            yield from getattr(family, "__all__", ())
    for name in minicnn.nn.functional.__all__:
        yield f"nn.functional.{name}"


def names_without_a_case(cases: list[Case]) -> list[str]:
    """Public operations that no case calls by that name (as a function or as a method)."""
    covered = {case.op for case in cases} | {case.op.rpartition(".")[2] for case in cases}
    return sorted(name for name in public_names() if name not in covered and name.rpartition(".")[2] not in covered)


def functions_without_a_case(cases: list[Case]) -> list[str]:
    """Function classes of the package whose forward no case runs, forward, backward or twice backward."""
    seen: set[type[Function]] = set()
    original = Function._open

    def watch(node: Function, inputs: tuple[object, ...]) -> object:
        seen.add(type(node))
        return original(node, inputs)

    with mock.patch.object(Function, "_open", watch), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for case in cases:
            run_minicnn(case)
            _run_twice_backward(case)
    return sorted(cls.__name__ for cls in _functions(Function) if cls not in seen)


def _run_twice_backward(case: Case) -> None:
    from tests.cases.run import forward

    inputs, outs = forward(case)
    tracked = [t for t in outs if t.requires_grad]
    leaves = [x for x in inputs if x.requires_grad]
    if tracked and case.second:
        firsts = mc.grad([(t * t).sum() for t in tracked], leaves, create_graph=True, allow_unused=True)
        again = [g for g in firsts if g is not None and g.requires_grad]
        if again:
            mc.grad([(g * g).sum() for g in again], leaves, allow_unused=True)


def _functions(cls: type[Function]) -> Iterator[type[Function]]:
    for sub in cls.__subclasses__():
        if sub.__module__.startswith("minicnn.ops") or sub.__module__.startswith("minicnn.nn"):
            yield sub
        yield from _functions(sub)
