"""Every case of every family."""

from __future__ import annotations

from collections import Counter
from importlib import import_module

from tests.cases.case import Case

FAMILIES = ("arithmetic", "conv", "pad", "pool", "vision")

CASES: list[Case] = [case for family in FAMILIES for case in import_module(f"tests.cases.{family}").CASES]

_twice = [name for name, number in Counter(case.id for case in CASES).items() if number > 1]
if _twice:
    raise ValueError(f"two cases of one name: {_twice}")
