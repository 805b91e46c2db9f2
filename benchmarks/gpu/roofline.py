"""What limits each kernel of a step: its bytes and operations, its time, and what the card could do at best.

The limits are measured on the card, in the same run: what copying moves, and what large products compute.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import minicnn as mc
from benchmarks.case import Row, Settings
from benchmarks.gpu import card, comparison
from benchmarks.gpu.costs import Cost
from benchmarks.gpu.record import recorded
from benchmarks.gpu.sides import MINICNN, precision, sides
from benchmarks.gpu.steps import cases
from benchmarks.steps import Network, Shape
from minicnn.backend import backend_for
from minicnn.backend.cuda.launch import source

COPY = """
extern "C" __global__ void copy(Index count, const STORE *x, STORE *y)
{
    EACH(i, count) y[i] = x[i];
}
"""
NUMBERS, SIDE = 1 << 26, 4096
"""What is copied, 256 MiB, and the side of the products: large enough that starting takes no part of the time."""

REPEATS, SAMPLES = 20, 9
WHOLE = "the whole step"


class Limits(NamedTuple):
    """Bytes and operations a second at best; those of float64 apart, and those of cuBLAS's products, which may use
    TF32's matrix units."""

    bytes: float
    operations: float
    doubles: float
    products: float

    def seconds(self, cost: Cost, *, product: bool) -> tuple[float, float]:
        """The least time for a cost's bytes, and that for its operations."""
        rate = self.products if product else self.operations
        return cost.bytes / self.bytes, max(cost.operations / rate, cost.doubles / self.doubles)


def roofline(settings: Settings, wanted: Callable[[str, str], bool]) -> Iterator[Row]:
    """A row for each kernel of each step, one for the step, and for each mode one with the limits."""
    for tf32 in (False, True):
        asked = [case for case in cases(settings, small=True) if wanted("roofline", f"step {case[0]}")]
        if not asked:
            return
        best = limits(tf32)
        with precision(tf32):
            for name, network, shape in asked:
                row: Row = {"case": f"step {name}", "tf32": tf32, "side": MINICNN, "unit": "s"}
                try:
                    yield from (row | found for found in kernels_of(network, shape, best))
                except Exception as error:  # a step that the card has no memory for must not end the others
                    yield row | comparison.failure(error)


def limits(tf32: bool) -> Limits:
    """What the card does at best."""
    backend: Any = backend_for(card.OURS)
    x = backend.xp.zeros(NUMBERS, "float32")
    y = backend.xp.empty_like(x)
    copying = (device_seconds(lambda: backend.launch_source(source() + COPY, "copy", x, x.size, (x, y))),
               device_seconds(lambda: backend.xp.copyto(y, x)))  # fmt: skip
    with precision(tf32=False):
        plain, doubles = _products_a_second("float32"), _products_a_second("float64")
    with precision(tf32):
        products = _products_a_second("float32")
    return Limits(2 * x.nbytes / min(copying), plain, doubles, products)


def _products_a_second(dtype: str) -> float:
    mc.manual_seed(0)
    x = mc.rand(SIDE, SIDE).to(card.OURS, getattr(mc, dtype)).array  # of ones or zeros a card would run cooler
    matmul = backend_for(card.OURS).matmul
    return 2.0 * SIDE**3 / device_seconds(lambda: matmul(x, x))


def kernels_of(network: Network, shape: Shape, best: Limits) -> Iterator[Row]:
    """The rows of one step."""
    step, cache = sides()[MINICNN].make(network, shape), card.cache_bytes()
    for _ in range(2):
        step()  # kernels are compiled, and the optimiser makes its buffers
    with recorded(backend_for(card.OURS)) as calls:
        step()
    for call in calls.values():
        seconds, product = device_seconds(call.again), call.kernel.startswith("product")
        moving, computing = best.seconds(call.cost, product=product)
        yield {"kernel": call.kernel, "shapes": call.shapes, "calls": call.times, **call.cost._asdict(),
               "time": seconds, "least": max(moving, computing), "fraction": max(moving, computing) / seconds,
               "limit": "memory" if moving >= computing else "arithmetic",
               "cached": call.cost.bytes < cache}  # fmt: skip
    yield {"kernel": WHOLE, "shapes": "", "calls": 1, "time": device_seconds(step), "limits": best._asdict()}


def device_seconds(work: Callable[[], Any]) -> float:
    """The device's time of ``work``: many in a CUDA graph, so that nothing waits for Python between them."""
    from minicnn.backend import cupy

    work()

    def repeated() -> None:
        for _ in range(REPEATS):
            work()

    _, replay = cupy.captured(0, repeated)
    replay()
    return events(replay) / REPEATS


def events(work: Callable[[], Any]) -> float:
    """The median time of ``work`` by the device's own clock, in seconds."""
    found = []
    for _ in range(SAMPLES):
        start, end = (mc.cuda.Event(enable_timing=True) for _ in range(2))
        start.record()
        work()
        end.record()
        found.append(start.elapsed_time(end) / 1e3)
    return statistics.median(found)
