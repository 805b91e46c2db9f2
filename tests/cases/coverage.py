"""Which operations the table of cases leaves out."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Iterator
from typing import Any
from unittest import mock

import minicnn as mc
import minicnn.nn.functional
from minicnn.autograd.function import Function
from minicnn.ops import table
from tests.cases.case import Case
from tests.cases.run import forward, run_minicnn

# Families that are no operation on values: new tensors, random draws, printing, questions about a tensor and its graph.
ELSEWHERE = {
    "autograd_methods": "tests/autograd/test_engine.py",
    "creation": "tests/ops/test_creation.py",
    "legacy": "tests/ops/test_legacy.py",
    "printing": "tests/test_printing.py",
    "query": "tests/ops/test_shape.py",
    "sampling": "tests/test_random.py",
    "steps": "tests/ops/test_creation.py",
}

# Single names like that, in families that are operations otherwise.
NO_OPERATION = {
    "bernoulli_": "draws", "exponential_": "draws", "normal_": "draws", "random_": "draws", "uniform_": "draws",
    "cuda": "needs a GPU", "numpy": "for arrays on the CPU", "__array__": "for arrays on the CPU",
    "__dlpack__": "for other libraries", "__dlpack_device__": "for other libraries",
}  # fmt: skip

# Function classes that need a second device; the cases of Tensor.cpu apply them when they run on one.
BETWEEN_DEVICES = {"Alongside", "Transfer"}


def public_names() -> Iterator[str]:
    """Every public operation, as cases name them: functions, methods, in-place forms and operators."""
    yield from (f"Tensor.{name}" for name in table.convert.CASTS)
    for family in table.FAMILIES:
        if family.__name__.rpartition(".")[2] in ELSEWHERE:
            continue
        yield from getattr(family, "__all__", ())
        in_place = (f"{name}_" for name in getattr(family, "IN_PLACE", ()))
        for name in (*in_place, *getattr(family, "METHODS", ()), *getattr(family, "OPERATORS", ())):
            if name not in NO_OPERATION:
                yield f"Tensor.{name}"
    yield from (f"nn.functional.{name}" for name in minicnn.nn.functional.__all__)


def names_without_a_case(cases: list[Case]) -> list[str]:
    """Public operations that no case calls by that name, be it as a function or as a method."""
    covered = {case.op.rpartition(".")[2] for case in cases}
    return sorted({name for name in public_names() if name.rpartition(".")[2] not in covered})


def functions_without_a_case(cases: list[Case]) -> list[str]:
    """Function classes of the package that no case runs, forward, backward or twice backward."""
    seen: set[type[Function]] = set()
    original = Function._open

    def watch(node: Function, *given: Any) -> object:
        seen.add(type(node))
        return original(node, *given)

    with mock.patch.object(Function, "_open", watch), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for case in cases:
            run_minicnn(case)
            _run_twice_backward(case)
    names = {cls.__name__ for cls in _functions(Function) if cls not in seen and not _is_base(cls)}
    return sorted(names - BETWEEN_DEVICES)


def _run_twice_backward(case: Case) -> None:
    inputs, outs = forward(case)
    tracked = [t for t in outs if t.requires_grad]
    leaves = [x for x in inputs if x.requires_grad]
    if tracked and case.second:
        firsts = mc.grad([(t * t).sum() for t in tracked], leaves, create_graph=True, allow_unused=True)
        again = [g for g in firsts if g is not None and g.requires_grad]
        if again:
            mc.grad([(g * g).sum() for g in again], leaves, allow_unused=True)


def _is_base(cls: type[Function]) -> bool:
    """Whether subclasses must give the class an attribute before it can be applied."""
    return bool(cls.__subclasses__()) and any(not hasattr(cls, name) for name in inspect.get_annotations(cls))


def _functions(cls: type[Function]) -> Iterator[type[Function]]:
    for sub in cls.__subclasses__():
        if sub.__module__.startswith(("minicnn.ops", "minicnn.nn")):
            yield sub
        yield from _functions(sub)
