"""Each kernel alone beside PyTorch's, called again and again without waiting in between."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator

from benchmarks import kernels as cpu
from benchmarks.case import Row, Settings
from benchmarks.gpu import comparison
from benchmarks.gpu.comparison import Contest
from benchmarks.gpu.sides import MINICNN, TORCH, precision, sides

TIMES = 8
"""So many times the CPU's images, which would leave most of a card idle."""

TOLERANCE = 1e-4
"""cuDNN's float32 convolutions may be Winograd's, with larger tiles than minicnn's."""


def kernels(settings: Settings, wanted: Callable[[str, str], bool]) -> Iterator[Row]:
    """The cases of the CPU's suite, without TF32."""
    found = sides()
    for case in cpu.kernels(TIMES):
        if wanted("kernels", case.name):
            with precision(tf32=False):
                made = {name: (found[name].t, functools.partial(case.make, found[name].t))
                        for name in (TORCH, MINICNN) if name in found}  # fmt: skip
                contest = Contest(case.name, False, made, TOLERANCE)
                yield from comparison.rows(contest, 0.2 if settings.quick else 0.6, settings)
