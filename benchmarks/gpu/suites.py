"""The suites of a CUDA device, by name."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator

from benchmarks.case import Row, Settings
from benchmarks.gpu.forms import forms
from benchmarks.gpu.kernels import kernels
from benchmarks.gpu.memory import memory
from benchmarks.gpu.roofline import roofline
from benchmarks.gpu.steps import graphs, inference, training_steps

SUITES: dict[str, Callable[[Settings, Callable[[str, str], bool]], Iterator[Row]]] = {
    "steps": training_steps,
    "graphs": graphs,
    "inference": inference,
    "memory": memory,
    "roofline": roofline,
    "forms": forms,
    "kernels": kernels,
}


def rows(settings: Settings) -> Iterator[Row]:
    """Every figure that was asked for, as it is found."""
    for name, suite in SUITES.items():
        for row in suite(settings, functools.partial(settings.wants, suites=tuple(SUITES))):
            yield {"suite": name, **row}
