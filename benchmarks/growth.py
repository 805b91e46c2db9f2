"""How the time and the peak memory of a training step grow with the batch, the image, the depth and the threads."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from typing import Any, NamedTuple

from benchmarks import memory, networks
from benchmarks.case import Case, Row, Settings, cores
from benchmarks.steps import Network, Shape, step_of
from benchmarks.timing import Wrong, timed

TOLERANCE = (3e-6, 1e-1)
"""Of the loss and of a gradient, as of ``steps``; through 16 layers more ReLUs differ."""


class Point(NamedTuple):
    """A stack of convolutions of 32 channels, and what it is given."""

    batch: int = 16
    side: int = 32
    depth: int = 4
    threads: int = 1

    @property
    def network(self) -> tuple[Network, Shape]:
        """The network, and the shape of its images."""
        return functools.partial(networks.stack, depth=self.depth), (self.batch, 3, self.side, self.side)


def axes() -> dict[str, tuple[int, ...]]:
    """The values that each size takes, while the others stay."""
    threads = [n for n in (1, 2, 4, 8, 16, 32, 64) if n <= cores()]
    return {"batch": (1, 4, 16, 64), "side": (16, 32, 64, 128), "depth": (1, 2, 4, 8, 16), "threads": tuple(threads)}


def growth(settings: Settings, wanted: Any) -> Iterator[Row]:
    """A row of time and one of memory for each value of each axis."""
    threads = max(settings.threads)
    for axis, values in axes().items():
        for value in values:
            name = f"growth {axis} {value}"
            if wanted("growth", name):
                point = Point(threads=threads)._replace(**{axis: value})
                about = {"axis": axis, "value": value, "threads": point.threads}
                yield {"case": f"{name}: time", "unit": "s", **about, **_timed(point, settings)}
                peaks = memory.peaks(f"{point.batch} {point.side} {point.depth}", point.threads)
                yield {"case": f"{name}: memory", "unit": "MB", **about, **peaks}


def _timed(point: Point, settings: Settings) -> Row:
    cases = functools.partial(_case, point)
    try:
        return timed(cases, *cases(), point.threads, 0.3 if settings.quick else 1.5, settings)
    except Wrong as found:
        return {"error": str(found)}


def _case(point: Point) -> list[Case]:
    return [Case("growth", lambda t: step_of(t, *point.network), TOLERANCE)]
