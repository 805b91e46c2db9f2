"""Cases of ``minicnn.ops.einsum``."""

from __future__ import annotations

from tests.cases.case import Case, Maker, normal


def _case(equation: str, *inputs: Maker, variant: str = "") -> Case:
    return Case("einsum", lambda t, *x: t.einsum(equation, *x), inputs, variant or equation)


CASES: list[Case] = [
    _case("ij,jk->ik", normal(2, 3), normal(3, 2)),
    _case("bij,bjk", normal(2, 2, 3), normal(2, 3, 2)),
    _case("ii->i", normal(3, 3)),
    _case("ii", normal(3, 3)),
    _case("ij->ji", normal(2, 3)),
    _case("ij->", normal(2, 3)),
    _case("i,j->ji", normal(2), normal(3)),
    _case("...ij,...jk->...ik", normal(2, 1, 2, 2), normal(3, 2, 1)),
    _case("ij,jk,k->i", normal(2, 3), normal(3, 2), normal(2)),
    _case("i,i", normal(4), normal(4)),
    _case("ij,ij->j", normal(2, 3), normal(1, 3), variant="a size of 1"),
]
