"""Cases of ``minicnn.ops.pad``, and of the paddings that repeat pixels."""

from __future__ import annotations

from typing import Any

from tests.cases.case import Case, normal


def _case(shape: tuple[int, ...], amounts: tuple[int, ...], variant: str, **options: Any) -> Case:
    def call(t: Any, x: Any) -> Any:
        return t.nn.functional.pad(x, amounts, **options)

    return Case("nn.functional.pad", call, (normal(*shape),), variant)


CASES = [
    _case((2, 2, 3, 4), (1, 2, 0, 1), "constant", value=1.5),
    _case((2, 3), (1, 0, 2, 1), "every dimension"),
    _case((2, 2, 3, 4), (-1, 2, 1, -1), "cropping"),
    _case((2, 2, 4), (2, 1), "reflect 1d", mode="reflect"),
    _case((2, 2, 3, 4), (3, 2, 1, 2), "reflect", mode="reflect"),
    _case((2, 3, 4), (3, -1, -1, 2), "reflect cropping unbatched", mode="reflect"),
    _case((2, 2, 4), (5, 1), "replicate 1d", mode="replicate"),
    _case((2, 2, 3, 4), (3, 2, 1, 4), "replicate", mode="replicate"),
    _case((2, 2, 4), (4, 1), "circular 1d", mode="circular"),
    _case((2, 2, 3, 4), (3, 2, 1, 3), "circular", mode="circular"),
    _case((1, 2, 2, 3, 2), (1, 0, 2, 1, 1, 1), "circular 3d", mode="circular"),
]
