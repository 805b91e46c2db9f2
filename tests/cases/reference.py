"""PyTorch's results of every case, kept in the repository: ``python -m tests.cases.reference`` makes them again."""

from __future__ import annotations

import functools
from pathlib import Path

import numpy as np

from tests.cases.case import Array, Case

FILE = Path(__file__).parent.parent / "reference" / "cases.npz"


@functools.cache
def _stored() -> dict[str, Array]:
    with np.load(FILE) as stored:
        return dict(stored)


def load(case: Case) -> dict[str, Array]:
    """The stored results and gradients of ``case``; KeyError where the file has not been made since it was written."""
    start = f"{case.id}|"
    found = {key[len(start) :]: value for key, value in _stored().items() if key.startswith(start)}
    if not found:
        raise KeyError(f"{case.id} has no stored reference: run python -m tests.cases.reference with PyTorch installed")
    return found


def make() -> None:
    """Run every case in PyTorch and store what it gives."""
    from tests.cases.run import run_torch
    from tests.cases.table import CASES

    found = {f"{case.id}|{name}": value for case in CASES for name, value in run_torch(case).items()}
    np.savez_compressed(FILE, **found)
    print(f"{len(CASES)} cases, {len(found)} arrays, {FILE.stat().st_size / 1e6:.1f} MB in {FILE.name}")


if __name__ == "__main__":
    make()
